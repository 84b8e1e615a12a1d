//! Writes of a collection: checked whole, split by shard, proposed once on each.

use futures_util::future::join_all;
use vane_commands::{Command, Write, check};
use vane_filter::Filter;
use vane_transport::Freshness;
use vane_transport::reads::Resolve;
use vane_types::{Changed, Error, ErrorKind, FailedShards, LogIndex, PointId};

use crate::collection::Collection;
use crate::options::RequestOptions;
use crate::propose::ShardCommand;
use crate::shards::Shards;

impl<S: Shards> Collection<S> {
    /// Refuses a change that does not fit, without beginning it.
    ///
    /// # Errors
    /// `BadInput` or `NotFound`, with what does not fit.
    pub fn check(&self, write: &Write) -> Result<(), Error> {
        check(&self.entry.config, write.clone()).map(drop).map_err(Error::from)
    }

    /// Changes points. Returns the index of the last log entry once it is on disk on a
    /// majority of each shard's voters, and applied at their leaders.
    ///
    /// # Errors
    /// Of a write that met several shards, the failure that leaves most open, with
    /// [`vane_types::FailedShards`]; [`Error::may_have_changed`] says whether anything was, or
    /// may be, changed.
    pub async fn write(&self, write: Write, options: RequestOptions) -> Result<LogIndex, Error> {
        let (grows, config) = (write.grows(), self.entry.config.clone());
        // Checked whole before any shard is asked: a part that is refused later would leave the
        // rest applied. Not on this thread, which serves connections.
        let check_it = move || check(&config, write);
        let checked = self.coordinator.shards.offload(check_it).await??;
        // Resolved once, before the first copy: later ones are then the same command.
        let resolved = match checked.filter().cloned() {
            Some(filter) => self.resolve(filter, &options).await?,
            None => Vec::new(),
        };
        let shards = self.groups().len();
        let by_shard = checked.commands(shards, |id| self.ordinal_of(id), resolved)?;
        let ordinals: Vec<usize> = by_shard.iter().map(|(ordinal, _)| *ordinal).collect();
        let apply = |(ordinal, commands)| self.apply(ordinal, commands, grows, &options);
        let applied = join_all(by_shard.into_iter().map(apply)).await;
        self.merge_outcomes(&ordinals, applied)
    }

    /// Has the commands of one shard applied, in their order.
    async fn apply(
        &self,
        ordinal: usize,
        commands: Vec<Command>,
        grows: bool,
        options: &RequestOptions,
    ) -> Result<LogIndex, Error> {
        let (group, replicas) = (self.groups()[ordinal], self.replicas_to_wait_for());
        let mut last = LogIndex::ZERO;
        for command in commands {
            let command = ShardCommand { group, command, replicas, grows };
            // One after the other, and none after a failure: each may build on those before.
            last = self.coordinator.propose_once(command, options.deadline).await?;
        }
        Ok(last)
    }

    /// Replicas beyond a majority that a write waits for; 0 when a majority is enough, which
    /// Raft waits for by itself.
    fn replicas_to_wait_for(&self) -> u32 {
        let wanted = self.entry.write_consistency_factor;
        let majority = self.entry.replication_factor / 2 + 1;
        if wanted > majority { wanted } else { 0 }
    }

    /// Ids that a filter matches on each shard.
    async fn resolve(
        &self,
        filter: Filter,
        options: &RequestOptions,
    ) -> Result<Vec<Vec<PointId>>, Error> {
        // Of every shard, and as of now: what a write does must not depend on who is up.
        let freshness = Freshness::Linearizable;
        let whole = RequestOptions { freshness, partial: None, deadline: options.deadline };
        self.ask_all(&Resolve { filter }, &whole).await
    }

    /// One outcome for a write that met several shards.
    fn merge_outcomes(
        &self,
        ordinals: &[usize],
        outcomes: Vec<Result<LogIndex, Error>>,
    ) -> Result<LogIndex, Error> {
        let shards = outcomes.len();
        let (mut last, mut failed, mut worst) = (LogIndex::ZERO, Vec::new(), None);
        for (ordinal, outcome) in ordinals.iter().zip(outcomes) {
            match outcome {
                Ok(index) => last = last.max(index),
                Err(error) => {
                    failed.push(*ordinal);
                    worst = Some(worse(worst, error));
                }
            }
        }
        match worst {
            None => Ok(last),
            // With one shard there is no part to name.
            Some(error) if shards == 1 => Err(error),
            Some(error) => {
                let collection = self.name().to_owned();
                Err(of_several(error, FailedShards { collection, failed, shards }))
            }
        }
    }
}

/// Of two failures the one that stands for both.
fn worse(known: Option<Error>, error: Error) -> Error {
    match known {
        // Where one shard may be changed, nobody may read that none is.
        Some(known) if known.may_have_changed() || !error.may_have_changed() => known,
        _ => error,
    }
}

/// The failure of a write that met several shards.
fn of_several(error: Error, shards: FailedShards) -> Error {
    // Refusals of the client's own request stay what they are. Whatever else failed, the
    // client cannot simply send the write again as if nothing had happened.
    let keeps_kind =
        matches!(error.kind, ErrorKind::NotFound | ErrorKind::BadInput | ErrorKind::AlreadyExists);
    let kind = match shards.is_part() && !keeps_kind {
        true => ErrorKind::Timeout,
        false => error.kind,
    };
    let changed = match error.changed {
        Changed::NotInQuestion => Changed::Nothing,
        other => other,
    };
    Error { kind, changed, shards: Some(shards), ..error }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed_shards(failed: &[usize], shards: usize) -> FailedShards {
        FailedShards { collection: "c".into(), failed: failed.to_vec(), shards }
    }

    #[test]
    fn half_a_write_never_says_that_nothing_was_changed() {
        let full = Error::overloaded("full").nothing_changed();
        let part = of_several(full.clone(), failed_shards(&[1], 2));
        assert!(part.may_have_changed());
        assert_eq!(part.kind, ErrorKind::Timeout, "the outcome as a whole is not what it was");
        let whole = of_several(full, failed_shards(&[0, 1], 2));
        assert!(!whole.may_have_changed());
        assert_eq!(whole.kind, ErrorKind::Overloaded);
    }

    #[test]
    fn where_one_shard_may_be_changed_the_failure_does_not_say_that_none_is() {
        let no_leader = Error::unavailable("no leader").nothing_changed();
        let open = Error::unknown_outcome("lost on the way");
        for both in [[&no_leader, &open], [&open, &no_leader]] {
            let failure =
                both.into_iter().cloned().fold(None, |known, error| Some(worse(known, error)));
            assert_eq!(failure, Some(open.clone()));
        }
        let refused = Error::not_found("no point 7");
        assert_eq!(worse(Some(refused.clone()), no_leader), refused);
    }

    #[test]
    fn a_refused_request_stays_refused_where_a_part_was_applied() {
        let refused = of_several(Error::not_found("no point 7"), failed_shards(&[0], 2));
        assert_eq!(refused.kind, ErrorKind::NotFound);
        assert!(refused.may_have_changed());
    }
}
