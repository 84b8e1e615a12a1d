//! What may be spent in a minute: a bucket that fills at a constant rate and begins full.

use std::time::{Duration, Instant};

const MINUTE_S: f64 = 60.0;

/// What is left.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    per_minute: u64,
    left: f64,
    at: Option<Instant>,
}

/// There is not enough in a bucket; nothing was taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Short {
    pub(crate) left: f64,
    /// When there will be enough; `None` for never.
    pub(crate) retry_after: Option<Duration>,
}

impl Bucket {
    /// Takes `cost`. A new limit begins with a full bucket.
    pub(crate) fn take(&mut self, per_minute: u64, cost: u64, now: Instant) -> Result<(), Short> {
        let (most, cost) = (per_minute as f64, cost as f64);
        let rate = most / MINUTE_S;
        self.left = match self.at.filter(|_| self.per_minute == per_minute) {
            None => most,
            Some(at) => {
                let passed = now.saturating_duration_since(at).as_secs_f64();
                (self.left + rate * passed).min(most)
            }
        };
        (self.per_minute, self.at) = (per_minute, Some(now));
        if cost <= self.left {
            self.left -= cost;
            return Ok(());
        }
        let missing = Duration::try_from_secs_f64((cost - self.left) / rate).ok();
        Err(Short { left: self.left, retry_after: missing.filter(|_| cost <= most) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_fills_again_and_never_over() {
        let (mut bucket, start) = (Bucket::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(bucket.take(60, 50, start), Ok(()));
        let short = bucket.take(60, 20, start).unwrap_err();
        assert_eq!(short, Short { left: 10.0, retry_after: Some(Duration::from_secs(10)) });
        assert_eq!(bucket.take(60, 20, after(10)), Ok(()));
        assert!(bucket.take(60, 1, after(10)).is_err());
        assert_eq!(bucket.take(60, 60, after(1000)), Ok(()));
        // An earlier time, as of a request that was overtaken, gives nothing back.
        assert!(bucket.take(60, 1, after(500)).is_err());
    }

    #[test]
    fn what_never_fits_is_not_to_be_tried_again_and_a_new_limit_begins_full() {
        let (mut bucket, now) = (Bucket::default(), Instant::now());
        assert_eq!(bucket.take(5, 6, now).unwrap_err().retry_after, None);
        assert_eq!(bucket.take(5, 5, now), Ok(()));
        assert!(bucket.take(5, 1, now).is_err());
        assert_eq!(bucket.take(6, 6, now), Ok(()));
    }
}
