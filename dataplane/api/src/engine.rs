//! What of the engine the shapes are made from and into. The only file that names its crate.

pub(crate) use vane_cluster::{
    AliasChange, By, CollectionOverview, ConfigChange, GroupReport, GroupStatus, Info, Marker,
    NewPoint, NodeOverview, Prefetch, Query, Record, Role, Scored, Scroll, SearchParams, Selection,
    ShardOverview, Spread, Summary, VectorChange, Want, WantPayload, WantVectors, Wanted, Write,
    node_of,
};

use vane_cluster::Error as EngineError;

use crate::error::{Error, Kind};

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        let (kind, detail) = match error {
            EngineError::NotFound(detail) => (Kind::NotFound, detail),
            EngineError::AlreadyExists(detail) => (Kind::AlreadyExists, detail),
            EngineError::BadInput(detail) => (Kind::BadInput, detail),
            EngineError::Unsupported(detail) => (Kind::Unsupported, detail),
            EngineError::Conflict(detail) => (Kind::Conflict, detail),
            EngineError::Overloaded(detail) => (Kind::Overloaded, detail),
            EngineError::Timeout(detail) => (Kind::Timeout, detail),
            EngineError::OutOfSpace(detail) => (Kind::OutOfSpace, detail),
            EngineError::Unavailable(detail) => (Kind::Unavailable, detail),
            EngineError::Internal(detail) => (Kind::Internal, detail),
        };
        Self::new(kind, "", detail)
    }
}
