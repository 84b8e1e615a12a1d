//! What can happen.

use std::sync::Arc;

use vane_raft::{Envelope, GroupStatus, MemberChange, SnapshotFiles};
use vane_transport::{Freshness, Introduction, Life, NotDone, NotRead, Outcome, Proposal};
use vane_types::{GroupId, LogIndex, NodeId, PeerId, Term};

use crate::network::Link;
use crate::process::AnyRead;

/// Something that happens at a time.
#[derive(Debug)]
pub(crate) enum Event {
    /// A process goes on; not if it has ended meanwhile.
    Step { node: NodeId, process: u64, step: Step },
    /// A message reaches a node, from a start of another.
    Arrive { by: Life, to: NodeId, body: Box<Body> },
    /// A node that is down starts.
    Start(NodeId),
    /// Links work again.
    Mend(Vec<Link>),
    /// A client thinks of its next request.
    Client(usize),
    /// The founding goes on: the next node joins, or the collections are made.
    Found,
    /// The next fault.
    Fault,
    /// The administrator looks after replicas that are shut.
    Operate,
    /// A look at whether groups with a majority are led.
    Watch,
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
    /// State is synced, logs are truncated behind it, and a background job is done.
    Maintain,
    /// Replicas are opened and destroyed as the catalog says.
    Follow,
    /// The node asks the others whether they are there.
    Hear,
    /// The catalog is told of this start.
    Announce,
    /// The other nodes are told of this start.
    Introduce,
    /// Nobody waits any more for answers to what the so many'th round told.
    IntroduceOver(u64),
    /// The meta leader looks whether groups have their members.
    Reconcile,
    /// The meta leader has waited long enough for an answer.
    ReconcilerOver(u64),
    /// A read that may be made looks into the state, by the word of that leader.
    Read(Asked, GroupId, Arc<dyn AnyRead>, Office),
    /// A snapshot reached its receiver, or not.
    SnapshotSent {
        group: GroupId,
        to: PeerId,
        ok: bool,
    },
    /// The node tries to connect to one that ended, for the so many'th time.
    Knock(NodeId, u64),
    /// It was refused, when it had heard of the other so often.
    Refused {
        node: NodeId,
        heard: u64,
    },
    /// The coordinator has slept, or waited for an answer, long enough.
    Due(u64),
}

/// What travels between nodes.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    Raft(Envelope),
    Snapshot {
        announcement: Envelope,
        files: Arc<dyn SnapshotFiles>,
        sender: u64,
    },
    Ask {
        asked: Asked,
        group: GroupId,
        what: What,
    },
    Answer {
        asked: Asked,
        answer: Answer,
    },
    /// Which start speaks, as of a round of a process's introductions.
    Introduce {
        process: u64,
        round: u64,
        new: Box<Introduction>,
    },
    /// Who was told so; nothing where that start is refused for good.
    Introduced {
        process: u64,
        round: u64,
        answer: Result<Box<Introduction>, ()>,
    },
    Hear,
    Heard,
    Report {
        call: Call,
        groups: Vec<GroupId>,
    },
    Reported {
        call: Call,
        groups: Vec<(GroupId, GroupStatus)>,
    },
    Lead {
        call: Call,
        group: GroupId,
        wanted: LeaderRequest,
    },
    Led {
        call: Call,
        done: Result<(), NotDone>,
    },
}

/// Names one call of a coordinator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) node: NodeId,
    pub(crate) process: u64,
    pub(crate) call: u64,
}

/// Names one call of a meta leader's reconciler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) node: NodeId,
    pub(crate) process: u64,
    pub(crate) number: u64,
}

/// What a group's leader is asked to do beside commands.
#[derive(Debug, Clone)]
pub(crate) enum LeaderRequest {
    Change(MemberChange),
    Transfer(PeerId),
}

/// What a coordinator wants of a leader.
#[derive(Debug, Clone)]
pub(crate) enum What {
    Propose(Proposal),
    Read { read: Arc<dyn AnyRead>, freshness: Freshness },
}

/// Leader and term of an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Office {
    pub(crate) peer: PeerId,
    pub(crate) term: Term,
}

/// A state that was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Looked {
    /// The index that the coordinator is told.
    pub(crate) index: LogIndex,
    /// The one that the state was at.
    pub(crate) exact: LogIndex,
    /// Whether it was that of the leader.
    pub(crate) at_leader: bool,
}

/// What a replica says. Beside what a real one says stands, for the checks alone, who it was
/// and at which index. What a read found is in the read itself.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Proposed(Outcome, Office, LogIndex),
    /// With the leader by whose word.
    Read(Result<Looked, NotRead>, Office),
}
