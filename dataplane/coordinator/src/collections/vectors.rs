//! Vectors that a collection gets and loses.
//!
//! First the catalog is changed, which gives a new vector its id; then the shards are told, each by
//! its own log. An answer says that both is done: what is written next lies behind it in the log of
//! its shard, so that every replica takes it as this one does, however late it gets there. Where a
//! shard was not told, whoever leads the meta group tells it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use vane_catalog::MetaCommand;
use vane_types::{Changed, Error, Hints, LogIndex, NewVector, names};

use super::configure_shard;
use crate::coordinator::Coordinator;
use crate::shards::Shards;

/// Time to write down that all shards were told. Where that does not come to pass they are told
/// again, which changes nothing.
const RECORD_TIMEOUT: Duration = Duration::from_secs(1);

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

    /// Tells the shards of collections whose vectors changed, where whoever changed them did not
    /// come to it; `is_due` says of a collection, by its name and the revision of its vectors,
    /// whether it is time to. For whoever leads the meta group.
    ///
    /// # Errors
    /// Of a shard or the meta group; the rest is done, and it can be tried again.
    pub async fn finish_vectors(
        &self,
        is_due: impl FnMut(&(String, u64)) -> bool,
        deadline: Instant,
    ) -> Result<(), Error> {
        let mut untold: Vec<(String, u64)> = self.catalog.read(|state| {
            let untold = state.collections.iter().filter(|(_, entry)| entry.is_untold);
            untold.map(|(name, entry)| (name.clone(), entry.config.ids.revision())).collect()
        });
        untold.retain(is_due);
        let mut failed = Ok(());
        for (name, _) in untold {
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
