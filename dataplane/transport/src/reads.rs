//! The kinds of read, one file each: request, answer, wire form and call. A new kind is a
//! file here, an rpc of the protocol, and a method of [`crate::Replica`].

mod basis;
mod count;
mod fetch;
mod hold;
mod info;
mod resolve;
mod retrieve;
mod scroll;
mod search;
mod vector_of;

use tonic::{Response, Status};
use vane_types::LogIndex;

pub use basis::Basis;
pub use count::Count;
pub use fetch::Fetch;
pub use hold::Hold;
pub use info::InfoOf;
pub use resolve::Resolve;
pub use retrieve::Retrieve;
pub use vane_shard::{Scroll, Search};
pub use vector_of::VectorOf;

use crate::peers::Client;
use crate::wire::{AnswerOf, Header, Unreadable, WireReply, WireRequest};

/// How a read and its answer travel. Only the reads of this crate do: the header of a request
/// cannot be made elsewhere.
pub trait WireRead: Sized + Send + 'static {
    /// What it answers.
    type Answer: Send + 'static;
    /// Message of the request.
    type Request: WireRequest;
    /// Message of the answer, or of why there is none.
    type Reply: WireReply;

    /// The request for a shard.
    fn to_wire(self, header: Header) -> Self::Request;

    /// Reads the request; its header was read before.
    ///
    /// # Errors
    /// What of the request this version cannot read.
    fn from_wire(request: Self::Request) -> Result<Self, Unreadable>;

    /// The answer, of a replica that had applied the log up to `index`.
    fn answer_to_wire(answer: Self::Answer, index: LogIndex) -> AnswerOf<Self>;

    /// Reads the answer and its index.
    ///
    /// # Errors
    /// What of the answer this version cannot read.
    fn answer_from_wire(answer: AnswerOf<Self>) -> Result<(Self::Answer, LogIndex), Unreadable>;

    /// Sends the request to a node.
    fn call(
        client: &mut Client,
        request: Self::Request,
    ) -> impl Future<Output = Result<Response<Self::Reply>, Status>> + Send;
}
