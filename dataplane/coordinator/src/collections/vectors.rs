//! Vectors that a collection gets and loses.
//!
//! First the catalog is changed, which gives a new vector its id; then the shards are told, each by
//! its own log. An answer says that both is done: what is written next lies behind it in the log of
//! its shard, so that every replica takes it as this one does, however late it gets there. Where a
//! shard was not told, whoever leads the meta group tells it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use vane_catalog::MetaCommand;
use vane_types::{Changed, Error, Hints, LogIndex, NewVector, names};

use super::configure_shard;
use crate::coordinator::Coordinator;
use crate::shards::Shards;

/// Time for whoever changed the vectors of a collection to tell its shards.
const TOLD_AFTER: Duration = Duration::from_secs(2);
/// Time to write down that all shards were told. Where that does not come to pass they are told
/// again, which changes nothing.
const RECORD_TIMEOUT: Duration = Duration::from_secs(1);

/// Collections whose shards do not all know their vectors yet, with what the vectors are at, and
/// since when whoever leads the meta group has seen that.
#[derive(Debug, Default)]
pub struct Untold(BTreeMap<(String, u64), Instant>);

impl Untold {
    /// Those of `known` that have been seen for so long that whoever changed them did not come to
    /// telling it. What is not known any more is forgotten.
    fn due(&mut self, known: Vec<(String, u64)>, now: Instant) -> Vec<String> {
        let seen = std::mem::take(&mut self.0);
        for untold in known {
            let since = *seen.get(&untold).unwrap_or(&now);
            self.0.insert(untold, since);
        }
        let is_due =
            |(_, since): &(_, &Instant)| now.saturating_duration_since(**since) >= TOLD_AFTER;
        self.0.iter().filter(is_due).map(|((name, _), _)| name.clone()).collect()
    }

    /// Another leads now: what it sees, it sees from then on.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl<S: Shards> Coordinator<S> {
    /// Gives a collection a vector, which its points do not have yet. Nothing changes where it has
    /// the same one. Returns the index of the last log entry.
    ///
    /// # Errors
    /// `BadInput` where there is another of the name, or one too many, `NotFound`; `Unavailable` or
    /// `Timeout` where the catalog or a shard did not answer: the call may then be repeated, and
    /// what is begun is brought to its end.
    pub async fn add_vector(
        self: &Arc<Self>,
        collection: &str,
        vector: String,
        NewVector { spec, hints }: NewVector,
        timeout: Duration,
    ) -> Result<LogIndex, Error> {
        names::check_vector_name(&vector)?;
        let vectors = [(vector.clone(), hints.clone())].into();
        Hints { vectors, ..Hints::default() }.check()?;
        let command = |collection| MetaCommand::AddVector { collection, vector, spec, hints };
        self.change_vectors(collection, command, timeout).await
    }

    /// Takes a vector of a collection away, and of all of its points. Nothing changes where there
    /// is none; with a revision, only while its vectors are at it. Returns the index of the last
    /// log entry.
    ///
    /// # Errors
    /// `NotFound`, `Conflict`; `Unavailable` or `Timeout` as for [`Coordinator::add_vector`].
    pub async fn remove_vector(
        self: &Arc<Self>,
        collection: &str,
        vector: String,
        if_revision: Option<u64>,
        timeout: Duration,
    ) -> Result<LogIndex, Error> {
        let command = |collection| MetaCommand::RemoveVector { collection, vector, if_revision };
        self.change_vectors(collection, command, timeout).await
    }

    async fn change_vectors(
        self: &Arc<Self>,
        collection: &str,
        command: impl FnOnce(String) -> MetaCommand,
        timeout: Duration,
    ) -> Result<LogIndex, Error> {
        let deadline = self.shards.now() + timeout;
        let collection = self.collection(collection, deadline).await?;
        self.change(command(collection.name().to_owned()), deadline).await?;
        let told = self.tell_vectors(collection.name(), deadline).await;
        // The cluster has agreed and only a shard is late: nobody may take it for undone.
        told.map_err(|error| Error { changed: Changed::Done, ..error })
    }

    /// Collections whose shards are to be told in the place of whoever changed their vectors. For
    /// whoever leads the meta group.
    pub fn due_vectors(&self, untold: &mut Untold) -> Vec<String> {
        let known = self.catalog.read(|state| {
            let untold = state.collections.iter().filter(|(_, entry)| entry.is_untold);
            untold.map(|(name, entry)| (name.clone(), entry.config.ids.revision())).collect()
        });
        untold.due(known, self.shards.now())
    }

    /// Tells the shards of collections whose vectors changed: those of [`Self::due_vectors`].
    ///
    /// # Errors
    /// Of a shard or the meta group; the rest is done, and it can be tried again.
    pub async fn finish_vectors(&self, due: Vec<String>, deadline: Instant) -> Result<(), Error> {
        let mut failed = Ok(());
        for name in due {
            // One without a leader keeps no other from hearing of its own.
            failed = failed.and(self.tell_vectors(&name, deadline).await.map(drop));
        }
        failed
    }

    /// Tells all shards of a collection which vectors it has.
    async fn tell_vectors(&self, name: &str, deadline: Instant) -> Result<LogIndex, Error> {
        // Not between the two halves of a change of parameters.
        let _one_at_a_time = self.configuring.lock().await;
        let Some(entry) = self.catalog.read(|state| state.collections.get(name).cloned()) else {
            return Err(Error::not_found("the collection was deleted meanwhile"));
        };
        if entry.config.ids.is_untouched() {
            return Ok(LogIndex::ZERO);
        }
        let command = configure_shard(&entry.config)?;
        let index = self.tell_shards(&entry.shards, &command, deadline).await?;
        if entry.is_untold {
            let (collection, revision) = (name.to_owned(), entry.config.ids.revision());
            let told = MetaCommand::VectorsTold { collection, revision };
            let until = deadline.min(self.shards.now() + RECORD_TIMEOUT);
            // In vain it costs nothing but that they are told once more.
            drop(self.propose_meta(told, until).await);
        }
        Ok(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_told_once_a_change_was_seen_long_enough() {
        let (mut untold, start) = (Untold::default(), Instant::now());
        let known = |revision| vec![("c".to_owned(), revision)];
        assert_eq!(untold.due(known(1), start), [""; 0]);
        assert_eq!(untold.due(known(1), start + TOLD_AFTER), ["c"]);
        // Another change has its own time, and so has one that was forgotten.
        assert_eq!(untold.due(known(2), start + TOLD_AFTER), [""; 0]);
        assert_eq!(untold.due(Vec::new(), start + 2 * TOLD_AFTER), [""; 0]);
        assert_eq!(untold.due(known(2), start + 2 * TOLD_AFTER), [""; 0]);
        assert_eq!(untold.due(known(2), start + 3 * TOLD_AFTER), ["c"]);
        untold.clear();
        assert_eq!(untold.due(known(2), start + 4 * TOLD_AFTER), [""; 0]);
    }
}
