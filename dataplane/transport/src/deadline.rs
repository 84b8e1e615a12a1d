//! Deadlines, which are points in one machine's time, as the timeouts that are sent.

use std::time::{Duration, Instant};

/// Longest time that a call may ask for.
const TIMEOUT_MAX: Duration = Duration::from_secs(24 * 3600);

/// Milliseconds until a deadline.
pub(crate) fn left_ms(deadline: Instant) -> u64 {
    // A span and no moment: the clocks of two nodes differ.
    let left = deadline.saturating_duration_since(Instant::now());
    u64::try_from(left.as_millis()).unwrap_or(u64::MAX)
}

/// The deadline of a call that has just come in.
pub(crate) fn deadline_of(timeout_ms: u64) -> Instant {
    // Bounded before it is added: a clock has an end.
    Instant::now() + Duration::from_millis(timeout_ms).min(TIMEOUT_MAX)
}
