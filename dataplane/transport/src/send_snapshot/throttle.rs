//! How fast snapshots may travel.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Lets so many bytes pass in a second, whoever they are of.
pub(super) struct Throttle {
    bytes_per_second: AtomicU64,
    /// When the next may pass.
    next: Mutex<Instant>,
}

impl Throttle {
    pub(super) fn new(bytes_per_second: u64) -> Self {
        Self {
            bytes_per_second: AtomicU64::new(bytes_per_second),
            next: Mutex::new(Instant::now()),
        }
    }

    /// Lets so many pass from now on. With 0 nothing changes: what is on its way would break off.
    pub(super) fn limit(&self, bytes_per_second: u64) {
        if bytes_per_second > 0 {
            self.bytes_per_second.store(bytes_per_second, Ordering::Relaxed);
        }
    }

    /// Waits until so many bytes may pass.
    pub(super) async fn take(&self, bytes: u64) {
        tokio::time::sleep_until(self.turn(Instant::now(), bytes)).await;
    }

    fn turn(&self, now: Instant, bytes: u64) -> Instant {
        let mut next = self.next.lock();
        // What was not used before is lost: a burst would be no throttle.
        let turn = (*next).max(now);
        let rate = self.bytes_per_second.load(Ordering::Relaxed);
        *next = turn + Duration::from_secs_f64(bytes as f64 / rate as f64);
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_share_what_may_pass_and_nothing_is_saved_up() {
        let throttle = Throttle::new(1000);
        let now = Instant::now() + Duration::from_secs(3600);
        let turns: Vec<Duration> = (0..5).map(|_| throttle.turn(now, 500) - now).collect();
        let expected = [0, 500, 1000, 1500, 2000].map(Duration::from_millis);
        assert_eq!(turns, expected);
        throttle.limit(250);
        throttle.limit(0);
        let turns: Vec<Duration> = (0..2).map(|_| throttle.turn(now, 500) - now).collect();
        assert_eq!(turns, [2500, 4500].map(Duration::from_millis), "slower from the next one on");
    }
}
