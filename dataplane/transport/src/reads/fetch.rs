//! Records of a search whose view was kept.

use std::time::Instant;

use tonic::{Response, Status};
use vane_proto::peer;
use vane_shard::{Record, Want};
use vane_types::{Error, LogIndex};

use super::WireRead;
use crate::peers::Client;
use crate::wire::{
    Header, Unreadable, header_to_wire, record_to_wire, records_from_wire, size, want_from_wire,
    want_to_wire,
};
use crate::{Read, Replica};

/// Records of some points of an earlier [`super::Hold`], from the view that scored them. Lets
/// the view go.
#[derive(Debug, Clone)]
pub struct Fetch {
    /// Names the view; from [`crate::HeldHits`].
    pub token: u64,
    /// Places in the held result, from 0.
    pub places: Vec<usize>,
    /// What to return of each.
    pub want: Want,
}

impl WireRead for Fetch {
    type Answer = Vec<Record>;
    type Request = peer::FetchRequest;
    type Reply = peer::FetchReply;

    fn to_wire(self, header: Header) -> peer::FetchRequest {
        let Self { token, places, want } = self;
        peer::FetchRequest {
            header: Some(header_to_wire(header)),
            token,
            places: places.into_iter().map(|place| place as u64).collect(),
            want: Some(want_to_wire(want)),
        }
    }

    fn from_wire(request: peer::FetchRequest) -> Result<Self, Unreadable> {
        let peer::FetchRequest { token, places, want, .. } = request;
        let places = places.into_iter().map(size).collect::<Result<_, _>>()?;
        Ok(Self { token, places, want: want_from_wire(want)? })
    }

    fn answer_to_wire(answer: Vec<Record>, index: LogIndex) -> peer::FetchAnswer {
        let records = answer.into_iter().map(record_to_wire).collect();
        peer::FetchAnswer { index: index.0, records }
    }

    fn answer_from_wire(answer: peer::FetchAnswer) -> Result<(Vec<Record>, LogIndex), Unreadable> {
        let peer::FetchAnswer { index, records } = answer;
        Ok((records_from_wire(records)?, LogIndex(index)))
    }

    async fn call(
        client: &mut Client,
        request: peer::FetchRequest,
    ) -> Result<Response<peer::FetchReply>, Status> {
        client.fetch(request).await
    }
}

impl Read for Fetch {
    async fn answer<R: Replica>(
        self,
        replica: &R,
        deadline: Instant,
    ) -> Result<Vec<Record>, Error> {
        replica.fetch(self, deadline).await
    }
}
