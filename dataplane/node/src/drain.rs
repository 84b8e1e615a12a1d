//! A node that should not lead gives its groups other leaders: before it stops, so that
//! nobody has to wait for an election, while it is said to follow only, and while its disk is
//! full, since it would refuse every write that the others have room for.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use vane_placement::heir;
use vane_raft::{Engine, Heir};
use vane_storage::Space;
use vane_types::{GroupId, NodeId};

use crate::liveness::Liveness;
use crate::replicas::Replicas;

/// Time for the others to take over.
const HAND_OVER_MAX: Duration = Duration::from_secs(2);
/// Groups that the thread that owns them looks at in one go.
const AT_ONCE: usize = 256;
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
        // The meta group too, and first: without a leader it takes no change until an election is
        // over.
        let groups = [GroupId::META].into_iter().chain(shards).collect();
        // All are begun before any is waited for, so that they take the time of one.
        let given = self.hand_over(groups, until, |_| true);
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
        let shards = self.replicas.all().into_iter().map(|(group, _)| group).collect();
        let liveness = Arc::clone(&self.liveness);
        let until = Instant::now() + HAND_OVER_MAX;
        let given = self.hand_over(shards, until, move |node| has_room(&liveness, node)).len();
        if given > 0 {
            tracing::warn!(
                given,
                free = self.space.free(),
                "the disk is full: leadership goes to nodes that have room"
            );
        }
    }

    /// Hands over what this node leads, the meta group too, to nodes that answer and are not among
    /// `following`, which lead nothing either. What nobody can take stays. Blocks for a moment.
    pub(crate) fn lead_nothing(&self, following: BTreeSet<NodeId>) {
        let shards = self.replicas.all().into_iter().map(|(group, _)| group);
        let groups = [GroupId::META].into_iter().chain(shards).collect();
        let liveness = Arc::clone(&self.liveness);
        let may_take = move |node| !following.contains(&node) && liveness.is_alive(node);
        let until = Instant::now() + HAND_OVER_MAX;
        let given = self.hand_over(groups, until, may_take).len();
        if given > 0 {
            tracing::info!(given, "this node only follows: leadership goes to others");
        }
    }

    /// Begins to hand a group over to somebody who has its data; says whether there is somebody.
    pub(crate) fn leave(&self, group: GroupId) -> bool {
        let liveness = Arc::clone(&self.liveness);
        let is_whole = move |node| is_whole(&liveness, group, node);
        !self.hand_over(vec![group], Instant::now() + HAND_OVER_MAX, is_whole).is_empty()
    }

    /// Whether another node said lately that its replica of a group is in use.
    pub(crate) fn is_whole(&self, group: GroupId, node: NodeId) -> bool {
        is_whole(&self.liveness, group, node)
    }

    /// Begins to hand over the groups that are led from here and for which there is a node that
    /// may take them; which these are. Some at a time: a thousand groups are looked at in a few
    /// milliseconds, in which the thread that owns them does nothing else.
    fn hand_over(
        &self,
        mut groups: Vec<GroupId>,
        until: Instant,
        may_take: impl Fn(NodeId) -> bool + Clone + Send + 'static,
    ) -> Vec<GroupId> {
        groups.retain(|group| self.leads(*group));
        let mut given = Vec::new();
        for some in groups.chunks(AT_ONCE) {
            if Instant::now() >= until {
                break;
            }
            let may_take = may_take.clone();
            let named: Heir = Box::new(move |status| heir(status, &may_take));
            given.extend(self.engine.hand_over(some.to_vec(), named));
        }
        given
    }

    fn leads(&self, group: GroupId) -> bool {
        self.engine.watch(group).is_some_and(|watch| watch.is_serving())
    }
}

fn is_whole(liveness: &Liveness, group: GroupId, node: NodeId) -> bool {
    let report = liveness.heard(node).and_then(|heard| heard.report);
    report.is_some_and(|report| report.broken.iter().all(|broken| broken.group != group))
}

/// Whether another node said lately that its disk is not full.
fn has_room(liveness: &Liveness, node: NodeId) -> bool {
    let report = liveness.heard(node).and_then(|heard| heard.report);
    // A report alone may be old: a node that fell silent had room when it last spoke.
    liveness.is_alive(node) && report.is_some_and(|report| !report.disk_full)
}

/// Waits on a thread that does nothing but start or end the node.
#[allow(clippy::disallowed_methods, reason = "the thread is the caller's own, and short-lived")]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}
