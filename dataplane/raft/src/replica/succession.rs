//! What the followers do when the process that led them is gone: not silent, gone.
//!
//! A follower gives no vote while it believes that the group is led, so that one that hears
//! nothing cannot depose a leader that others hear. Here each follower stops believing it by what
//! it saw itself. So the leader falls only where a majority saw its address refuse connections:
//! they could not acknowledge anything to it either.

use raft::StateRole;
use vane_types::{NodeId, PeerId};

use super::Replica;
use crate::random::Random;

/// Refusals that make a turn, in which one of the voters stands for election. Two who stand at the
/// same time may both fail, which costs an election timeout.
const REFUSALS_PER_TURN: usize = 2;

impl Replica {
    /// Notes that a node refused a connection, for the `times`th time since it was last heard of.
    /// Says whether that meant anything to this replica.
    pub(crate) fn connection_refused(&mut self, node: NodeId, times: usize) -> bool {
        let raft = &mut self.raw.raft;
        let leader = PeerId::from_raw(raft.leader_id);
        if raft.state == StateRole::Follower && leader.is_some_and(|it| it.node() == node) {
            raft.leader_id = raft::INVALID_ID;
            self.after_step();
            self.orphaned_by = Some(node);
        }
        if self.orphaned_by != Some(node) {
            return false;
        }
        let (turn, refusal) = ((times - 1) / REFUSALS_PER_TURN, (times - 1) % REFUSALS_PER_TURN);
        // An election that goes on is let end, but not for ever.
        let is_free = self.raw.raft.state != StateRole::Candidate || refusal == 0;
        if self.is_turn(node, turn) && is_free {
            // With a vote on the vote first: one that is behind, or alone with what it saw,
            // changes nothing.
            self.campaign();
        }
        true
    }

    /// Whether this replica is the one to stand for election now: the voters that are left take
    /// turns in an order that differs by group, so that not one node succeeds in all of them.
    fn is_turn(&self, gone: NodeId, turn: usize) -> bool {
        let conf = &self.conf;
        let mut left: Vec<PeerId> =
            conf.voters.iter().chain(&conf.voters_outgoing).copied().collect();
        left.retain(|peer| peer.node() != gone);
        left.sort_unstable_by_key(|peer| (Random::mix(peer.0 ^ Random::mix(self.group.0)), *peer));
        left.dedup();
        !left.is_empty() && left[turn % left.len()] == self.peer
    }
}
