//! Reads that go on without the shards that do not answer, where the caller asked for that.
//! Shards are left out whole and by name; a part must never look like the whole.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::collection::Terms;
use crate::error::Error;

/// Most of a read's time that is kept for putting together what did answer.
const RESERVE_MAX: Duration = Duration::from_secs(1);

/// Takes down which shards one request went without, over all its stages. Clones are the
/// same list.
#[derive(Debug, Clone, Default)]
pub struct Partial(Arc<Mutex<BTreeMap<usize, Error>>>);

impl Partial {
    /// Ordinals of the shards that are not in the result, each with the reason.
    pub fn failed_shards(&self) -> Vec<(usize, Error)> {
        self.0.lock().iter().map(|(ordinal, error)| (*ordinal, error.clone())).collect()
    }
}

impl Terms {
    /// Why a shard need not be asked: it did not answer an earlier stage. Asking again would
    /// cost as long again, and rank some stages by other points than the rest.
    pub(crate) fn known_failure(&self, ordinal: usize) -> Option<Error> {
        self.partial.as_ref()?.0.lock().get(&ordinal).cloned()
    }

    /// When a shard must have answered. Where others go on without it, before the time is up.
    pub(crate) fn shard_deadline(&self) -> Instant {
        match self.partial {
            None => self.deadline,
            Some(_) => {
                let left = self.deadline.saturating_duration_since(Instant::now());
                self.deadline.checked_sub(RESERVE_MAX.min(left / 4)).unwrap_or(self.deadline)
            }
        }
    }

    /// What the shards that were asked answered, by ordinal.
    ///
    /// # Errors
    /// That of the first shard that failed; of a partial read only when no shard answered,
    /// or when the request itself is at fault.
    pub(crate) fn gathered<T>(
        &self,
        outcomes: Vec<(usize, Result<T, Error>)>,
    ) -> Result<Vec<(usize, T)>, Error> {
        let (mut answered, mut failed) = (Vec::with_capacity(outcomes.len()), Vec::new());
        for (ordinal, outcome) in outcomes {
            match outcome {
                Ok(answer) => answered.push((ordinal, answer)),
                Err(error) if self.partial.is_some() && is_of_shard(&error) => {
                    failed.push((ordinal, error))
                }
                Err(error) => return Err(error),
            }
        }
        match (&self.partial, failed.first()) {
            (_, Some((_, error))) if answered.is_empty() => return Err(error.clone()),
            (Some(partial), _) => partial.0.lock().extend(failed),
            (None, _) => {}
        }
        Ok(answered)
    }
}

/// Whether an error says that the shard did not answer, and not that it was asked wrongly.
fn is_of_shard(error: &Error) -> bool {
    match error {
        Error::Unavailable(_) | Error::Timeout(_) | Error::Overloaded(_) | Error::Internal(_) => {
            true
        }
        Error::NotFound(_)
        | Error::AlreadyExists(_)
        | Error::BadInput(_)
        | Error::Unsupported(_)
        | Error::Conflict(_)
        | Error::OutOfSpace(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::Freshness;

    fn terms(partial: Option<Partial>) -> Terms {
        Terms {
            deadline: Instant::now() + Duration::from_secs(8),
            freshness: Freshness::Leader,
            partial,
        }
    }

    fn down(ordinal: usize) -> (usize, Result<char, Error>) {
        (ordinal, Err(Error::Unavailable(format!("shard {ordinal} has no leader"))))
    }

    #[test]
    fn one_silent_shard_fails_a_read_that_wants_the_whole() {
        let refused = terms(None).gathered(vec![(0, Ok('a')), down(1), (2, Ok('c'))]);
        assert!(
            matches!(refused, Err(Error::Unavailable(text)) if text == "shard 1 has no leader")
        );
    }

    #[test]
    fn a_partial_read_names_the_shards_it_goes_without() {
        let partial = Partial::default();
        let terms = terms(Some(partial.clone()));
        assert_eq!(
            terms.gathered(vec![(0, Ok('a')), down(1), (2, Ok('c'))]).unwrap(),
            [(0, 'a'), (2, 'c')]
        );
        assert_eq!(terms.gathered(vec![(0, Ok('a')), (2, Ok('c'))]).unwrap().len(), 2);
        let failed: Vec<(usize, String)> = partial
            .failed_shards()
            .into_iter()
            .map(|(ordinal, error)| (ordinal, error.to_string()))
            .collect();
        assert_eq!(failed, [(1, "Service unavailable: shard 1 has no leader".to_owned())]);
        assert!(terms.known_failure(1).is_some() && terms.known_failure(0).is_none());
    }

    #[test]
    fn no_answer_at_all_is_an_error_and_not_an_empty_result() {
        let partial = Partial::default();
        let refused = terms(Some(partial.clone())).gathered(vec![down(0), down(1)]);
        assert!(
            matches!(refused, Err(Error::Unavailable(text)) if text == "shard 0 has no leader")
        );
        assert!(partial.failed_shards().is_empty());
        assert!(
            terms(Some(partial))
                .gathered(Vec::<(usize, Result<char, Error>)>::new())
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn a_request_that_is_wrong_is_wrong_on_the_other_shards_too() {
        let terms = terms(Some(Partial::default()));
        let refused =
            terms.gathered(vec![(0, Ok('a')), (1, Err(Error::BadInput("expected dim: 4".into())))]);
        assert!(matches!(refused, Err(Error::BadInput(_))));
    }

    #[test]
    fn a_silent_shard_leaves_time_for_the_others() {
        let whole = terms(None);
        assert_eq!(whole.shard_deadline(), whole.deadline);
        let part = terms(Some(Partial::default()));
        assert_eq!(part.deadline - part.shard_deadline(), RESERVE_MAX);
        let late = Terms { deadline: Instant::now(), ..part };
        assert_eq!(late.shard_deadline(), late.deadline);
    }
}
