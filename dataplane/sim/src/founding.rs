//! The founding of the cluster: nodes join one after the other, then the collections are made.
//! All of it goes through the meta group, as with real nodes.

use vane_catalog::{Create, MetaCommand};
use vane_types::{GroupId, NodeId};

use crate::event::Event;
use crate::history::LASTING;
use crate::losses::AWAY;
use crate::machine::{collection_config, entry_of};
use crate::node::FOUNDER;
use crate::process::{CHANGE_MAX, Owner};
use crate::queue::{TICK, Time};
use crate::world::{Stage, World, place};

/// Shards of each lasting collection.
const SHARDS: [u64; 2] = [2, 1];
/// The same where some moves cannot go on.
const SHARDS_OF_STORY: [u64; 2] = [5, 2];
/// Points with which each of those shards has some: what takes no write shows nothing.
pub(crate) const POINTS_OF_STORY: u64 = 16;
/// Voters that a shard may begin with.
pub(crate) const FACTORS: [usize; 4] = [1, 2, 3, 5];
/// Time within which a cluster in which nothing goes wrong is founded.
const FOUNDED_BY: Time = 400 * TICK;

impl World {
    /// Does the next step of the founding. A step whose outcome nobody knows is done again.
    pub(crate) fn go_on_founding(&mut self) {
        if self.stage != Stage::Founding {
            return;
        }
        if self.env.now() > FOUNDED_BY {
            self.env.checks.fail(|| "the cluster was not founded in time".into());
        }
        // All from what is: a step that was lost is simply found missing again.
        let joined = self.nodes.iter().filter(|node| node.process.is_some()).count() as u64;
        let known = self.catalog(FOUNDER, |state| state.nodes.len() as u64).unwrap_or(0);
        let made = self.catalog(FOUNDER, |state| state.collections.len()).unwrap_or(0);
        if joined < known {
            self.nodes[place(NodeId(joined + 1))].start(&mut self.env);
            self.env.queue.after(TICK, Event::Found);
        } else if known < self.env.nodes {
            self.change(MetaCommand::PutNode(entry_of(NodeId(known + 1), 0)));
        } else if made < SHARDS.len() {
            let create = self.draw_collection(made);
            self.change(MetaCommand::Create(create));
        } else if self.is_ready() {
            self.begin_load();
        } else {
            self.env.queue.after(TICK, Event::Found);
        }
    }

    fn change(&mut self, command: MetaCommand) {
        match &mut self.nodes[place(FOUNDER)].process {
            Some(process) => {
                let by = self.env.now() + CHANGE_MAX;
                process.change(&self.env, Owner::Founding, command, by);
                process.run_tasks(&mut self.env);
            }
            None => self.env.queue.after(TICK, Event::Found),
        }
    }

    /// A collection whose shards lie anywhere. Its key makes a second try the same call.
    fn draw_collection(&mut self, number: usize) -> Create {
        let env = &mut self.env;
        if env.lives.0.len() == number {
            env.lives.begin(LASTING[number], None);
            // The founding does not end before it is there.
            env.lives.0[number].is_made = true;
        }
        let are_stuck = env.swarm.is_absent;
        let factor = match (!env.loses_disks, are_stuck) {
            (true, false) => env.random.pick(&FACTORS).unwrap_or(1),
            // What loses one disk at a time has all it needs.
            (false, _) => 3,
            (_, true) => 1,
        };
        // More than may move at a time, where some cannot.
        let config = collection_config(env.by_tenant);
        let shards = if are_stuck { SHARDS_OF_STORY } else { SHARDS };
        let placement = (0..shards[number]).map(|_| {
            let mut nodes: Vec<NodeId> = env.all_nodes().collect();
            nodes.retain(|node| !are_stuck || *node != AWAY);
            shuffle(env, &mut nodes);
            nodes.truncate(factor);
            nodes
        });
        Create {
            name: LASTING[number].into(),
            config,
            replication_factor: factor as u32,
            write_consistency_factor: 1,
            placement: placement.collect(),
            key: env.lives.0[number].key.clone(),
        }
    }

    /// Whether every node votes on the catalog and every group is led.
    fn is_ready(&self) -> bool {
        let meta = self.env.checks.log(GroupId::META);
        // Before that a lost node could stop the catalog, and with it the rest of the founding.
        let all_vote = meta.is_some_and(|log| log.conf.voters.len() as u64 == self.env.nodes);
        all_vote && self.live_groups().iter().all(|group| self.is_led(*group))
    }

    fn begin_load(&mut self) {
        self.stage = Stage::Load;
        let env = &mut self.env;
        env.swarm = self.sufferings.clone();
        env.note("founded", &[]);
        for client in 0..self.clients.len() {
            // Each at a time of its own, so that their order does not come from the queue.
            env.queue.after(client as u64, Event::Client(client));
        }
        env.queue.after(TICK, Event::Fault);
        env.queue.after(self.faults_last, Event::Heal);
        self.begin_absence();
        if self.env.swarm.faults.put_back > 0 {
            self.keep_all_disks();
        }
    }
}

/// Puts some into any order.
pub(crate) fn shuffle(env: &mut crate::env::Env, nodes: &mut [NodeId]) {
    for at in (1..nodes.len()).rev() {
        let other = env.random.below(at as u64 + 1) as usize;
        nodes.swap(at, other);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use vane_types::KeyRange;

    use super::*;
    use crate::machine::id_of;

    #[test]
    fn every_shard_of_a_story_has_points() {
        for shards in SHARDS_OF_STORY {
            for by_tenant in [false, true] {
                let ids = (1..=POINTS_OF_STORY).map(|point| id_of(point, by_tenant));
                let parts: BTreeSet<usize> = ids
                    .map(|id| KeyRange::equal_part_of(id.routing_hash(), shards as usize))
                    .collect();
                assert_eq!(parts.len() as u64, shards);
            }
        }
    }
}
