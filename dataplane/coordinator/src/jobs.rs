//! What the background jobs of a collection are at.

use vane_shard::Outlook;
use vane_transport::reads::JobsOf;
use vane_types::{Error, GroupId};

use crate::collection::Collection;
use crate::options::RequestOptions;
use crate::shards::Shards;

impl<S: Shards> Collection<S> {
    /// What the jobs of each shard are at, at its leader, with `most` of the last that ended.
    ///
    /// # Errors
    /// That of a shard that does not answer, see [`RequestOptions::partial`].
    pub async fn jobs(
        &self,
        most: usize,
        options: RequestOptions,
    ) -> Result<Vec<(GroupId, Outlook)>, Error> {
        let reads = (0..self.groups().len()).map(|ordinal| (ordinal, JobsOf { most }));
        let answers = self.ask(reads, &options.of_leaders()).await?;
        let of_shard =
            answers.into_iter().map(|shard| (self.groups()[shard.ordinal], shard.answer));
        Ok(of_shard.collect())
    }
}
