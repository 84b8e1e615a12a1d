//! When searches are answered exactly as well, and what they found of what they should.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use vane_types::{FilterClass, Recall};

use crate::pursuit::Pursuit;

/// One search in so many is answered exactly as well.
const ONE_IN: u64 = 200;
/// Of the first searches after a start more are: a figure should not take hours to come.
const FIRST: u64 = 400;
const ONE_IN_FIRST: u64 = 4;
/// Time of one thread between two exact answers, as a multiple of what the last one took: they get
/// two hundredths of one processor.
const PAUSE: u32 = 49;

/// When the shards of a node may answer exactly beside what is asked: one at a time, and in all
/// within two hundredths of one processor.
#[derive(Debug)]
pub struct SpareTime {
    /// `None` while one is being answered.
    from: Mutex<Option<Next>>,
}

/// When the next may begin; whenever there has been none.
#[derive(Debug, Clone, Copy, Default)]
struct Next(Option<Instant>);

/// A turn, given back with the time that it took.
pub(crate) struct Turn(Arc<SpareTime>, Instant);

impl Default for SpareTime {
    /// Nobody has taken any yet.
    fn default() -> Self {
        Self { from: Mutex::new(Some(Next::default())) }
    }
}

impl SpareTime {
    pub(crate) fn take(self: &Arc<Self>, now: Instant) -> Option<Turn> {
        let mut from = self.from.lock();
        from.take_if(|next| next.0.is_none_or(|next| next <= now))?;
        Some(Turn(Arc::clone(self), now))
    }
}

impl Turn {
    /// The work begins only now: until here nobody was idle.
    pub(crate) fn begin(&mut self) {
        self.1 = Instant::now();
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let took = self.1.elapsed().min(Duration::from_secs(3600));
        *self.0.from.lock() = Some(Next(Some(Instant::now() + took * PAUSE)));
    }
}

/// What a shard's searches found lately.
#[derive(Debug, Default)]
pub(crate) struct RecallMeter {
    searches: AtomicU64,
    recall: Mutex<Recall>,
    pub(crate) pursuit: Pursuit,
}

impl RecallMeter {
    /// What was measured so far.
    pub(crate) fn read(&self) -> Recall {
        let mut recall = self.recall.lock().clone();
        for (class, tally) in &mut recall.0 {
            tally.ef_percent = self.pursuit.percent(*class);
        }
        recall
    }

    /// A search with such a filter found such a share.
    pub(crate) fn add(&self, class: FilterClass, share: f64) {
        self.recall.lock().add(class, share);
    }

    /// The same, of a search that kept as many candidates as the collection's recall asks for.
    pub(crate) fn pursue(&self, class: FilterClass, share: f64, target: f64) {
        if self.pursuit.note(class, share, target) {
            // What was found with fewer says nothing of the next ones, and those are soon told of.
            self.recall.lock().0.remove(&class);
            self.searches.store(0, Ordering::Relaxed);
        }
    }

    /// Whether it is the next search's turn.
    pub(crate) fn is_due(&self) -> bool {
        let number = self.searches.fetch_add(1, Ordering::Relaxed);
        number.is_multiple_of(if number < FIRST { ONE_IN_FIRST } else { ONE_IN })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_turn_at_a_time_and_a_pause_after_it() {
        let (spare, now) = (Arc::new(SpareTime::default()), Instant::now());
        let turn = spare.take(now).unwrap();
        assert!(spare.take(now).is_none(), "another thread has it");
        drop(turn);
        assert!(spare.take(now).is_none(), "a pause of what it took");
        let later = Instant::now() + Duration::from_secs(3600);
        assert!(spare.take(later).is_some());
    }

    #[test]
    fn the_first_searches_are_measured_more_often() {
        let meter = RecallMeter::default();
        let due = |searches: u64| (0..searches).filter(|_| meter.is_due()).count();
        assert_eq!((due(FIRST), due(10_000)), (100, 50));
    }

    #[test]
    fn what_is_shown_begins_anew_when_searches_keep_more() {
        let (meter, class) = (RecallMeter::default(), FilterClass::None);
        for _ in 0..49 {
            meter.add(class, 0.5);
            meter.pursue(class, 0.5, 0.9);
        }
        let shown = meter.read().0[&class];
        assert_eq!((shown.searches, shown.ef_percent), (49, 100));
        meter.pursue(class, 0.5, 0.9);
        assert_eq!(meter.read(), Recall::default());
        assert!(meter.is_due(), "the next ones are measured more often");
        meter.add(class, 1.0);
        assert_eq!(meter.read().0[&class].ef_percent, 125);
    }
}
