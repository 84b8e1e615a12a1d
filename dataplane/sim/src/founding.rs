//! The founding of the cluster: nodes join one after the other, then the collections are made.
//! All of it goes through the meta group, as with real nodes.

use vane_catalog::{Create, MetaCommand};
use vane_types::{GroupId, NodeId};

use crate::event::{Event, Step};
use crate::machine::{collection_config, entry_of};
use crate::node::FOUNDER;
use crate::process::Owner;
use crate::queue::{TICK, Time};
use crate::world::{Stage, World, place};

/// Shards of each collection.
pub(crate) const SHARDS: [u64; 2] = [2, 1];
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
        match &self.nodes[place(FOUNDER)].process {
            Some(process) => {
                let id = process.id;
                self.env.step(1, id, Step::Begin(Box::new(Owner::Founding(command))));
            }
            None => self.env.queue.after(TICK, Event::Found),
        }
    }

    /// A collection whose shards lie anywhere. Its key makes a second try the same call.
    fn draw_collection(&mut self, number: usize) -> Create {
        let env = &mut self.env;
        let factor = env.random.pick(&FACTORS).unwrap_or(1);
        let placement = (0..SHARDS[number]).map(|_| {
            let mut nodes: Vec<NodeId> = env.all_nodes().collect();
            shuffle(env, &mut nodes);
            nodes.truncate(factor);
            nodes
        });
        Create {
            name: format!("c{number}"),
            config: collection_config(),
            replication_factor: factor as u32,
            write_consistency_factor: 1,
            placement: placement.collect(),
            key: format!("key{number}"),
        }
    }

    /// Whether every node votes on the catalog and every group is led.
    fn is_ready(&self) -> bool {
        let meta = self.env.checks.log(GroupId::META);
        let all_vote = meta.is_some_and(|log| log.conf.voters.len() as u64 == self.env.nodes);
        all_vote && self.env.groups.iter().all(|group| self.is_led(*group))
    }

    fn begin_load(&mut self) {
        self.stage = Stage::Load;
        let env = &mut self.env;
        env.swarm = self.sufferings.clone();
        env.note("founded", &[]);
        for client in 0..self.clients.len() {
            env.queue.after(client as u64, Event::Client(client));
        }
        env.queue.after(TICK, Event::Fault);
        env.queue.after(self.faults_last, Event::Heal);
    }
}

/// Puts some into any order.
pub(crate) fn shuffle(env: &mut crate::env::Env, nodes: &mut [NodeId]) {
    for at in (1..nodes.len()).rev() {
        let other = env.random.below(at as u64 + 1) as usize;
        nodes.swap(at, other);
    }
}
