//! The meta leader's part in evening nodes out, as the real node's `Rebalancer`: `balance` and
//! `leader_moves` decide, from the reports that the reconciler gathers.

use std::collections::BTreeMap;

use vane_catalog::MetaCommand;
use vane_coordinator::Shards;
use vane_placement::{ShardLoad, balance, leader_moves};
use vane_types::{GroupId, Policy, Rebalance};

use super::reconciler::Reports;
use super::{CHANGE_MAX, Owner, Process};
use crate::env::Env;
use crate::event::LeaderRequest;
use crate::queue::TICK;

/// Seconds that a tick counts for: an hour of rest is over in so few that a shard moves again.
const SECONDS_OF_TICK: u64 = 120;
/// Ticks between looks at all groups, and how many of them the time for one lasts.
const LOOKS_APART: u64 = 16;
const LOOK_LASTS: u64 = 4;

/// Whether it is time to look at all groups.
pub(super) fn is_time(env: &Env) -> bool {
    env.swarm.is_rebalancing && (env.now() / TICK) % LOOKS_APART < LOOK_LASTS
}

impl Process {
    /// Moves what is to be moved, by what the leaders of all groups reported.
    pub(super) fn rebalance(&mut self, env: &mut Env, reports: &Reports) {
        let by = env.now() + CHANGE_MAX;
        let policy = Policy { rebalance: Rebalance::Count, ..Policy::default() };
        if self.catalog.read(|state| state.policy != policy) {
            let command = MetaCommand::SetPolicy(policy);
            return self.change(env, Owner::Announcement, command, by);
        }
        let at = env.now() / TICK * SECONDS_OF_TICK;
        let (balance, leaders) = self.catalog.read(|state| {
            let load = |group: &GroupId| {
                let (shard, status) = (state.shards.get(group)?, reports.get(group)?);
                Some(ShardLoad::of(shard, status, 1))
            };
            let groups = state.shards.keys();
            let loads: BTreeMap<GroupId, ShardLoad> =
                groups.filter_map(|group| Some((*group, load(group)?))).collect();
            let is_alive = |node| self.reach.is_alive(node);
            (balance(state, &loads, is_alive, |_| true, at), leader_moves(state, reports))
        });
        for next in balance.moves {
            let (group, from, to, revision) = (next.group, next.from, next.to, next.revision);
            env.note("rebalance", &[("group", group.0), ("from", from.0), ("to", to.0)]);
            let command = MetaCommand::Rebalance { group, from, to, revision, at };
            self.change(env, Owner::Announcement, command, by);
        }
        for (group, to) in leaders {
            if let Some(leader) = reports.get(&group).map(|status| status.peer.node()) {
                env.note("leader moved", &[("group", group.0), ("to", to.node().0)]);
                self.call_leader(env, leader, group, LeaderRequest::Transfer(to));
            }
        }
    }
}
