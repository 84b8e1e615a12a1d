//! From a checked write to the commands of each shard.

use vane_filter::Filter;
use vane_types::PointId;
use vane_types::limits::{COMMAND_BYTES_MAX, FILTERED_IDS_PER_ENTRY_MAX};

use crate::command::{Change, Command};
use crate::error::Error;
use crate::kinds::upsert::{Point, Upsert};
use crate::targets::{Selection, Targets};

/// A write that fits its collection, in the form it is logged in, before it is known which
/// shard gets which part.
pub struct Checked {
    work: Work,
    /// It takes room on the disk for good.
    pub grows: bool,
}

/// Makes the change of some points; it is asked once for each log entry.
type ChangeFor = Box<dyn Fn(Targets) -> Change + Send + Sync>;

/// Changes by the ordinal of their shard.
type ByShard = Vec<(usize, Vec<Change>)>;

/// How a write is spread over shards.
enum Work {
    /// Each point goes to its own shard. Ids are distinct.
    Points { points: Vec<(PointId, Point)>, change: fn(Upsert) -> Change },
    /// The same is done to each of some points. Ids are distinct.
    Each { points: Selection, change: ChangeFor },
    /// Every shard gets the same.
    Everywhere(Change),
}

impl From<Work> for Checked {
    /// Work of a write that grows, until `check` says of which kind it is.
    fn from(work: Work) -> Self {
        Self { work, grows: true }
    }
}

impl Checked {
    /// Points with what they carry, of distinct ids.
    pub(crate) fn points(points: Vec<(PointId, Point)>, change: fn(Upsert) -> Change) -> Self {
        Self::from(Work::Points { points, change })
    }

    /// The same change of each of some points.
    pub(crate) fn each(
        points: Selection,
        change: impl Fn(Targets) -> Change + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        Ok(Self::from(Work::Each { points: points.checked()?, change: Box::new(change) }))
    }

    /// The same change of every shard.
    pub(crate) fn everywhere(change: Change) -> Self {
        Self::from(Work::Everywhere(change))
    }

    /// The filter to look up on every shard before [`Checked::commands`].
    pub fn filter(&self) -> Option<&Filter> {
        match &self.work {
            Work::Each { points: Selection::Filter(filter), .. } => Some(filter),
            Work::Each { .. } | Work::Points { .. } | Work::Everywhere(_) => None,
        }
    }

    /// The commands of each shard, in the order they are to be logged: mostly one. A filter
    /// that matches very many points makes several, each of which is applied whole. Shards
    /// come in order; those with nothing to do are left out, but where no shard has anything
    /// to do the first logs an entry all the same: its index is the answer.
    ///
    /// `route` says which of the `shards` a point lies on. `resolved` holds for each shard the
    /// ids that match [`Checked::filter`] there; without a filter it is empty.
    ///
    /// # Errors
    /// [`Error::TooLarge`] when a command would not fit one log entry. Nothing was logged.
    ///
    /// # Panics
    /// When `resolved` does not have one list for each shard although there is a filter.
    pub fn commands(
        self,
        shards: usize,
        route: impl Fn(PointId) -> usize,
        resolved: Vec<Vec<PointId>>,
    ) -> Result<Vec<(usize, Vec<Command>)>, Error> {
        assert_eq!(
            resolved.len(),
            if self.filter().is_some() { shards } else { 0 },
            "a filter is resolved everywhere"
        );
        let by_shard = match self.work {
            Work::Points { points, change } => upserts(points, shards, route, change),
            Work::Each { points: Selection::Ids(ids), change } => {
                split(ids, shards, |id| route(*id))
                    .into_iter()
                    .map(|(shard, ids)| (shard, vec![change(Targets::of_ids(&ids))]))
                    .collect()
            }
            Work::Each { points: Selection::Filter(filter), change } => {
                filtered(&filter, &change, resolved)
            }
            Work::Everywhere(change) => {
                (0..shards).map(|shard| (shard, vec![change.clone()])).collect()
            }
        };
        let mut commands = Vec::with_capacity(by_shard.len());
        for (shard, changes) in by_shard {
            let changes = changes.into_iter().map(command);
            // All are checked before any is logged: one that is too large must not leave half a
            // write.
            commands.push((shard, changes.collect::<Result<_, _>>()?));
        }
        Ok(commands)
    }
}

/// Items by shard, in order within each. Shards without any are left out, unless all are.
fn split<T>(items: Vec<T>, shards: usize, shard_of: impl Fn(&T) -> usize) -> Vec<(usize, Vec<T>)> {
    let mut parts: Vec<Vec<T>> = (0..shards).map(|_| Vec::new()).collect();
    for item in items {
        parts[shard_of(&item)].push(item);
    }
    let mut parts: Vec<(usize, Vec<T>)> =
        parts.into_iter().enumerate().filter(|(_, items)| !items.is_empty()).collect();
    // A write of nothing is logged as well: the index of its entry is the answer.
    if parts.is_empty() {
        parts.push((0, Vec::new()));
    }
    parts
}

fn upserts(
    points: Vec<(PointId, Point)>,
    shards: usize,
    route: impl Fn(PointId) -> usize,
    change: fn(Upsert) -> Change,
) -> ByShard {
    split(points, shards, |(id, _)| route(*id))
        .into_iter()
        .map(|(shard, points)| {
            let points = points.into_iter().map(|(_, point)| point).collect();
            (shard, vec![change(Upsert { points })])
        })
        .collect()
}

fn filtered(filter: &Filter, change: &ChangeFor, resolved: Vec<Vec<PointId>>) -> ByShard {
    // An empty filter matches every point, then and now: it needs no second look.
    let filter = match filter.is_empty() {
        true => String::new(),
        false => serde_json::to_string(filter).expect("a filter is plain data"),
    };
    let mut parts = Vec::new();
    for (shard, mut ids) in resolved.into_iter().enumerate().filter(|(_, ids)| !ids.is_empty()) {
        // Shards find ids in no order of their own: the commands must not depend on it.
        ids.sort_unstable();
        let entries = ids.chunks(FILTERED_IDS_PER_ENTRY_MAX);
        let changes = entries.map(|ids| change(Targets::of_filter(ids, &filter))).collect();
        parts.push((shard, changes));
    }
    if parts.is_empty() {
        parts.push((0, vec![change(Targets::of_filter(&[], &filter))]));
    }
    parts
}

fn command(change: Change) -> Result<Command, Error> {
    let command = Command::new(change);
    // The request that it becomes part of is not known yet.
    let bytes = command.stored_len_max();
    if bytes > COMMAND_BYTES_MAX {
        return Err(Error::TooLarge { bytes });
    }
    Ok(command)
}

#[cfg(test)]
mod tests;
