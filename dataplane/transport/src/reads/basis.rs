//! The index of a read, and nothing else.

use std::time::Instant;

use tonic::{Response, Status};
use vane_proto::peer;
use vane_types::{Error, LogIndex};

use super::WireRead;
use crate::peers::Client;
use crate::wire::{Header, Unreadable, header_to_wire};
use crate::{Read, Replica};

/// Asks only for an index that the leader has applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Basis;

impl WireRead for Basis {
    type Answer = LogIndex;
    type Request = peer::BasisRequest;
    type Reply = peer::BasisReply;

    fn to_wire(self, header: Header) -> peer::BasisRequest {
        peer::BasisRequest { header: Some(header_to_wire(header)) }
    }

    fn from_wire(_request: peer::BasisRequest) -> Result<Self, Unreadable> {
        Ok(Self)
    }

    fn answer_to_wire(answer: LogIndex, index: LogIndex) -> peer::BasisAnswer {
        peer::BasisAnswer { index: index.0, basis: answer.0 }
    }

    fn answer_from_wire(answer: peer::BasisAnswer) -> Result<(LogIndex, LogIndex), Unreadable> {
        let peer::BasisAnswer { index, basis } = answer;
        Ok((LogIndex(basis), LogIndex(index)))
    }

    async fn call(
        client: &mut Client,
        request: peer::BasisRequest,
    ) -> Result<Response<peer::BasisReply>, Status> {
        client.basis(request).await
    }
}

impl Read for Basis {
    async fn answer<R: Replica>(self, replica: &R, deadline: Instant) -> Result<LogIndex, Error> {
        replica.basis(self, deadline).await
    }
}
