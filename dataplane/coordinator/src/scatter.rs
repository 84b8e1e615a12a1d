//! Asking several shards of a collection at once.

use futures_util::future::join_all;
use vane_transport::Read;
use vane_types::{Error, NodeId};

use crate::collection::Collection;
use crate::options::{AskedOf, RequestOptions};
use crate::shards::Shards;

/// What one shard answered.
#[derive(Debug)]
pub(crate) struct ShardAnswer<T> {
    /// Its place in the collection.
    pub(crate) ordinal: usize,
    /// Who answered.
    pub(crate) node: NodeId,
    pub(crate) answer: T,
}

impl<S: Shards> Collection<S> {
    /// Asks every shard the same.
    pub(crate) async fn ask_all<R: Read>(
        &self,
        read: &R,
        options: &RequestOptions,
    ) -> Result<Vec<R::Answer>, Error> {
        let reads = (0..self.groups().len()).map(|ordinal| (ordinal, read.clone()));
        let answers = self.ask(reads, options).await?;
        Ok(answers.into_iter().map(|shard| shard.answer).collect())
    }

    /// Asks every shard the same that may have points that are meant.
    pub(crate) async fn ask_meant<R: Read>(
        &self,
        read: &R,
        options: &RequestOptions,
    ) -> Result<Vec<ShardAnswer<R::Answer>>, Error> {
        let reads = self.ordinals().into_iter().map(|ordinal| (ordinal, read.clone()));
        self.ask(reads, options).await
    }

    /// Asks some shards by ordinal, all at once.
    ///
    /// # Errors
    /// Of one that does not answer, with its name; unless the options let the read go on
    /// without it.
    pub(crate) async fn ask<R: Read>(
        &self,
        reads: impl Iterator<Item = (usize, R)>,
        options: &RequestOptions,
    ) -> Result<Vec<ShardAnswer<R::Answer>>, Error> {
        let deadline = options.shard_deadline(self.coordinator.shards.now());
        let ask = |(ordinal, read): (usize, R)| async move {
            // Asking again a shard that did not answer an earlier stage would cost as long
            // again, and rank some stages by other points than the rest.
            if let Some(error) = options.known_failure(ordinal) {
                return (ordinal, Err(error));
            }
            let group = self.groups()[ordinal];
            let (coordinator, freshness) = (&self.coordinator, options.freshness);
            let answered = match options.asked_of {
                AskedOf::Anyone => {
                    coordinator.read_of_anyone(group, read, freshness, deadline).await
                }
                AskedOf::Leader => coordinator.read(group, read, freshness, deadline).await,
            };
            (ordinal, answered.map(|(answer, node)| ShardAnswer { ordinal, node, answer }))
        };
        // All are waited for, also after a failure: a partial read needs every shard's outcome.
        options.gathered(join_all(reads.map(ask)).await)
    }
}
