//! Reads everything that lies here, slowly and again and again, and compares it with what was
//! written.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use vane_shard::{Error as ShardError, Scrubbed};

use crate::replicas::{Replica, Replicas};

/// Longest wait between two looks at whether a pass is due, or at what was asked for.
const LOOK_PAUSE: Duration = Duration::from_secs(1);

/// Bytes of the first pass in a second after an unclean stop, whether others follow or not: what
/// was on its way to the disk then is the likeliest to be damaged.
const AFTER_CRASH_BYTES_PER_SECOND: u64 = 200 << 20;

/// How fast and how often.
#[derive(Debug, Clone, Copy)]
pub struct ScrubSettings {
    /// Bytes read in a second; 0 for no pass but the one after an unclean stop.
    pub bytes_per_second: u64,
    /// Time from the start of one pass to the start of the next.
    pub interval: Duration,
}

/// How far the scrub is. Read by whoever reports it.
#[derive(Debug, Default)]
pub struct ScrubProgress {
    bytes: AtomicU64,
    passes: AtomicU64,
    damaged: AtomicU64,
    whole_at: AtomicU64,
    permille: AtomicU32,
}

impl ScrubProgress {
    /// Bytes read since the start of the node.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Passes that came to their end.
    pub fn passes(&self) -> u64 {
        self.passes.load(Ordering::Relaxed)
    }

    /// Replicas that were found to be damaged.
    pub fn damaged(&self) -> u64 {
        self.damaged.load(Ordering::Relaxed)
    }

    /// Seconds since 1970 at which the last pass ended that found everything whole; 0 for none.
    pub fn whole_at(&self) -> u64 {
        self.whole_at.load(Ordering::Relaxed)
    }

    /// How many thousandths of the replicas the pass under way has read.
    pub fn permille(&self) -> u32 {
        self.permille.load(Ordering::Relaxed)
    }
}

/// The thread that scrubs.
pub(crate) struct Scrub {
    pub(crate) replicas: Arc<Replicas>,
    pub(crate) progress: Arc<ScrubProgress>,
    pub(crate) settings: ScrubSettings,
    /// The last stop was in order: nothing that was written then is in doubt.
    pub(crate) was_clean: bool,
}

/// Keeps to a rate: each piece read has to last its time.
struct Rate<'a> {
    stopped: &'a Receiver<()>,
    progress: &'a ScrubProgress,
    per_second: u64,
    /// Until when what was read so far has to last.
    until: Instant,
}

impl Rate<'_> {
    /// Waits as long as `bytes` have to last; says whether the node goes on.
    fn take(&mut self, bytes: usize) -> bool {
        self.progress.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        let now = Instant::now();
        let lasts = Duration::from_secs_f64(bytes as f64 / self.per_second as f64);
        // What was waited for something else is not made up for.
        self.until = self.until.max(now) + lasts;
        let wait = self.until.saturating_duration_since(now);
        // A timer is no finer, and a record takes less.
        if wait < Duration::from_millis(2) {
            return true;
        }
        matches!(self.stopped.recv_timeout(wait), Err(RecvTimeoutError::Timeout))
    }
}

impl Scrub {
    /// Scrubs until the node ends.
    pub(crate) fn run(&self, stopped: &Receiver<()>) {
        let usual = self.settings.bytes_per_second;
        let mut per_second = usual;
        if !self.was_clean {
            per_second = usual.max(AFTER_CRASH_BYTES_PER_SECOND);
            if !self.replicas.all().is_empty() {
                tracing::info!("the last stop was unclean: all files are verified beside requests");
            }
        }
        while per_second > 0 {
            let begun = Instant::now();
            if !self.pass(stopped, per_second) {
                return;
            }
            per_second = usual;
            while begun.elapsed() < self.settings.interval {
                let left = self.settings.interval.saturating_sub(begun.elapsed());
                let wait = left.min(LOOK_PAUSE);
                if !matches!(stopped.recv_timeout(wait), Err(RecvTimeoutError::Timeout)) {
                    return;
                }
            }
        }
    }

    /// Reads all replicas that are in use once; says whether the node goes on.
    fn pass(&self, stopped: &Receiver<()>, per_second: u64) -> bool {
        let replicas = self.replicas.all();
        let (count, mut whole) = (replicas.len().max(1), true);
        let progress = &*self.progress;
        let mut rate = Rate { stopped, progress, per_second, until: Instant::now() };
        for (n, (group, replica)) in replicas.into_iter().enumerate() {
            progress.permille.store((n * 1000 / count) as u32, Ordering::Relaxed);
            match self.scrub(&replica, &mut rate) {
                Ok(Scrubbed::Whole) => {}
                Ok(Scrubbed::CutShort) => whole = false,
                Err(error) => {
                    whole = false;
                    // Found meanwhile by somebody else, or a disk that fails now.
                    tracing::error!(%error, %group, "a replica could not be scrubbed");
                }
            }
            if !rate.take(0) {
                return false;
            }
        }
        progress.permille.store(0, Ordering::Relaxed);
        progress.passes.fetch_add(1, Ordering::Relaxed);
        if whole {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            progress.whole_at.store(now.as_secs(), Ordering::Relaxed);
        }
        true
    }

    fn scrub(&self, replica: &Replica, rate: &mut Rate<'_>) -> Result<Scrubbed, ShardError> {
        let scrubbed = replica.shard.scrub(&mut |bytes| rate.take(bytes));
        if scrubbed.is_err() && replica.shard.damaged().is_some() {
            self.progress.damaged.fetch_add(1, Ordering::Relaxed);
        }
        scrubbed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_has_to_last() {
        let (stop, stopped) = crossbeam_channel::bounded::<()>(0);
        let progress = ScrubProgress::default();
        let (begun, per_second) = (Instant::now(), 1 << 20);
        let mut rate =
            Rate { stopped: &stopped, progress: &progress, per_second, until: Instant::now() };
        assert!(rate.take(1 << 14) && rate.take(1 << 14));
        assert!(rate.until.duration_since(begun) >= Duration::from_millis(31));
        assert_eq!(progress.bytes(), 1 << 15);
        drop(stop);
        assert!(!rate.take(1 << 20), "it ends with the node");
    }
}
