//! What is asked of a group's leader and is no command: to hand over, to change members.

use thiserror::Error;
use vane_raft::{MemberChange, ProposeError};
use vane_types::{Error as VaneError, GroupId, NodeId, PeerId};

/// What a group's leader is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaderRequest {
    /// Hand over to this peer; done once it leads.
    Transfer(PeerId),
    /// Take one step to another membership; done once that is applied.
    Change(MemberChange),
}

/// Why a leader did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotDone {
    /// Another node leads, or nobody is known to. Nothing was changed.
    #[error("group {group} is not led from there; nothing was changed")]
    NotLeader {
        /// The group.
        group: GroupId,
        /// The node that leads, if one is known.
        leader: Option<NodeId>,
    },
    /// The group is not on the node, or the node was not reached. Nothing was changed.
    #[error("{0}")]
    NoReplica(String),
    /// It is not possible now. Nothing was changed.
    #[error("{0}")]
    Refused(String),
    /// Perhaps done, or still to be.
    #[error("{0}")]
    Unknown(String),
}

impl NotDone {
    /// Whether something may have changed, or may still.
    pub fn may_have_changed(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }
}

impl From<ProposeError> for NotDone {
    fn from(error: ProposeError) -> Self {
        let text = error.to_string();
        match error {
            ProposeError::NotLeader { group, leader } => {
                Self::NotLeader { group, leader: leader.map(PeerId::node) }
            }
            ProposeError::GroupNotFound(_) => Self::NoReplica(text),
            // An entry that lost its place is never applied.
            ProposeError::Full { .. }
            | ProposeError::TooLarge { .. }
            | ProposeError::Refused { .. }
            | ProposeError::Superseded(_) => Self::Refused(text),
            // A node that stops may have handed the entry to the others already.
            ProposeError::Unknown(_) | ProposeError::Stopping => Self::Unknown(text),
        }
    }
}

impl From<NotDone> for VaneError {
    fn from(not_done: NotDone) -> Self {
        let error = Self::unavailable(not_done.to_string());
        match not_done {
            NotDone::Unknown(_) => Self { changed: vane_types::Changed::Unknown, ..error },
            NotDone::NotLeader { .. } | NotDone::NoReplica(_) | NotDone::Refused(_) => {
                error.nothing_changed()
            }
        }
    }
}
