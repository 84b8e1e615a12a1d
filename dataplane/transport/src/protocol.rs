//! What nodes ask of each other, in their own types: proposals and what became of them, and why
//! a read was not answered. The wire form is `vane_proto`'s, the conversion beside it.

use std::time::Duration;

use vane_raft::{Assurance, ProposeError};
use vane_types::command::DEDUPE_WINDOW;
use vane_types::{Error, GroupId, LogIndex, NodeId, Refusal};

/// A command for a group's leader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Whose log it is for.
    pub group: GroupId,
    /// Stored form of the command.
    pub command: Vec<u8>,
    /// Replicas that must have it on disk before it is answered; 0 for a majority.
    pub replicas: u32,
    /// Index that the command names as its basis; `None` for a command without one.
    pub basis: Option<LogIndex>,
    /// It takes room on the disk for good, so that a full disk refuses it.
    pub grows: bool,
}

impl Proposal {
    /// Whether the group's leader, which has applied so much, is to ask for a newer basis: half
    /// of the window is left to the entries that come before this one.
    pub fn is_stale(&self, applied: LogIndex) -> bool {
        // Whatever a peer names: no sum of it that could overflow.
        let behind = |basis| applied.saturating_since(basis) > DEDUPE_WINDOW / 2;
        self.basis.is_some_and(behind)
    }
}

/// What became of a proposal at one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Applied at this index.
    Applied(LogIndex),
    /// Applied, and it came to a refusal; nothing was changed.
    Refused(Refusal),
    /// In no log: ask the node named, or wait for a leader.
    NotLeader(Option<NodeId>),
    /// In no log: too much is waiting.
    Full(String),
    /// In no log: the disk has no room.
    NoSpace(String),
    /// In no log: the basis is too old. Name this index or a later one.
    StaleBasis(LogIndex),
    /// In no log: no replica of the group is open here, or the node was not reached.
    NoReplica(String),
    /// Perhaps in the log.
    Unknown(String),
}

/// What a leader's own error means to the one who proposed.
impl From<ProposeError> for Outcome {
    fn from(error: ProposeError) -> Self {
        match error {
            ProposeError::Full { waiting, limit } => {
                Self::Full(format!("{waiting} bytes of writes are waiting, the limit is {limit}"))
            }
            ProposeError::TooLarge { .. } => Self::Refused(Refusal::Invalid(error.to_string())),
            ProposeError::GroupNotFound(group) => {
                Self::NoReplica(format!("group {group} is not on this node"))
            }
            ProposeError::NotLeader { leader, .. } => {
                Self::NotLeader(leader.map(|peer| peer.node()))
            }
            // It will never be applied, so that it may be logged anew.
            ProposeError::Superseded(_) => Self::NotLeader(None),
            ProposeError::Refused { why, .. } => Self::Full(why),
            ProposeError::Unknown(_) => Self::Unknown(error.to_string()),
            // Either in no log or handed to the others already.
            ProposeError::Stopping => Self::Unknown("the node is shutting down".into()),
        }
    }
}

/// How new the answer to a read must be, and who may give it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Freshness {
    /// Everything that was acknowledged under the leader, which answers.
    #[default]
    Leader,
    /// Everything that was acknowledged before the read began, by whichever leader. The leader
    /// answers.
    Linearizable,
    /// Everything that such a word, asked for so long ago at most, says to be there. Any replica
    /// answers: one that follows asks its leader how far the group is, and waits until it is there.
    Told(Assurance, Duration),
    /// What the replica that is asked has applied, once that is so much; it need not lead.
    Applied(LogIndex),
}

/// What a replica needs before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: it may answer from what it has.
    Nothing,
    /// Such a word on how far the group is, and to be there.
    Word(Assurance),
    /// To lead, which it does not.
    Office,
}

impl Freshness {
    /// The same from any replica.
    pub fn from_anyone(self) -> Self {
        match self {
            Self::Leader => Self::Told(Assurance::Leader, Duration::ZERO),
            Self::Linearizable => Self::Told(Assurance::Majority, Duration::ZERO),
            Self::Told(..) | Self::Applied(_) => self,
        }
    }

    /// What a replica needs that leads or not, and that `serves` if it leads and has all that was
    /// ever acknowledged.
    pub fn needs(self, leads: bool, serves: bool) -> Needs {
        match self {
            Self::Leader | Self::Told(Assurance::Leader, _) if serves => Needs::Nothing,
            Self::Leader => Needs::Office,
            Self::Linearizable if !leads => Needs::Office,
            Self::Linearizable => Needs::Word(Assurance::Majority),
            Self::Told(assurance, _) => Needs::Word(assurance),
            Self::Applied(_) => Needs::Nothing,
        }
    }
}

/// Why a node did not answer a read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotRead {
    /// Another node leads, or nobody is known to.
    NotLeader(Option<NodeId>),
    /// No replica of the group is open there, or the node was not reached.
    NoReplica(String),
    /// It was asked, and failed.
    Failed(Error),
}

impl From<Error> for NotRead {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// An answer, with the last index that was applied when the read was made.
pub type Answered<T> = Result<(T, LogIndex), NotRead>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leader_answers_by_itself_and_others_by_its_word() {
        let (leading, following) = ((true, true), (false, false));
        let needs = |freshness: Freshness, (leads, serves)| freshness.needs(leads, serves);
        assert_eq!(needs(Freshness::Leader, leading), Needs::Nothing);
        assert_eq!(needs(Freshness::Leader, following), Needs::Office);
        assert_eq!(needs(Freshness::Leader, (true, false)), Needs::Office, "it may lack something");
        assert_eq!(needs(Freshness::Linearizable, following), Needs::Office);
        for role in [leading, following, (true, false)] {
            let linear = Freshness::Linearizable.from_anyone();
            assert_eq!(needs(linear, role), Needs::Word(Assurance::Majority));
        }
        let anyone = Freshness::Leader.from_anyone();
        assert_eq!(needs(anyone, leading), Needs::Nothing);
        assert_eq!(needs(anyone, following), Needs::Word(Assurance::Leader));
        assert_eq!(needs(Freshness::Applied(LogIndex(1)), following), Needs::Nothing);
    }

    #[test]
    fn a_newer_basis_is_asked_for_once_half_of_the_window_is_used_up() {
        let proposal = |basis| {
            let (group, command) = (GroupId::META, Vec::new());
            Proposal { group, command, replicas: 0, basis, grows: false }
        };
        let half = LogIndex(7 + DEDUPE_WINDOW / 2);
        assert!(!proposal(Some(LogIndex(7))).is_stale(half));
        assert!(proposal(Some(LogIndex(7))).is_stale(half.next()));
        assert!(!proposal(None).is_stale(half.next()));
        assert!(!proposal(Some(LogIndex(u64::MAX))).is_stale(half), "whatever a peer names");
    }
}
