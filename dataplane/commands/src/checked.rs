//! From a checked write to the commands of each shard.

use std::sync::Arc;

use prost::Message;
use vane_filter::Filter;
use vane_types::PointId;
use vane_types::limits::{
    COMMAND_BYTES_MAX, ENTRY_BYTES, ENTRY_FILTERED_POINTS_MAX, ENTRY_POINTS_MAX,
    ENTRY_WORK_BYTES_MAX,
};

use crate::command::{Change, Command};
use crate::error::Error;
use crate::kinds::upsert::Point;
use crate::targets::{Selection, Targets, WrittenFilter};

/// A write that fits its collection, in the form it is logged in, before it is known which
/// shard gets which part.
pub struct Checked {
    work: Work,
    /// It takes room on the disk for good.
    pub grows: bool,
}

/// Makes the change of some points; it is asked once for each log entry.
type ChangeFor = Arc<dyn Fn(Targets) -> Change + Send + Sync>;

/// Makes the change that puts some points; it is asked once for each log entry.
type ChangeOf = Arc<dyn Fn(Vec<Point>) -> Change + Send + Sync>;

/// Commands of one shard, in the order they are to be logged. Each is made when it is asked for:
/// together they may hold the same payload or filter very often.
pub type Commands = Box<dyn Iterator<Item = Command> + Send>;

/// Commands by the ordinal of their shard.
type ByShard = Vec<(usize, Commands)>;

/// Bytes that an id takes in a command.
const ID_BYTES_MAX: usize = 24;

/// How a write is spread over shards.
enum Work {
    /// Each point goes to its own shard. Ids are distinct.
    Points { points: Vec<(PointId, Point)>, change: ChangeOf },
    /// The same is done to each of some points. Ids are distinct. `bytes` come to each.
    Each { points: Selection, bytes: usize, change: ChangeFor },
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
    pub(crate) fn points(
        points: Vec<(PointId, Point)>,
        change: impl Fn(Vec<Point>) -> Change + Send + Sync + 'static,
    ) -> Self {
        Self::from(Work::Points { points, change: Arc::new(change) })
    }

    /// The same change of each of some points, which puts so many bytes into each.
    pub(crate) fn each(
        points: Selection,
        bytes: usize,
        change: impl Fn(Targets) -> Change + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        Ok(Self::from(Work::Each { points: points.checked()?, bytes, change: Arc::new(change) }))
    }

    /// The same change of every shard.
    pub(crate) fn everywhere(change: Change) -> Self {
        Self::from(Work::Everywhere(change))
    }

    /// Whether it is about points, rather than about shards as a whole.
    pub fn is_of_points(&self) -> bool {
        !matches!(self.work, Work::Everywhere(_))
    }

    /// The filter to look up on every shard before [`Checked::commands`].
    pub fn filter(&self) -> Option<&Filter> {
        match &self.work {
            Work::Each { points: Selection::Filter(filter), .. } => Some(filter),
            Work::Each { .. } | Work::Points { .. } | Work::Everywhere(_) => None,
        }
    }

    /// The commands of each shard, in the order they are to be logged: mostly one. Many points,
    /// or large ones, make several, each of which is applied whole: an entry of the log is
    /// applied in one go, and all others of its group wait for it. Shards come in order; those
    /// with nothing to do are left out, but where no shard has anything to do the first logs an
    /// entry all the same: its index is the answer.
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
    ) -> Result<Vec<(usize, Commands)>, Error> {
        assert_eq!(
            resolved.len(),
            if self.filter().is_some() { shards } else { 0 },
            "a filter is resolved everywhere"
        );
        match self.work {
            Work::Points { points, change } => upserts(points, shards, route, &*change),
            Work::Each { points: Selection::Ids(ids), bytes, change } => {
                let each = Each { change, filter: None, points: points_of_entry(bytes, 0) };
                each.by_shard(split(ids, shards, |id| route(*id)))
            }
            Work::Each { points: Selection::Filter(filter), bytes, change } => {
                let filter = WrittenFilter::new(&filter);
                let points = points_of_entry(bytes, filter.json.len());
                let each = Each { change, filter: Some(filter), points };
                each.by_shard(of_filter(resolved))
            }
            Work::Everywhere(change) => {
                check_size(&change, 0)?;
                let command = Command::new(change);
                Ok((0..shards).map(|shard| (shard, commands(vec![command.clone()]))).collect())
            }
        }
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

/// Ids by shard, as a filter was resolved.
fn of_filter(resolved: Vec<Vec<PointId>>) -> Vec<(usize, Vec<PointId>)> {
    let mut parts: Vec<_> =
        resolved.into_iter().enumerate().filter(|(_, ids)| !ids.is_empty()).collect();
    // Shards find ids in no order of their own: the commands must not depend on it.
    parts.iter_mut().for_each(|(_, ids)| ids.sort_unstable());
    if parts.is_empty() {
        parts.push((0, Vec::new()));
    }
    parts
}

/// The same change of some points.
struct Each {
    change: ChangeFor,
    /// The filter that they matched.
    filter: Option<WrittenFilter>,
    /// Points of one entry.
    points: usize,
}

impl Each {
    fn by_shard(self, parts: Vec<(usize, Vec<PointId>)>) -> Result<ByShard, Error> {
        let most = parts.iter().map(|(_, ids)| ids.len().min(self.points)).max();
        // All are checked before any is logged: one that is too large must not leave half a write.
        check_size(&self.change(&[]), most.unwrap_or(0) * ID_BYTES_MAX)?;
        let each = Arc::new(self);
        Ok(parts.into_iter().map(|(shard, ids)| (shard, each.clone().entries(ids))).collect())
    }

    /// One entry also for no points.
    fn entries(self: Arc<Self>, ids: Vec<PointId>) -> Commands {
        let entries = ids.len().div_ceil(self.points).max(1);
        Box::new((0..entries).map(move |entry| {
            let of_entry = ids.iter().skip(entry * self.points).take(self.points);
            Command::new(self.change(&of_entry.copied().collect::<Vec<_>>()))
        }))
    }

    fn change(&self, ids: &[PointId]) -> Change {
        (self.change)(match &self.filter {
            None => Targets::of_ids(ids),
            Some(filter) => Targets::of_filter(ids, filter),
        })
    }
}

/// Points of one entry that puts so many bytes into each, and comes with a filter of so many
/// bytes. What is there already and is read only the shard knows: it refuses what is too much.
fn points_of_entry(bytes: usize, filter: usize) -> usize {
    // Every entry has the filter: a large one must not come more often than its points are worth.
    let most = ENTRY_POINTS_MAX.max(filter / 8).min(ENTRY_FILTERED_POINTS_MAX);
    (ENTRY_WORK_BYTES_MAX / bytes.max(1)).clamp(1, most)
}

fn upserts(
    points: Vec<(PointId, Point)>,
    shards: usize,
    route: impl Fn(PointId) -> usize,
    change: &dyn Fn(Vec<Point>) -> Change,
) -> Result<ByShard, Error> {
    let mut parts = Vec::new();
    for (shard, points) in split(points, shards, |(id, _)| route(*id)) {
        let entries = upsert_entries(points.into_iter().map(|(_, point)| point), change);
        entries.iter().try_for_each(|entry| check_size(entry, 0))?;
        parts.push((shard, commands(entries.into_iter().map(Command::new).collect())));
    }
    Ok(parts)
}

/// Points spread over entries, of which only those with a single point may be large.
fn upsert_entries(
    points: impl Iterator<Item = Point>,
    change: &dyn Fn(Vec<Point>) -> Change,
) -> Vec<Change> {
    let (mut entries, mut entry, mut bytes) = (Vec::new(), Vec::new(), 0);
    for point in points {
        let more = point.encoded_len();
        let is_full = bytes + more > ENTRY_BYTES || entry.len() >= ENTRY_POINTS_MAX;
        if is_full && !entry.is_empty() {
            entries.push(change(std::mem::take(&mut entry)));
            bytes = 0;
        }
        bytes += more;
        entry.push(point);
    }
    entries.push(change(entry));
    entries
}

fn commands(commands: Vec<Command>) -> Commands {
    Box::new(commands.into_iter())
}

/// Refuses a change that would not fit one log entry with so many bytes more.
fn check_size(change: &Change, more: usize) -> Result<(), Error> {
    // The request that it becomes part of is not known yet.
    let bytes = Command::stored_len_max(change) + more;
    if bytes > COMMAND_BYTES_MAX {
        return Err(Error::TooLarge { bytes });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
