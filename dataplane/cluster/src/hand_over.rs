//! Before a node stops: its groups get other leaders, so that nobody has to wait for an
//! election.

use std::time::{Duration, Instant};

use vane_raft::Role;
use vane_types::GroupId;

use crate::driver::is_caught_up;
use crate::inner::Inner;

/// Time for the others to take over.
const HAND_OVER_MAX: Duration = Duration::from_secs(2);
const LOOK_PAUSE: Duration = Duration::from_millis(5);

/// Hands over what this node leads, as far as others can take it. Blocks.
pub(crate) fn hand_over(inner: &Inner) {
    let until = Instant::now() + HAND_OVER_MAX;
    let groups = || inner.replicas.all().into_iter().map(|(group, _)| group).chain([GroupId::META]);
    let given: Vec<GroupId> = groups().filter(|group| give(inner, *group)).collect();
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

/// Begins to hand one group over; says whether there is somebody to take it.
fn give(inner: &Inner, group: GroupId) -> bool {
    let leads = inner.node.watch(group).is_some_and(|it| it.is_serving());
    let Some(status) = inner.node.status(group).filter(|it| leads && it.role == Role::Leader) else { return false };
    let votes = |peer: &u64| status.conf.voters.contains(peer);
    let heir = status.peers.iter().find(|it| votes(&it.peer) && is_caught_up(&status, it));
    heir.is_some_and(|it| inner.node.transfer(group, it.peer).is_ok())
}

#[allow(clippy::disallowed_methods, reason = "the thread is the caller's own, and ends the node")]
fn pause() {
    std::thread::sleep(LOOK_PAUSE);
}
