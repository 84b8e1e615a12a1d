//! A search that keeps its view.

use std::time::Instant;

use tonic::{Response, Status};
use vane_proto::peer;
use vane_shard::Search;
use vane_types::{Error, LogIndex};

use super::WireRead;
use crate::peers::Client;
use crate::wire::{Header, Unreadable, header_to_wire, point_id, search_from_wire, search_to_wire};
use crate::{HeldHits, Read, Replica};

/// A search whose records are fetched later, from the same view.
#[derive(Debug, Clone)]
pub struct Hold(pub Search);

impl WireRead for Hold {
    type Answer = HeldHits;
    type Request = peer::HoldRequest;
    type Reply = peer::HoldReply;

    fn to_wire(self, header: Header) -> peer::HoldRequest {
        let search = Some(search_to_wire(self.0));
        peer::HoldRequest { header: Some(header_to_wire(header)), search }
    }

    fn from_wire(request: peer::HoldRequest) -> Result<Self, Unreadable> {
        search_from_wire(request.search).map(Self)
    }

    fn answer_to_wire(answer: HeldHits, index: LogIndex) -> peer::HoldAnswer {
        let HeldHits { token, hits } = answer;
        // No records: those of most hits are never asked for.
        let hits =
            hits.into_iter().map(|(id, score)| peer::ScoredId { id: id.to_key(), score }).collect();
        peer::HoldAnswer { index: index.0, token, hits }
    }

    fn answer_from_wire(answer: peer::HoldAnswer) -> Result<(HeldHits, LogIndex), Unreadable> {
        let peer::HoldAnswer { index, token, hits } = answer;
        let hits = hits
            .into_iter()
            .map(|hit| point_id(&hit.id).map(|id| (id, hit.score)))
            .collect::<Result<_, _>>()?;
        Ok((HeldHits { token, hits }, LogIndex(index)))
    }

    async fn call(
        client: &mut Client,
        request: peer::HoldRequest,
    ) -> Result<Response<peer::HoldReply>, Status> {
        client.hold(request).await
    }
}

impl Read for Hold {
    async fn answer<R: Replica>(self, replica: &R, deadline: Instant) -> Result<HeldHits, Error> {
        replica.hold(self, deadline).await
    }
}
