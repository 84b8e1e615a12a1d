//! The vector of a point.

use std::time::Instant;

use tonic::{Response, Status};
use vane_proto::peer;
use vane_types::{Error, LogIndex, PointId, Vector};

use super::WireRead;
use crate::peers::Client;
use crate::wire::{Header, Unreadable, header_to_wire, point_id, vector_from_wire, vector_to_wire};
use crate::{Read, Replica};

/// The vector of a point, for a query that starts from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VectorOf {
    /// The point.
    pub id: PointId,
    /// Name of the vector; `""` for the unnamed one.
    pub using: String,
}

impl WireRead for VectorOf {
    type Answer = Vector;
    type Request = peer::VectorOfRequest;
    type Reply = peer::VectorOfReply;

    fn to_wire(self, header: Header) -> peer::VectorOfRequest {
        let Self { id, using } = self;
        peer::VectorOfRequest { header: Some(header_to_wire(header)), id: id.to_key(), using }
    }

    fn from_wire(request: peer::VectorOfRequest) -> Result<Self, Unreadable> {
        let peer::VectorOfRequest { id, using, .. } = request;
        Ok(Self { id: point_id(&id)?, using })
    }

    fn answer_to_wire(answer: Vector, index: LogIndex) -> peer::VectorOfAnswer {
        peer::VectorOfAnswer { index: index.0, vector: Some(vector_to_wire(answer)) }
    }

    fn answer_from_wire(answer: peer::VectorOfAnswer) -> Result<(Vector, LogIndex), Unreadable> {
        let peer::VectorOfAnswer { index, vector } = answer;
        Ok((vector_from_wire(vector)?, LogIndex(index)))
    }

    async fn call(
        client: &mut Client,
        request: peer::VectorOfRequest,
    ) -> Result<Response<peer::VectorOfReply>, Status> {
        client.vector_of(request).await
    }
}

impl Read for VectorOf {
    async fn answer<R: Replica>(self, replica: &R, deadline: Instant) -> Result<Vector, Error> {
        replica.vector_of(self, deadline).await
    }
}
