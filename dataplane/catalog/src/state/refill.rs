//! A replica whose data is lost or damaged is filled again: it leaves its group, and a new one of
//! the same node joins in its place.
//!
//! In two changes of members, one after the other. The old replica's votes and entries are given
//! up by the group itself, so that nothing it promised is counted on any more; its node destroys it
//! when it is no member, as after any change; and the new one has a peer id that never promised
//! anything.

use serde::{Deserialize, Serialize};
use vane_types::{GroupId, NodeId, PeerId, Refusal};

use super::shards::{ShardEntry, TargetReplica, shard_not_found};
use super::{Changed, State, Touched};

/// Shards that may be filled again at once: each copies all that it has.
pub const REFILLS_MAX: usize = 8;
/// Replicas of one node among them.
pub const REFILLS_OF_NODE_MAX: usize = 2;

/// A replica that is being replaced on its own node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refill {
    /// The replica that leaves.
    pub leaving: PeerId,
    /// Whether it follows without a vote, as the one that comes will.
    pub learner: bool,
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
    /// Goes on once the members are where the last step of a refill wanted them.
    pub(super) fn refill_on(&mut self) {
        let Some(Refill { leaving, learner, returning: false }) = self.refill else {
            self.refill = None;
            return;
        };
        let members = self.conf.members().into_iter();
        let stays =
            members.map(|peer| TargetReplica { peer, learner: !self.conf.voters.contains(&peer) });
        let mut target: Vec<TargetReplica> = stays.collect();
        target.push(TargetReplica { peer: self.next_peer(leaving.node()), learner });
        self.target = Some(target);
        self.refill = Some(Refill { leaving, learner, returning: true });
    }
}

impl State {
    pub(super) fn refill(&mut self, group: GroupId, peer: PeerId) -> Changed {
        let refills = || self.shards.values().filter_map(|shard| shard.refill);
        let of_node = refills().filter(|refill| refill.node() == peer.node()).count();
        let is_full = refills().count() >= REFILLS_MAX || of_node >= REFILLS_OF_NODE_MAX;
        let entry = self.shards.get_mut(&group).ok_or_else(|| shard_not_found(group))?;
        // A repeated call meets what it did itself.
        if entry.refill.is_some_and(|refill| refill.leaving == peer) {
            return Ok(Vec::new());
        }
        let refused = |why: &str| Refusal::Conflict(format!("shard {group}: {why}"));
        if is_full {
            return Err(refused("as many replicas as may be are being filled again"));
        }
        if entry.target.is_some() || entry.conf.is_joint() {
            return Err(refused("its replicas are being changed"));
        }
        let conf = &entry.conf;
        if !conf.members().contains(&peer) {
            return Err(refused("the replica to fill again is none of its members"));
        }
        if !conf.voters.iter().any(|voter| *voter != peer) {
            return Err(refused("there is no other replica to fill it from"));
        }
        let stays = conf.members().into_iter().filter(|member| *member != peer);
        let stays = stays.map(|peer| TargetReplica { peer, learner: !conf.voters.contains(&peer) });
        entry.refill =
            Some(Refill { leaving: peer, learner: !conf.voters.contains(&peer), returning: false });
        entry.target = Some(stays.collect());
        entry.revision += 1;
        Ok(vec![Touched::Shard(group)])
    }
}
