//! After the healing: everything has to come right within a bound of ticks, and then every
//! promise is checked.

use std::collections::BTreeMap;

use vane_types::GroupId;

use crate::event::Event;
use crate::history::{Kind, Operation};
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
            Stage::Load if self.every_group_writes(moment) => self.stage = Stage::Rest,
            Stage::Rest
                if self.clients.iter().all(|client| client.busy.is_none()) && self.is_whole() =>
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

    fn every_group_writes(&self, since: u64) -> bool {
        let history = &self.env.history.operations;
        let is_written = |group: &GroupId| {
            let mut of_group = history
                .iter()
                .rev()
                .filter(|operation| operation.group == *group && operation.invoked > since);
            of_group.any(|operation| operation.is_write() && operation.is_acknowledged())
        };
        self.env.groups.iter().all(is_written)
    }

    /// Every group has its replicas, and all of them are where the log ends.
    fn is_whole(&self) -> bool {
        self.is_settled()
            && self.env.checks.logs.iter().all(|(group, log)| {
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
        let meta_is_settled = meta.is_some_and(|log| log.conf.learners.is_empty());
        let shards_are_settled = self.catalog(FOUNDER, |state| {
            state.shards.iter().all(|(group, shard)| {
                let conf = self.env.checks.log(*group).map(|log| &log.conf);
                shard.target.is_none() && conf == Some(&shard.conf) && !shard.conf.is_joint()
            })
        });
        meta_is_settled && shards_are_settled == Some(true) && self.nodes.iter().all(is_followed)
    }

    fn what_is_missing(&self, since: u64) -> String {
        let what = match self.stage {
            Stage::Load if !self.every_group_writes(since) => {
                "a group has not acknowledged a write"
            }
            Stage::Founding | Stage::Load | Stage::Rest if !self.is_settled() => {
                "a group has not got its members"
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
        for group in self.env.groups.clone() {
            let expected = witness::final_values(&self.env, group);
            let of_class = |class: u64| -> Vec<u64> {
                let points = expected.iter();
                let matching =
                    points.filter(|(_, number)| number.and_then(class_of) == Some(class));
                matching.map(|(point, _)| *point).collect()
            };
            let processes = self.nodes.iter().filter_map(|node| node.process.as_ref());
            for replica in processes.filter_map(|process| process.replicas.get(&group)) {
                let wrong = check_replica(replica, &expected, self.env.points(group));
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
        let all = |group: &GroupId| {
            let group = *group;
            (1..=self.env.points(group)).map(move |point| (group, point))
        };
        self.stage = Stage::LastReads(self.env.groups.iter().flat_map(all).collect());
    }

    /// Two checks that know nothing of each other: what one finds, the other need not have
    /// missed, but what neither finds is not there.
    fn check_history(&mut self) {
        let mut found: Vec<String> = witness::check(&self.env).err().into_iter().collect();
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
                Verdict::TooHard => self.undecided += 1,
            }
        }
        if !found.is_empty() {
            self.env.checks.fail(|| found.join("; "));
        }
        let last_reads = self.env.history.operations.iter().rev().take(self.env.groups.len());
        let is_unanswered = |operation: &&Operation| {
            matches!(operation.kind, Kind::Read { .. }) && !operation.is_acknowledged()
        };
        let unanswered = last_reads.filter(is_unanswered).count();
        if unanswered > 0 {
            self.env.checks.fail(|| "a healed cluster does not answer reads".into());
        }
    }
}

/// What of a replica's points is not what it should be.
fn check_replica(
    replica: &Replica,
    expected: &BTreeMap<u64, Option<u64>>,
    points: u64,
) -> Option<String> {
    let (kept, scrubbed) = (replica.machine.digest(), replica.machine.scrub());
    if kept != scrubbed {
        return Some(format!("has {scrubbed:?}, its digest says {kept:?}"));
    }
    let wanted = |point: u64| expected.get(&point).copied().flatten();
    let point = (1..=points).find(|point| replica.machine.read(*point) != Ok(wanted(*point)))?;
    let found = replica.machine.read(point);
    Some(format!("point {point} is {found:?}, not {:?}", wanted(point)))
}
