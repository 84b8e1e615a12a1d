//! Counting points.

use std::time::Instant;

use tonic::{Response, Status};
use vane_filter::Filter;
use vane_proto::peer;
use vane_types::{Error, LogIndex};

use super::WireRead;
use crate::peers::Client;
use crate::wire::{Header, Unreadable, filter_from_wire, filter_to_wire, header_to_wire, size};
use crate::{Read, Replica};

/// How many points match.
#[derive(Debug, Clone)]
pub struct Count {
    /// All points when absent.
    pub filter: Option<Filter>,
}

impl WireRead for Count {
    type Answer = usize;
    type Request = peer::CountRequest;
    type Reply = peer::CountReply;

    fn to_wire(self, header: Header) -> peer::CountRequest {
        let filter = self.filter.map(filter_to_wire);
        peer::CountRequest { header: Some(header_to_wire(header)), filter }
    }

    fn from_wire(request: peer::CountRequest) -> Result<Self, Unreadable> {
        Ok(Self { filter: request.filter.map(filter_from_wire).transpose()? })
    }

    fn answer_to_wire(answer: usize, index: LogIndex) -> peer::CountAnswer {
        peer::CountAnswer { index: index.0, count: answer as u64 }
    }

    fn answer_from_wire(answer: peer::CountAnswer) -> Result<(usize, LogIndex), Unreadable> {
        let peer::CountAnswer { index, count } = answer;
        Ok((size(count)?, LogIndex(index)))
    }

    async fn call(
        client: &mut Client,
        request: peer::CountRequest,
    ) -> Result<Response<peer::CountReply>, Status> {
        client.count(request).await
    }
}

impl Read for Count {
    async fn answer<R: Replica>(self, replica: &R, deadline: Instant) -> Result<usize, Error> {
        replica.count(self, deadline).await
    }
}
