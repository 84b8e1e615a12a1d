//! Who may take a group's leadership from a node that should not have it any more.

use vane_raft::{GroupStatus, Role};
use vane_types::{NodeId, PeerId};

use crate::shard_step::is_caught_up;

/// A voter that has the data and may take over, by the leader's own view of its group. `None`
/// when there is no such voter, and when the view is not a leader's.
pub fn heir(status: &GroupStatus, may_take: impl Fn(NodeId) -> bool) -> Option<PeerId> {
    if status.role != Role::Leader {
        return None;
    }
    let mut others = status.peers.iter();
    let fits = others.find(|peer| {
        // One that lags would have the group wait until it has caught up.
        status.conf.voters.contains(&peer.peer)
            && is_caught_up(status, peer)
            && may_take(peer.peer.node())
    });
    fits.map(|peer| peer.peer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{peer, status};
    use vane_raft::CAUGHT_UP_ENTRIES;

    #[test]
    fn the_first_voter_that_is_caught_up_and_may_takes_over() {
        let mut status = status(1, &[1, 2, 3, 4], &[5]);
        assert_eq!(heir(&status, |_| true), Some(peer(2)));
        assert_eq!(heir(&status, |node| node.0 > 2), Some(peer(3)));
        assert_eq!(heir(&status, |node| node.0 > 4), None, "a learner has no vote");
        status.peers[0].active = false;
        assert_eq!(heir(&status, |_| true), Some(peer(3)));
        status.peers[1].snapshot = true;
        assert_eq!(heir(&status, |_| true), Some(peer(4)));
        status.peers[2].matched = status.last_index.saturating_back(CAUGHT_UP_ENTRIES + 1);
        assert_eq!(heir(&status, |_| true), None);
    }

    #[test]
    fn a_follower_has_nothing_to_give() {
        let mut status = status(1, &[1, 2, 3], &[]);
        status.role = Role::Follower;
        assert_eq!(heir(&status, |_| true), None);
    }
}
