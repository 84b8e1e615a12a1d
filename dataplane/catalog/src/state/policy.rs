//! What the cluster moves by itself: the policy for it, single moves, and shards that stay.

use vane_types::{GroupId, NodeId, Policy, Rebalance, Refusal};

use super::shards::shard_not_found;
use super::{Changed, State, Touched};
use crate::command::WantedReplica;

impl super::ShardEntry {
    /// Whether its replicas are on their way to even nodes out, and for nothing else.
    pub fn is_rebalancing(&self) -> bool {
        self.target.is_some() && self.refill.is_none() && self.rebalanced_at.is_some()
    }
}

impl State {
    pub(super) fn set_policy(&mut self, policy: Policy) -> Changed {
        let invalid = |why| Refusal::Invalid(format!("policy: {why}; nothing was changed"));
        policy.check().map_err(invalid)?;
        self.policy = policy;
        Ok(vec![Touched::Policy])
    }

    pub(super) fn set_pinned(&mut self, group: GroupId, pinned: bool) -> Changed {
        let entry = self.shards.get_mut(&group).ok_or_else(|| shard_not_found(group))?;
        if entry.pinned == pinned {
            return Ok(Vec::new());
        }
        entry.pinned = pinned;
        // Whoever decided on it before it was pinned, or free, decides anew.
        entry.revision += 1;
        Ok(vec![Touched::Shard(group)])
    }

    pub(super) fn rebalance(
        &mut self,
        group: GroupId,
        (from, to): (NodeId, NodeId),
        revision: u64,
        at: u64,
    ) -> Changed {
        self.check_members([from, to])?;
        let leaves = self.nodes.get(&to).is_some_and(|member| member.leaving);
        let is_off = self.policy.rebalance == Rebalance::Off;
        let entry = self.shards.get_mut(&group).ok_or_else(|| shard_not_found(group))?;
        let wanted = entry.wanted();
        let voter = |node| WantedReplica { node, learner: false };
        // Whatever was decided on has changed since: the next plan knows.
        let why = if is_off {
            "the policy is not to rebalance"
        } else if leaves {
            "the node that would get a replica is leaving"
        } else if entry.pinned {
            "it is pinned"
        } else if entry.revision != revision || entry.target.is_some() {
            "its replicas were changed meanwhile"
        } else if !wanted.contains(&voter(from)) || wanted.iter().any(|it| it.node == to) {
            "its replicas are on other nodes"
        } else {
            let moved = |it: WantedReplica| if it.node == from { voter(to) } else { it };
            let moved: Vec<WantedReplica> = wanted.into_iter().map(moved).collect();
            entry.target = Some(entry.target_of(&moved));
            entry.rebalanced_at = Some(at);
            entry.revision += 1;
            return Ok(vec![Touched::Shard(group)]);
        };
        Err(Refusal::Conflict(format!("shard {group}: {why}; nothing was changed")))
    }
}
