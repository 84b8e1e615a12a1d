//! How the coordinator reaches replicas: a trait, so that it knows neither sockets nor Raft.

use std::time::{Duration, Instant};

use vane_transport::{Answered, Freshness, Outcome, Proposal, Read};
use vane_types::{Error, GroupId, LogIndex, NodeId};

/// Replicas of all groups, wherever they are, with the clock that requests are timed by. The
/// node reaches them over its own engine and the peer protocol; the simulator over its own
/// network and time.
pub trait Shards: Send + Sync + 'static {
    /// Number of the node that routes.
    fn me(&self) -> NodeId;

    /// The time, by the clock that deadlines are compared with.
    fn now(&self) -> Instant;

    /// Waits, by the same clock as [`Shards::now`].
    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send;

    /// Runs work that takes a while where it holds nothing up.
    ///
    /// # Errors
    /// [`vane_types::ErrorKind::Internal`] where the work panicked.
    fn offload<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = Result<T, Error>> + Send;

    /// Node that leads a group, as this node's own replica knows.
    fn watched_leader(&self, group: GroupId) -> Option<NodeId>;

    /// Whether this node has a replica of a group that answers, and that is about where its leader
    /// is.
    fn is_close(&self, group: GroupId) -> bool;

    /// Last index that this node's own replica applied, if it has one.
    fn applied_here(&self, group: GroupId) -> Option<LogIndex>;

    /// Whether a node answered lately.
    fn is_alive(&self, node: NodeId) -> bool;

    /// Refuses what would grow while this node's disk is full.
    ///
    /// # Errors
    /// [`vane_types::ErrorKind::OutOfSpace`].
    fn check_room(&self) -> Result<(), Error>;

    /// Memory of this node in use, in per cent of what it may use; `None` where that is unknown.
    fn resident_percent(&self) -> Option<u64>;

    /// Asks one node to read. One attempt: whom to ask, and whether again, is the caller's.
    fn read<R: Read>(
        &self,
        node: NodeId,
        group: GroupId,
        read: R,
        freshness: Freshness,
        deadline: Instant,
    ) -> impl Future<Output = Answered<R::Answer>> + Send;

    /// Hands one node a command. One attempt.
    fn propose(
        &self,
        node: NodeId,
        proposal: Proposal,
        deadline: Instant,
    ) -> impl Future<Output = Outcome> + Send;

    /// Waits until this node has applied the meta group up to `index`, and has opened and
    /// closed the replicas that follow from it.
    ///
    /// # Errors
    /// [`vane_types::ErrorKind::Timeout`] at the deadline, `Unavailable` where the node stops;
    /// the change itself is made in any case.
    fn catalog_at(
        &self,
        index: LogIndex,
        deadline: Instant,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}
