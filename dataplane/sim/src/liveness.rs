//! A group is led while a majority of its voters is up: within a bound of time in which nothing
//! happened to that majority.

use std::collections::BTreeMap;

use vane_raft::Conf;
use vane_types::{GroupId, PeerId};

use crate::queue::{TICK, Time};
use crate::world::{Stage, World, place};

/// Time without a leader that is too long for an undisturbed majority. Messages of a bad
/// network are late by up to a second, and one in six is lost.
const LEADERLESS_MAX: Time = 200 * TICK;

/// When each group was last seen to have a leader that serves.
#[derive(Debug, Default)]
pub(crate) struct Liveness {
    led_at: BTreeMap<GroupId, Time>,
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
        if self.stage == Stage::Founding {
            return;
        }
        let now = self.env.now();
        for group in self.env.groups.clone() {
            let led_at = *self.liveness.led_at.entry(group).or_insert(now);
            if self.is_led(group) {
                self.liveness.led_at.insert(group, now);
                continue;
            }
            let Some(undisturbed) = self.majority_since(group) else { continue };
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

    /// Since when a majority of a group's voters has been up and undisturbed.
    fn majority_since(&self, group: GroupId) -> Option<Time> {
        let log = self.env.checks.log(group)?;
        let Conf { voters, voters_outgoing, .. } = &log.conf;
        let since = self.quorum_since(group, voters)?;
        let outgoing = match voters_outgoing.is_empty() {
            true => 0,
            false => self.quorum_since(group, voters_outgoing)?,
        };
        Some(since.max(outgoing).max(log.conf_since))
    }

    fn quorum_since(&self, group: GroupId, voters: &[PeerId]) -> Option<Time> {
        let now = self.env.now();
        let undisturbed = voters.iter().filter_map(|peer| {
            let node = &self.nodes[place(peer.node())];
            let is_well = node.has_open(group, *peer)
                && node.frozen_until <= now
                && !self.env.network.has_cut(node.id);
            is_well.then_some(node.disturbed_at)
        });
        let mut undisturbed: Vec<Time> = undisturbed.collect();
        undisturbed.sort_unstable();
        undisturbed.get(voters.len() / 2).copied()
    }
}
