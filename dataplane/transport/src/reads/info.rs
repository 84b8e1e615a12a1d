//! Figures of a shard.

use std::time::Instant;

use tonic::{Response, Status};
use vane_proto::peer;
use vane_shard::Info;
use vane_types::{Error, FieldType, JsonPath, LogIndex};

use super::WireRead;
use crate::peers::Client;
use crate::wire::{Header, Unreadable, choice, header_to_wire, path, size};
use crate::{Read, Replica};

/// Figures of the shard, for people and for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InfoOf;

impl WireRead for InfoOf {
    type Answer = Info;
    type Request = peer::ShardInfoRequest;
    type Reply = peer::ShardInfoReply;

    fn to_wire(self, header: Header) -> peer::ShardInfoRequest {
        peer::ShardInfoRequest { header: Some(header_to_wire(header)) }
    }

    fn from_wire(_request: peer::ShardInfoRequest) -> Result<Self, Unreadable> {
        Ok(Self)
    }

    fn answer_to_wire(answer: Info, index: LogIndex) -> peer::ShardInfoAnswer {
        // No `..`: a figure that is added must travel too.
        let Info {
            points,
            vectors,
            indexed_vectors,
            segments,
            growing_rows,
            indexes_building,
            indexes_built,
            optimizing,
            payload_index_points,
            vector_bytes,
            graph_bytes,
        } = answer;
        peer::ShardInfoAnswer {
            index: index.0,
            points: points as u64,
            vectors: vectors as u64,
            indexed_vectors: indexed_vectors as u64,
            segments: segments as u64,
            growing_rows: growing_rows as u64,
            indexes_building: indexes_building as u64,
            indexes_built,
            optimizing,
            payload_indexes: payload_index_points.into_iter().map(index_to_wire).collect(),
            vector_bytes,
            graph_bytes,
        }
    }

    fn answer_from_wire(answer: peer::ShardInfoAnswer) -> Result<(Info, LogIndex), Unreadable> {
        let payload_index_points =
            answer.payload_indexes.into_iter().map(index_from_wire).collect::<Result<_, _>>()?;
        let info = Info {
            points: size(answer.points)?,
            vectors: size(answer.vectors)?,
            indexed_vectors: size(answer.indexed_vectors)?,
            segments: size(answer.segments)?,
            growing_rows: size(answer.growing_rows)?,
            indexes_building: size(answer.indexes_building)?,
            indexes_built: answer.indexes_built,
            optimizing: answer.optimizing,
            payload_index_points,
            vector_bytes: answer.vector_bytes,
            graph_bytes: answer.graph_bytes,
        };
        Ok((info, LogIndex(answer.index)))
    }

    async fn call(
        client: &mut Client,
        request: peer::ShardInfoRequest,
    ) -> Result<Response<peer::ShardInfoReply>, Status> {
        client.shard_info(request).await
    }
}

impl Read for InfoOf {
    async fn answer<R: Replica>(self, replica: &R, deadline: Instant) -> Result<Info, Error> {
        replica.info(self, deadline).await
    }
}

/// A payload index: its type, and the points that have a value in it.
type PayloadIndex = (JsonPath, (FieldType, usize));

fn index_to_wire((path, (field_type, points)): PayloadIndex) -> peer::PayloadIndexInfo {
    let field_type = match field_type {
        FieldType::Keyword => peer::FieldType::Keyword,
        FieldType::Integer => peer::FieldType::Integer,
        FieldType::Float => peer::FieldType::Float,
        FieldType::Bool => peer::FieldType::Bool,
        FieldType::Geo => peer::FieldType::Geo,
        FieldType::Datetime => peer::FieldType::Datetime,
        FieldType::Uuid => peer::FieldType::Uuid,
    };
    peer::PayloadIndexInfo {
        // As text, which both sides parse by the same rules.
        path: path.to_string(),
        field_type: field_type.into(),
        points: points as u64,
    }
}

fn index_from_wire(index: peer::PayloadIndexInfo) -> Result<PayloadIndex, Unreadable> {
    let peer::PayloadIndexInfo { path: text, field_type, points } = index;
    let field_type = match choice(field_type, "the type of a payload index")? {
        peer::FieldType::Unspecified => {
            return Err(Unreadable::Missing("the type of a payload index"));
        }
        peer::FieldType::Keyword => FieldType::Keyword,
        peer::FieldType::Integer => FieldType::Integer,
        peer::FieldType::Float => FieldType::Float,
        peer::FieldType::Bool => FieldType::Bool,
        peer::FieldType::Geo => FieldType::Geo,
        peer::FieldType::Datetime => FieldType::Datetime,
        peer::FieldType::Uuid => FieldType::Uuid,
    };
    Ok((path(&text)?, (field_type, size(points)?)))
}
