//! After the healing: everything has to come right within a bound of ticks, and then every
//! promise is checked.

use std::collections::BTreeMap;

use vane_types::GroupId;

use crate::event::Event;
use crate::history::{Kind, LASTING, Operation};
use crate::linearizable::{self, Verdict};
use crate::node::{FOUNDER, Node};
use crate::process::{Process, Replica};
use crate::queue::{TICK, Time};
use crate::witness;
use crate::world::{Stage, World, place};
use crate::write::{CLASSES, class_of};

/// Time that a healed cluster has to answer writes in every group, to make every group
/// whole and every replica equal.
const RECOVERY_MAX: Time = 150 * TICK;
/// Time that the last reads have.
const LAST_READS_MAX: Time = 50 * TICK;

impl World {
    /// Whether all is well; if not yet, looks again later.
    pub(crate) fn look(&mut self) {
        let Some((healed_at, moment)) = self.healed_at else { return };
        let took = self.env.now() - healed_at;
        match &self.stage {
            // Writes first: whole replicas of groups that take nothing would prove nothing.
            Stage::Load if self.every_group_writes(moment) => self.stage = Stage::Rest,
            Stage::Rest
                if self.clients.iter().all(|client| client.busy.is_none())
                    && self.env.lives.is_quiet()
                    && self.env.names.is_quiet()
                    && self.is_whole() =>
            {
                self.env.note("whole", &[("took", took)]);
                self.recovered_in = took;
                self.check_replicas();
                self.begin_last_reads();
            }
            Stage::LastReads(left)
                if left.is_empty()
                    && self.clients.iter().all(|client| client.busy.is_none())
                    && self.leaked().is_none() =>
            {
                self.check_history();
                self.done = true;
            }
            _ => {}
        }
        let limit = match self.stage {
            Stage::LastReads(_) => self.recovered_in + LAST_READS_MAX,
            _ => RECOVERY_MAX,
        };
        if took > limit {
            let what = self.what_is_missing(moment);
            self.env.checks.fail(|| format!("{} ticks after the healing {what}", limit / TICK));
        }
        self.env.queue.after(TICK, Event::Look);
    }

    /// The meta group, and the shards of all collections that there are.
    pub(crate) fn live_groups(&self) -> Vec<GroupId> {
        let shards = self.catalog(FOUNDER, |state| state.shards.keys().copied().collect());
        let shards: Vec<GroupId> = shards.unwrap_or_default();
        std::iter::once(GroupId::META).chain(shards).collect()
    }

    fn every_group_writes(&self, since: u64) -> bool {
        let history = &self.env.history.operations;
        let is_written = |group: &GroupId| {
            let mut of_group = history
                .iter()
                .rev()
                .filter(|operation| operation.group == *group && operation.invoked > since);
            of_group.any(|operation| operation.is_write() && operation.is_acknowledged())
        };
        self.live_groups().iter().all(is_written)
    }

    /// Every group has its replicas, and all of them are where the log ends.
    fn is_whole(&self) -> bool {
        self.is_settled()
            && self.are_vectors_told()
            && self.live_groups().iter().all(|group| {
                let Some(log) = self.env.checks.log(*group) else { return false };
                // To the end of the log, learners too: nothing new is written by now.
                log.conf.members().into_iter().all(|peer| {
                    let node = &self.nodes[place(peer.node())];
                    let replica = node.process.as_ref().and_then(|it| it.replicas.get(group));
                    let replica = replica.filter(|replica| replica.peer == peer);
                    replica.is_some_and(|replica| replica.machine.applied() == log.last())
                })
            })
    }

    /// Every group has the members that the catalog wants, on every node that is what is done,
    /// and no replica is shut.
    fn is_settled(&self) -> bool {
        let is_followed = |node: &Node| {
            node.process.as_ref().is_some_and(Process::has_followed) && node.shut().is_empty()
        };
        let meta = self.env.checks.log(GroupId::META);
        // Five members, five votes: a learner that is left is a promotion that never came.
        let meta_is_settled = meta.is_some_and(|log| log.conf.learners.is_empty());
        let shards_are_settled = self.catalog(FOUNDER, |state| {
            state.shards.iter().all(|(group, shard)| {
                let conf = self.env.checks.log(*group).map(|log| &log.conf);
                // The copy in the catalog must say what Raft has come to, or the next move starts
                // wrong.
                shard.target.is_none() && conf == Some(&shard.conf) && !shard.conf.is_joint()
            })
        });
        // A machine that is gone with its disk follows nothing any more.
        let mut there = self.nodes.iter().filter(|node| !node.is_gone);
        meta_is_settled && shards_are_settled == Some(true) && there.all(is_followed)
    }

    fn what_is_missing(&self, since: u64) -> String {
        let what = match self.stage {
            Stage::Load if !self.every_group_writes(since) => {
                "a group has not acknowledged a write"
            }
            Stage::Founding | Stage::Load | Stage::Rest if !self.is_settled() => {
                "a group has not got its members"
            }
            Stage::Founding | Stage::Load | Stage::Rest if !self.are_vectors_told() => {
                "a shard has not heard of its vectors"
            }
            Stage::Founding | Stage::Load | Stage::Rest => "a replica has not got its entries",
            // What waits, or was just made, at one moment, need not at the next.
            Stage::LastReads(_) => match self.leaked() {
                Some(leaked) => return format!("left over: {leaked}"),
                None => "reads are not answered",
            },
        };
        format!("{what}:{}", self.what_groups_are())
    }

    /// All groups as the truth and their replicas see them.
    pub(crate) fn what_groups_are(&self) -> String {
        let mut text = String::new();
        for (group, log) in &self.env.checks.logs {
            text.push_str(&format!(" [{group} at {}, {:?}", log.last(), log.conf));
            for process in self.nodes.iter().filter_map(|node| node.process.as_ref()) {
                let Some(status) = process.core.status(*group) else { continue };
                let peer = crate::checks::name(status.peer);
                let (role, term, applied, end) =
                    (status.role, status.term, status.applied, status.last_index);
                text.push_str(&format!(
                    ", {peer} {role:?} in {term}, applied {applied}, log to {end}"
                ));
            }
            text.push(']');
        }
        text
    }

    /// What replicas answer is what the log says.
    fn check_replicas(&mut self) {
        for group in self.live_groups() {
            let (expected, vectors) = witness::final_state(&self.env, group);
            let of_class = |class: u64| -> Vec<u64> {
                let points = expected.iter();
                let matching =
                    points.filter(|(_, number)| number.and_then(class_of) == Some(class));
                matching.map(|(point, _)| *point).collect()
            };
            let processes = self.nodes.iter().filter_map(|node| node.process.as_ref());
            for replica in processes.filter_map(|process| process.replicas.get(&group)) {
                // First by point and then by filter: the second goes through the payload index.
                let wrong = check_replica(replica, &expected, self.env.points(group));
                let wrong = wrong.or_else(|| check_vectors(replica, &vectors));
                let wrong = wrong.or_else(|| {
                    let mut classes = (0..CLASSES).filter(|_| group != GroupId::META);
                    let class =
                        classes.find(|it| replica.machine.of_class(*it) != Ok(of_class(*it)))?;
                    let found = replica.machine.of_class(class);
                    Some(format!("finds {found:?} in class {class}, not {:?}", of_class(class)))
                });
                if let Some(wrong) = wrong {
                    let peer = crate::checks::name(replica.peer);
                    self.env.checks.fail(|| format!("group {group}: {peer} {wrong}"));
                }
            }
        }
    }

    fn begin_last_reads(&mut self) {
        let names = self.catalog(FOUNDER, |state| state.collections.keys().cloned().collect());
        let names: Vec<String> = names.unwrap_or_default();
        let (nodes, points) = (self.env.nodes, self.env.swarm.load.points);
        let of_catalog = (1..=nodes).map(|node| (None, node));
        let of = |name: String| (1..=points).map(move |point| (Some(name.clone()), point));
        self.stage = Stage::LastReads(of_catalog.chain(names.into_iter().flat_map(of)).collect());
    }

    /// Two checks that know nothing of each other: what one finds, the other need not have
    /// missed, but what neither finds is not there.
    fn check_history(&mut self) {
        let mut found: Vec<String> = witness::check(&self.env).err().into_iter().collect();
        found.extend(self.wrong_collections());
        found.extend(self.wrong_names());
        for ((group, point), calls) in witness::calls(&self.env) {
            match linearizable::check(&calls) {
                Verdict::Yes => {}
                Verdict::No => {
                    self.env.trace.explain(|| format!("{calls:#?}"));
                    let calls = calls.len();
                    found.push(format!(
                        "group {group}: the {calls} requests for point {point} have no linear order"
                    ));
                }
                // Not an alarm: the order of the log was checked for these, too.
                Verdict::TooHard => self.undecided += 1,
            }
        }
        if !found.is_empty() {
            self.env.checks.fail(|| found.join("; "));
        }
        let last_reads = self.env.history.operations.iter().rev().take(LASTING.len());
        let is_unanswered = |operation: &&Operation| {
            matches!(operation.kind, Kind::Read { .. }) && !operation.is_acknowledged()
        };
        let unanswered = last_reads.filter(is_unanswered).count();
        if unanswered > 0 {
            self.env.checks.fail(|| "a healed cluster does not answer reads".into());
        }
    }
}

/// What of the vectors of a replica's points is not what it should be.
fn check_vectors(replica: &Replica, expected: &witness::Vectors) -> Option<String> {
    let found = replica.machine.vectors();
    (found.as_ref() != Ok(expected))
        .then(|| format!("has vectors {found:?}, the log says {expected:?}"))
}

/// What of a replica's points is not what it should be.
fn check_replica(
    replica: &Replica,
    expected: &BTreeMap<u64, Option<u64>>,
    points: u64,
) -> Option<String> {
    // What is kept along the way against what all that is stored comes to.
    let (kept, scrubbed) = (replica.machine.digest(), replica.machine.scrub());
    if kept != scrubbed {
        return Some(format!("has {scrubbed:?}, its digest says {kept:?}"));
    }
    let wanted = |point: u64| expected.get(&point).copied().flatten();
    let point = (1..=points).find(|point| replica.machine.read(*point) != Ok(wanted(*point)))?;
    let found = replica.machine.read(point);
    Some(format!("point {point} is {found:?}, not {:?}", wanted(point)))
}
