//! A node that should not lead gives its groups other leaders: before it stops, so that
//! nobody has to wait for an election, and while its disk is full, since it would refuse
//! every write that the others have room for.

use std::time::{Duration, Instant};

use vane_raft::{PeerStatus, Role, node_of};
use vane_types::GroupId;

use crate::driver::is_caught_up;
use crate::health::{Heard, is_alive};
use crate::inner::Inner;

/// Time for the others to take over.
const HAND_OVER_MAX: Duration = Duration::from_secs(2);
const LOOK_PAUSE: Duration = Duration::from_millis(5);

/// Hands over what this node leads, as far as others can take it. Blocks.
pub(crate) fn hand_over(inner: &Inner) {
    let until = Instant::now() + HAND_OVER_MAX;
    let groups = || inner.replicas.all().into_iter().map(|(group, _)| group).chain([GroupId::META]);
    let given: Vec<GroupId> = groups().filter(|group| give(inner, *group, |_| true)).collect();
    if given.is_empty() {
        return;
    }
    let leads = |group: &GroupId| inner.node.watch(*group).is_some_and(|it| it.is_serving());
    while given.iter().any(leads) && Instant::now() < until {
        pause();
    }
    let kept = given.iter().filter(|it| leads(it)).count();
    tracing::info!(handed_over = given.len() - kept, kept, "leadership went to other nodes");
}

/// Hands the shards over to nodes whose disks have room, while this one's has none. Those
/// that nobody can take stay: reads and deletes go on here. Blocks for a moment.
pub(crate) fn leave_full_disk(inner: &Inner) {
    if inner.space.check(0).is_ok() {
        return;
    }
    let has_room = |node: u64| {
        let told = |it: &Heard| it.report.node_id == node && !it.report.disk_full;
        is_alive(inner, node) && inner.reports.read().get(&node).is_some_and(told)
    };
    let given =
        inner.replicas.all().into_iter().filter(|(group, _)| give(inner, *group, has_room)).count();
    if given > 0 {
        tracing::warn!(
            given,
            free = inner.space.free(),
            "the disk is full: leadership goes to nodes that have room"
        );
    }
}

/// Begins to hand one group over; says whether there is a node that may take it.
fn give(inner: &Inner, group: GroupId, may_take: impl Fn(u64) -> bool) -> bool {
    let leads = inner.node.watch(group).is_some_and(|it| it.is_serving());
    let Some(status) = inner.node.status(group).filter(|it| leads && it.role == Role::Leader)
    else {
        return false;
    };
    let votes = |peer: &u64| status.conf.voters.contains(peer);
    let fits = |it: &&PeerStatus| {
        votes(&it.peer) && is_caught_up(&status, it) && may_take(node_of(it.peer))
    };
    let heir = status.peers.iter().find(fits);
    heir.is_some_and(|it| inner.node.transfer(group, it.peer).is_ok())
}

#[allow(clippy::disallowed_methods, reason = "the thread is the caller's own, and ends the node")]
fn pause() {
    std::thread::sleep(LOOK_PAUSE);
}
