//! One collection as a client sees it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use vane_filter::Filter;
use vane_shard::{Info, Page, Record, Scroll, Shard, Want, Write};
use vane_types::{CollectionConfig, GroupId, LogIndex, PointId};

use crate::error::Error;
use crate::pool::Pool;
use crate::shards::Shards;

/// Time between looks at a shard that is behind with sealing.
const BACKLOG_PAUSE: Duration = Duration::from_millis(10);

/// A handle on one collection. It stays usable when the collection is deleted: requests
/// then answer that it is gone.
pub struct Collection {
    name: String,
    group: GroupId,
    pub(crate) shard: Arc<Shard>,
    pub(crate) pool: Arc<Pool>,
    shards: Arc<Shards>,
}

impl Collection {
    pub(crate) fn new(name: String, shard: Arc<Shard>, pool: Arc<Pool>, shards: Arc<Shards>) -> Self {
        Self { name, group: shard.store().group(), shard, pool, shards }
    }

    /// Its own name, also where it was asked for by an alias.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is made of, payload indexes included.
    pub fn config(&self) -> CollectionConfig {
        self.shard.config()
    }

    /// What it holds and does at the moment.
    pub fn info(&self) -> Info {
        self.shard.info()
    }

    /// Changes points. Returns the index of the last log entry once it is synced and
    /// applied. After [`Error::Timeout`] the outcome is unknown; any other error means that
    /// nothing was changed, but for deletes by a filter that match more points than one
    /// entry holds.
    pub async fn write(&self, write: Write, timeout: Duration) -> Result<LogIndex, Error> {
        let deadline = Instant::now() + timeout;
        let grows = grows(&write);
        let shard = Arc::clone(&self.shard);
        let checked = tokio::task::spawn_blocking(move || vane_shard::check(&shard, write, deadline)).await;
        let commands = checked.map_err(|e| Error::Internal(format!("the write could not be checked: {e}")))??;
        if grows {
            self.shards.space.check(commands.iter().map(Vec::len).sum())?;
        }
        self.wait_for_room(deadline).await?;
        let mut last = 0;
        for command in commands {
            last = propose(&self.shards, self.group, command, deadline).await?;
        }
        Ok(last)
    }

    /// Those of the points that are there, in the order asked for.
    pub async fn retrieve(&self, ids: Vec<PointId>, want: Want, timeout: Duration) -> Result<Vec<Record>, Error> {
        let (shard, deadline) = (Arc::clone(&self.shard), Instant::now() + timeout);
        self.read(deadline, move || shard.retrieve(&ids, &want)).await
    }

    /// A page of points in id order.
    pub async fn scroll(&self, scroll: Scroll, timeout: Duration) -> Result<Page, Error> {
        let (shard, deadline) = (Arc::clone(&self.shard), Instant::now() + timeout);
        self.read(deadline, move || shard.scroll(&scroll, deadline)).await
    }

    /// How many points match.
    pub async fn count(&self, filter: Option<Filter>, timeout: Duration) -> Result<usize, Error> {
        let (shard, deadline) = (Arc::clone(&self.shard), Instant::now() + timeout);
        self.read(deadline, move || shard.count(filter.as_ref(), deadline)).await
    }

    /// Runs a read on the search threads, until the deadline.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        deadline: Instant,
        work: impl FnOnce() -> Result<T, vane_shard::Error> + Send + 'static,
    ) -> Result<T, Error> {
        let late = |_| Error::Timeout("no answer within the time limit; ask for less, or raise `timeout`".into());
        tokio::time::timeout_at(deadline.into(), self.pool.run(work)).await.map_err(late)?
    }

    /// Waits while full segments pile up faster than they are sealed.
    async fn wait_for_room(&self, deadline: Instant) -> Result<(), Error> {
        while self.shard.is_backlogged() {
            if Instant::now() > deadline {
                let text = "segments wait to be written to disk; nothing was changed, try again in a moment";
                return Err(Error::Overloaded(text.into()));
            }
            tokio::time::sleep(BACKLOG_PAUSE).await;
        }
        Ok(())
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

/// Logs a command and waits until it is applied.
pub(crate) async fn propose(
    shards: &Shards,
    group: GroupId,
    command: Vec<u8>,
    deadline: Instant,
) -> Result<LogIndex, Error> {
    let (answer, answered) = oneshot::channel();
    shards.node.propose(group, command, Box::new(move |outcome| drop(answer.send(outcome))))?;
    let unknown = || {
        Error::Timeout(
            "the write was logged but not applied in time; its outcome is unknown, it may still be applied".into(),
        )
    };
    let outcome = tokio::time::timeout_at(deadline.into(), answered).await.map_err(|_| unknown())?;
    let applied =
        outcome.map_err(|_| Error::Unavailable("the node stopped; the write's outcome is unknown".into()))??;
    applied.answer?;
    Ok(applied.index)
}
