//! Background threads of a node: sync and truncate, seal, build.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use parking_lot::Mutex;
use vane_raft::StateMachine;
use vane_shard::{Error, JobKind};
use vane_types::{GroupId, LogIndex};

use crate::hand_over::leave_full_disk;
use crate::inner::Inner;

/// Pause between looks for a job when there was none.
const JOB_PAUSE: Duration = Duration::from_millis(50);
/// Pause after a job failed.
const FAILED_PAUSE: Duration = Duration::from_secs(5);
/// Quiet time after which memtables are written out, so that a restart has less to read.
const QUIET: Duration = Duration::from_secs(5);

/// Rounds in which a log that does not grow is truncated again.
const REMINDERS: u32 = 5;

/// The running threads.
pub(crate) struct Maintenance {
    stop: Mutex<Option<Sender<()>>>,
    cancel: Arc<AtomicBool>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Maintenance {
    pub(crate) fn start(inner: &Arc<Inner>, flush_interval: Duration) -> std::io::Result<Self> {
        // Nothing is ever sent: the threads see the sender go.
        let (stop, stopped) = bounded::<()>(0);
        let cancel = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::new();
        {
            let (inner, stopped) = (Arc::clone(inner), stopped.clone());
            let thread = std::thread::Builder::new().name("sync".into());
            threads.push(thread.spawn(move || sync_loop(&inner, flush_interval, &stopped))?);
        }
        for (kind, name) in [(JobKind::Seal, "seal"), (JobKind::Build, "build")] {
            let (inner, stopped, cancel) =
                (Arc::clone(inner), stopped.clone(), Arc::clone(&cancel));
            let thread = std::thread::Builder::new().name(name.into());
            threads.push(thread.spawn(move || job_loop(&inner, kind, &cancel, &stopped))?);
        }
        Ok(Self { stop: Mutex::new(Some(stop)), cancel, threads: Mutex::new(threads) })
    }

    /// Calls builds off and ends the threads.
    pub(crate) fn stop(&self) {
        self.cancel.store(true, Ordering::Relaxed);
        drop(self.stop.lock().take());
        for thread in self.threads.lock().drain(..) {
            if thread.join().is_err() {
                tracing::error!("a background thread panicked");
            }
        }
    }
}

/// Waits; says whether the node goes on.
fn pause(stopped: &Receiver<()>, time: Duration) -> bool {
    matches!(stopped.recv_timeout(time), Err(RecvTimeoutError::Timeout))
}

fn job_loop(inner: &Inner, kind: JobKind, cancel: &AtomicBool, stopped: &Receiver<()>) {
    vane_index::single_threaded_here();
    let has_room = |bytes| {
        let room = inner.space.has_room_for_job(bytes);
        if !room {
            tracing::debug!(bytes, "a background job waits for room on the disk");
        }
        room
    };
    let mut time = JOB_PAUSE;
    while pause(stopped, time) {
        time = JOB_PAUSE;
        for (group, replica) in inner.replicas.all() {
            match replica.shard.run_job(kind, &has_room, cancel) {
                // There may be more to do at once.
                Ok(did) => time = if did { Duration::ZERO } else { time },
                Err(Error::Cancelled) => {}
                Err(error) => {
                    tracing::error!(%error, %group, ?kind, "a background job failed; it will be tried again");
                    time = FAILED_PAUSE;
                }
            }
        }
    }
}

/// Makes effects durable, then forgets the logs behind them.
fn sync_loop(inner: &Inner, interval: Duration, stopped: &Receiver<()>) {
    let mut truncated: HashMap<GroupId, (LogIndex, u32)> = HashMap::new();
    let (mut last_change, mut flushed) = (Instant::now(), true);
    while pause(stopped, interval) {
        inner.space.tend_ballast();
        leave_full_disk(inner);
        match sync_once(inner, &mut truncated) {
            Ok(true) => (last_change, flushed) = (Instant::now(), false),
            Ok(false) if !flushed && last_change.elapsed() >= QUIET => {
                flushed = true;
                if let Err(error) = inner.data_db.flush().and_then(|()| inner.log_db.flush()) {
                    tracing::warn!(%error, "failed to write memtables out");
                }
            }
            Ok(false) => {}
            Err(error) => {
                tracing::error!(%error, "failed to sync data.db; logs are kept until it works")
            }
        }
    }
}

/// One round; says whether there was anything new.
pub(crate) fn sync_once(
    inner: &Inner,
    truncated: &mut HashMap<GroupId, (LogIndex, u32)>,
) -> Result<bool, String> {
    // What the shards have, not what Raft has been told of: it is never less.
    let mut applied: Vec<(GroupId, LogIndex, bool)> = inner
        .replicas
        .all()
        .into_iter()
        .map(|(group, it)| (group, it.shard.applied(), it.watch.is_log_full()))
        .collect();
    applied.push((GroupId::META, inner.meta.applied(), false));
    // A log whose end some follower still needs is asked about again, until it has it; one
    // that is full for as long as it is: nothing new comes before.
    applied.retain(|(group, index, full)| {
        *index > 0
            && (*full || truncated.get(group).is_none_or(|it| it.0 != *index || it.1 < REMINDERS))
    });
    if applied.is_empty() {
        return Ok(false);
    }
    // The indexes were read before the sync: everything up to them is in it.
    inner.data_db.sync().map_err(|e| e.to_string())?;
    for (group, index, _) in applied {
        inner.node.truncate(group, index);
        let known = truncated.entry(group).or_insert((index, 0));
        *known = if known.0 == index { (index, known.1 + 1) } else { (index, 0) };
    }
    Ok(true)
}
