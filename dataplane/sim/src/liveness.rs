//! A group is led while a majority of its voters is up: within a bound of time in which nothing
//! happened to that majority.

use std::collections::BTreeMap;

use vane_catalog::ShardEntry;
use vane_raft::Conf;
use vane_types::{GroupId, NodeId, PeerId};

use crate::node::FOUNDER;
use crate::queue::{TICK, Time};
use crate::world::{Stage, World, place};

/// Time without a leader that is too long for an undisturbed majority. Messages of a bad
/// network are late by up to a second, and one in six is lost.
const LEADERLESS_MAX: Time = 200 * TICK;
/// Time that is too long for a move between nodes that are all there. A bad network loses one
/// call in eight, either way, and each costs the reconciler ten seconds.
const MOVE_MAX: Time = 600 * TICK;

/// When each group was last seen to have a leader that serves.
#[derive(Debug, Default)]
pub(crate) struct Liveness {
    led_at: BTreeMap<GroupId, Time>,
    /// Moves, by the shard's revision, and when each was first seen.
    moves: BTreeMap<GroupId, (u64, Time)>,
}

impl World {
    /// Whether some process serves a group as its leader.
    pub(crate) fn is_led(&self, group: GroupId) -> bool {
        let mut processes = self.nodes.iter().filter_map(|node| node.process.as_ref());
        processes.any(|process| {
            let replica = process.replicas.get(&group);
            replica.is_some_and(|replica| replica.watch.is_serving())
        })
    }

    /// A look at all groups.
    pub(crate) fn watch_leaders(&mut self) {
        // Groups come to be here, and wait for their members to be made.
        if self.stage == Stage::Founding {
            return;
        }
        let now = self.env.now();
        // Those of deleted collections too: until their replicas are closed they are led.
        let groups: Vec<GroupId> = self.env.checks.logs.keys().copied().collect();
        for group in groups {
            let led_at = *self.liveness.led_at.entry(group).or_insert(now);
            if self.is_led(group) {
                self.liveness.led_at.insert(group, now);
                continue;
            }
            // Without a majority nobody is to blame.
            let Some(undisturbed) = self.majority_since(group) else { continue };
            // From the later of the two: an election may take its time after each.
            let since = led_at.max(undisturbed);
            if now.saturating_sub(since) > LEADERLESS_MAX {
                let text = self.what_groups_are();
                let ticks = (now - since) / TICK;
                self.env.checks.fail(|| {
                    format!(
                        "group {group} has a majority and had no leader for {ticks} ticks:{text}"
                    )
                });
            }
        }
    }

    /// A look at shards whose replicas are not where they should be: those get there of which
    /// all nodes are there, whatever others wait for.
    pub(crate) fn watch_moves(&mut self) {
        let Some(meta_since) = self.majority_since(GroupId::META) else { return };
        let now = self.env.now();
        let moving = self.catalog(FOUNDER, |state| {
            let moving = state.shards.iter().filter(|(_, shard)| shard.target.is_some());
            moving.map(|(group, shard)| (*group, shard.clone())).collect()
        });
        let moving: BTreeMap<GroupId, ShardEntry> = moving.unwrap_or_default();
        self.liveness.moves.retain(|group, _| moving.contains_key(group));
        for (group, shard) in moving {
            let seen = self.liveness.moves.entry(group).or_default();
            if seen.0 != shard.revision {
                // Another target, or a step that was recorded: the time begins anew.
                *seen = (shard.revision, now);
            }
            let began = seen.1;
            let target = shard.target.iter().flatten().map(|replica| replica.peer.node());
            // Those that leave have to hear of it too.
            let mut nodes = target.chain(shard.nodes());
            let since = nodes.try_fold(began.max(meta_since), |since, node| {
                Some(since.max(self.well_since(node)?))
            });
            let waited = since.map_or(0, |since| now.saturating_sub(since));
            if waited > MOVE_MAX {
                let text = self.what_groups_are();
                self.env.checks.fail(|| {
                    let ticks = waited / TICK;
                    format!(
                        "group {group} does not move in {ticks} ticks, with all its nodes \
                         there: {shard:?}{text}"
                    )
                });
            }
        }
    }

    /// Since when a node has been up and undisturbed.
    fn well_since(&self, node: NodeId) -> Option<Time> {
        let at = &self.nodes[place(node)];
        let is_well = at.process.is_some()
            && !self.env.past.contains(&node)
            && at.frozen_until <= self.env.now()
            && !self.env.network.has_cut(node);
        is_well.then_some(at.disturbed_at)
    }

    /// Since when a majority of a group's voters has been up and undisturbed.
    fn majority_since(&self, group: GroupId) -> Option<Time> {
        let log = self.env.checks.log(group)?;
        let Conf { voters, voters_outgoing, .. } = &log.conf;
        let since = self.quorum_since(group, voters)?;
        let outgoing = match voters_outgoing.is_empty() {
            true => 0,
            false => self.quorum_since(group, voters_outgoing)?,
        };
        // A change of members elects anew, so its time counts as a disturbance.
        Some(since.max(outgoing).max(log.conf_since))
    }

    fn quorum_since(&self, group: GroupId, voters: &[PeerId]) -> Option<Time> {
        let undisturbed = voters.iter().filter_map(|peer| {
            let is_open = self.nodes[place(peer.node())].has_open(group, *peer);
            self.well_since(peer.node()).filter(|_| is_open)
        });
        let mut undisturbed: Vec<Time> = undisturbed.collect();
        undisturbed.sort_unstable();
        undisturbed.get(voters.len() / 2).copied()
    }
}
