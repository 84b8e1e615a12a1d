//! What is going to happen, in order of time, and of two at one time in the order they were
//! put in.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Microseconds of a run.
pub(crate) type Time = u64;

/// One tick of a node's clock, about.
pub(crate) const TICK: Time = 100_000;

/// The time of a run. Clones tell the same time.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    now: Arc<AtomicU64>,
    /// When the run's time begins, for code that compares instants. Nothing may depend on it.
    base: Instant,
}

impl Clock {
    pub(crate) fn now(&self) -> Time {
        self.now.load(Relaxed)
    }

    /// A time as code with a clock sees it.
    pub(crate) fn instant(&self, time: Time) -> Instant {
        self.base + Duration::from_micros(time)
    }

    /// The time of an instant.
    pub(crate) fn time(&self, instant: Instant) -> Time {
        instant.saturating_duration_since(self.base).as_micros() as Time
    }
}

struct Due<T> {
    at: Time,
    order: u64,
    event: T,
}

/// The events to come, and the time.
pub(crate) struct Queue<T> {
    clock: Clock,
    next: u64,
    heap: BinaryHeap<Due<T>>,
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        let clock = Clock { now: Arc::default(), base: Instant::now() };
        Self { clock, next: 0, heap: BinaryHeap::new() }
    }

    /// The time of the event that is happening.
    pub(crate) fn now(&self) -> Time {
        self.clock.now()
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Events that were ever put in: grows with everything that happens, also at one time.
    pub(crate) fn count(&self) -> u64 {
        self.next
    }

    /// Lets something happen at a time, which is not before now.
    pub(crate) fn at(&mut self, at: Time, event: T) {
        let order = self.next;
        self.next += 1;
        self.heap.push(Due { at: at.max(self.now()), order, event });
    }

    /// Lets something happen some time from now.
    pub(crate) fn after(&mut self, time: Time, event: T) {
        self.at(self.now() + time, event);
    }

    /// The next event; the time is then its.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let due = self.heap.pop()?;
        self.clock.now.store(due.at, Relaxed);
        Some(due.event)
    }
}

impl<T> Ord for Due<T> {
    /// The heap has its greatest on top: that is the earliest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

impl<T> PartialOrd for Due<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Due<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Due<T> {}
