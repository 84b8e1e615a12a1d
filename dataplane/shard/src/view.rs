//! What a reader sees: the shard as it stood at one applied index.
//!
//! Taken under the shard's lock in microseconds, used without it. Rows that die later carry
//! a later index, rows that come later lie behind what the view knows, records come from
//! a RocksDB snapshot of the same moment.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use vane_filter::{Filter, Resolved};
use vane_storage::ReadView;
use vane_types::{Distance, GroupId, HnswConfig, LogIndex, Slot};

use crate::error::Error;
use crate::rows::Chunk;
use crate::sealed::Sealed;
use crate::select::{Allowed, Checker};
use crate::shard::Shard;
use crate::state::{FilterIndexes, State, VectorState};

/// The shard at one moment.
pub(crate) struct View<'a> {
    pub(crate) group: GroupId,
    /// Index of the last entry whose effects show.
    pub(crate) at: LogIndex,
    pub(crate) snapshot: ReadView<'a>,
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

/// A run of rows of a view, those that died before it included.
pub(crate) struct Part<'a> {
    pub(crate) slots: &'a [Slot],
    /// [`LogIndex`]es, as a mapped file holds them.
    pub(crate) versions: &'a [u64],
    pub(crate) values: &'a [f32],
    /// At least as long as there are rows.
    pub(crate) died: &'a [AtomicU64],
}

impl Shard {
    /// The shard as it is now, with `filter` looked up in the payload indexes of the moment.
    pub(crate) fn view(&self, filter: Option<&Filter>) -> Result<View<'_>, Error> {
        self.view_of(&self.state.read(), filter)
    }

    /// The same with one vector, by its name.
    pub(crate) fn vector_view(
        &self,
        filter: Option<&Filter>,
        using: &str,
    ) -> Result<(View<'_>, VectorView), Error> {
        let state = self.state.read();
        let Some((_, vector)) = state.vector(using) else {
            return Err(Error::BadInput(format!("Not existing vector name error: {using}")));
        };
        Ok((self.view_of(&state, filter)?, VectorView::new(&state, vector)))
    }

    /// The same with all vectors, by ordinal.
    pub(crate) fn whole_view(&self) -> Result<(View<'_>, Vec<VectorView>), Error> {
        let state = self.state.read();
        let vectors = state.vectors.iter().map(|it| VectorView::new(&state, it)).collect();
        Ok((self.view_of(&state, None)?, vectors))
    }

    fn view_of(&self, state: &State, filter: Option<&Filter>) -> Result<View<'_>, Error> {
        self.check_ready(state)?;
        let indexes = FilterIndexes { state, store: &self.store };
        Ok(View {
            group: self.store.group(),
            at: state.applied,
            snapshot: self.store.read_view(),
            points: state.live.len(),
            names: state.vectors.iter().map(|it| it.name.clone()).collect(),
            resolved: filter
                .filter(|it| !it.is_empty())
                .map(|it| vane_filter::resolve(it, &indexes)),
        })
    }

    /// Refuses to read while there is no state yet.
    pub(crate) fn check_ready(&self, state: &State) -> Result<(), Error> {
        if state.is_ready() { Ok(()) } else { Err(Error::NotReady { group: self.store.group() }) }
    }
}

impl VectorView {
    fn new(state: &State, vector: &VectorState) -> Self {
        let frozen = vector.frozen.iter().map(|it| it.chunks());
        Self {
            at: state.applied,
            dim: vector.params.size,
            distance: vector.params.distance,
            hnsw: state.config.hnsw_of(&vector.name),
            memory: frozen.chain([vector.growing.chunks()]).collect(),
            sealed: vector.sealed.clone(),
        }
    }

    /// All its rows.
    pub(crate) fn parts(&self) -> Vec<Part<'_>> {
        let memory = self.memory.iter().flatten().map(|it| Part {
            slots: &it.slots,
            versions: &it.versions,
            values: &it.values,
            died: &it.died,
        });
        let sealed = self.sealed.iter().map(|it| Part {
            slots: it.files.slots(),
            versions: it.files.versions(),
            values: it.files.vectors(),
            died: it.deaths.all(),
        });
        memory.chain(sealed).collect()
    }
}

impl View<'_> {
    /// The superset that the indexes gave, and whether it is exact; `None` without a filter.
    pub(crate) fn resolved(&self) -> Option<&Resolved> {
        self.resolved.as_ref()
    }

    /// A checker for what the indexes left open.
    pub(crate) fn checker<'a>(&'a self, filter: &'a Filter, deadline: Instant) -> Checker<'a> {
        Checker {
            filter,
            snapshot: &self.snapshot,
            names: &self.names,
            group: self.group,
            deadline,
        }
    }

    /// Exactly the matching slots; `None` without a filter.
    pub(crate) fn allowed(
        &self,
        filter: Option<&Filter>,
        deadline: Instant,
    ) -> Result<Option<Allowed>, Error> {
        let (Some(filter), Some(resolved)) = (filter, &self.resolved) else { return Ok(None) };
        let slots = if resolved.exact {
            resolved.slots.clone()
        } else {
            self.checker(filter, deadline).narrow(&resolved.slots, self.points)?
        };
        Ok(Some(Allowed::new(slots)))
    }
}
