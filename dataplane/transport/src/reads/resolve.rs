//! Ids behind a filter.

use std::time::Instant;

use tonic::{Response, Status};
use vane_filter::Filter;
use vane_proto::peer;
use vane_types::{Error, LogIndex, PointId};

use super::WireRead;
use crate::peers::Client;
use crate::wire::{
    Header, Unreadable, filter_from_wire, filter_to_wire, header_to_wire, keys_of, need, point_ids,
};
use crate::{Read, Replica};

/// Ids that match, for a change by filter.
#[derive(Debug, Clone)]
pub struct Resolve {
    /// What the points must match.
    pub filter: Filter,
}

impl WireRead for Resolve {
    type Answer = Vec<PointId>;
    type Request = peer::ResolveRequest;
    type Reply = peer::ResolveReply;

    fn to_wire(self, header: Header) -> peer::ResolveRequest {
        let filter = Some(filter_to_wire(self.filter));
        peer::ResolveRequest { header: Some(header_to_wire(header)), filter }
    }

    fn from_wire(request: peer::ResolveRequest) -> Result<Self, Unreadable> {
        // One that got lost would resolve to every point of the shard.
        let filter = need(request.filter, "the filter")?;
        Ok(Self { filter: filter_from_wire(filter)? })
    }

    fn answer_to_wire(answer: Vec<PointId>, index: LogIndex) -> peer::ResolveAnswer {
        peer::ResolveAnswer { index: index.0, ids: keys_of(answer) }
    }

    fn answer_from_wire(
        answer: peer::ResolveAnswer,
    ) -> Result<(Vec<PointId>, LogIndex), Unreadable> {
        let peer::ResolveAnswer { index, ids } = answer;
        Ok((point_ids(&ids)?, LogIndex(index)))
    }

    async fn call(
        client: &mut Client,
        request: peer::ResolveRequest,
    ) -> Result<Response<peer::ResolveReply>, Status> {
        client.resolve(request).await
    }
}

impl Read for Resolve {
    async fn answer<R: Replica>(
        self,
        replica: &R,
        deadline: Instant,
    ) -> Result<Vec<PointId>, Error> {
        replica.resolve(self, deadline).await
    }
}
