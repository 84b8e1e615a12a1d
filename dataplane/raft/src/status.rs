//! What a node knows of its groups, for those who route and those who look.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use vane_types::LogIndex;

use crate::machine::Conf;

/// Part of a replica in its group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Follows a leader, or waits for one.
    #[default]
    Follower,
    /// Stands for election.
    Candidate,
    /// Leads.
    Leader,
}

/// A group as one of its replicas sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupStatus {
    /// The replica's own peer id.
    pub peer: u64,
    /// Its part.
    pub role: Role,
    /// Its term.
    pub term: u64,
    /// Peer that leads; 0 for none, or none known.
    pub leader: u64,
    /// Highest index known to be committed.
    pub committed: LogIndex,
    /// Index of the last entry applied here.
    pub applied: LogIndex,
    /// Index of the last entry in the log.
    pub last_index: LogIndex,
    /// Index up to which the log was truncated.
    pub truncated_index: LogIndex,
    /// The membership.
    pub conf: Conf,
    /// A change of members is logged and not applied.
    pub conf_pending: bool,
    /// At the leader: the others.
    pub peers: Vec<PeerStatus>,
}

impl GroupStatus {
    /// What the leader knows of a peer.
    pub fn peer(&self, peer: u64) -> Option<&PeerStatus> {
        self.peers.iter().find(|it| it.peer == peer)
    }
}

/// A member as the leader sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerStatus {
    /// Its peer id.
    pub peer: u64,
    /// Last entry known to be on its disk.
    pub matched: LogIndex,
    /// It answered within the last election timeout.
    pub active: bool,
    /// It is being sent a snapshot.
    pub snapshot: bool,
}

/// The little of a group's status that every request looks at. Written by the thread that
/// owns the core, read by any.
#[derive(Debug, Default)]
pub struct Watch {
    leader: AtomicU64,
    term: AtomicU64,
    committed: AtomicU64,
    applied: AtomicU64,
    serving: AtomicBool,
    log_full: AtomicBool,
}

impl Watch {
    /// Peer that leads, if one is known.
    pub fn leader(&self) -> Option<u64> {
        Some(self.leader.load(Ordering::Acquire)).filter(|it| *it != 0)
    }

    /// The replica's term.
    pub fn term(&self) -> u64 {
        self.term.load(Ordering::Acquire)
    }

    /// Index of the last entry applied here.
    pub fn applied(&self) -> LogIndex {
        self.applied.load(Ordering::Acquire)
    }

    /// Entries known to be committed that are not applied here.
    pub fn lag(&self) -> u64 {
        self.committed.load(Ordering::Acquire).saturating_sub(self.applied())
    }

    /// Whether this replica leads and has applied an entry of its own term: then it has
    /// everything that was ever acknowledged.
    pub fn is_serving(&self) -> bool {
        self.serving.load(Ordering::Acquire)
    }

    /// Whether this replica leads and its log is as long as a log may get: no new commands
    /// should be proposed until it is truncated.
    pub fn is_log_full(&self) -> bool {
        self.log_full.load(Ordering::Acquire)
    }

    pub(crate) fn set_log_full(&self, full: bool) {
        self.log_full.store(full, Ordering::Release);
    }

    pub(crate) fn set(&self, leader: u64, term: u64, committed: LogIndex, serving: bool) {
        self.committed.store(committed, Ordering::Release);
        self.leader.store(leader, Ordering::Release);
        self.term.store(term, Ordering::Release);
        self.serving.store(serving, Ordering::Release);
    }

    pub(crate) fn set_applied(&self, applied: LogIndex) {
        self.applied.store(applied, Ordering::Release);
    }
}
