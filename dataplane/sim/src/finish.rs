//! After the healing: everything has to come right within a bound of ticks, and then every
//! promise is checked.

use crate::env::Env;
use crate::event::Event;
use crate::history::Kind;
use crate::linearizable::{self, Verdict};
use crate::queue::{TICK, Time};
use crate::witness;
use crate::world::{Stage, World};

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
            Stage::Rest if self.clients.iter().all(|it| it.busy.is_none()) && self.is_whole() => {
                self.env.note("whole", &[("took", took)]);
                self.recovered_in = took;
                self.check_replicas();
                self.begin_last_reads();
            }
            Stage::LastReads(left)
                if left.is_empty() && self.clients.iter().all(|it| it.busy.is_none()) =>
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
        let written = |group| {
            let of_group =
                |it: &&crate::history::Operation| it.group == group && it.invoked > since;
            history.iter().rev().filter(of_group).any(|it| it.is_write() && it.is_acknowledged())
        };
        self.env.groups.iter().all(|it| written(it.id))
    }

    /// Every group has its replicas, and all of them are where the log ends.
    fn is_whole(&self) -> bool {
        let equal = self.env.checks.logs.iter().all(|(group, log)| {
            let last = log.entries.last_key_value().map(|it| *it.0);
            let replicas =
                self.nodes.iter().filter_map(|it| it.process.as_ref()?.replicas.get(group));
            let members: Vec<_> =
                replicas.filter(|it| log.conf.voters.contains(&it.peer)).collect();
            members.len() == log.conf.voters.len()
                && members.iter().all(|it| Some(it.machine.applied()) == last)
        });
        equal && self.members.is_settled(&self.env, &self.nodes)
    }

    fn what_is_missing(&self, since: u64) -> String {
        let Env { checks, .. } = &self.env;
        let what = match self.stage {
            Stage::Load if !self.every_group_writes(since) => {
                "a group has not acknowledged a write"
            }
            Stage::Load | Stage::Rest if !self.members.is_settled(&self.env, &self.nodes) => {
                "a group has not got its members"
            }
            Stage::Load | Stage::Rest => "a replica has not got its entries",
            Stage::LastReads(_) => "reads are not answered",
        };
        let mut text = format!("{what}:");
        for (group, log) in &checks.logs {
            let last = log.entries.last_key_value().map_or(0, |it| *it.0);
            text.push_str(&format!(" [{group} at {last}, {:?}", log.conf));
            for process in self.nodes.iter().filter_map(|it| it.process.as_ref()) {
                if let Some(status) = process.core.status(*group) {
                    let peer = crate::checks::name(status.peer);
                    let (role, term, applied, end) =
                        (status.role, status.term, status.applied, status.last_index);
                    text.push_str(&format!(
                        ", {peer} {role:?} in {term}, applied {applied}, log to {end}"
                    ));
                }
            }
            text.push(']');
        }
        text
    }

    /// What replicas answer is what the log says.
    fn check_replicas(&mut self) {
        let points = self.env.swarm.load.points;
        for group in self.env.groups.clone() {
            let expected = witness::final_values(&self.env, group.id);
            for process in self.nodes.iter().filter_map(|it| it.process.as_ref()) {
                let Some(replica) = process.replicas.get(&group.id) else { continue };
                let (kept, scrubbed) = (replica.machine.digest(), replica.machine.scrub());
                if kept != scrubbed {
                    let peer = crate::checks::name(replica.peer);
                    self.env.checks.fail(|| {
                        format!(
                            "group {}: {peer} has {scrubbed:?}, its digest says {kept:?}",
                            group.id
                        )
                    });
                }
                for point in 1..=points {
                    let (found, wanted) =
                        (replica.machine.read(point), expected.get(&point).copied().flatten());
                    if found != Ok(wanted) {
                        let peer = crate::checks::name(replica.peer);
                        self.env.checks.fail(|| {
                            format!(
                                "group {}: point {point} of {peer} is {found:?}, not {wanted:?}",
                                group.id
                            )
                        });
                    }
                }
            }
        }
    }

    fn begin_last_reads(&mut self) {
        let points = 1..=self.env.swarm.load.points;
        let groups = self.env.groups.iter().map(|it| it.id);
        self.stage = Stage::LastReads(
            groups.flat_map(|group| points.clone().map(move |it| (group, it))).collect(),
        );
    }

    /// Two checks that know nothing of each other: what one finds, the other need not have
    /// missed, but what neither finds is not there.
    fn check_history(&mut self) {
        let mut found: Vec<String> = witness::check(&self.env).err().into_iter().collect();
        for ((group, point), calls) in witness::calls(&self.env) {
            match linearizable::check(&calls) {
                Verdict::Yes => {}
                Verdict::No => {
                    let lines: Vec<String> = self
                        .env
                        .history
                        .operations
                        .iter()
                        .enumerate()
                        .filter(|(_, it)| it.group == group && it.point() == point)
                        .map(|(number, it)| format!("{number}: {it:?}"))
                        .collect();
                    self.env.trace.explain(|| lines.join("\n"));
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
        let unanswered = last_reads
            .filter(|it| matches!(it.kind, Kind::Read { .. }) && !it.is_acknowledged())
            .count();
        if unanswered > 0 {
            self.env.checks.fail(|| "a healed cluster does not answer reads".into());
        }
    }
}
