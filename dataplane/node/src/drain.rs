//! A node that should not lead gives its groups other leaders: before it stops, so that
//! nobody has to wait for an election, and while its disk is full, since it would refuse
//! every write that the others have room for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use vane_placement::heir;
use vane_raft::Engine;
use vane_storage::Space;
use vane_types::{GroupId, NodeId};

use crate::liveness::Liveness;
use crate::replicas::Replicas;

/// Time for the others to take over.
const HAND_OVER_MAX: Duration = Duration::from_secs(2);
const LOOK_PAUSE: Duration = Duration::from_millis(5);

/// Hands leaderships to other nodes.
pub(crate) struct Drain {
    pub(crate) engine: Arc<Engine>,
    pub(crate) replicas: Arc<Replicas>,
    pub(crate) liveness: Arc<Liveness>,
    pub(crate) space: Arc<Space>,
}

impl Drain {
    /// Hands over what this node leads, as far as others can take it. Blocks.
    pub(crate) fn hand_over_all(&self) {
        let until = Instant::now() + HAND_OVER_MAX;
        let shards = self.replicas.all().into_iter().map(|(group, _)| group);
        // The meta group too: without a leader it takes no change until an election is over.
        let groups = shards.chain([GroupId::META]);
        // All are begun before any is waited for, so that they take the time of one.
        let given: Vec<GroupId> = groups.filter(|group| self.hand_over(*group, |_| true)).collect();
        if given.is_empty() {
            return;
        }
        while given.iter().any(|group| self.leads(*group)) && Instant::now() < until {
            pause(LOOK_PAUSE);
        }
        // What nobody took by then elects a leader when this node is gone.
        let kept = given.iter().filter(|group| self.leads(**group)).count();
        tracing::info!(handed_over = given.len() - kept, kept, "leadership went to other nodes");
    }

    /// Hands the shards over to nodes whose disks have room, while this one's has none. Those
    /// that nobody can take stay: reads and deletes go on here. Blocks for a moment.
    pub(crate) fn leave_full_disk(&self) {
        if self.space.check(0).is_ok() {
            return;
        }
        let shards = self.replicas.all().into_iter();
        let given =
            shards.filter(|(group, _)| self.hand_over(*group, |node| self.has_room(node))).count();
        if given > 0 {
            tracing::warn!(
                given,
                free = self.space.free(),
                "the disk is full: leadership goes to nodes that have room"
            );
        }
    }

    /// Begins to hand a group over to somebody who has its data; says whether there is somebody.
    pub(crate) fn leave(&self, group: GroupId) -> bool {
        self.hand_over(group, |node| self.is_whole(group, node))
    }

    /// Whether another node said lately that its replica of a group is in use.
    pub(crate) fn is_whole(&self, group: GroupId, node: NodeId) -> bool {
        let report = self.liveness.heard(node).and_then(|heard| heard.report);
        report.is_some_and(|report| report.broken.iter().all(|broken| broken.group != group))
    }

    /// Begins to hand one group over; says whether there is a node that may take it.
    fn hand_over(&self, group: GroupId, may_take: impl Fn(NodeId) -> bool) -> bool {
        if !self.leads(group) {
            return false;
        }
        let heir = self.engine.status(group).and_then(|status| heir(&status, may_take));
        heir.is_some_and(|peer| self.engine.transfer(group, peer).is_ok())
    }

    fn leads(&self, group: GroupId) -> bool {
        self.engine.watch(group).is_some_and(|watch| watch.is_serving())
    }

    /// Whether another node said lately that its disk is not full.
    fn has_room(&self, node: NodeId) -> bool {
        let report = self.liveness.heard(node).and_then(|heard| heard.report);
        // A report alone may be old: a node that fell silent had room when it last spoke.
        self.liveness.is_alive(node) && report.is_some_and(|report| !report.disk_full)
    }
}

/// Waits on a thread that does nothing but start or end the node.
#[allow(clippy::disallowed_methods, reason = "the thread is the caller's own, and short-lived")]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}
