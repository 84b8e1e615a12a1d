//! Who asks, and by which door.

use std::fmt;

/// Who asks. There are no users yet; a door that knows one names it here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// Somebody who did not say, as clients of Qdrant's API.
    Anonymous,
    /// Somebody with the secret of the cluster, as operators and `vanectl`.
    Administrator,
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anonymous => "anonymous",
            Self::Administrator => "administrator",
        })
    }
}

/// The interface that a call came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Qdrant's REST API.
    Rest,
    /// Qdrant's gRPC.
    Grpc,
    /// The administration, over gRPC.
    Admin,
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rest => "rest",
            Self::Grpc => "grpc",
            Self::Admin => "admin",
        })
    }
}
