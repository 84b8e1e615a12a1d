//! What a node knows of its groups, for those who route and those who look.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use vane_types::{GroupId, LogIndex, PeerId, Term};

use crate::config::CAUGHT_UP_ENTRIES;
use crate::leaders::Leaders;
use crate::machine::Conf;
use crate::pace::Turns;
use crate::told::Told;
use crate::words::Words;

/// What a replica does in its group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Follows a leader, or waits for one.
    #[default]
    Follower,
    /// Stands for election.
    Candidate,
    /// Takes the group's commands and sends them to the others.
    Leader,
}

/// A group as one of its replicas sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupStatus {
    /// Peer id of the replica that was asked.
    pub peer: PeerId,
    /// What the replica does in the group.
    pub role: Role,
    /// Latest term that the replica has seen.
    pub term: Term,
    /// Peer that leads; `None` where none does, or none is known. As JSON 0 stands for none.
    #[serde(with = "zero_for_none")]
    pub leader: Option<PeerId>,
    /// Highest index known to be committed.
    pub committed: LogIndex,
    /// Index of the last entry applied here.
    pub applied: LogIndex,
    /// Index of the last entry in the log.
    pub last_index: LogIndex,
    /// Index up to which the log was truncated.
    pub truncated_index: LogIndex,
    /// Membership as of the last change that is applied here.
    pub conf: Conf,
    /// A change of members is logged and not applied.
    pub conf_pending: bool,
    /// The replica takes a snapshot in; until that is done `applied` is what it had before.
    #[serde(default)]
    pub installing: bool,
    /// At the leader, what it knows of the other members; empty elsewhere.
    pub peers: Vec<PeerStatus>,
}

impl GroupStatus {
    /// When this view was.
    pub fn seen(&self) -> Seen {
        Seen { term: self.term, applied: self.applied }
    }

    /// What the leader knows of a peer.
    pub fn peer(&self, peer: PeerId) -> Option<&PeerStatus> {
        self.peers.iter().find(|status| status.peer == peer)
    }
}

/// Names the member that is to lead next, by the view of the leader here; `None` for nobody.
pub type Heir = Box<dyn Fn(&GroupStatus) -> Option<PeerId> + Send>;

/// A leader's view of its group, by when it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Term of the leader.
    pub term: Term,
    /// Last entry that it had applied.
    pub applied: LogIndex,
}

/// A member as the leader sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerStatus {
    /// Peer id of the member.
    pub peer: PeerId,
    /// Last entry known to be on the member's disk.
    pub matched: LogIndex,
    /// The member answered lately: one that is silent is told so after one election timeout, or
    /// two at most.
    pub active: bool,
    /// A snapshot is on its way to the member, or being installed there.
    pub snapshot: bool,
    /// Last entry that the member's state machine has, as it said itself with its last answer
    /// to a heartbeat; 0 where it said nothing in this term.
    #[serde(default)]
    pub applied: LogIndex,
    /// The member said so: it has its snapshot and is taking it in.
    #[serde(default)]
    pub installing: bool,
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
    /// Bytes a second at which the log may grow; 0 where it is not slowed down.
    pace: AtomicU64,
    turns: Turns,
    told: Told,
    pub(crate) words: Words,
    /// Where it says that the leader changed.
    leaders: OnceLock<(GroupId, Arc<Leaders>)>,
}

impl Watch {
    /// Peer that leads, if one is known.
    pub fn leader(&self) -> Option<PeerId> {
        PeerId::from_raw(self.leader.load(Ordering::Acquire))
    }

    /// Latest term that the replica has seen.
    pub fn term(&self) -> Term {
        Term(self.term.load(Ordering::Acquire))
    }

    /// Index of the last entry applied here.
    pub fn applied(&self) -> LogIndex {
        LogIndex(self.applied.load(Ordering::Acquire))
    }

    /// Entries known to be committed that are not applied here.
    pub fn lag(&self) -> u64 {
        LogIndex(self.committed.load(Ordering::Acquire)).saturating_since(self.applied())
    }

    /// Whether the replica has about all that it knows to be committed, and knows who leads: what
    /// it is asked for it may soon answer.
    pub fn is_close(&self) -> bool {
        self.leader().is_some() && self.lag() <= CAUGHT_UP_ENTRIES
    }

    /// Whether this replica leads and has applied an entry of its own term: then it has
    /// everything that was ever acknowledged.
    pub fn is_serving(&self) -> bool {
        self.serving.load(Ordering::Acquire)
    }

    /// Whether this replica leads and its log is so long that commands are slowed down until
    /// it is truncated.
    pub fn is_slowed_down(&self) -> bool {
        self.pace.load(Ordering::Acquire) > 0
    }

    /// How long a command of so many bytes has to wait before it is proposed, so that the log
    /// does not outgrow its bound; `None` where that is longer than `patience`.
    pub fn turn(&self, bytes: usize, patience: Duration) -> Option<Duration> {
        match self.pace.load(Ordering::Acquire) {
            0 => Some(Duration::ZERO),
            pace => self.turns.take(Instant::now(), bytes as u64, pace, patience),
        }
    }

    /// Notes that the replica has all that was acknowledged before a read that was asked for then.
    pub fn note_told(&self, asked_at: Instant) {
        self.told.note(asked_at);
    }

    /// Whether the replica has all that was acknowledged so long ago, or longer, as far as anybody
    /// asked.
    pub fn is_within(&self, time: Duration) -> bool {
        self.told.within(time)
    }

    pub(crate) fn set_pace(&self, pace: Option<u64>) {
        self.pace.store(pace.unwrap_or(0), Ordering::Release);
    }

    pub(crate) fn set(
        &self,
        leader: Option<PeerId>,
        term: Term,
        committed: LogIndex,
        serving: bool,
    ) {
        self.committed.store(committed.0, Ordering::Release);
        let leader = PeerId::to_raw(leader);
        let led_before = self.leader.swap(leader, Ordering::AcqRel);
        self.term.store(term.0, Ordering::Release);
        // Last: whoever sees that this replica serves sees the leader and the term that go with it.
        let served_before = self.serving.swap(serving, Ordering::AcqRel);
        if (led_before, served_before) != (leader, serving)
            && let Some((group, leaders)) = self.leaders.get()
        {
            leaders.note(*group, serving);
        }
    }

    /// Has it say of a group when the leader changes.
    pub(crate) fn begin_leaders(&self, group: GroupId, leaders: Arc<Leaders>) {
        // Once: a replica that is opened anew has another watch.
        self.leaders.get_or_init(|| (group, leaders));
    }

    /// Notes that everything up to `applied` is applied. Two threads say so, in any order.
    pub(crate) fn note_applied(&self, applied: LogIndex) {
        self.applied.fetch_max(applied.0, Ordering::AcqRel);
    }
}

/// JSON of a peer that may be none: 0 stands for none.
mod zero_for_none {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use vane_types::PeerId;

    pub(super) fn serialize<S: Serializer>(
        peer: &Option<PeerId>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        PeerId::to_raw(*peer).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<PeerId>, D::Error> {
        u64::deserialize(deserializer).map(PeerId::from_raw)
    }
}
