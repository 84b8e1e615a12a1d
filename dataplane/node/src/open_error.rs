//! Why a node or one of its replicas could not be opened.

use thiserror::Error;
use vane_types::{GroupId, LogIndex, NodeId, PeerId};

/// A node could not start. Nothing was changed beyond what opening databases does.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The data directory or something in it.
    #[error(transparent)]
    Storage(#[from] vane_storage::Error),
    /// A log could not be read or applied.
    #[error("{0}")]
    Log(#[from] vane_raft::StoreError),
    /// A later version has written the catalog.
    #[error("{0}")]
    TooNew(vane_catalog::OpenError),
    /// A shard's own state does not open.
    #[error(transparent)]
    Shard(vane_shard::Error),
    /// The replica was removed from here; its peer id is not used again.
    #[error("replica {peer} of group {group} was removed from this node and does not come back")]
    Buried {
        /// Shard that the replica belonged to.
        group: GroupId,
        /// Id of the removed replica.
        peer: PeerId,
    },
    /// The replica's log is gone, and its votes with it.
    #[error(
        "group {group} has no log in raft.db, but data.db has what came of its entries up to \
         {applied}: its votes are lost, and it does not vote again"
    )]
    LogLost {
        /// Shard that the replica belongs to.
        group: GroupId,
        /// Last entry whose effects are there.
        applied: LogIndex,
    },
    /// Another replica of the group is here, and nothing shows that the group let it go.
    #[error("replica {peer} of group {group} is still on this node")]
    Occupied {
        /// Shard that both replicas belong to.
        group: GroupId,
        /// The replica that is here.
        peer: PeerId,
    },
    /// The disk was a member's, and the log that its votes were in is gone.
    #[error(
        "the disk is marked as node {node} of cluster {cluster}, but its raft.db has no meta \
         group: its votes are lost. Nothing was changed; put raft.db back, or empty the directory \
         so that the node joins anew"
    )]
    VotesLost {
        /// The node that the disk belongs to.
        node: NodeId,
        /// Cluster that the marker names.
        cluster: uuid::Uuid,
    },
    /// A recovery was asked for on a disk that belongs to no cluster.
    #[error("the data directory belongs to no cluster: there is nothing to recover on it")]
    NoMember,
    /// What the disk kept of starts.
    #[error(transparent)]
    Lives(#[from] vane_transport::DamagedLives),
    /// The cluster refused the disk: it is an older copy, or its node was removed.
    #[error("{0}")]
    Refused(String),
    /// The token that calls between nodes carry cannot be used.
    #[error(transparent)]
    Token(#[from] vane_transport::TokenError),
    /// A thread could not be started.
    #[error("failed to start a thread: {0}")]
    Thread(#[from] std::io::Error),
}

impl From<vane_catalog::OpenError> for OpenError {
    fn from(error: vane_catalog::OpenError) -> Self {
        match error {
            vane_catalog::OpenError::Store(error) => Self::Log(error),
            too_new @ vane_catalog::OpenError::TooNew { .. } => Self::TooNew(too_new),
        }
    }
}

impl OpenError {
    /// Whether a later version wrote what is on the disk: this one can never open it.
    pub fn is_too_new(&self) -> bool {
        matches!(self, Self::TooNew(_) | Self::Storage(vane_storage::Error::TooNew { .. }))
    }

    pub(crate) fn of_shard(error: vane_shard::Error) -> Self {
        match error {
            vane_shard::Error::Storage(error) => Self::Storage(error),
            other => Self::Shard(other),
        }
    }
}

/// What a caller on another node or a client is told of it.
pub(crate) fn internal(error: impl std::fmt::Display) -> vane_types::Error {
    vane_types::Error::internal(error.to_string())
}
