//! What a reader sees: the shard as it stood at one applied index.
//!
//! Taken under the shard's lock in microseconds, used without it. Rows that die later carry
//! a later index, rows that come later lie behind what the view knows, records come from
//! a RocksDB snapshot of the same moment.

use std::sync::Arc;
use std::time::Instant;

use vane_filter::{Filter, Resolved};
use vane_storage::Snapshot;
use vane_types::{Distance, GroupId, HnswConfig, LogIndex};

use crate::error::Error;
use crate::rows::Chunk;
use crate::sealed::Sealed;
use crate::select::{Allowed, Checker};
use crate::shard::Shard;
use crate::state::{FilterIndexes, State};

/// The shard at one moment.
pub(crate) struct View<'a> {
    pub(crate) group: GroupId,
    /// Index of the last entry whose effects show.
    pub(crate) at: LogIndex,
    pub(crate) snapshot: Snapshot<'a>,
    /// Points that were there.
    pub(crate) points: u64,
    /// Names of the vectors by ordinal.
    pub(crate) names: Vec<String>,
    /// What the filter's indexes said; `None` without a filter.
    resolved: Option<Resolved>,
}

/// One vector of a view.
pub(crate) struct VectorView {
    pub(crate) at: LogIndex,
    pub(crate) dim: usize,
    pub(crate) distance: Distance,
    pub(crate) hnsw: HnswConfig,
    pub(crate) memory: Vec<Vec<Arc<Chunk>>>,
    pub(crate) sealed: Vec<Arc<Sealed>>,
}

impl Shard {
    /// The shard as it is now, with `filter` looked up in the payload indexes of the moment.
    pub(crate) fn view(&self, filter: Option<&Filter>) -> View<'_> {
        self.view_of(&self.state.read(), filter)
    }

    /// The same with one vector; `None` when the collection has no vector of that name.
    pub(crate) fn vector_view(&self, filter: Option<&Filter>, using: &str) -> Option<(View<'_>, VectorView)> {
        let state = self.state.read();
        let (_, vector) = state.vector(using)?;
        let frozen = vector.frozen.iter().map(|it| it.chunks());
        let view = VectorView {
            at: state.applied,
            dim: vector.params.size,
            distance: vector.params.distance,
            hnsw: state.config.hnsw_of(using),
            memory: frozen.chain([vector.growing.chunks()]).collect(),
            sealed: vector.sealed.clone(),
        };
        Some((self.view_of(&state, filter), view))
    }

    fn view_of(&self, state: &State, filter: Option<&Filter>) -> View<'_> {
        let indexes = FilterIndexes { state, store: &self.store };
        View {
            group: self.store.group(),
            at: state.applied,
            snapshot: self.store.snapshot(),
            points: state.live.len(),
            names: state.vectors.iter().map(|it| it.name.clone()).collect(),
            resolved: filter.filter(|it| !it.is_empty()).map(|it| vane_filter::resolve(it, &indexes)),
        }
    }
}

impl View<'_> {
    /// The superset that the indexes gave, and whether it is exact; `None` without a filter.
    pub(crate) fn resolved(&self) -> Option<&Resolved> {
        self.resolved.as_ref()
    }

    /// A checker for what the indexes left open.
    pub(crate) fn checker<'a>(&'a self, filter: &'a Filter, deadline: Instant) -> Checker<'a> {
        Checker { filter, snapshot: &self.snapshot, names: &self.names, group: self.group, deadline }
    }

    /// Exactly the matching slots; `None` without a filter.
    pub(crate) fn allowed(&self, filter: Option<&Filter>, deadline: Instant) -> Result<Option<Allowed>, Error> {
        let (Some(filter), Some(resolved)) = (filter, &self.resolved) else { return Ok(None) };
        let slots = if resolved.exact {
            resolved.slots.clone()
        } else {
            self.checker(filter, deadline).narrow(&resolved.slots, self.points)?
        };
        Ok(Some(Allowed::new(slots)))
    }
}
