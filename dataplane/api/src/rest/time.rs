//! Moments as the API writes them.

use jiff::Timestamp;

/// A moment in milliseconds since 1970. One that no calendar has is the last one that it has.
pub fn time_text(ms: u64) -> String {
    let ms = i64::try_from(ms).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX).to_string()
}
