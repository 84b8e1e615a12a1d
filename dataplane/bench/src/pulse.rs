//! A request repeated while something else happens: when it was answered.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::error::Error;
use crate::interrupt;

/// Pause after a failure.
const RETRY_PAUSE: Duration = Duration::from_millis(5);

/// The times at which something worked, of any number of threads.
#[derive(Default)]
pub(crate) struct Pulse {
    beats: Mutex<Vec<Beat>>,
    failures: AtomicUsize,
    ended: AtomicBool,
}

#[derive(Clone, Copy)]
struct Beat {
    began: Instant,
    ended: Instant,
}

impl Pulse {
    /// Acts until [`Pulse::end`] or a signal. A failure is counted, and tried again; the
    /// time that something took begins with its first attempt.
    pub(crate) fn run(&self, mut act: impl FnMut() -> Result<(), Error>) {
        let mut began = Instant::now();
        while !self.ended.load(Ordering::Acquire) && !interrupt::requested() {
            match act() {
                Ok(()) => {
                    let ended = Instant::now();
                    self.beats.lock().push(Beat { began, ended });
                    // Time between two is time without a success, and counts for the next.
                    began = ended;
                }
                Err(_) => {
                    self.failures.fetch_add(1, Ordering::Relaxed);
                    vane_testbed::pause(RETRY_PAUSE);
                }
            }
        }
    }

    /// Ends [`Pulse::run`], wherever it is called.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    /// Number of successes.
    pub(crate) fn count(&self) -> usize {
        self.beats.lock().len()
    }

    /// Number of failed attempts.
    pub(crate) fn failures(&self) -> usize {
        self.failures.load(Ordering::Relaxed)
    }

    /// Waits until it worked so many times more.
    pub(crate) fn wait_for(&self, more: usize, timeout: Duration) -> Result<(), Error> {
        // From now on: what worked before says nothing.
        let wanted = self.count() + more;
        // A signal ends the wait too, and is told below.
        let went_on = || (self.count() >= wanted || interrupt::requested()).then_some(());
        vane_testbed::wait_until("requests to go on", timeout, went_on)?;
        interrupt::check()
    }

    /// The longest time in which it never worked, of those that ended after `since`.
    pub(crate) fn longest_gap(&self, since: Instant) -> Duration {
        let mut times: Vec<Instant> = self.beats.lock().iter().map(|beat| beat.ended).collect();
        // Threads add them as they end; neighbours are neighbours in time only now.
        times.sort_unstable();
        // In full, also where it began before: that is what a client waited.
        let gaps = times.windows(2).filter(|pair| pair[1] > since).map(|pair| pair[1] - pair[0]);
        gaps.max().unwrap_or_default()
    }

    /// How long each took that ended in a span of time.
    pub(crate) fn latencies(&self, span: Range<Instant>) -> Vec<Duration> {
        self.beats
            .lock()
            .iter()
            .filter(|beat| span.contains(&beat.ended))
            .map(|beat| beat.ended - beat.began)
            .collect()
    }

    /// The longest that one took, failed attempts included, of those that ended after `since`.
    pub(crate) fn slowest(&self, since: Instant) -> Duration {
        let beats = self.beats.lock();
        beats
            .iter()
            .filter(|beat| beat.ended > since)
            .map(|beat| beat.ended - beat.began)
            .max()
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(base: Instant, beats: &[(u64, u64)]) -> Pulse {
        let time = |ms| base + Duration::from_millis(ms);
        let beat = |(began, ended): &(u64, u64)| Beat { began: time(*began), ended: time(*ended) };
        Pulse { beats: Mutex::new(beats.iter().map(beat).collect()), ..Pulse::default() }
    }

    #[test]
    fn a_gap_lies_between_successes_of_all_threads() {
        let base = Instant::now();
        let pulse = at(base, &[(0, 10), (10, 900), (5, 400), (400, 410)]);
        assert_eq!(pulse.longest_gap(base), Duration::from_millis(490));
        assert_eq!(pulse.slowest(base), Duration::from_millis(890));
    }

    #[test]
    fn what_ended_before_does_not_count() {
        let base = Instant::now();
        let pulse = at(base, &[(0, 10), (10, 500), (500, 510), (510, 530)]);
        assert_eq!(pulse.longest_gap(base + Duration::from_millis(505)), Duration::from_millis(20));
    }

    #[test]
    fn failures_are_tried_again_and_counted() {
        let (pulse, mut left) = (Pulse::default(), 3);
        pulse.run(|| {
            left -= 1;
            if left == 0 {
                pulse.end();
                return Ok(());
            }
            Err(Error::node("a write", "no"))
        });
        assert_eq!((pulse.count(), pulse.failures()), (1, 2));
    }
}
