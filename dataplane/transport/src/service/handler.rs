//! What the node behind the service does. It may be a member, or not yet one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use uuid::Uuid;
use vane_raft::Envelope;
use vane_storage::Space;
use vane_types::{Error, GroupId, NodeId};

use crate::{
    Answered, Freshness, Introduction, JoinReply, JoinRequest, LeaderRequest, Life, NodeReport,
    NotDone, NotTaken, Outcome, Proposal, Read, ReportRequest,
};

/// The node that others call.
pub trait PeerHandler: Clone + Send + Sync + 'static {
    /// What the node is once it belongs to a cluster.
    type Member: PeerMember;
    /// What the node is before that.
    type Reception: PeerReception;

    /// The member; `None` while the node waits to join a cluster or to be bootstrapped, and once
    /// the others have refused its disk.
    fn member(&self) -> Option<Arc<Self::Member>>;

    /// Who takes introductions: the member, and before it whoever opens what it has. `None` as
    /// for [`PeerHandler::member`].
    fn reception(&self) -> Option<Arc<Self::Reception>>;
}

/// The part of a member that answers before its replicas are open: who it is, and whom it knows.
pub trait PeerReception: Send + Sync + 'static {
    /// Which member it is.
    fn node_id(&self) -> NodeId;

    /// The cluster that it belongs to.
    fn cluster_id(&self) -> Uuid;

    /// Gets to know a start of another node, durably; what this node says of itself.
    ///
    /// # Errors
    /// A conflict where that start is refused for good; else it may be said again.
    fn introduce(
        &self,
        new: Introduction,
    ) -> impl Future<Output = Result<Introduction, Error>> + Send;
}

/// A node that belongs to a cluster. Who calls was checked before: only others of the cluster.
pub trait PeerMember: Send + Sync + 'static {
    /// Which member it is.
    fn node_id(&self) -> NodeId;

    /// The cluster that it belongs to.
    fn cluster_id(&self) -> Uuid;

    /// Takes a call of a start that was introduced.
    ///
    /// # Errors
    /// Why the call is not taken.
    fn check_caller(&self, caller: &Life) -> Result<(), NotTaken>;

    /// Logs a command, if this node leads the group, and waits until it is applied.
    fn propose(
        &self,
        proposal: Proposal,
        deadline: Instant,
    ) -> impl Future<Output = Outcome> + Send;

    /// Answers from this node's replica, if it leads.
    fn read<R: Read>(
        &self,
        group: GroupId,
        read: R,
        freshness: Freshness,
        deadline: Instant,
    ) -> impl Future<Output = Answered<R::Answer>> + Send;

    /// Tells of this node and of groups that it leads.
    fn report(&self, request: ReportRequest) -> impl Future<Output = NodeReport> + Send;

    /// Hands a group over or changes its members, if this node leads it.
    ///
    /// # Errors
    /// Why it is not done, or is not known to be.
    fn ask_leader(
        &self,
        group: GroupId,
        request: LeaderRequest,
        deadline: Instant,
    ) -> impl Future<Output = Result<(), NotDone>> + Send;

    /// Makes a disk a member's, or says which member it is already.
    ///
    /// # Errors
    /// Why the cluster does not take it, or could not be asked.
    fn admit(&self, request: JoinRequest) -> impl Future<Output = Result<JoinReply, Error>> + Send;

    /// Hands messages to Raft; does not wait for what comes of them.
    fn step(&self, messages: Vec<Envelope>);

    /// Where Raft's log will look for the files of a snapshot that is announced; `None` when
    /// the message announces none, or its group is not here.
    fn incoming_dir(&self, announcement: &Envelope) -> Option<PathBuf>;

    /// A file of the replica that is here which may be the same as one of a snapshot: of that
    /// name, and never changed in place. Whether it is the same is looked for by the caller.
    fn own_file(&self, group: GroupId, name: &str) -> Option<PathBuf>;

    /// Where files of snapshots are staged: on one file system with every
    /// [`PeerMember::incoming_dir`].
    fn snapshots_dir(&self) -> PathBuf;

    /// How much room its disk has.
    fn space(&self) -> &Space;
}
