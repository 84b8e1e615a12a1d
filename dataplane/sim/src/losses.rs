//! Machines that are gone with their disks, one after the other, and what an administrator can
//! do about each: another machine joins under a number of its own, and takes over the replicas.

use vane_catalog::{MetaCommand, WantedReplica};
use vane_types::{GroupId, NodeId};

use crate::env::{Crash, Env};
use crate::machine::entry_of;
use crate::node::{FOUNDER, Node};
use crate::process::{CHANGE_MAX, Owner};
use crate::queue::{TICK, Time};
use crate::swarm::{FaultRates, Swarm};
use crate::world::{Stage, World, place};

/// Nodes of a cluster that loses some for good.
pub(crate) const NODES_BEFORE_LOSSES: u64 = 3;
/// Those that it loses, each when nothing of the one before is missing any more.
const LOST: [NodeId; 2] = [NodeId(2), NodeId(3)];
/// The node that is away where moves cannot go on.
pub(crate) const AWAY: NodeId = NodeId(5);
/// Time in which nothing else goes wrong.
const CALM: Time = 1_500 * TICK;
/// Time between two changes of replicas, where moves cannot go on.
const MOVE_PAUSE: Time = 5 * TICK;

impl World {
    /// Whether this run tells a story in which nothing else goes wrong.
    pub(crate) fn is_story(env: &Env) -> bool {
        env.loses_disks || env.swarm.is_absent
    }

    /// What the cluster suffers in such a story, and for how long.
    pub(crate) fn calm_sufferings(&mut self, calm: Swarm) {
        self.faults_last = CALM;
        let mut faults = FaultRates { pause: MOVE_PAUSE..2 * MOVE_PAUSE, ..FaultRates::default() };
        if calm.is_absent {
            // The only weight, so that it is what always happens.
            faults.reconfigure = 1;
        }
        self.sufferings = Swarm { faults, ..calm };
    }

    /// The machine that is away from the beginning of the load on.
    pub(crate) fn begin_absence(&mut self) {
        if self.env.swarm.is_absent {
            self.lose(AWAY);
        }
    }

    /// It comes back.
    pub(crate) fn end_absence(&mut self) {
        if self.env.swarm.is_absent {
            self.nodes[place(AWAY)].is_gone = false;
        }
    }

    fn lose(&mut self, node: NodeId) {
        self.env.note("lost", &[("node", node.0)]);
        self.nodes[place(node)].is_gone = true;
        self.nodes[place(node)].crash(&mut self.env, Crash::Power);
        self.ended(node, false);
    }

    /// The next step after a loss, or the next loss.
    pub(crate) fn look_after_losses(&mut self) {
        if !self.env.loses_disks || self.stage != Stage::Load {
            return;
        }
        let gone = self.nodes.iter().filter(|node| node.is_gone).count() as u64;
        // From what is, as all of it: steps whose outcome nobody knows are taken again.
        let newest = NodeId(NODES_BEFORE_LOSSES + gone);
        if self.env.nodes < newest.0 {
            self.env.nodes += 1;
            self.nodes.push(Node::new(newest, &self.env));
        }
        let is_member = self.catalog(FOUNDER, |state| state.nodes.contains_key(&newest));
        match is_member {
            None => {}
            Some(false) => {
                let by = self.env.now() + CHANGE_MAX;
                let Some(process) = &mut self.nodes[place(FOUNDER)].process else { return };
                let join = MetaCommand::PutNode(entry_of(newest, 0));
                // Under a new number: its disk is empty, and a disk is what a member is.
                process.change(&self.env, Owner::Administrator, join, by);
                process.run_tasks(&mut self.env);
            }
            Some(true) if self.node(newest).process.is_none() => {
                self.nodes[place(newest)].start(&mut self.env);
            }
            Some(true) => {
                // Only then the next one: what is lost meanwhile would be two at a time.
                let is_repaired = !self.move_from_gone(newest)
                    && self.has_all_replicas()
                    && !self.remove_gone()
                    && self.meta_votes_with_the_living();
                if let (true, Some(next)) = (is_repaired, LOST.get(gone as usize)) {
                    self.lose(*next);
                }
            }
        }
    }

    /// Moves replicas of machines that are gone to a new one; says whether there were any.
    fn move_from_gone(&mut self, to: NodeId) -> bool {
        let is_gone = |node: NodeId| self.nodes[place(node)].is_gone;
        let shards = self.catalog(FOUNDER, |state| {
            let affected = state.shards.iter().filter(|(_, shard)| {
                shard.target.is_some() || shard.nodes().into_iter().any(is_gone)
            });
            affected.map(|(group, shard)| (*group, shard.clone())).collect()
        });
        let shards: Vec<_> = shards.unwrap_or_default();
        let wanted = |node: NodeId| {
            let node = if is_gone(node) { to } else { node };
            WantedReplica { node, learner: false }
        };
        let moves: Vec<_> = shards
            .iter()
            .map(|(group, shard)| {
                (*group, shard, shard.nodes().into_iter().map(wanted).collect::<Vec<_>>())
            })
            .collect();
        for (group, shard, replicas) in moves.iter().filter(|(_, shard, _)| shard.target.is_none())
        {
            self.reconfigure(FOUNDER, *group, shard, replicas.clone());
        }
        !shards.is_empty()
    }

    /// Removes machines that are gone from the members; says whether there were any.
    fn remove_gone(&mut self) -> bool {
        let is_gone = |node: NodeId| self.nodes[place(node)].is_gone;
        let gone = self.catalog(FOUNDER, |state| {
            let gone = state.nodes.values().filter(|member| is_gone(member.id));
            gone.map(|member| (member.id, member.entry.disk_id)).collect()
        });
        let gone: Vec<_> = gone.unwrap_or_default();
        let by = self.env.now() + CHANGE_MAX;
        for (node, disk_id) in &gone {
            let Some(process) = &mut self.nodes[place(FOUNDER)].process else { continue };
            let remove = MetaCommand::RemoveNode { node: *node, disk_id: *disk_id };
            process.change(&self.env, Owner::Administrator, remove, by);
            process.run_tasks(&mut self.env);
        }
        !gone.is_empty()
    }

    /// Whether no machine that is gone votes in the meta group.
    fn meta_votes_with_the_living(&self) -> bool {
        self.env.checks.log(GroupId::META).is_some_and(|log| {
            let voters = &log.conf.voters;
            let is_there = |node: NodeId| !self.nodes[place(node)].is_gone;
            voters.len() as u64 == NODES_BEFORE_LOSSES
                && voters.iter().all(|peer| is_there(peer.node()))
        })
    }

    /// Whether every replica is open where it should be, and has everything.
    fn has_all_replicas(&self) -> bool {
        self.live_groups().into_iter().filter(|group| *group != GroupId::META).all(|group| {
            let log = self.env.checks.log(group);
            log.is_some_and(|log| {
                let mut members = log.conf.members().into_iter();
                members.all(|peer| self.nodes[place(peer.node())].has_open(group, peer))
            })
        })
    }

    /// No group has lost a majority of its voters for good: machines were lost one by one.
    pub(crate) fn watch_majorities(&mut self) {
        if !self.env.loses_disks {
            return;
        }
        for (group, log) in &self.env.checks.logs {
            let voters = &log.conf.voters;
            let gone = voters.iter().filter(|peer| self.nodes[place(peer.node())].is_gone);
            let gone: Vec<_> = gone.map(|peer| crate::checks::name(*peer)).collect();
            // A single voter on a lost machine is a loss that was chosen with its factor.
            if gone.len() * 2 >= voters.len().max(1) && voters.len() > 1 {
                let text = format!(
                    "group {group} can never elect again: of its voters {voters:?} {gone:?} were \
                     lost with their disks, one after the other"
                );
                return self.env.checks.fail(|| text);
            }
        }
    }
}
