//! What background jobs do, did last, and will do next, by what is there now.

use vane_types::{Durations, Slot, VectorId};

use super::{Claimed, Facts, Job as Chosen, Tempo, inputs_of, next_build, next_seal, optimizer_of};
use crate::job_log::{Job, Optimizer, SegmentOf};
use crate::segments::growing::{ALIVE, Growing};
use crate::segments::sealed::Sealed;
use crate::shard::Shard;
use crate::state::vector::VectorState;

/// Jobs of one vector that are looked ahead for.
const QUEUED_MAX: usize = 64;
/// Numbers of jobs that fill payload indexes, which have none of the log's.
const FILLS: u64 = 1 << 63;

/// What the background jobs of a shard are at.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outlook {
    /// Those that run.
    pub running: Vec<Job>,
    /// The last that ended, the latest first.
    pub ended: Vec<Job>,
    /// Those that would come next if nothing more were written, as far as can be told now.
    pub queued: Vec<Job>,
    /// Segments that none of these is about.
    pub idle: Vec<SegmentOf>,
}

impl Outlook {
    /// Adds another shard's.
    pub fn add(&mut self, other: Self) {
        let Self { running, ended, queued, idle } = other;
        self.running.extend(running);
        self.ended.extend(ended);
        self.queued.extend(queued);
        self.idle.extend(idle);
    }
}

impl Shard {
    /// What jobs are at, with `ended` of the last ones at most.
    pub fn outlook(&self, ended: usize) -> Outlook {
        let (claimed, mut outlook) = (self.claimed.lock().clone(), Outlook::default());
        for id in self.vector_ids() {
            let queued = self.queued(id, &claimed);
            let is_busy = |segment: &SegmentOf| {
                claimed.contains(&(id, segment.segment))
                    || queued.iter().any(|job| job.segments.contains(segment))
            };
            let segments = self.segments(id).into_iter();
            let idle = segments.filter(|segment| !is_busy(segment));
            outlook.idle.extend(idle);
            outlook.queued.extend(queued);
        }
        outlook.running = self.job_log.running();
        outlook.running.extend(self.fills_running());
        outlook.ended = self.job_log.ended(ended);
        outlook
    }

    /// How long jobs took since the shard was opened, and the points that were in what they
    /// replaced.
    pub fn jobs_done(&self) -> (Durations, u64) {
        self.job_log.totals()
    }

    /// Jobs that run now, on segments or payload indexes.
    pub(crate) fn jobs_running(&self) -> usize {
        let filling = self.state.read().fields.values().filter(|field| !field.is_whole()).count();
        self.job_log.count() + filling
    }

    /// Jobs of a vector that would come next. Each is chosen as if those before it were done and
    /// had left nothing.
    fn queued(&self, id: VectorId, claimed: &Claimed) -> Vec<Job> {
        // The collection may lose it meanwhile.
        let Some(mut facts) = self.facts(id, Tempo::Idle, claimed) else { return Vec::new() };
        let mut queued = self.sealings(id, &facts);
        // What they leave is not known yet.
        (facts.frozen, facts.growing_rows, facts.growing_bytes) = (None, 0, 0);
        while queued.len() < QUEUED_MAX {
            let Some(job) = next_build(&facts) else { break };
            let optimizer = optimizer_of(&job, &facts);
            let inputs = inputs_of(&job).to_vec();
            queued.push(Job::new(optimizer, self.segments_of(id, &inputs)));
            facts.segments.retain(|segment| !inputs.contains(&segment.id));
        }
        queued
    }

    fn sealings(&self, id: VectorId, facts: &Facts) -> Vec<Job> {
        let state = self.state.read();
        let Some(vector) = state.vectors.get(&id) else { return Vec::new() };
        let after = Facts { frozen: None, ..facts.clone() };
        let growing = (next_seal(&after) == Some(Chosen::Freeze)).then_some(&vector.growing);
        let frozen = vector.frozen.iter().map(|frozen| &**frozen);
        let waiting = frozen.chain(growing);
        waiting.map(|it| Job::new(Optimizer::Sealing, vec![in_memory(id, it)])).collect()
    }

    /// Those of a vector's segments that have these numbers.
    pub(super) fn segments_of(&self, id: VectorId, numbers: &[u32]) -> Vec<SegmentOf> {
        let state = self.state.read();
        let sealed = state.vectors.get(&id).into_iter().flat_map(|vector| &vector.sealed);
        sealed.filter(|it| numbers.contains(&it.id())).map(|it| in_files(id, it)).collect()
    }

    fn segments(&self, id: VectorId) -> Vec<SegmentOf> {
        let state = self.state.read();
        let Some(VectorState { growing, frozen, sealed, .. }) = state.vectors.get(&id) else {
            return Vec::new();
        };
        let memory = frozen.iter().map(|frozen| &**frozen).chain([growing]);
        let memory = memory.map(|growing| in_memory(id, growing));
        memory.chain(sealed.iter().map(|sealed| in_files(id, sealed))).collect()
    }

    /// Payload indexes are filled in many short steps, which make one job together.
    fn fills_running(&self) -> Vec<Job> {
        let state = self.state.read();
        let slots = u64::from(state.totals.next_slot);
        let filling = state.fields.values().filter_map(|field| Some((field.number, field.next?)));
        let job = |(number, next): (u16, Slot)| Job {
            number: FILLS | u64::from(number),
            total: slots,
            done: u64::from(next).min(slots),
            ..Job::new(Optimizer::PayloadIndex, Vec::new())
        };
        filling.map(job).collect()
    }
}

fn in_memory(id: VectorId, growing: &Growing) -> SegmentOf {
    let alive = (0..growing.rows() as u32).filter(|row| growing.death(*row) == ALIVE).count();
    SegmentOf { vector: id.0.into(), segment: growing.id, points: alive }
}

fn in_files(id: VectorId, sealed: &Sealed) -> SegmentOf {
    let points = sealed.rows().saturating_sub(sealed.tombstones.dead());
    SegmentOf { vector: id.0.into(), segment: sealed.id(), points }
}
