//! Background jobs: carries out what [`optimize`](crate::segments::optimize) chooses.
//!
//! A job reads rows that do not change, writes files of its own, and publishes them under
//! the shard's locks in one batch. Deaths that happened meanwhile are taken over at that
//! moment, row by row, so none is lost (the race behind Qdrant's proxy-segment bug).

mod base;
mod build;
mod fill;
mod lost;
pub(crate) mod outlook;
mod publish;
mod seal;
mod tenants;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use vane_index::GraphParams;
use vane_types::{HnswConfig, VectorId, VectorParams, VectorSpec};

use crate::error::Error;
use crate::job_log::{Job as Tracking, Optimizer};
use crate::segments::optimize::{
    Claimed, Facts, Job, SegmentFacts, Tempo, delay, next_build, next_in_haste, next_seal,
    optimizer_of,
};
use crate::segments::sealed::{OpenGraph, wanted_bits};
use crate::shard::Shard;

/// Which jobs a thread does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Freezing and sealing: quick, and they bound memory.
    Seal,
    /// Building and rewriting: as long as a graph takes, which may be an hour.
    Build,
    /// Graphs over what piles up meanwhile, in pieces, and merges of small ones.
    Haste,
    /// Filling payload indexes: a few milliseconds each time; and what vectors left behind.
    Fill,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Seal, Self::Build, Self::Haste, Self::Fill];
}

/// Whether a job is to end early, and how far it is.
struct Cancel<'a> {
    wanted: &'a AtomicBool,
    shard: &'a Shard,
    /// Rows that it is through with.
    done: &'a AtomicU64,
}

impl Cancel<'_> {
    fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
            || self.shard.is_out_of_use()
            || self.shard.stop_jobs.load(Ordering::Relaxed)
    }

    fn note_done(&self, rows: usize) {
        self.done.store(rows as u64, Ordering::Relaxed);
    }
}

/// Segments that a job works on: no other job does meanwhile.
struct Claim<'a> {
    shard: &'a Shard,
    segments: Vec<(VectorId, u32)>,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let mut claimed = self.shard.claimed.lock();
        for segment in &self.segments {
            claimed.remove(segment);
        }
    }
}

/// The sealed segments that a job reads.
fn inputs_of(job: &Job) -> &[u32] {
    match job {
        Job::Freeze | Job::Seal(_) => &[],
        Job::Index(id) => std::slice::from_ref(id),
        Job::Rewrite { inputs, .. } => inputs,
    }
}

impl Shard {
    /// Does one job of this kind if one is due; says whether it did. `has_room` is asked
    /// before a job writes so many bytes.
    ///
    /// # Errors
    /// [`Error::Cancelled`] when `cancel` is set, the shard closed or a snapshot waits; or a
    /// failure of disk or index. The segments are as before, or the job is done and only files of
    /// its inputs are left to the next start.
    pub fn run_job(
        &self,
        kind: Kind,
        has_room: &dyn Fn(u64) -> bool,
        cancel: &AtomicBool,
    ) -> Result<bool, Error> {
        let done = self.do_job(kind, has_room, cancel).map_err(|error| match self.is_closed() {
            // Its files go away under a job, which is no failure of the disk.
            true => Error::Cancelled,
            false => error,
        });
        match &done {
            // A job of one kind leaves something to do for the others.
            Ok(true) => self.stir(),
            // Nothing is due yet, or it was called off, or failed.
            Ok(false) if !self.has_job_when_idle() => {}
            Ok(false) | Err(_) => self.stir_for(kind),
        }
        let failure = match &done {
            // Called off is neither failed nor done.
            Err(Error::Cancelled) => return done,
            Err(error) => Some(error.to_string()),
            Ok(_) => None,
        };
        self.job_failures.lock()[kind as usize] = failure;
        done
    }

    fn do_job(
        &self,
        kind: Kind,
        has_room: &dyn Fn(u64) -> bool,
        cancel: &AtomicBool,
    ) -> Result<bool, Error> {
        // A snapshot that is being installed takes the place of all segments.
        let Some(_no_install) = self.jobs.try_read() else { return Ok(false) };
        // What a job writes vouches for what it read, and this is known to be bad.
        if self.damaged().is_some() {
            return Ok(false);
        }
        if kind == Kind::Fill {
            return Ok(self.remove_lost()? || self.fill_index()?);
        }
        for id in self.vector_ids() {
            let Some((job, optimizer, _claim)) = self.claim_job(kind, id, has_room) else {
                continue;
            };
            tracing::debug!(group = %self.store.group(), vector = %id, ?job, "background job");
            let (done, reads_files) = match job {
                Job::Freeze => (self.freeze_idle(id), false),
                Job::Seal(segment) => (self.seal(id, segment), false),
                Job::Index(_) | Job::Rewrite { .. } => {
                    (self.remake(id, &job, optimizer, cancel), true)
                }
            };
            // Where the collection has lost the vector meanwhile, and its files with it, what a
            // job did not find is no damage.
            if done.is_err() {
                self.state.read().worked_on(id)?;
            }
            return if reads_files { self.noting(done) } else { done }.map(|()| true);
        }
        Ok(false)
    }

    fn vector_ids(&self) -> Vec<VectorId> {
        self.state.read().vectors.keys().copied().collect()
    }

    /// Does a job that makes a segment of others.
    fn remake(
        &self,
        id: VectorId,
        job: &Job,
        optimizer: Optimizer,
        wanted: &AtomicBool,
    ) -> Result<(), Error> {
        let segments = self.segments_of(id, inputs_of(job));
        let tracked = self.job_log.begin(Tracking::new(optimizer, segments));
        let cancel = &Cancel { wanted, shard: self, done: &tracked.done };
        let done = match job {
            Job::Freeze | Job::Seal(_) => Ok(()),
            Job::Index(segment) => self.index(id, *segment, cancel),
            Job::Rewrite { inputs, graph } => self.rewrite(id, inputs, *graph, cancel),
        };
        tracked.end(&done);
        done
    }

    /// The next job of a vector, and its inputs kept from other threads.
    fn claim_job(
        &self,
        kind: Kind,
        id: VectorId,
        has_room: &dyn Fn(u64) -> bool,
    ) -> Option<(Job, Optimizer, Claim<'_>)> {
        // From the look at what is there to the claim: two threads must not choose the same.
        let mut claimed = self.claimed.lock();
        let mut facts = self.facts(id, self.tempo(), &claimed)?;
        let job = loop {
            let job = match kind {
                Kind::Seal => next_seal(&facts),
                Kind::Build => next_build(&facts),
                Kind::Haste => next_in_haste(facts.clone()),
                Kind::Fill => None,
            }?;
            if has_room(bytes_to_write(&job, &facts)) {
                break job;
            }
            // Without the largest of them there may be a job that is small enough.
            let largest = largest_of(inputs_of(&job), &facts)?;
            facts = facts.without(largest);
        };
        let segments: Vec<_> = inputs_of(&job).iter().map(|segment| (id, *segment)).collect();
        claimed.extend(&segments);
        let optimizer = optimizer_of(&job, &facts);
        Some((job, optimizer, Claim { shard: self, segments }))
    }

    /// Whether a job is due, or will be once writes pause.
    pub(crate) fn has_job_when_idle(&self) -> bool {
        self.indexes_building.load(Ordering::Relaxed) > 0
            || self.is_filling()
            || self.has_lost()
            || self.vector_ids().into_iter().any(|id| {
                let facts = self.facts(id, Tempo::Idle, &Claimed::new());
                facts.is_some_and(|it| next_seal(&it).is_some() || next_build(&it).is_some())
            })
    }

    pub(crate) fn may_have_few_bits(&self) -> bool {
        self.settings.may_have_few_bits.load(Ordering::Relaxed)
    }

    /// `None` where the collection has lost the vector.
    fn facts(&self, id: VectorId, tempo: Tempo, claimed: &Claimed) -> Option<Facts> {
        let state = self.state.read();
        let vector = state.vectors.get(&id)?;
        let mut hnsw = state.config.hnsw_of(&vector.name);
        let bits = wanted_bits(&state.config, &vector.name, vector.spec);
        // Where none are to be built, or codes may not be what is wanted, those that are there stay
        // as they are: a node that was just started does not know yet what it may write.
        let may_change = hnsw.m > 0 && self.may_have_few_bits();
        let is_outdated = |graph: &OpenGraph| {
            graph.is_of_earlier_version() || (may_change && graph.code_bits() != bits)
        };
        let free = vector.sealed.iter().filter(|it| !claimed.contains(&(id, it.id())));
        let segments = free.map(|sealed| SegmentFacts {
            id: sealed.id(),
            rows: sealed.rows(),
            dead: sealed.tombstones.dead(),
            bytes: sealed.bytes(),
            has_graph: sealed.is_indexed(),
            is_outdated: sealed.graph.as_ref().is_some_and(is_outdated),
        });
        let buildable_bytes = match vector.spec {
            VectorSpec::Dense(VectorParams { size, .. }) if vector.spec.has_graph() => {
                let params = GraphParams::to_serve(hnsw.m, hnsw.ef_construct);
                let rows_max = self.settings.build_bytes_max / params.build_bytes(size);
                rows_max.saturating_mul(size * size_of::<f32>())
            }
            VectorSpec::Sparse(_) => {
                // Postings are for all, whatever is said of graphs.
                hnsw = HnswConfig::default();
                self.settings.build_bytes_max / 2
            }
            VectorSpec::Dense(_) | VectorSpec::Multi(_) => {
                // No graph is built over them: segments are only merged.
                hnsw.m = 0;
                self.settings.build_bytes_max
            }
        };
        Some(Facts {
            growing_rows: vector.growing.rows(),
            growing_bytes: vector.growing.bytes(),
            frozen: vector.frozen.first().map(|frozen| frozen.id),
            segments: segments.collect(),
            tempo,
            hnsw,
            optimizer: state.config.optimizer,
            buildable_bytes,
        })
    }

    fn tempo(&self) -> Tempo {
        let (pace, now) = (self.pace.lock(), Instant::now());
        match (pace.is_idle(now), pace.is_calm(now)) {
            (true, _) => Tempo::Idle,
            (false, true) => Tempo::Trickle,
            (false, false) => Tempo::Busy,
        }
    }

    fn freeze_idle(&self, id: VectorId) -> Result<(), Error> {
        let _only_writer = self.writer.lock();
        let mut state = self.state.write();
        let vector = state.worked_on_mut(id)?;
        // Writers may have frozen it since the job was chosen.
        if vector.growing.rows() > 0 {
            vector.freeze();
        }
        Ok(())
    }
}

impl Shard {
    /// How long a write should be held up so that segments without a graph do not outgrow
    /// those who build graphs: every search scans what they hold.
    pub fn write_delay(&self) -> Duration {
        let state = self.state.read();
        let behind = state.vectors.values().map(|vector| {
            // No graph is built over others, so that nobody would catch up.
            if !vector.spec.has_graph() {
                return Duration::ZERO;
            }
            let plain = vector.sealed.iter().filter(|sealed| sealed.graph.is_none());
            let frozen = vector.frozen.iter().map(|frozen| frozen.bytes()).sum::<usize>();
            let bytes = frozen + plain.map(|sealed| sealed.bytes()).sum::<usize>();
            delay(bytes, state.config.hnsw_of(&vector.name), state.config.optimizer)
        });
        behind.max().unwrap_or_default()
    }
}

fn largest_of(ids: &[u32], facts: &Facts) -> Option<u32> {
    let among = facts.segments.iter().filter(|segment| ids.contains(&segment.id));
    among.max_by_key(|segment| segment.bytes).map(|segment| segment.id)
}

fn bytes_to_write(job: &Job, facts: &Facts) -> u64 {
    let sizes: HashMap<u32, usize> =
        facts.segments.iter().map(|segment| (segment.id, segment.bytes)).collect();
    let size = |id: &u32| sizes.get(id).copied().unwrap_or(0) as u64;
    match job {
        // Sealing frees as much in RocksDB as it takes in files, and must go on.
        Job::Freeze | Job::Seal(_) => 0,
        // Rows are linked and take nothing; a graph is reckoned as half of them.
        Job::Index(id) => size(id) / 2,
        Job::Rewrite { inputs, .. } => inputs.iter().map(size).sum::<u64>() * 3 / 2,
    }
}
