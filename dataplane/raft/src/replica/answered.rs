//! Which members answer their leader.
//!
//! raft-rs forgets who answered each time it counts them, once per election timeout. Until the next
//! answer to a heartbeat all would look silent, to people and to planners alike.

use vane_types::PeerId;

use super::Replica;

impl Replica {
    /// A tick of raft-rs, which may count who answered and forget it.
    pub(super) fn tick_raft(&mut self) {
        let (answered, elapsed) = (self.answered_now(), self.raw.raft.election_elapsed);
        self.raw.tick();
        if !self.is_leader() {
            self.answered.clear();
        } else if self.raw.raft.election_elapsed <= elapsed {
            // It begins anew where it counted.
            self.answered = answered;
        }
    }

    fn answered_now(&self) -> Vec<PeerId> {
        if !self.is_leader() {
            return Vec::new();
        }
        let members = self.raw.raft.prs().iter();
        let active = members.filter(|(_, progress)| progress.recent_active);
        let mut active: Vec<PeerId> = active.map(|(id, _)| PeerId(*id)).collect();
        // raft-rs keeps them in a hash map.
        active.sort_unstable();
        active
    }

    /// Whether a member answered since this leader counted last, or before that since the time
    /// before.
    pub(super) fn is_active(&self, peer: PeerId) -> bool {
        let Some(progress) = self.raw.raft.prs().get(peer.0) else { return peer == self.peer };
        peer == self.peer || progress.recent_active || self.answered.contains(&peer)
    }
}
