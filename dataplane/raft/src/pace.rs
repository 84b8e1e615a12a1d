//! How fast a log may grow that somebody still needs: the nearer it is to its bound, the
//! slower. Writes are slowed down, and never stopped.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Seconds that the room which is left has to last at least.
const LASTS_SECS: u64 = 30;
/// Bytes a second that may always be written: a log that goes on for ever is told of
/// elsewhere, and writes that stand still would be worse.
const LEAST: u64 = 512 << 10;

/// Bytes a second at which a log of so many bytes may grow; `None` where it need not be
/// slowed down.
pub(crate) fn pace(bytes: u64, bytes_max: u64) -> Option<u64> {
    // Half of it without a brake: most snapshots have reached their receiver by then.
    (bytes > bytes_max / 2).then(|| (bytes_max.saturating_sub(bytes) / LASTS_SECS).max(LEAST))
}

/// Hands out times at which commands may be proposed.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    /// When the next may be, as of the last that was handed out.
    next: Mutex<Option<Instant>>,
}

impl Turns {
    /// How long a command of so many bytes waits for its turn; `None` where that is longer than
    /// `patience`, and no turn is taken then.
    pub(crate) fn take(
        &self,
        now: Instant,
        bytes: u64,
        bytes_per_second: u64,
        patience: Duration,
    ) -> Option<Duration> {
        let mut next = self.next.lock();
        let turn = next.map_or(now, |next| next.max(now));
        let wait = turn - now;
        if wait > patience {
            return None;
        }
        // The command itself waits for those before it; those behind it wait for its bytes.
        *next = Some(turn + Duration::from_secs_f64(bytes as f64 / bytes_per_second as f64));
        Some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_slows_down_as_its_room_goes_and_never_stops() {
        let max = 1 << 30;
        assert_eq!(pace(max / 2, max), None);
        let steps: Vec<u64> = (5..=12).filter_map(|tenths| pace(max / 10 * tenths, max)).collect();
        assert!(steps.is_sorted_by(|a, b| a >= b), "{steps:?}");
        assert_eq!(steps.last(), Some(&LEAST));
        // What is written at the pace of the room that is left never uses it up.
        let (mut bytes, mut seconds) = (max / 2 + 1, 0);
        while pace(bytes, max).is_some_and(|pace| pace > LEAST) {
            bytes += pace(bytes, max).unwrap();
            seconds += 1;
        }
        assert!(bytes < max && seconds > LASTS_SECS, "{bytes} after {seconds} s");
    }

    #[test]
    fn commands_wait_for_those_before_them_or_are_told_that_it_takes_too_long() {
        let (turns, now) = (Turns::default(), Instant::now());
        let second = Duration::from_secs(1);
        assert_eq!(turns.take(now, 1000, 1000, second), Some(Duration::ZERO));
        assert_eq!(turns.take(now, 1000, 1000, second), Some(second));
        assert_eq!(turns.take(now, 1000, 1000, second), None);
        assert_eq!(turns.take(now + second * 2, 1, 1000, Duration::ZERO), Some(Duration::ZERO));
    }
}
