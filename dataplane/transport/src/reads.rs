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

pub use basis::Basis;
pub use count::Count;
pub use fetch::Fetch;
pub use hold::Hold;
pub use info::InfoOf;
pub use resolve::Resolve;
pub use retrieve::Retrieve;
pub use vane_shard::Scroll;
pub use vector_of::VectorOf;
