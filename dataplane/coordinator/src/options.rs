//! How a request is to be answered.

use std::time::{Duration, Instant};

use vane_transport::Freshness;

use crate::explain::Explaining;
use crate::partial::Partial;

/// Most of a partial read's time that is kept for putting together what did answer.
pub(crate) const RESERVE_MAX: Duration = Duration::from_secs(1);

/// Which replicas a read may be asked of. Wherever it is answered, it sees what its freshness says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AskedOf {
    /// Any that is in order: this node's own, or a near one.
    #[default]
    Anyone,
    /// The leader alone: what it says of itself is asked for.
    Leader,
}

/// How a request is to be answered.
#[derive(Debug, Clone)]
pub struct RequestOptions {
    /// When the answer must be there.
    pub deadline: Instant,
    /// How new it must be.
    pub freshness: Freshness,
    /// Who may answer. Writes take no notice of it.
    pub asked_of: AskedOf,
    /// Where a read may go without shards that do not answer: those that it went without.
    /// Writes take no notice of it.
    pub partial: Option<Partial>,
    /// Where its searches are to be told: how they go.
    pub explaining: Option<Explaining>,
}

impl RequestOptions {
    /// An answer of all shards by then, that has all that was acknowledged.
    pub fn new(deadline: Instant) -> Self {
        let (freshness, asked_of) = (Freshness::Leader, AskedOf::Anyone);
        Self { deadline, freshness, asked_of, partial: None, explaining: None }
    }

    /// The same, answered by leaders.
    pub(crate) fn of_leaders(&self) -> Self {
        Self { asked_of: AskedOf::Leader, ..self.clone() }
    }

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
        let whole = RequestOptions::new(deadline);
        assert_eq!(whole.shard_deadline(now), deadline);
        let part = RequestOptions { partial: Some(Partial::default()), ..whole };
        assert_eq!(deadline - part.shard_deadline(now), RESERVE_MAX);
        let late = RequestOptions { deadline: now, ..part };
        assert_eq!(late.shard_deadline(now), now);
    }
}
