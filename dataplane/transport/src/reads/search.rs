//! The nearest points, with their records.

use std::time::Instant;

use tonic::{Response, Status};
use vane_proto::peer;
use vane_shard::{Scored, Search};
use vane_types::{Error, LogIndex};

use super::WireRead;
use crate::peers::Client;
use crate::wire::{
    Header, Unreadable, header_to_wire, need, record_from_wire, record_to_wire, search_from_wire,
    search_to_wire,
};
use crate::{Read, Replica};

impl WireRead for Search {
    type Answer = Vec<Scored>;
    type Request = peer::SearchRequest;
    type Reply = peer::SearchReply;

    fn to_wire(self, header: Header) -> peer::SearchRequest {
        let search = Some(search_to_wire(self));
        peer::SearchRequest { header: Some(header_to_wire(header)), search }
    }

    fn from_wire(request: peer::SearchRequest) -> Result<Self, Unreadable> {
        search_from_wire(request.search)
    }

    fn answer_to_wire(answer: Vec<Scored>, index: LogIndex) -> peer::SearchAnswer {
        let points = answer.into_iter().map(scored_to_wire).collect();
        peer::SearchAnswer { index: index.0, points }
    }

    fn answer_from_wire(answer: peer::SearchAnswer) -> Result<(Vec<Scored>, LogIndex), Unreadable> {
        let peer::SearchAnswer { index, points } = answer;
        let points = points.into_iter().map(scored_from_wire).collect::<Result<_, _>>()?;
        Ok((points, LogIndex(index)))
    }

    async fn call(
        client: &mut Client,
        request: peer::SearchRequest,
    ) -> Result<Response<peer::SearchReply>, Status> {
        client.search(request).await
    }
}

impl Read for Search {
    async fn answer<R: Replica>(
        self,
        replica: &R,
        deadline: Instant,
    ) -> Result<Vec<Scored>, Error> {
        replica.search(self, deadline).await
    }
}

fn scored_to_wire(scored: Scored) -> peer::ScoredRecord {
    let Scored { record, score } = scored;
    peer::ScoredRecord { record: Some(record_to_wire(record)), score }
}

fn scored_from_wire(scored: peer::ScoredRecord) -> Result<Scored, Unreadable> {
    let peer::ScoredRecord { record, score } = scored;
    Ok(Scored { record: record_from_wire(need(record, "the record of a point")?)?, score })
}
