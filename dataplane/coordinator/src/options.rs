//! How a request is to be answered.

use std::time::{Duration, Instant};

use vane_transport::Freshness;

use crate::partial::Partial;

/// Most of a partial read's time that is kept for putting together what did answer.
pub(crate) const RESERVE_MAX: Duration = Duration::from_secs(1);

/// How a request is to be answered.
#[derive(Debug, Clone)]
pub struct RequestOptions {
    /// When the answer must be there.
    pub deadline: Instant,
    /// How new it must be.
    pub freshness: Freshness,
    /// Where a read may go without shards that do not answer: those that it went without.
    /// Writes take no notice of it.
    pub partial: Option<Partial>,
}

impl RequestOptions {
    /// When a shard must have answered. Where others go on without it, before the time is up.
    pub(crate) fn shard_deadline(&self, now: Instant) -> Instant {
        match self.partial {
            None => self.deadline,
            Some(_) => {
                let left = self.deadline.saturating_duration_since(now);
                // At most a quarter: the reserve must not eat up a short time limit.
                self.deadline.checked_sub(RESERVE_MAX.min(left / 4)).unwrap_or(self.deadline)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_shard_leaves_time_for_the_others() {
        let now = Instant::now();
        let deadline = now + Duration::from_secs(8);
        let whole = RequestOptions { deadline, freshness: Freshness::Leader, partial: None };
        assert_eq!(whole.shard_deadline(now), deadline);
        let part = RequestOptions { partial: Some(Partial::default()), ..whole };
        assert_eq!(deadline - part.shard_deadline(now), RESERVE_MAX);
        let late = RequestOptions { deadline: now, ..part };
        assert_eq!(late.shard_deadline(now), now);
    }
}
