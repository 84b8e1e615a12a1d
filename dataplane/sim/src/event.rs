//! What can happen.

use vane_raft::Envelope;
use vane_types::{GroupId, LogIndex};

use crate::files::Files;

/// Something that happens at a time.
#[derive(Debug)]
pub(crate) enum Event {
    /// A process goes on; not if it has ended meanwhile.
    Step { node: u64, process: u64, step: Step },
    /// A message reaches a node.
    Arrive { from: u64, to: u64, body: Box<Body> },
    /// A node that is down starts.
    Start(u64),
    /// Links work again.
    Mend(Vec<(u64, u64)>),
    /// A client thinks of its next request.
    Client(usize),
    /// The next fault.
    Fault,
    /// Whoever changes members looks around.
    Members,
    /// Nothing goes wrong any more.
    Heal,
    /// After the healing: a look at whether all is well.
    Look,
}

/// What a process does next.
#[derive(Debug)]
pub(crate) enum Step {
    Tick,
    /// The raft thread takes what waits.
    Round,
    /// The raft thread's write is done.
    Written,
    /// The apply thread goes on.
    Apply,
    /// The snapshot thread is done with its job.
    Job,
    /// State is synced, and logs are truncated behind it.
    Maintain,
    /// A confirmed read looks into the state.
    Read(Asked, GroupId, Look),
    /// A snapshot reached its receiver, or not.
    SnapshotSent {
        group: GroupId,
        to: u64,
        ok: bool,
    },
    /// A client's request comes in.
    Begin(usize),
    /// The gateway waited long enough for an attempt, or before the next.
    Attempt {
        operation: usize,
        attempt: u64,
        send: bool,
    },
}

/// What travels between nodes.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    Raft(Envelope),
    Snapshot { announcement: Envelope, files: Files, sender: u64 },
    Ask { asked: Asked, group: GroupId, what: What },
    Answer { asked: Asked, group: GroupId, answer: Answer },
}

/// Names one attempt of a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) node: u64,
    pub(crate) process: u64,
    pub(crate) operation: usize,
    pub(crate) attempt: u64,
}

/// What a gateway wants of a leader.
#[derive(Debug, Clone)]
pub(crate) enum What {
    /// An index that is applied.
    Basis,
    Write(Vec<u8>),
    Read(Look),
}

/// A read of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) point: u64,
    pub(crate) linearizable: bool,
}

/// Leader and term of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Office {
    pub(crate) peer: u64,
    pub(crate) term: u64,
}

/// What a leader says.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Basis(LogIndex),
    Applied {
        index: LogIndex,
        office: Office,
    },
    Value {
        value: Option<u64>,
        index: LogIndex,
        office: Office,
    },
    /// Nothing happened; who leads, if that is known.
    NotLeader(Option<u64>),
    /// Nothing happened, and there is no replica.
    NoReplica,
    /// Perhaps it happened.
    Unknown,
}
