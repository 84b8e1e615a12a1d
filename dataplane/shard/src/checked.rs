//! From a checked write to the commands of each shard.

use std::collections::HashSet;

use vane_filter::Filter;
use vane_types::command::{
    Change, CreateIndex, DeletePayload, DeleteVectors, DropIndex, FILTER_SEMANTICS, Point,
    SetPayload, Targets, Upsert,
};
use vane_types::limits::{COMMAND_BYTES_MAX, FILTERED_IDS_PER_ENTRY_MAX};
use vane_types::{Command, PointId};

use crate::error::Error;
use crate::request::Selection;

/// A write that fits its collection, in the form it is logged in, before it is known which
/// shard gets which part.
#[derive(Debug, Clone)]
pub struct Checked(pub(crate) Work);

/// What a write comes to.
#[derive(Debug, Clone)]
pub(crate) enum Work {
    /// Points, each for its own shard. Ids are distinct.
    Upsert(Vec<(PointId, Point)>),
    /// Vectors of points, the same way.
    UpdateVectors(Vec<(PointId, Point)>),
    /// The same for each of some points. Ids are distinct.
    Each(Selection, Action),
    /// A payload index on every shard.
    CreateIndex(CreateIndex),
    /// None any more, on every shard.
    DropIndex(DropIndex),
}

/// What is done to each of some points.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    Delete,
    DeleteVectors(Vec<String>),
    SetPayload { payload: Vec<u8>, key: String },
    OverwritePayload(Vec<u8>),
    DeletePayload(Vec<String>),
    ClearPayload,
}

impl Checked {
    /// The filter to look up on every shard before [`Checked::commands`].
    pub fn filter(&self) -> Option<&Filter> {
        match &self.0 {
            Work::Each(Selection::Filter(filter), _) => Some(filter),
            _ => None,
        }
    }

    /// Whether the write takes room on the disk for good. Deletes make room in the end and
    /// must stay possible on a full disk.
    pub fn grows(&self) -> bool {
        match &self.0 {
            Work::Upsert(_) | Work::UpdateVectors(_) | Work::CreateIndex(_) => true,
            Work::DropIndex(_) => false,
            Work::Each(_, action) => match action {
                Action::SetPayload { .. } | Action::OverwritePayload(_) => true,
                Action::Delete
                | Action::DeleteVectors(_)
                | Action::DeletePayload(_)
                | Action::ClearPayload => false,
            },
        }
    }

    /// The commands of each shard, in the order they are to be logged: mostly one. A filter
    /// that matches very many points makes several, each of which is applied whole. Shards
    /// come in order; those with nothing to do are left out, but where no shard has anything
    /// to do the first logs an entry all the same: its index is the answer.
    ///
    /// `route` says which of the `shards` a point lies on. `resolved` holds for each shard the
    /// ids that match [`Checked::filter`] there; without a filter it is empty.
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
        let by_shard = match self.0 {
            Work::Upsert(points) => {
                upserts(split(points, shards, |it| route(it.0)), Change::Upsert)
            }
            Work::UpdateVectors(points) => {
                upserts(split(points, shards, |it| route(it.0)), Change::UpdateVectors)
            }
            Work::Each(Selection::Ids(ids), action) => {
                let with = |ids: Vec<PointId>| vec![action.on(targets(&ids, String::new(), 0))];
                split(ids, shards, |it| route(*it))
                    .into_iter()
                    .map(|(shard, ids)| (shard, with(ids)))
                    .collect()
            }
            Work::Each(Selection::Filter(filter), action) => filtered(&filter, &action, resolved),
            Work::CreateIndex(it) => {
                (0..shards).map(|shard| (shard, vec![Change::CreateIndex(it.clone())])).collect()
            }
            Work::DropIndex(it) => {
                (0..shards).map(|shard| (shard, vec![Change::DropIndex(it.clone())])).collect()
            }
        };
        let commands =
            |changes: Vec<Change>| changes.into_iter().map(command).collect::<Result<_, _>>();
        by_shard.into_iter().map(|(shard, changes)| Ok((shard, commands(changes)?))).collect()
    }
}

impl Action {
    fn on(&self, targets: Targets) -> Change {
        let set = |targets, payload: &[u8], key: &str| SetPayload {
            targets: Some(targets),
            payload: payload.to_vec(),
            key: key.to_owned(),
        };
        match self {
            Self::Delete => Change::Delete(targets),
            Self::ClearPayload => Change::ClearPayload(targets),
            Self::DeleteVectors(names) => Change::DeleteVectors(DeleteVectors {
                targets: Some(targets),
                names: names.clone(),
            }),
            Self::SetPayload { payload, key } => Change::SetPayload(set(targets, payload, key)),
            Self::OverwritePayload(payload) => Change::OverwritePayload(set(targets, payload, "")),
            Self::DeletePayload(keys) => {
                Change::DeletePayload(DeletePayload { targets: Some(targets), keys: keys.clone() })
            }
        }
    }
}

/// Distinct ids in the order of their first mention.
pub(crate) fn distinct(ids: Vec<PointId>) -> Vec<PointId> {
    let mut seen = HashSet::with_capacity(ids.len());
    ids.into_iter().filter(|it| seen.insert(*it)).collect()
}

/// Items by shard, in order within each. Shards without any are left out, unless all are.
fn split<T>(items: Vec<T>, shards: usize, shard_of: impl Fn(&T) -> usize) -> Vec<(usize, Vec<T>)> {
    let mut parts: Vec<Vec<T>> = (0..shards).map(|_| Vec::new()).collect();
    items.into_iter().for_each(|it| parts[shard_of(&it)].push(it));
    let mut parts: Vec<(usize, Vec<T>)> =
        parts.into_iter().enumerate().filter(|(_, it)| !it.is_empty()).collect();
    if parts.is_empty() {
        parts.push((0, Vec::new()));
    }
    parts
}

fn upserts(
    parts: Vec<(usize, Vec<(PointId, Point)>)>,
    change: fn(Upsert) -> Change,
) -> Vec<(usize, Vec<Change>)> {
    let upsert = |points: Vec<(PointId, Point)>| Upsert {
        points: points.into_iter().map(|(_, it)| it).collect(),
    };
    parts.into_iter().map(|(shard, points)| (shard, vec![change(upsert(points))])).collect()
}

fn filtered(
    filter: &Filter,
    action: &Action,
    resolved: Vec<Vec<PointId>>,
) -> Vec<(usize, Vec<Change>)> {
    // An empty filter matches every point, then and now: it needs no second look.
    let filter = match filter.is_empty() {
        true => String::new(),
        false => serde_json::to_string(filter).expect("a filter is plain data"),
    };
    let entry = |ids: &[PointId]| action.on(targets(ids, filter.clone(), FILTER_SEMANTICS));
    let mut parts = Vec::new();
    for (shard, mut ids) in resolved.into_iter().enumerate().filter(|(_, ids)| !ids.is_empty()) {
        ids.sort_unstable();
        parts.push((shard, ids.chunks(FILTERED_IDS_PER_ENTRY_MAX).map(entry).collect()));
    }
    if parts.is_empty() {
        parts.push((0, vec![entry(&[])]));
    }
    parts
}

fn targets(ids: &[PointId], filter: String, semantics: u32) -> Targets {
    Targets { ids: ids.iter().map(|it| it.to_key()).collect(), filter, semantics }
}

fn command(change: Change) -> Result<Command, Error> {
    let command = Command::new(change);
    let bytes = command.stored_len_max();
    if bytes > COMMAND_BYTES_MAX {
        let text = format!(
            "the request takes {bytes} bytes in the log, the limit is {COMMAND_BYTES_MAX}; split it"
        );
        return Err(Error::BadInput(text));
    }
    Ok(command)
}

#[cfg(test)]
mod tests;
