//! A replica whose data is lost or damaged is filled again: it leaves its group, and a new one of
//! the same node joins in its place.
//!
//! In two changes of members, one after the other. The old replica's votes and entries are given
//! up by the group itself, so that nothing it promised is counted on any more; its node destroys it
//! when it is no member, as after any change; and the new one has a peer id that never promised
//! anything.

use serde::{Deserialize, Serialize};
use vane_types::{GroupId, NodeId, PeerId, Refusal};

use super::shards::{ShardEntry, shard_not_found};
use super::{Changed, State, Touched};
use crate::command::WantedReplica;

/// Shards that may be filled again at once: each copies all that it has.
pub const REFILLS_MAX: usize = 8;
/// Replicas of one node among them.
pub const REFILLS_OF_NODE_MAX: usize = 2;

/// A replica that is being replaced on its own node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refill {
    /// The replica that leaves.
    pub leaving: PeerId,
    /// Where the replicas should be once it has left: where they were to be when it began, a move
    /// that was under way included.
    pub then: Vec<WantedReplica>,
    /// The old one has left; the new one is on its way.
    pub returning: bool,
}

impl Refill {
    /// Node that it happens on.
    pub fn node(&self) -> NodeId {
        self.leaving.node()
    }
}

impl ShardEntry {
    /// Whether nothing is to be begun for a replica that is out of use: it is leaving to be
    /// replaced, or nobody wants it any more.
    pub fn gives_up(&self, peer: PeerId) -> bool {
        let is_wanted = || self.target.iter().flatten().any(|replica| replica.peer == peer);
        let is_leaving = self.refill.as_ref().is_some_and(|refill| refill.leaving == peer);
        is_leaving || !(self.conf.members().contains(&peer) || is_wanted())
    }

    /// Goes on once the members are where the last step of a refill wanted them.
    pub(super) fn refill_on(&mut self) {
        let Some(refill) = self.refill.take().filter(|refill| !refill.returning) else { return };
        self.target = Some(self.target_of(&refill.then));
        self.refill = Some(Refill { returning: true, ..refill });
    }
}

impl State {
    pub(super) fn refill(&mut self, group: GroupId, peer: PeerId) -> Changed {
        let others = || self.shards.iter().filter(|(id, _)| **id != group);
        let refills = || others().filter_map(|(_, shard)| shard.refill.as_ref());
        let of_node = refills().filter(|refill| refill.node() == peer.node()).count();
        let is_full = refills().count() >= REFILLS_MAX || of_node >= REFILLS_OF_NODE_MAX;
        let entry = self.shards.get_mut(&group).ok_or_else(|| shard_not_found(group))?;
        // A repeated call meets what it did itself.
        if entry.refill.as_ref().is_some_and(|refill| refill.leaving == peer) {
            return Ok(Vec::new());
        }
        let refused = |why: &str| Refusal::Conflict(format!("shard {group}: {why}"));
        if is_full {
            return Err(refused("as many replicas as may be are being filled again"));
        }
        if entry.conf.is_joint() {
            return Err(refused("its members are being changed"));
        }
        // One that a move has only begun to fill may be damaged, too.
        if entry.gives_up(peer) {
            return Err(refused("the replica to fill again is none of its members"));
        }
        if !entry.conf.voters.iter().any(|voter| *voter != peer) {
            return Err(refused("there is no other replica to fill it from"));
        }
        let stays = entry.replicas().into_iter().filter(|replica| replica.peer != peer).collect();
        // A move waits until it has left: what is to be removed may be what keeps the majority.
        let then = entry.wanted();
        entry.refill = Some(Refill { leaving: peer, then, returning: false });
        entry.target = Some(stays);
        entry.revision += 1;
        Ok(vec![Touched::Shard(group)])
    }
}
