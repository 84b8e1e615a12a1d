//! A page of points in id order.

use std::time::Instant;

use tonic::{Response, Status};
use vane_proto::peer;
use vane_shard::{Page, Scroll};
use vane_types::{Error, LogIndex, PointId};

use super::WireRead;
use crate::peers::Client;
use crate::wire::{
    Header, Unreadable, filter_from_wire, filter_to_wire, header_to_wire, point_id, record_to_wire,
    records_from_wire, size, want_from_wire, want_to_wire,
};
use crate::{Read, Replica};

impl WireRead for Scroll {
    type Answer = Page;
    type Request = peer::ScrollRequest;
    type Reply = peer::ScrollReply;

    fn to_wire(self, header: Header) -> peer::ScrollRequest {
        let Self { filter, offset, limit, want } = self;
        peer::ScrollRequest {
            header: Some(header_to_wire(header)),
            filter: filter.map(filter_to_wire),
            offset: offset.map(PointId::to_key),
            limit: limit as u64,
            want: Some(want_to_wire(want)),
        }
    }

    fn from_wire(request: peer::ScrollRequest) -> Result<Self, Unreadable> {
        let peer::ScrollRequest { filter, offset, limit, want, .. } = request;
        Ok(Self {
            filter: filter.map(filter_from_wire).transpose()?,
            offset: offset.map(|key| point_id(&key)).transpose()?,
            limit: size(limit)?,
            want: want_from_wire(want)?,
        })
    }

    fn answer_to_wire(answer: Page, index: LogIndex) -> peer::ScrollAnswer {
        let Page { records, next } = answer;
        peer::ScrollAnswer {
            index: index.0,
            records: records.into_iter().map(record_to_wire).collect(),
            next: next.map(PointId::to_key),
        }
    }

    fn answer_from_wire(answer: peer::ScrollAnswer) -> Result<(Page, LogIndex), Unreadable> {
        let peer::ScrollAnswer { index, records, next } = answer;
        let next = next.map(|key| point_id(&key)).transpose()?;
        Ok((Page { records: records_from_wire(records)?, next }, LogIndex(index)))
    }

    async fn call(
        client: &mut Client,
        request: peer::ScrollRequest,
    ) -> Result<Response<peer::ScrollReply>, Status> {
        client.scroll(request).await
    }
}

impl Read for Scroll {
    async fn answer<R: Replica>(self, replica: &R, deadline: Instant) -> Result<Page, Error> {
        replica.scroll(self, deadline).await
    }
}
