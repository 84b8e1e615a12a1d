//! How long operations of one kind took, and how they ended.

use serde::{Deserialize, Serialize};

/// Upper bounds of the classes of [`Durations::classes`], in microseconds: those that dashboards
/// for Qdrant know.
pub const DURATION_BOUNDS_US: [u64; 11] = [
    1_000, 5_000, 10_000, 20_000, 50_000, 100_000, 500_000, 1_000_000, 5_000_000, 10_000_000,
    50_000_000,
];
/// Operations that the mean is of, about: older ones count for less and less.
const MEAN_OF: u64 = 128;

/// What was counted of operations of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Durations {
    /// Operations that ended well.
    pub count: u64,
    /// Operations that did not; they count into nothing else.
    pub failed: u64,
    /// Microseconds of all together.
    pub total_us: u64,
    /// Of the shortest.
    pub min_us: u64,
    /// Of the longest.
    pub max_us: u64,
    /// Mean of the latest.
    pub mean_us: f64,
    /// How many took longer than the bound before and no longer than their own. Those that took
    /// longer than the last one are in none.
    pub classes: [u64; DURATION_BOUNDS_US.len()],
    /// When the last one ended, in milliseconds since 1970; 0 where none did.
    pub last_ms: u64,
}

impl Durations {
    /// Counts an operation that took `us` microseconds and ended at `now_ms`.
    pub fn note(&mut self, us: u64, now_ms: u64) {
        self.min_us = if self.count == 0 { us } else { self.min_us.min(us) };
        self.max_us = self.max_us.max(us);
        self.count += 1;
        self.total_us = self.total_us.saturating_add(us);
        self.mean_us += (us as f64 - self.mean_us) / self.count.min(MEAN_OF) as f64;
        if let Some(class) = DURATION_BOUNDS_US.iter().position(|bound| us <= *bound) {
            self.classes[class] += 1;
        }
        self.last_ms = now_ms;
    }

    /// Counts an operation that failed.
    pub fn note_failed(&mut self, now_ms: u64) {
        self.failed += 1;
        self.last_ms = now_ms;
    }

    /// Adds what was counted elsewhere of the same kind.
    pub fn add(&mut self, other: &Self) {
        // Taken apart whole: a figure that is added to the type cannot be forgotten here.
        let Self { count, failed, total_us, min_us, max_us, mean_us, classes, last_ms } = *other;
        let all = self.count + count;
        if count > 0 {
            self.min_us = if self.count == 0 { min_us } else { self.min_us.min(min_us) };
            self.mean_us = (self.mean_us * self.count as f64 + mean_us * count as f64) / all as f64;
        }
        self.count = all;
        self.failed += failed;
        self.total_us = self.total_us.saturating_add(total_us);
        self.max_us = self.max_us.max(max_us);
        for (own, more) in self.classes.iter_mut().zip(classes) {
            *own += more;
        }
        self.last_ms = self.last_ms.max(last_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(times: &[u64]) -> Durations {
        let mut durations = Durations::default();
        times.iter().enumerate().for_each(|(n, us)| durations.note(*us, n as u64));
        durations
    }

    #[test]
    fn what_was_noted_in_two_places_is_as_if_it_were_in_one() {
        let (mut some, others) = (noted(&[900, 1_000, 7_000]), noted(&[60_000_000, 500]));
        some.note_failed(9);
        some.add(&others);
        let Durations { count, failed, min_us, max_us, total_us, last_ms, .. } = some;
        assert_eq!((count, failed, min_us, max_us), (5, 1, 500, 60_000_000));
        assert_eq!((total_us, last_ms), (60_009_400, 9));
        // One is beyond every bound.
        assert_eq!(some.classes.iter().sum::<u64>(), 4);
        assert_eq!((some.classes[0], some.classes[2]), (3, 1));
        assert!((some.mean_us - 12_001_880.0).abs() < 1.0, "{}", some.mean_us);
        let mut none = Durations::default();
        none.add(&noted(&[3]));
        assert_eq!(none.min_us, 3);
    }

    #[test]
    fn the_mean_follows_the_latest() {
        let mut durations = noted(&[1_000; 200]);
        (0..1_000).for_each(|_| durations.note(9_000, 0));
        assert!(durations.mean_us > 8_900.0, "{}", durations.mean_us);
    }
}
