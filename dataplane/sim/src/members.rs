//! Whoever changes members: replaces replicas at random, and those that are lost.
//!
//! Knows the truth about each group's membership, and stands for the catalogue: it hands out
//! peer ids and never hands out one twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use vane_raft::{
    CAUGHT_UP_ENTRIES, Conf, GroupStatus, INITIAL_INDEX, MemberChange, Ticket, node_of, peer_id,
};
use vane_types::GroupId;

use crate::env::{Env, Group};
use crate::node::{Disks, Node};
use crate::process::Input;

/// One replica on its way into a group, and perhaps another on its way out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Move {
    new: u64,
    /// 0 for none.
    old: u64,
    /// Promote and remove in one joint change, or one after the other.
    joint: bool,
    /// Give up once it is a learner.
    abandoned: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Members {
    moves: BTreeMap<GroupId, Move>,
    incarnations: BTreeMap<(GroupId, u64), u32>,
}

/// What is known of a group's leader.
struct Led {
    node: u64,
    status: GroupStatus,
}

impl Members {
    /// A peer id that was never used.
    pub(crate) fn new_peer(&mut self, group: GroupId, node: u64) -> u64 {
        let incarnation = self.incarnations.entry((group, node)).or_default();
        *incarnation += 1;
        peer_id(node, *incarnation)
    }

    /// Begins to replace some replica, if that is possible.
    pub(crate) fn replace_some(&mut self, env: &mut Env) {
        let groups: Vec<GroupId> = env.groups.iter().map(|it| it.id).collect();
        let Some(group) = env.random.pick(&groups) else { return };
        let conf = env.checks.logs[&group].conf.clone();
        if self.moves.contains_key(&group) || conf.is_joint() {
            return;
        }
        if let Some(old) = env.random.pick(&conf.voters) {
            let abandoned = env.random.chance(200_000);
            self.begin(env, group, old, &conf, abandoned);
        }
    }

    /// Whether a replica may be lost for ever: the others can do without it.
    pub(crate) fn may_lose(&self, env: &Env, nodes: &[Node], group: GroupId, peer: u64) -> bool {
        let log = &env.checks.logs[&group];
        let wanted = env.group(group).replicas;
        let applied = log.entries.last_key_value().map_or(INITIAL_INDEX, |(last, _)| *last);
        // A replica that has the last change of members in its log, but does not know for good
        // that it is committed, still waits for those that were removed.
        let knows_members =
            |disks: &Disks| disks.durable.get(&group).is_none_or(|it| *it >= log.conf_index);
        let healthy = |node: &Node| {
            let changes = node.disks.log.has_member_changes_behind(group, applied);
            !changes && !node.disks.damaged.contains(&group) && knows_members(&node.disks)
        };
        !self.moves.contains_key(&group)
            && !log.conf.is_joint()
            && log.conf.voters.len() == wanted
            && log.conf.voters.contains(&peer)
            && nodes.iter().all(healthy)
    }

    /// Whether every group has the replicas that it should have, and no others.
    pub(crate) fn is_settled(&self, env: &Env, nodes: &[Node]) -> bool {
        let settled = |group: &Group| {
            let conf = &env.checks.logs[&group.id].conf;
            let strangers = nodes
                .iter()
                .filter_map(|it| it.peer(group.id))
                .any(|it| !conf.voters.contains(&it));
            !conf.is_joint()
                && conf.learners.is_empty()
                && conf.voters.len() == group.replicas
                && !strangers
        };
        self.moves.is_empty() && env.groups.iter().all(settled)
    }

    /// Does whatever is to be done next.
    pub(crate) fn look(&mut self, env: &mut Env, nodes: &mut [Node]) {
        for group in env.groups.clone() {
            self.remove_strangers(env, nodes, group.id);
            let conf = env.checks.logs[&group.id].conf.clone();
            let Some(led) = leader(nodes, group.id) else { continue };
            if conf.is_joint() || led.status.conf != conf || led.status.conf_pending {
                continue;
            }
            match self.moves.get(&group.id).copied() {
                Some(it) => self.advance(env, nodes, group.id, it, &led),
                None => self.repair(env, nodes, &group, &led),
            }
        }
    }

    fn begin(&mut self, env: &mut Env, group: GroupId, old: u64, conf: &Conf, abandoned: bool) {
        let taken: BTreeSet<u64> = conf.members().into_iter().map(node_of).collect();
        let free: Vec<u64> = (1..=env.nodes).filter(|it| !taken.contains(it)).collect();
        if let Some(node) = env.random.pick(&free) {
            let new = self.new_peer(group, node);
            let joint = env.random.chance(700_000);
            env.note("move", &[("group", group.0), ("old", old), ("new", new)]);
            self.moves.insert(group, Move { new, old, joint, abandoned });
        }
    }

    /// Removes the disks' replicas that are no longer members.
    fn remove_strangers(&self, env: &mut Env, nodes: &mut [Node], group: GroupId) {
        let members = env.checks.logs[&group].conf.members();
        let coming = self.moves.get(&group).map(|it| it.new);
        for node in nodes.iter_mut() {
            if node.peer(group).is_some_and(|it| !members.contains(&it) && coming != Some(it)) {
                node.remove(env, group);
            }
        }
    }

    /// Replaces what is lost, grows what is too small, removes what nobody wants.
    fn repair(&mut self, env: &mut Env, nodes: &mut [Node], group: &Group, led: &Led) {
        let conf = &led.status.conf;
        let is_lost = |peer: &u64| {
            let disks = &nodes[(node_of(*peer) - 1) as usize].disks;
            disks.damaged.contains(&group.id)
        };
        let lost = conf.voters.iter().copied().find(is_lost);
        if let Some(learner) = conf.learners.first() {
            change(
                env,
                nodes,
                group.id,
                led,
                MemberChange { removed: vec![*learner], ..MemberChange::default() },
            );
        } else if conf.voters.len() < group.replicas {
            self.begin(env, group.id, 0, conf, false);
        } else if conf.voters.len() > group.replicas {
            if let Some(voter) = conf.voters.iter().find(|it| **it != led.status.peer) {
                change(
                    env,
                    nodes,
                    group.id,
                    led,
                    MemberChange { removed: vec![*voter], ..MemberChange::default() },
                );
            }
        } else if let Some(lost) = lost {
            if conf.members().len() < env.nodes as usize {
                self.begin(env, group.id, lost, conf, false);
            } else {
                change(
                    env,
                    nodes,
                    group.id,
                    led,
                    MemberChange { removed: vec![lost], ..MemberChange::default() },
                );
            }
        }
    }

    fn advance(&mut self, env: &mut Env, nodes: &mut [Node], group: GroupId, it: Move, led: &Led) {
        let (conf, status) = (&led.status.conf, &led.status);
        let Move { new, old, joint, abandoned } = it;
        let is_there = conf.voters.contains(&old);
        if conf.voters.contains(&new) {
            match is_there {
                true => remove(env, nodes, group, led, old),
                false => drop(self.moves.remove(&group)),
            }
        } else if conf.learners.contains(&new) {
            let caught_up = status.peer(new).is_some_and(|it| {
                it.active && !it.snapshot && it.matched + CAUGHT_UP_ENTRIES >= status.last_index
            });
            if abandoned {
                // Without a move it is one that nobody wants.
                self.moves.remove(&group);
            } else if caught_up && joint && is_there {
                if old == status.peer {
                    return hand_over(env, nodes, group, led, old);
                }
                let swap = MemberChange {
                    voters: vec![new],
                    removed: vec![old],
                    ..MemberChange::default()
                };
                change(env, nodes, group, led, swap);
            } else if caught_up {
                change(
                    env,
                    nodes,
                    group,
                    led,
                    MemberChange { voters: vec![new], ..MemberChange::default() },
                );
            }
        } else {
            let node = &mut nodes[(node_of(new) - 1) as usize];
            match node.peer(group) {
                None => node.create(env, group, new, None),
                Some(peer) if peer == new => {
                    change(
                        env,
                        nodes,
                        group,
                        led,
                        MemberChange { learners: vec![new], ..MemberChange::default() },
                    );
                }
                // What was there before is on its way out.
                Some(_) => {}
            }
        }
    }
}

/// Who leads a group, as far as anybody up says so.
fn leader(nodes: &[Node], group: GroupId) -> Option<Led> {
    let leads = |node: &Node| {
        let process = node.process.as_ref()?;
        let replica = process.replicas.get(&group)?;
        (replica.watch.leader() == Some(replica.peer)).then_some((replica.watch.term(), node.id))
    };
    let (_, node) = nodes.iter().filter_map(leads).max()?;
    let status = nodes[(node - 1) as usize].process.as_ref()?.core.status(group)?;
    Some(Led { node, status })
}

fn remove(env: &mut Env, nodes: &mut [Node], group: GroupId, led: &Led, old: u64) {
    if old == led.status.peer {
        hand_over(env, nodes, group, led, old);
    } else {
        change(
            env,
            nodes,
            group,
            led,
            MemberChange { removed: vec![old], ..MemberChange::default() },
        );
    }
}

fn hand_over(env: &mut Env, nodes: &mut [Node], group: GroupId, led: &Led, from: u64) {
    let others: Vec<u64> =
        led.status.conf.voters.iter().copied().filter(|it| *it != from).collect();
    if let Some(to) = env.random.pick(&others) {
        put(env, nodes, led.node, Input::Transfer { group, to });
    }
}

fn change(env: &mut Env, nodes: &mut [Node], group: GroupId, led: &Led, change: MemberChange) {
    let first = |of: &[u64]| of.first().copied().unwrap_or(0);
    let numbers = [
        ("group", group.0),
        ("learner", first(&change.learners)),
        ("voter", first(&change.voters)),
        ("removed", first(&change.removed)),
    ];
    env.note("change", &numbers);
    // What came of it shows in the group's log.
    let ticket = Ticket::new(0, Arc::default(), Box::new(|_| ()));
    put(env, nodes, led.node, Input::Change { group, change, ticket });
}

fn put(env: &mut Env, nodes: &mut [Node], node: u64, input: Input) {
    if let Some(process) = &mut nodes[(node - 1) as usize].process {
        process.put(input);
        process.wake(env);
    }
}
