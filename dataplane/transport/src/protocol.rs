//! What nodes ask of each other, in their own types: proposals and what became of them, reads
//! and why one was not answered. The wire form is `vane_proto`'s, the conversion beside it.

use std::time::Instant;

use vane_raft::ProposeError;
use vane_shard::{Info, Page, Record, Scored, Search};
use vane_types::{Error, GroupId, LogIndex, NodeId, PointId, Refusal, Vector};

use crate::reads::{
    Basis, Count, Fetch, Hold, InfoOf, Resolve, Retrieve, Scroll, VectorOf, WireRead,
};

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

/// How new the answer to a read must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Freshness {
    /// Everything that was acknowledged under the leader that answers.
    #[default]
    Leader,
    /// Everything that was acknowledged before the read began, by whichever leader.
    Linearizable,
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

/// Best points of a search whose view is kept, for a [`Fetch`] of their records.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldHits {
    /// Names the view at the node that answered.
    pub token: u64,
    /// Ids and scores, best first.
    pub hits: Vec<(PointId, f32)>,
}

/// A read of one shard. The answer's type belongs to the request's, so that a reply of
/// another kind does not compile.
pub trait Read: WireRead + Clone + Sync {
    /// Answers from a replica, whatever that is: the node's own shard, or a simulated one.
    ///
    /// # Errors
    /// Those of the replica's method for this kind of read.
    fn answer<R: Replica>(
        self,
        replica: &R,
        deadline: Instant,
    ) -> impl Future<Output = Result<Self::Answer, Error>> + Send;
}

/// A replica that answers reads: one method for each kind, so that a new kind is a compile
/// error wherever it is not answered yet. All fail with [`Error`]; none changes anything.
pub trait Replica: Send + Sync {
    /// Nearest points with their records.
    fn search(
        &self,
        search: Search,
        deadline: Instant,
    ) -> impl Future<Output = Result<Vec<Scored>, Error>> + Send;
    /// Nearest points, whose records are fetched later from the same view.
    fn hold(
        &self,
        hold: Hold,
        deadline: Instant,
    ) -> impl Future<Output = Result<HeldHits, Error>> + Send;
    /// Records of points of an earlier [`Hold`].
    fn fetch(
        &self,
        fetch: Fetch,
        deadline: Instant,
    ) -> impl Future<Output = Result<Vec<Record>, Error>> + Send;
    /// Those of some points that are there.
    fn retrieve(
        &self,
        retrieve: Retrieve,
        deadline: Instant,
    ) -> impl Future<Output = Result<Vec<Record>, Error>> + Send;
    /// A page in id order.
    fn scroll(
        &self,
        scroll: Scroll,
        deadline: Instant,
    ) -> impl Future<Output = Result<Page, Error>> + Send;
    /// How many points match.
    fn count(
        &self,
        count: Count,
        deadline: Instant,
    ) -> impl Future<Output = Result<usize, Error>> + Send;
    /// The vector of a point.
    fn vector_of(
        &self,
        vector_of: VectorOf,
        deadline: Instant,
    ) -> impl Future<Output = Result<Vector, Error>> + Send;
    /// Ids that match, for a change by filter.
    fn resolve(
        &self,
        resolve: Resolve,
        deadline: Instant,
    ) -> impl Future<Output = Result<Vec<PointId>, Error>> + Send;
    /// Figures of the shard.
    fn info(
        &self,
        info: InfoOf,
        deadline: Instant,
    ) -> impl Future<Output = Result<Info, Error>> + Send;
    /// An index that the replica has applied.
    fn basis(
        &self,
        basis: Basis,
        deadline: Instant,
    ) -> impl Future<Output = Result<LogIndex, Error>> + Send;
}
