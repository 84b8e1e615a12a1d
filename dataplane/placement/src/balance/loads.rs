//! What each node carries, and the moves that make them alike.

use std::collections::{BTreeMap, BTreeSet};

use vane_catalog::{ShardEntry, State};
use vane_types::{GroupId, NodeId, Rebalance};

use super::{BalanceMove, PLAN_MAX, ShardLoad};

/// What nodes carry once what is under way has arrived.
#[derive(Debug, Clone)]
pub(super) struct Loads {
    nodes: BTreeMap<NodeId, Carried>,
    shards: BTreeMap<GroupId, Weighed>,
    total: u64,
    /// In per cent of the mean.
    threshold: u64,
}

#[derive(Debug, Clone)]
struct Carried {
    zone: Option<String>,
    has_room: bool,
    weight: u64,
    groups: BTreeSet<GroupId>,
}

#[derive(Debug, Clone)]
struct Weighed {
    weight: u64,
    /// Nodes with a replica.
    nodes: Vec<NodeId>,
    /// Those of them that vote.
    voters: Vec<NodeId>,
}

/// A move and what it weighs.
struct Shift {
    group: GroupId,
    from: NodeId,
    to: NodeId,
}

impl Loads {
    pub(super) fn of(
        state: &State,
        shards: &BTreeMap<GroupId, ShardLoad>,
        has_room: impl Fn(NodeId) -> bool,
    ) -> Self {
        let carried = |(id, member): (&NodeId, &vane_catalog::Member)| {
            let (zone, has_room) = (member.zone.clone(), has_room(*id) && !member.leaving);
            (*id, Carried { zone, has_room, weight: 0, groups: BTreeSet::new() })
        };
        let threshold = u64::from(state.policy.threshold_percent);
        let nodes = state.nodes.iter().map(carried).collect();
        let mut loads = Self { nodes, shards: BTreeMap::new(), total: 0, threshold };
        for (group, shard) in &state.shards {
            let bytes = shards.get(group).map_or(0, |load| load.bytes);
            let weight = if state.policy.rebalance == Rebalance::Bytes { bytes } else { 1 };
            loads.put(*group, shard, weight);
        }
        loads
    }

    fn put(&mut self, group: GroupId, shard: &ShardEntry, weight: u64) {
        let wanted = shard.wanted();
        let nodes: Vec<NodeId> = wanted.iter().map(|replica| replica.node).collect();
        let voters = wanted.iter().filter(|replica| !replica.learner);
        let voters = voters.map(|replica| replica.node).collect();
        for node in &nodes {
            // One that was removed carries nothing.
            let Some(carried) = self.nodes.get_mut(node) else { continue };
            carried.weight += weight;
            carried.groups.insert(group);
            self.total += weight;
        }
        self.shards.insert(group, Weighed { weight, nodes, voters });
    }

    /// How far a node with so much is off the mean, in per cent of it.
    fn off(&self, weight: u64) -> u64 {
        if self.total == 0 {
            return 0;
        }
        let (total, count) = (u128::from(self.total), self.nodes.len() as u128);
        let off = (u128::from(weight) * count).abs_diff(total) * 100 / total;
        u64::try_from(off).unwrap_or(u64::MAX)
    }

    pub(super) fn worst_percent(&self) -> u64 {
        self.worst_of(self.nodes.keys())
    }

    fn worst_of<'a>(&self, nodes: impl Iterator<Item = &'a NodeId>) -> u64 {
        nodes.map(|node| self.off(self.nodes[node].weight)).max().unwrap_or_default()
    }

    /// Moves of shards that are `free`, in the order to make them; none where they would not make
    /// the nodes that they are of better by half the threshold.
    pub(super) fn plan(
        &self,
        state: &State,
        free: impl Fn(&ShardEntry) -> bool,
    ) -> Vec<BalanceMove> {
        if self.worst_percent() <= self.threshold {
            return Vec::new();
        }
        let is_free = |group: &GroupId| {
            state.shards.get(group).is_some_and(|shard| shard.target.is_none() && free(shard))
        };
        let movable: BTreeSet<GroupId> = self.shards.keys().copied().filter(is_free).collect();
        let (mut after, mut touched) = (self.clone(), BTreeSet::new());
        let mut moves = Vec::new();
        // Once a plan: what it has moved does not come back.
        let mut left = movable;
        while let Some(Shift { group, from, to }) =
            after.next(&left).filter(|_| moves.len() < PLAN_MAX)
        {
            after.shift(group, from, to);
            left.remove(&group);
            touched.extend([from, to]);
            let revision = state.shards[&group].revision;
            moves.push(BalanceMove { group, from, to, revision });
        }
        let better = self.worst_of(touched.iter()).saturating_sub(after.worst_of(touched.iter()));
        if better * 2 < self.threshold {
            moves.clear();
        }
        moves
    }

    fn shift(&mut self, group: GroupId, from: NodeId, to: NodeId) {
        let Some(shard) = self.shards.get_mut(&group) else { return };
        for node in shard.nodes.iter_mut().chain(&mut shard.voters).filter(|it| **it == from) {
            *node = to;
        }
        let weight = shard.weight;
        if let Some(carried) = self.nodes.get_mut(&from) {
            carried.weight -= weight;
            carried.groups.remove(&group);
        }
        if let Some(carried) = self.nodes.get_mut(&to) {
            carried.weight += weight;
            carried.groups.insert(group);
        }
    }

    /// The next move: from who has the most to who has the least, where there is one.
    fn next(&self, movable: &BTreeSet<GroupId>) -> Option<Shift> {
        let mean = self.total / self.nodes.len().max(1) as u64;
        let mut by_weight: Vec<(u64, NodeId)> =
            self.nodes.iter().map(|(id, node)| (node.weight, *id)).collect();
        by_weight.sort_unstable();
        let above = by_weight.iter().rev().take_while(|(weight, _)| *weight > mean);
        above.copied().find_map(|(most, from)| {
            let below = by_weight.iter().take_while(|(weight, _)| *weight < mean);
            below.copied().find_map(|(least, to)| {
                let is_off = self.off(most).max(self.off(least)) * 2 > self.threshold;
                let has_room = self.nodes[&to].has_room;
                let ideal = (most - mean).min(mean - least);
                let group = (is_off && has_room)
                    .then(|| self.fitting(movable, (from, to), ideal, most - least))?;
                Some(Shift { group: group?, from, to })
            })
        })
    }

    /// The shard on a node that weighs the most up to `ideal`; where each weighs more, the one that
    /// weighs the least and still less than the `gap`, so that the two come nearer to each other.
    fn fitting(
        &self,
        movable: &BTreeSet<GroupId>,
        (from, to): (NodeId, NodeId),
        ideal: u64,
        gap: u64,
    ) -> Option<GroupId> {
        let may_go = |group: &&GroupId| {
            movable.contains(group) && self.may_go(&self.shards[*group], from, to)
        };
        let groups = self.nodes[&from].groups.iter().filter(may_go);
        let rank = |group: &GroupId| {
            let weight = self.shards[group].weight;
            let is_over = weight > ideal;
            (is_over, if is_over { weight - ideal } else { ideal - weight }, *group)
        };
        let fits = |group: &&GroupId| (1..gap).contains(&self.shards[*group].weight);
        groups.filter(fits).min_by_key(|group| rank(group)).copied()
    }

    /// Whether a voter may move without making the shard's spread over zones worse.
    fn may_go(&self, shard: &Weighed, from: NodeId, to: NodeId) -> bool {
        let zone = |node: NodeId| self.nodes.get(&node).map(|node| &node.zone);
        let in_zone_of =
            |node: NodeId| shard.nodes.iter().filter(|other| zone(**other) == zone(node)).count();
        shard.voters.contains(&from)
            && !shard.nodes.contains(&to)
            && (zone(from) == zone(to) || in_zone_of(to) < in_zone_of(from))
    }
}

#[cfg(test)]
impl Loads {
    /// What all nodes have above, and lack below, so many per cent off the mean.
    pub(super) fn excess(&self, percent: u64) -> (u64, u64) {
        let mean = self.total / self.nodes.len().max(1) as u64;
        let most = mean * (100 + percent) / 100;
        let least = mean * 100_u64.saturating_sub(percent) / 100;
        let weights = || self.nodes.values().map(|node| node.weight);
        let over = weights().map(|weight| weight.saturating_sub(most)).sum();
        (over, weights().map(|weight| least.saturating_sub(weight)).sum())
    }
}
