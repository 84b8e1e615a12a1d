//! Which background jobs run, and what became of the last ones: for people, and bounded.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use vane_types::Durations;

use crate::error::Error;

/// Jobs that are remembered after their end.
const ENDED_MAX: usize = 32;

/// What a background job is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Optimizer {
    /// Rows in memory are written to files.
    Sealing,
    /// A graph, or postings, over rows that have none.
    Indexing,
    /// Several segments become one.
    Merge,
    /// Dead rows go.
    Vacuum,
    /// A payload index gets the points that were there before it.
    PayloadIndex,
}

impl Optimizer {
    /// Its name; Qdrant's, where it has such a one.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sealing => "sealing",
            Self::Indexing => "indexing",
            Self::Merge => "merge",
            Self::Vacuum => "vacuum",
            Self::PayloadIndex => "payload_index",
        }
    }
}

/// A segment that a job works on, or that none does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentOf {
    /// Id of its vector in the collection.
    pub vector: u32,
    /// Its number among those of its vector.
    pub segment: u32,
    /// Rows that live in it.
    pub points: usize,
}

/// A background job.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Counted since the shard was opened, from 1; 0 where it has not begun.
    pub number: u64,
    /// What it is for.
    pub optimizer: Optimizer,
    /// What it works on.
    pub segments: Vec<SegmentOf>,
    /// When it began, in milliseconds since 1970; 0 where that is not known.
    pub started_ms: u64,
    /// How long it has taken, in microseconds.
    pub took_us: u64,
    /// Whether it has ended.
    pub ended: bool,
    /// Whether it was called off.
    pub cancelled: bool,
    /// Why it failed.
    pub failure: Option<String>,
    /// Rows or points of those it works on that it is through with.
    pub done: u64,
    /// How many there are.
    pub total: u64,
}

impl Job {
    pub(crate) fn new(optimizer: Optimizer, segments: Vec<SegmentOf>) -> Self {
        let total = segments.iter().map(|segment| segment.points as u64).sum();
        Self {
            number: 0,
            optimizer,
            segments,
            started_ms: 0,
            took_us: 0,
            ended: false,
            cancelled: false,
            failure: None,
            done: 0,
            total,
        }
    }
}

/// The jobs of a shard that make new segments of others.
#[derive(Debug, Default)]
pub(crate) struct JobLog(Mutex<Jobs>);

#[derive(Debug, Default)]
struct Jobs {
    last: u64,
    running: Vec<Running>,
    /// The latest first.
    ended: VecDeque<Job>,
    durations: Durations,
    /// Points of segments that jobs replaced.
    points: u64,
}

#[derive(Debug)]
struct Running {
    job: Job,
    began: Instant,
    done: Arc<AtomicU64>,
}

/// A job that runs. Where it is dropped without a word of its end, it was called off.
pub(crate) struct Tracked<'a> {
    log: &'a JobLog,
    number: u64,
    /// How many rows it is through with.
    pub(crate) done: Arc<AtomicU64>,
}

impl JobLog {
    /// A job begins.
    pub(crate) fn begin(&self, job: Job) -> Tracked<'_> {
        let mut jobs = self.0.lock();
        jobs.last += 1;
        let (number, done) = (jobs.last, Arc::<AtomicU64>::default());
        let job = Job { number, started_ms: now_ms(), ..job };
        jobs.running.push(Running { job, began: Instant::now(), done: Arc::clone(&done) });
        Tracked { log: self, number, done }
    }

    /// Jobs that run.
    pub(crate) fn running(&self) -> Vec<Job> {
        let now = |running: &Running| Job {
            took_us: running.began.elapsed().as_micros() as u64,
            done: running.done.load(Ordering::Relaxed).min(running.job.total),
            ..running.job.clone()
        };
        self.0.lock().running.iter().map(now).collect()
    }

    /// How many run.
    pub(crate) fn count(&self) -> usize {
        self.0.lock().running.len()
    }

    /// The last jobs that ended, the latest first.
    pub(crate) fn ended(&self, most: usize) -> Vec<Job> {
        self.0.lock().ended.iter().take(most).cloned().collect()
    }

    /// How long jobs took, and the points that were in what they replaced.
    pub(crate) fn totals(&self) -> (Durations, u64) {
        let jobs = self.0.lock();
        (jobs.durations, jobs.points)
    }

    fn end(&self, number: u64, failure: Option<Option<String>>) {
        let mut jobs = self.0.lock();
        let Some(at) = jobs.running.iter().position(|it| it.job.number == number) else { return };
        let Running { mut job, began, .. } = jobs.running.swap_remove(at);
        job.took_us = began.elapsed().as_micros() as u64;
        job.ended = true;
        match failure {
            None => job.cancelled = true,
            Some(Some(text)) => {
                job.failure = Some(text);
                jobs.durations.note_failed(now_ms());
            }
            Some(None) => {
                job.done = job.total;
                jobs.points += job.total;
                jobs.durations.note(job.took_us, now_ms());
            }
        }
        jobs.ended.truncate(ENDED_MAX - 1);
        jobs.ended.push_front(job);
    }
}

impl Tracked<'_> {
    /// It has ended so.
    pub(crate) fn end(self, ended: &Result<(), Error>) {
        match ended {
            Ok(()) => self.log.end(self.number, Some(None)),
            Err(Error::Cancelled) => self.log.end(self.number, None),
            Err(error) => self.log.end(self.number, Some(Some(error.to_string()))),
        }
    }
}

impl Drop for Tracked<'_> {
    fn drop(&mut self) {
        // Of one whose end was told there is nothing left to end.
        self.log.end(self.number, None);
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> Job {
        let segment = SegmentOf { vector: 0, segment: 7, points: 100 };
        Job::new(Optimizer::Indexing, vec![segment])
    }

    #[test]
    fn a_job_runs_until_its_end_is_told_or_it_is_dropped() {
        let log = JobLog::default();
        let first = log.begin(job());
        first.done.store(40, Ordering::Relaxed);
        let second = log.begin(job());
        let running = log.running();
        assert_eq!((running.len(), running[0].done, running[0].total), (2, 40, 100));
        first.end(&Ok(()));
        drop(second);
        log.begin(job()).end(&Err(Error::Lost));
        assert_eq!(log.count(), 0);
        let ended = log.ended(9);
        let of = |at: usize| (ended[at].number, ended[at].cancelled, ended[at].failure.is_some());
        assert_eq!([of(0), of(1), of(2)], [(3, false, true), (2, true, false), (1, false, false)]);
        let (durations, points) = log.totals();
        assert_eq!((durations.count, durations.failed, points), (1, 1, 100));
    }

    #[test]
    fn only_the_last_ones_are_remembered() {
        let log = JobLog::default();
        (0..100).for_each(|_| log.begin(job()).end(&Ok(())));
        assert_eq!(log.ended(usize::MAX).len(), ENDED_MAX);
        assert_eq!(log.ended(1)[0].number, 100);
    }
}
