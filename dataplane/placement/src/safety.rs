//! Which groups would go on without some nodes, by what their leaders know.

use std::collections::BTreeSet;

use thiserror::Error;
use vane_raft::{Conf, GroupStatus};
use vane_types::{NodeId, PeerId};

use crate::shard_step::is_caught_up;

/// Voters of a group up to which none of them can be away without a pause: each of two is needed
/// for a majority.
const VOTERS_THAT_PAUSE: usize = 2;

/// What the absence of some nodes would be to a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// It would go on.
    GoesOn,
    /// It would stand still until they are back, and lose nothing: it has one voter or two, and
    /// those that stay are up and caught up.
    Pauses,
    /// It would stand still for longer, or may lose the last copy of something.
    Harms(Harm),
}

/// Why some nodes should not go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Harm {
    /// Nobody knows how the others are.
    #[error("no leader answers")]
    NoLeader,
    /// Those that would stay are no majority.
    #[error("{ready} of its {voters} voters would be up and caught up, and {needed} are needed")]
    TooFew {
        /// Voters beside those that go that are up and have what the leader has.
        ready: usize,
        /// Voters of the group, or of that half of it which is worse off while two overlap.
        voters: usize,
        /// A majority of them.
        needed: usize,
    },
}

/// What the absence of `without` would be to a group with the members `conf`, as its leader sees
/// it. A group that has no voter there goes on as it is, be that well or badly.
///
/// By the catalog's members and the leader's: a change that the catalog has not recorded yet
/// counts too.
pub fn absence(conf: &Conf, status: Option<&GroupStatus>, without: &BTreeSet<NodeId>) -> Absence {
    let goes = |peer: &PeerId| without.contains(&peer.node());
    let known = status.map(|status| &status.conf);
    let halves = [Some(conf), known].into_iter().flatten();
    let mut halves: Vec<&[PeerId]> =
        halves.flat_map(|conf| [&conf.voters[..], &conf.voters_outgoing[..]]).collect();
    halves.retain(|half| half.iter().any(goes));
    if halves.is_empty() {
        return Absence::GoesOn;
    }
    let Some(status) = status else { return Absence::Harms(Harm::NoLeader) };
    let ready = |peer: &PeerId| {
        status.leader == Some(*peer)
            || status.peer(*peer).is_some_and(|peer| is_caught_up(status, peer))
    };
    let mut pauses = false;
    for half in halves {
        let stay: Vec<&PeerId> = half.iter().filter(|peer| !goes(peer)).collect();
        let are_ready = stay.iter().filter(|peer| ready(peer)).count();
        let needed = half.len() / 2 + 1;
        if are_ready >= needed {
            continue;
        }
        if half.len() <= VOTERS_THAT_PAUSE && are_ready == stay.len() {
            pauses = true;
            continue;
        }
        return Absence::Harms(Harm::TooFew { ready: are_ready, voters: half.len(), needed });
    }
    if pauses { Absence::Pauses } else { Absence::GoesOn }
}

#[cfg(test)]
mod tests {
    use vane_types::LogIndex;

    use super::*;
    use crate::fixture::{peer, peers, status};

    fn without(nodes: &[u64]) -> BTreeSet<NodeId> {
        nodes.iter().copied().map(NodeId).collect()
    }

    /// What the absence of nodes is to a group as its leader sees it.
    fn of(status: &GroupStatus, nodes: &[u64]) -> Absence {
        absence(&status.conf, Some(status), &without(nodes))
    }

    fn too_few(ready: usize, voters: usize, needed: usize) -> Absence {
        Absence::Harms(Harm::TooFew { ready, voters, needed })
    }

    #[test]
    fn a_group_of_three_survives_any_one_and_not_two() {
        let well = status(1, &[1, 2, 3], &[]);
        for node in [1, 2, 3] {
            assert_eq!(of(&well, &[node]), Absence::GoesOn, "{node}");
        }
        assert_eq!(of(&well, &[2, 3]), too_few(1, 3, 2));
        assert_eq!(of(&well, &[4]), Absence::GoesOn, "a node that has no vote");
    }

    #[test]
    fn a_voter_that_is_silent_behind_or_being_filled_is_not_counted_on() {
        let unwell: [fn(&mut vane_raft::PeerStatus); 4] = [
            |peer| peer.active = false,
            |peer| peer.matched = LogIndex(900),
            |peer| peer.snapshot = true,
            |peer| peer.installing = true,
        ];
        for (case, change) in unwell.into_iter().enumerate() {
            let mut group = status(1, &[1, 2, 3], &[]);
            change(&mut group.peers[0]);
            assert_eq!(of(&group, &[1]), too_few(1, 3, 2), "{case}");
            assert_eq!(of(&group, &[3]), too_few(1, 3, 2), "{case}");
            // The one that is not counted on may itself go: nobody misses it.
            assert_eq!(of(&group, &[2]), Absence::GoesOn, "{case}");
            assert_eq!(of(&group, &[4]), Absence::GoesOn, "nothing changes for it");
        }
    }

    #[test]
    fn one_copy_or_two_pause_while_the_rest_is_well() {
        assert_eq!(of(&status(1, &[1], &[]), &[1]), Absence::Pauses);
        let mut two = status(1, &[1, 2], &[]);
        assert_eq!(of(&two, &[2]), Absence::Pauses);
        assert_eq!(of(&two, &[1, 2]), Absence::Pauses);
        two.peers[0].matched = LogIndex(1);
        assert_eq!(of(&two, &[1]), too_few(0, 2, 2), "the last copy of something would go");
        assert_eq!(of(&two, &[2]), Absence::Pauses, "and the other one may");
    }

    #[test]
    fn a_group_that_nobody_speaks_for_is_not_to_lose_anybody() {
        let conf = Conf::of_voters(peers(&[1, 2, 3]));
        assert_eq!(absence(&conf, None, &without(&[1])), Absence::Harms(Harm::NoLeader));
        assert_eq!(absence(&conf, None, &without(&[4])), Absence::GoesOn);
    }

    #[test]
    fn both_memberships_have_to_go_on_while_they_overlap() {
        let mut joint = status(1, &[1, 4, 5], &[]);
        joint.conf.voters_outgoing = peers(&[1, 2, 3]);
        // Of the old ones only the leader answers.
        assert_eq!(of(&joint, &[4]), Absence::GoesOn);
        assert_eq!(of(&joint, &[2]), too_few(1, 3, 2));
        // The catalog has the old members still, and the leader the new ones.
        let moved = status(1, &[1, 4, 5], &[]);
        let old = Conf::of_voters(peers(&[1, 2, 3]));
        assert_eq!(absence(&old, Some(&moved), &without(&[2])), too_few(1, 3, 2));
        assert_eq!(moved.leader, Some(peer(1)));
    }
}
