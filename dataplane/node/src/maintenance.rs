//! Background threads of a node: sync and truncate, seal, build.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use parking_lot::Mutex;
use vane_catalog::Catalog;
use vane_raft::{Engine, StateMachine, StoreError, end_process};
use vane_shard::{Error as ShardError, JobKind};
use vane_storage::Space;
use vane_types::{GroupId, LogIndex};

use crate::drain::Drain;
use crate::replicas::{Disks, Replicas};
use crate::scrub::Scrub;

/// The longest rest after a slice of a payload index.
const FILL_REST_MAX: Duration = Duration::from_millis(10);
/// Pause between looks for a job when there was none.
const JOB_PAUSE: Duration = Duration::from_millis(50);
/// Time after which every shard is looked at, whether anything changed in it or not.
const LOOK_AT_ALL: Duration = Duration::from_secs(60);
/// Pause after a job failed.
const FAILED_PAUSE: Duration = Duration::from_secs(5);
/// Quiet time after which memtables are written out, so that a restart has less to read.
const QUIET: Duration = Duration::from_secs(5);

/// Rounds in which a log that does not grow is truncated again.
const REMINDERS: u32 = 5;

/// What the background threads work on.
pub(crate) struct Upkeep {
    pub(crate) engine: Arc<Engine>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) replicas: Arc<Replicas>,
    pub(crate) disks: Disks,
    pub(crate) space: Arc<Space>,
    pub(crate) drain: Arc<Drain>,
}

/// The running threads.
pub(crate) struct Maintenance {
    stop: Mutex<Option<Sender<()>>>,
    cancel: Arc<AtomicBool>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Maintenance {
    /// # Errors
    /// Where a thread cannot be started.
    pub(crate) fn start(
        upkeep: &Arc<Upkeep>,
        flush_interval: Duration,
        scrub: Scrub,
    ) -> std::io::Result<Self> {
        // Nothing is ever sent: the threads see the sender go.
        let (stop, stopped) = bounded::<()>(0);
        let cancel = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::new();
        {
            let (upkeep, stopped) = (Arc::clone(upkeep), stopped.clone());
            let thread = std::thread::Builder::new().name("sync".into());
            threads.push(thread.spawn(move || upkeep.sync_loop(flush_interval, &stopped))?);
        }
        {
            let stopped = stopped.clone();
            let thread = std::thread::Builder::new().name("scrub".into());
            threads.push(thread.spawn(move || scrub.run(&stopped))?);
        }
        // A thread each: writes wait for seals and searches for graphs over what is new, which must
        // not wait behind a graph of an hour. Each does one job of a shard and then looks at the
        // next shard, so that none is left out.
        let jobs =
            [(JobKind::Seal, "seal"), (JobKind::Fill, "fill"), (JobKind::Haste, "build-new")];
        let builders = (0..upkeep.replicas.builds_max()).map(|_| (JobKind::Build, "build"));
        for (kind, name) in jobs.into_iter().chain(builders) {
            let (upkeep, stopped) = (Arc::clone(upkeep), stopped.clone());
            let cancel = Arc::clone(&cancel);
            let thread = std::thread::Builder::new().name(name.into());
            threads.push(thread.spawn(move || upkeep.job_loop(kind, &cancel, &stopped))?);
        }
        Ok(Self { stop: Mutex::new(Some(stop)), cancel, threads: Mutex::new(threads) })
    }

    /// Calls builds off and ends the threads.
    pub(crate) fn stop(&self) {
        // Before the threads are joined: a build looks at it now and then, and ends early.
        self.cancel.store(true, Ordering::Relaxed);
        // Wakes all of them from their pauses at once.
        drop(self.stop.lock().take());
        for thread in self.threads.lock().drain(..) {
            if thread.join().is_err() {
                tracing::error!("a background thread panicked");
            }
        }
    }
}

/// How long a thread rests after a job, of which there may be more to do at once.
fn rest(kind: JobKind, took: Duration) -> Duration {
    match kind {
        // Writers want what it works with, in many small steps: half of the time is theirs.
        JobKind::Fill => took.min(FILL_REST_MAX),
        JobKind::Seal | JobKind::Build | JobKind::Haste => Duration::ZERO,
    }
}

/// Waits; says whether the node goes on.
fn pause(stopped: &Receiver<()>, time: Duration) -> bool {
    matches!(stopped.recv_timeout(time), Err(RecvTimeoutError::Timeout))
}

/// A log that is truncated, or could be.
struct Durable {
    group: GroupId,
    applied: LogIndex,
    /// Commands wait for room in it.
    is_slowed_down: bool,
}

/// What was truncated.
#[derive(Default)]
pub(crate) struct Truncated {
    /// Up to where each log was asked to be, and how often.
    asked: HashMap<GroupId, (LogIndex, u32)>,
    /// Logs to look at again in the next round, whether anything was applied or not.
    again: BTreeSet<GroupId>,
    looked_at_all: Option<Instant>,
}

impl Truncated {
    /// Whether a truncation may take something. A log whose end some follower still needs is asked
    /// about again, until it has it; one that is full for as long as it is: nothing new comes
    /// before.
    fn is_worth_asking(&self, log: &Durable) -> bool {
        // Nothing is applied yet, as where a replica waits for its first snapshot.
        if log.applied == LogIndex::ZERO {
            return false;
        }
        let asked = self.asked.get(&log.group);
        log.is_slowed_down
            || asked.is_none_or(|(index, times)| *index != log.applied || *times < REMINDERS)
    }

    /// Notes that a log was asked to be truncated up to an index.
    fn note(&mut self, group: GroupId, applied: LogIndex) {
        let known = self.asked.entry(group).or_insert((applied, 0));
        *known = if known.0 == applied { (applied, known.1 + 1) } else { (applied, 0) };
        self.again.insert(group);
    }
}

impl Upkeep {
    fn job_loop(&self, kind: JobKind, cancel: &AtomicBool, stopped: &Receiver<()>) {
        // Otherwise FAISS would start a team of OpenMP threads for each thread that calls it.
        vane_index::single_threaded_here();
        // A job writes new files before it frees old ones, so it must not fill the disk up.
        let has_room = |bytes| {
            let room = self.space.has_room_for_job(bytes);
            if !room {
                tracing::debug!(bytes, "a background job waits for room on the disk");
            }
            room
        };
        let (mut time, mut has_freed, mut looked_at_all) = (JOB_PAUSE, false, Instant::now());
        while pause(stopped, time) {
            time = JOB_PAUSE;
            let mut has_worked = false;
            let replicas = if looked_at_all.elapsed() < LOOK_AT_ALL {
                self.replicas.stirred(kind)
            } else {
                looked_at_all = Instant::now();
                self.replicas.all()
            };
            for (group, replica) in replicas {
                let begun = Instant::now();
                match replica.shard.run_job(kind, &has_room, cancel) {
                    Ok(true) => {
                        time = rest(kind, begun.elapsed());
                        has_worked = true;
                    }
                    Ok(false) => {}
                    // Called off is not failed: the next start finds the job again.
                    Err(ShardError::Cancelled) => {}
                    Err(error) => {
                        // The loop goes on: what is wrong may be one shard's, and the others have
                        // jobs too.
                        let again = "a background job failed; it will be tried again";
                        tracing::error!(%error, %group, ?kind, "{again}");
                        time = FAILED_PAUSE;
                    }
                }
            }
            // Once there is no more to do: whoever else needs memory then waits for a moment.
            if has_freed && !has_worked {
                vane_index::trim_memory();
            }
            has_freed = has_worked && matches!(kind, JobKind::Build | JobKind::Haste);
        }
    }

    /// Makes effects durable, then forgets the logs behind them.
    fn sync_loop(&self, interval: Duration, stopped: &Receiver<()>) {
        let mut truncated = Truncated::default();
        let (mut last_change, mut flushed) = (Instant::now(), true);
        while pause(stopped, interval) {
            // Before anything is written: what the ballast frees is room for this round.
            self.space.tend_ballast();
            self.drain.leave_full_disk();
            match self.sync_once(&mut truncated) {
                Ok(true) => (last_change, flushed) = (Instant::now(), false),
                Ok(false) if !flushed && last_change.elapsed() >= QUIET => {
                    // Before the attempt, and so tried once: all it saves is reading at the next
                    // start.
                    flushed = true;
                    let Disks { data_db, log_db, .. } = &self.disks;
                    if let Err(error) = data_db.flush().and_then(|()| log_db.flush()) {
                        tracing::warn!(%error, "failed to write memtables out");
                    }
                    vane_index::trim_memory();
                }
                Ok(false) => {}
                // After a failed fsync the kernel may have dropped the pages: a later one would
                // succeed, and logs would be truncated whose effects are not there.
                Err(error) => end_process("failed to sync data.db", &StoreError(error.to_string())),
            }
        }
    }

    /// One round; says whether there was anything new.
    ///
    /// # Errors
    /// Where `data.db` cannot be synced; then no log was truncated.
    pub(crate) fn sync_once(&self, truncated: &mut Truncated) -> Result<bool, vane_storage::Error> {
        let mut logs = self.logs(truncated);
        logs.retain(|log| truncated.is_worth_asking(log));
        // Without anything new a sync would only keep an idle node's disk awake.
        if logs.is_empty() {
            return Ok(false);
        }
        // The indexes were read before the sync: everything up to them is in it.
        self.disks.data_db.sync()?;
        for Durable { group, applied, .. } in logs {
            self.engine.truncate(group, applied);
            // The engine keeps what followers still need and does not say so: the same index is
            // therefore named a few times more.
            truncated.note(group, applied);
        }
        Ok(true)
    }

    /// The logs to look at, with what the state machines have. That is what a sync makes durable;
    /// what Raft has been told of may be less.
    fn logs(&self, truncated: &mut Truncated) -> Vec<Durable> {
        // Taken in any case: what is looked at now need not be looked at again.
        let mut groups = self.replicas.take_applied();
        groups.extend(std::mem::take(&mut truncated.again));
        // Now and then at all: nothing is left lying for good because nobody spoke of it.
        if truncated.looked_at_all.is_none_or(|at| at.elapsed() >= LOOK_AT_ALL) {
            truncated.looked_at_all = Some(Instant::now());
            groups = self.replicas.groups();
            truncated.asked.retain(|group, _| groups.contains(group) || *group == GroupId::META);
        }
        let shards = groups.into_iter().filter_map(|group| {
            let replica = self.replicas.applying(group)?;
            let (applied, is_slowed_down) =
                (replica.shard.applied(), replica.watch.is_slowed_down());
            Some(Durable { group, applied, is_slowed_down })
        });
        // Nobody waits for room in the meta group's log: only shards' proposals look at that.
        let applied = self.catalog.applied();
        let meta = Durable { group: GroupId::META, applied, is_slowed_down: false };
        shards.chain([meta]).collect()
    }
}
