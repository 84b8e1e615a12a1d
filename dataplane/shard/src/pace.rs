//! How fast writes come in: whether they pause, and whether they are few.

use std::time::{Duration, Instant};

/// What writes may bring in the time of a pause and still count as few.
const FEW_BYTES: usize = 256 << 10;

/// When writes came last, and when last many did.
pub(crate) struct Pace {
    pause: Duration,
    last: Instant,
    last_many: Instant,
    /// Since when the bytes are counted, and how many there were.
    counted: (Instant, usize),
}

impl Pace {
    /// Writes pause where none came for `pause`.
    pub(crate) fn new(pause: Duration, now: Instant) -> Self {
        Self { pause, last: now, last_many: now, counted: (now, 0) }
    }

    /// Notes a write.
    pub(crate) fn note(&mut self, bytes: usize, now: Instant) {
        let (since, counted) = self.counted;
        let is_over = now.saturating_duration_since(since) >= self.pause;
        self.counted = if is_over { (now, bytes) } else { (since, counted.saturating_add(bytes)) };
        if self.counted.1 > FEW_BYTES {
            self.last_many = now;
        }
        self.last = now;
    }

    /// Whether writes have paused.
    pub(crate) fn is_idle(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.last) >= self.pause
    }

    /// Whether writes have paused, or come in so few that background work need not wait for
    /// them to: there are collections that something is written to all the time.
    pub(crate) fn is_calm(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.last_many) >= self.pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trickle_is_calm_and_a_bulk_is_not() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut pace = Pace::new(Duration::from_secs(1), start);
        assert!(!pace.is_idle(at(999)) && !pace.is_calm(at(999)));
        assert!(pace.is_idle(at(1000)) && pace.is_calm(at(1000)));
        (0..100).for_each(|n| pace.note(3000, at(1000 + n * 300)));
        let now = at(1000 + 99 * 300);
        assert!(!pace.is_idle(now) && pace.is_calm(now), "one row now and then");
        (0..100).for_each(|n| pace.note(3000, now + Duration::from_millis(n)));
        let now = now + Duration::from_millis(100);
        assert!(!pace.is_idle(now) && !pace.is_calm(now), "many rows");
        pace.note(3000, now + Duration::from_millis(900));
        assert!(!pace.is_calm(now + Duration::from_millis(900)));
        pace.note(3000, now + Duration::from_millis(1900));
        assert!(pace.is_calm(now + Duration::from_millis(1900)), "few again");
    }
}
