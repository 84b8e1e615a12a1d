//! One collection as a client sees it: its shards, wherever their leaders are.

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::join_all;
use vane_filter::Filter;
use vane_shard::{Info, Page, Record, Scroll, Want, Write};
use vane_types::{CollectionConfig, Command, GroupId, LogIndex, PointId};

use crate::cluster::Spread;
use crate::error::Error;
use crate::gateway;
use crate::inner::Inner;
use crate::local::{Freshness, ShardAnswer, ShardRead};
use vane_catalog::CollectionEntry;
use crate::partial::Partial;

/// How a request is to be answered.
#[derive(Debug, Clone)]
pub struct Terms {
    /// When the answer must be there.
    pub deadline: Instant,
    /// How new it must be.
    pub freshness: Freshness,
    /// Where a read may go without shards that do not answer: those that it went without.
    /// Writes take no notice of it.
    pub partial: Option<Partial>,
}

/// A handle on one collection. It stays usable when the collection is deleted: requests
/// then answer that it is gone.
pub struct Collection {
    name: String,
    entry: CollectionEntry,
    pub(crate) inner: Arc<Inner>,
}

impl Collection {
    pub(crate) fn new(name: String, entry: CollectionEntry, inner: Arc<Inner>) -> Self {
        Self { name, entry, inner }
    }

    /// Its own name, also where it was asked for by an alias.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is made of, but for payload indexes, which [`Collection::info`] knows.
    pub fn config(&self) -> CollectionConfig {
        self.entry.config.clone()
    }

    /// How it is spread.
    pub fn spread(&self) -> Spread {
        Spread {
            shards: self.entry.shards.len() as u32,
            replication_factor: self.entry.replication_factor,
            write_consistency_factor: self.entry.write_consistency_factor,
        }
    }

    /// Groups of its shards, by ordinal.
    pub(crate) fn groups(&self) -> &[GroupId] {
        &self.entry.shards
    }

    /// Ordinal of the shard that a point belongs to.
    pub(crate) fn ordinal_of(&self, id: PointId) -> usize {
        self.entry.shard_of(id)
    }

    /// Refuses a change that does not fit, without beginning it.
    pub fn check(&self, write: &Write) -> Result<(), Error> {
        vane_shard::check(&self.entry.config, write.clone()).map(|_| ()).map_err(Error::from)
    }

    /// What its shards hold and do at the moment, at their leaders.
    pub async fn info(&self, terms: Terms) -> Result<Info, Error> {
        let mut sum = Info::default();
        for answer in self.ask_all(&ShardRead::Info, &terms).await? {
            if let ShardAnswer::Info(info) = answer {
                sum.add(*info);
            }
        }
        Ok(sum)
    }

    /// Changes points. Returns the index of the last log entry once it is on disk on a
    /// majority of each shard's voters, and applied at their leaders. After
    /// [`Error::Timeout`] the outcome is unknown; any other error means that nothing was
    /// changed, but where the text says which shards were.
    pub async fn write(&self, write: Write, terms: Terms) -> Result<LogIndex, Error> {
        let grows = grows(&write);
        let config = self.entry.config.clone();
        let checked = tokio::task::spawn_blocking(move || vane_shard::check(&config, write)).await;
        let checked = checked
            .map_err(|e| Error::Internal(format!("the write could not be checked: {e}")))??;
        let resolved = match checked.filter().cloned() {
            Some(filter) => self.resolve(filter, terms.deadline).await?,
            None => Vec::new(),
        };
        let commands =
            checked.commands(self.entry.shards.len(), |id| self.entry.shard_of(id), resolved)?;
        let replicas = self.replicas_to_wait_for();
        let apply = |(ordinal, commands): (usize, Vec<Command>)| async move {
            let group = self.entry.shards[ordinal];
            let mut last = 0;
            for command in commands {
                last = gateway::propose_once(
                    &self.inner,
                    group,
                    command,
                    replicas,
                    grows,
                    terms.deadline,
                )
                .await?;
            }
            Ok(last)
        };
        let ordinals: Vec<usize> = commands.iter().map(|(ordinal, _)| *ordinal).collect();
        let applied = join_all(commands.into_iter().map(apply)).await;
        self.merge_writes(&ordinals, applied)
    }

    /// Replicas beyond a majority that a write waits for; 0 when a majority is enough.
    fn replicas_to_wait_for(&self) -> u32 {
        let CollectionEntry { replication_factor, write_consistency_factor, .. } = self.entry;
        if write_consistency_factor > replication_factor / 2 + 1 {
            write_consistency_factor
        } else {
            0
        }
    }

    /// Ids that a filter matches on each shard.
    async fn resolve(&self, filter: Filter, deadline: Instant) -> Result<Vec<Vec<PointId>>, Error> {
        // Of every shard: what a write does must not depend on who is up.
        let terms = Terms { deadline, freshness: Freshness::Linearizable, partial: None };
        let answers = self.ask_all(&ShardRead::Resolve(filter), &terms).await?;
        let ids = |it| if let ShardAnswer::Ids(ids) = it { ids } else { Vec::new() };
        Ok(answers.into_iter().map(ids).collect())
    }

    /// One outcome for a write that met several shards.
    fn merge_writes(
        &self,
        ordinals: &[usize],
        applied: Vec<Result<LogIndex, Error>>,
    ) -> Result<LogIndex, Error> {
        let failed: Vec<usize> = ordinals
            .iter()
            .zip(&applied)
            .filter(|(_, it)| it.is_err())
            .map(|(ordinal, _)| *ordinal)
            .collect();
        let total = applied.len();
        let mut last = 0;
        for outcome in applied {
            match outcome {
                Ok(index) => last = last.max(index),
                Err(error) if total == 1 => return Err(error),
                Err(error) => {
                    let text = format!(
                        "{} (shards {failed:?} of `{}` failed, on the other {} of {total} the write was applied)",
                        error.text(),
                        self.name,
                        total - failed.len(),
                    );
                    // Half of it is there: no error may say that nothing was changed.
                    let whole = failed.len() == total;
                    return Err(if whole { error.with_text(text) } else { partly(&error, text) });
                }
            }
        }
        Ok(last)
    }

    /// Those of the points that are there, in the order asked for.
    pub async fn retrieve(
        &self,
        ids: Vec<PointId>,
        want: Want,
        terms: Terms,
    ) -> Result<Vec<Record>, Error> {
        let mut by_shard: Vec<Vec<PointId>> = vec![Vec::new(); self.entry.shards.len()];
        ids.iter().for_each(|id| by_shard[self.entry.shard_of(*id)].push(*id));
        let asked = by_shard.into_iter().enumerate().filter(|(_, ids)| !ids.is_empty());
        let read = |(ordinal, ids)| (ordinal, ShardRead::Retrieve { ids, want: want.clone() });
        let mut found = std::collections::HashMap::new();
        for (_, (answer, _)) in self.ask(asked.map(read), &terms).await? {
            if let ShardAnswer::Records(records) = answer {
                found.extend(records.into_iter().map(|it| (it.id, it)));
            }
        }
        Ok(ids.iter().filter_map(|id| found.get(id).cloned()).collect())
    }

    /// A page of points in id order. Points of shards that a partial read goes without are
    /// missing from it, and the next page does not come back to them.
    pub async fn scroll(&self, scroll: Scroll, terms: Terms) -> Result<Page, Error> {
        let limit = scroll.limit;
        let answers = self.ask_all(&ShardRead::Scroll(scroll), &terms).await?;
        let mut pages: Vec<Page> = answers
            .into_iter()
            .filter_map(|it| if let ShardAnswer::Page(page) = it { Some(page) } else { None })
            .collect();
        if pages.len() == 1 {
            return Ok(pages.remove(0));
        }
        let next = pages.iter().filter_map(|it| it.next).min();
        let mut records: Vec<Record> = pages.into_iter().flat_map(|it| it.records).collect();
        records.sort_by_key(|it| it.id);
        // A shard's next point follows all that it returned, of which there are `limit`.
        let next = records.get(limit).map(|it| it.id).into_iter().chain(next).min();
        records.truncate(limit);
        Ok(Page { records, next })
    }

    /// How many points match.
    pub async fn count(&self, filter: Option<Filter>, terms: Terms) -> Result<usize, Error> {
        let answers = self.ask_all(&ShardRead::Count(filter), &terms).await?;
        Ok(answers
            .iter()
            .map(|it| if let ShardAnswer::Count(count) = it { *count } else { 0 })
            .sum())
    }

    /// Asks every shard.
    async fn ask_all(&self, read: &ShardRead, terms: &Terms) -> Result<Vec<ShardAnswer>, Error> {
        let reads = (0..self.entry.shards.len()).map(|ordinal| (ordinal, read.clone()));
        Ok(self.ask(reads, terms).await?.into_iter().map(|(_, (answer, _))| answer).collect())
    }

    /// Asks some shards by ordinal, all at once; the answers, each with the node it is from.
    /// One that does not answer fails the whole, and the error names it, unless the terms
    /// let the read go on without it.
    pub(crate) async fn ask(
        &self,
        reads: impl Iterator<Item = (usize, ShardRead)>,
        terms: &Terms,
    ) -> Result<Vec<(usize, (ShardAnswer, u64))>, Error> {
        let deadline = terms.shard_deadline();
        let ask = |(ordinal, read): (usize, ShardRead)| async move {
            let answered = match terms.known_failure(ordinal) {
                Some(error) => Err(error),
                None => {
                    let group = self.entry.shards[ordinal];
                    gateway::read_from(&self.inner, group, read, terms.freshness, deadline).await
                }
            };
            (ordinal, answered)
        };
        terms.gathered(join_all(reads.map(ask)).await)
    }
}

/// The error of a write that was applied on some shards only.
fn partly(error: &Error, text: String) -> Error {
    let text = text.replace("nothing was changed", "nothing was changed there");
    match error {
        // The refusals of the client's own request stay what they are.
        Error::NotFound(_) | Error::BadInput(_) | Error::AlreadyExists(_) => error.with_text(text),
        _ => Error::Timeout(text),
    }
}

/// Whether a write takes room on the disk for good. Deletes make room in the end and must
/// stay possible on a full disk.
fn grows(write: &Write) -> bool {
    match write {
        Write::Upsert(_)
        | Write::UpdateVectors(_)
        | Write::SetPayload { .. }
        | Write::OverwritePayload { .. }
        | Write::CreateIndex { .. } => true,
        Write::Delete(_)
        | Write::DeleteVectors { .. }
        | Write::DeletePayload { .. }
        | Write::ClearPayload(_)
        | Write::DropIndex { .. } => false,
    }
}
