//! Why a write does not fit its collection.

use thiserror::Error;
use vane_types::limits::{
    COMMAND_BYTES_MAX, INDEX_PARAMS_BYTES_MAX, PATH_STEPS_MAX, PAYLOAD_BYTES_MAX,
    PAYLOAD_DEPTH_MAX, PAYLOAD_INDEXES_MAX, POINTS_PER_REQUEST_MAX,
};
use vane_types::{CollectionConfig, PointId, VectorKind};

/// A write that was refused before anything was logged: no variant leaves anything changed,
/// and the same write is refused again.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum Error {
    /// The collection has no vector of this name.
    #[error("Not existing vector name error: {}", unknown(name, known))]
    UnknownVector {
        /// As the request has it.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The collection has lost the vector, and got another of the name, since the write was
    /// checked.
    #[error(
        "the vector `{name}` was removed and made anew since the write was sent; send it again"
    )]
    VectorReplaced {
        /// As the request has it.
        name: String,
    },
    /// A vector is of another kind than the collection's of its name.
    #[error("the vector `{name}` of the collection is {expected}, the request has {got} for it")]
    WrongKind {
        /// As the request has it.
        name: String,
        /// What the collection has there.
        expected: VectorKind,
        /// What the request has.
        got: VectorKind,
    },
    /// A vector is longer or shorter than the collection says.
    #[error("Vector dimension error: expected dim: {expected}, got {got}{}", of_point(*point))]
    Dimension {
        /// Dimensions of the collection's vector.
        expected: usize,
        /// Dimensions of the request's vector.
        got: usize,
        /// Point that the vector was for; `None` for one that is searched by.
        point: Option<PointId>,
    },
    /// A vector has an infinity or no number at all.
    #[error("vector of point {point} has {value} at position {position}; values must be finite")]
    NotFinite {
        /// Point that the vector was for.
        point: PointId,
        /// What stands there: an infinity, or NaN.
        value: f32,
        /// Where in the vector it stands, from 0.
        position: usize,
    },
    /// More points than one request may name.
    #[error("the request names {points} points, the limit is {POINTS_PER_REQUEST_MAX}; split it")]
    TooManyPoints {
        /// Points named.
        points: usize,
    },
    /// One payload index more than a collection may have.
    #[error("the collection has {PAYLOAD_INDEXES_MAX} payload indexes, which is the most")]
    TooManyIndexes,
    /// The parameters of a payload index take more room than they may.
    #[error(
        "the parameters of the index take {bytes} bytes, the limit is {INDEX_PARAMS_BYTES_MAX}: \
         name fewer stop words"
    )]
    IndexParamsTooLarge {
        /// Bytes of their JSON.
        bytes: usize,
    },
    /// A payload would have more levels than a payload may.
    #[error(
        "a payload may be {PAYLOAD_DEPTH_MAX} levels deep, those of the key that it is set at \
         included; this one is deeper"
    )]
    PayloadTooDeep,
    /// A payload has more bytes than that of a point may have.
    #[error("a payload of {bytes} bytes is too large, the limit is {PAYLOAD_BYTES_MAX}")]
    PayloadTooLarge {
        /// Bytes of its JSON.
        bytes: usize,
    },
    /// A payload key has too many steps to write by.
    #[error("a payload key has {steps} steps, the limit is {PATH_STEPS_MAX}")]
    PathTooLong {
        /// Keys and brackets of the path.
        steps: usize,
    },
    /// More bytes than one log entry may have.
    #[error(
        "the request takes {bytes} bytes in the log, the limit is {COMMAND_BYTES_MAX}; split it"
    )]
    TooLarge {
        /// Bytes of the largest command.
        bytes: usize,
    },
}

impl Error {
    /// A collection has no vector of this name.
    pub fn unknown_vector(config: &CollectionConfig, name: String) -> Self {
        let known = config.all_vectors().map(|(name, _)| name.clone()).collect();
        Self::UnknownVector { name, known }
    }

    /// The same of a vector of this point.
    pub(crate) fn of_point(self, id: PointId) -> Self {
        match self {
            Self::Dimension { expected, got, point: None } => {
                Self::Dimension { expected, got, point: Some(id) }
            }
            error => error,
        }
    }
}

fn of_point(point: Option<PointId>) -> String {
    point.map_or_else(String::new, |point| format!(" (point {point})"))
}

/// The name in Qdrant's words; where none was given, those to choose from.
fn unknown(name: &str, known: &[String]) -> String {
    match name {
        "" if known.is_empty() => "the collection has no vectors".to_owned(),
        "" => {
            format!("none is named, and the collection has no other than `{}`", known.join("`, `"))
        }
        name => name.to_owned(),
    }
}

impl From<Error> for vane_types::Error {
    fn from(error: Error) -> Self {
        Self::bad_input(error.to_string())
    }
}
