//! Reads that go on without the shards that do not answer, where the caller asked for that.
//! Shards are left out whole and by name; a part must never look like the whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use vane_types::Error;

use crate::options::RequestOptions;

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

impl RequestOptions {
    /// Why a shard did not answer an earlier stage of this request, if it did not.
    pub(crate) fn known_failure(&self, ordinal: usize) -> Option<Error> {
        self.partial.as_ref()?.0.lock().get(&ordinal).cloned()
    }

    /// What the shards that were asked answered, in the order in which they were asked.
    ///
    /// # Errors
    /// That of the first shard that failed; of a partial read only when no shard answered,
    /// or when the request itself is at fault.
    pub(crate) fn gathered<T>(
        &self,
        outcomes: Vec<(usize, Result<T, Error>)>,
    ) -> Result<Vec<T>, Error> {
        let (mut answered, mut failed) = (Vec::with_capacity(outcomes.len()), Vec::new());
        for (ordinal, outcome) in outcomes {
            match outcome {
                Ok(answer) => answered.push(answer),
                // Other faults are those of the request, and the same on every shard.
                Err(error) if self.partial.is_some() && error.kind.is_of_replica() => {
                    failed.push((ordinal, error))
                }
                Err(error) => return Err(error),
            }
        }
        match (&self.partial, failed.first()) {
            // No answer at all is no part: an empty result would look like "nothing matches".
            (_, Some((_, error))) if answered.is_empty() => return Err(error.clone()),
            (Some(partial), _) => partial.0.lock().extend(failed),
            (None, _) => {}
        }
        Ok(answered)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use vane_types::ErrorKind;

    use super::*;

    fn options(partial: Option<Partial>) -> RequestOptions {
        let deadline = Instant::now() + Duration::from_secs(8);
        RequestOptions { partial, ..RequestOptions::new(deadline) }
    }

    fn down(ordinal: usize) -> (usize, Result<char, Error>) {
        (ordinal, Err(Error::unavailable(format!("shard {ordinal} has no leader"))))
    }

    #[test]
    fn one_silent_shard_fails_a_read_that_wants_the_whole() {
        let refused = options(None).gathered(vec![(0, Ok('a')), down(1), (2, Ok('c'))]);
        assert_eq!(refused, Err(Error::unavailable("shard 1 has no leader")));
    }

    #[test]
    fn a_partial_read_names_the_shards_it_goes_without() {
        let partial = Partial::default();
        let options = options(Some(partial.clone()));
        let part = options.gathered(vec![(0, Ok('a')), down(1), (2, Ok('c'))]);
        assert_eq!(part, Ok(vec!['a', 'c']));
        assert_eq!(options.gathered(vec![(0, Ok('a')), (2, Ok('c'))]), Ok(vec!['a', 'c']));
        let failed = partial.failed_shards();
        assert_eq!(failed, [(1, Error::unavailable("shard 1 has no leader"))]);
        assert!(options.known_failure(1).is_some() && options.known_failure(0).is_none());
    }

    #[test]
    fn no_answer_at_all_is_an_error_and_not_an_empty_result() {
        let partial = Partial::default();
        let refused = options(Some(partial.clone())).gathered(vec![down(0), down(1)]);
        assert_eq!(refused, Err(Error::unavailable("shard 0 has no leader")));
        assert!(partial.failed_shards().is_empty());
        let nobody_asked = options(Some(partial)).gathered(Vec::<(usize, Result<char, _>)>::new());
        assert_eq!(nobody_asked, Ok(Vec::new()));
    }

    #[test]
    fn a_request_that_is_wrong_is_wrong_on_the_other_shards_too() {
        let wrong = (1, Err(Error::bad_input("expected dim: 4")));
        let refused = options(Some(Partial::default())).gathered(vec![(0, Ok('a')), wrong]);
        assert_eq!(refused.unwrap_err().kind, ErrorKind::BadInput);
    }
}
