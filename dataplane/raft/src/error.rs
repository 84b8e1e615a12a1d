//! Why a command, a read or a store failed.

use thiserror::Error;
use vane_types::{GroupId, PeerId};

/// A disk failed, or holds what this version cannot read.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct StoreError(pub String);

/// A committed entry was not applied.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// It says what this version cannot read: a newer one wrote it, or it is damaged. It changed
    /// nothing, and the replica takes no entry behind it.
    #[error("{0}")]
    Unreadable(String),
    /// Its effects could not be stored: the node must stop.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A command was not applied as far as this node knows.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProposeError {
    /// More bytes wait than the node allows. The command is in no log.
    #[error(
        "{waiting} bytes of writes are waiting, the limit is {limit}; nothing was changed, \
         try again in a moment"
    )]
    Full {
        /// Bytes waiting, this command included.
        waiting: usize,
        /// The most that may wait.
        limit: usize,
    },
    /// The command is larger than an entry may be: it would not fit into a message. It is in no
    /// log, and never will be as it is.
    #[error("the write takes {bytes} bytes in the log, the limit is {limit}; split it")]
    TooLarge {
        /// Bytes of the command.
        bytes: usize,
        /// The most that one may have.
        limit: usize,
    },
    /// The group is not (or no longer) on this node. The command is in no log.
    #[error("group {0} is not on this node; nothing was changed")]
    GroupNotFound(GroupId),
    /// Another replica leads, or none. The command is in no log.
    #[error("group {group} is not led from here; nothing was changed")]
    NotLeader {
        /// Group that was asked.
        group: GroupId,
        /// Peer that leads, if one is known.
        leader: Option<PeerId>,
    },
    /// The change of members is not possible now. It is in no log.
    #[error("the members of group {group} cannot be changed now: {why}; nothing was changed")]
    Refused {
        /// Group that was to be changed.
        group: GroupId,
        /// What stands in the way now.
        why: String,
    },
    /// Another leader's entry took the place of this one, which will never be applied.
    #[error(
        "another leader took over group {0} before the write was on a majority; nothing was changed"
    )]
    Superseded(GroupId),
    /// The leader stepped down while the entry was on its way: it may or may not be applied.
    #[error("group {0} lost its leader while the write was on its way; it may still be applied")]
    Unknown(GroupId),
    /// The node is stopping. The command is in no log.
    #[error("the node is shutting down; nothing was changed")]
    Stopping,
}

/// A read was not confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReadError {
    /// Another replica leads, or none.
    #[error("group {group} is not led from here")]
    NotLeader {
        /// Group that was asked.
        group: GroupId,
        /// Peer that leads, if one is known.
        leader: Option<PeerId>,
    },
    /// The group is not on this node.
    #[error("group {0} is not on this node")]
    GroupNotFound(GroupId),
    /// More reads wait for confirmation than the group allows.
    #[error("{0} reads wait for their confirmation, try again in a moment")]
    Full(usize),
    /// The node is stopping.
    #[error("the node is shutting down")]
    Stopping,
}
