//! Points by id.

use std::time::Instant;

use tonic::{Response, Status};
use vane_proto::peer;
use vane_shard::{Record, Want};
use vane_types::{Error, LogIndex, PointId};

use super::WireRead;
use crate::peers::Client;
use crate::wire::{
    Header, Unreadable, header_to_wire, keys_of, point_ids, record_to_wire, records_from_wire,
    want_from_wire, want_to_wire,
};
use crate::{Read, Replica};

/// Those of some points that are there.
#[derive(Debug, Clone)]
pub struct Retrieve {
    /// Ids; those that are not there are left out of the answer.
    pub ids: Vec<PointId>,
    /// What to return of each.
    pub want: Want,
}

impl WireRead for Retrieve {
    type Answer = Vec<Record>;
    type Request = peer::RetrieveRequest;
    type Reply = peer::RetrieveReply;

    fn to_wire(self, header: Header) -> peer::RetrieveRequest {
        let Self { ids, want } = self;
        peer::RetrieveRequest {
            header: Some(header_to_wire(header)),
            ids: keys_of(ids),
            want: Some(want_to_wire(want)),
        }
    }

    fn from_wire(request: peer::RetrieveRequest) -> Result<Self, Unreadable> {
        let peer::RetrieveRequest { ids, want, .. } = request;
        Ok(Self { ids: point_ids(&ids)?, want: want_from_wire(want)? })
    }

    fn answer_to_wire(answer: Vec<Record>, index: LogIndex) -> peer::RetrieveAnswer {
        let records = answer.into_iter().map(record_to_wire).collect();
        peer::RetrieveAnswer { index: index.0, records }
    }

    fn answer_from_wire(
        answer: peer::RetrieveAnswer,
    ) -> Result<(Vec<Record>, LogIndex), Unreadable> {
        let peer::RetrieveAnswer { index, records } = answer;
        Ok((records_from_wire(records)?, LogIndex(index)))
    }

    async fn call(
        client: &mut Client,
        request: peer::RetrieveRequest,
    ) -> Result<Response<peer::RetrieveReply>, Status> {
        client.retrieve(request).await
    }
}

impl Read for Retrieve {
    async fn answer<R: Replica>(
        self,
        replica: &R,
        deadline: Instant,
    ) -> Result<Vec<Record>, Error> {
        replica.retrieve(self, deadline).await
    }
}
