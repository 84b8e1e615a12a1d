//! What a reader sees: the shard as it stood at one applied index.
//!
//! Taken under the shard's lock in microseconds, used without it. Rows that die later carry
//! a later index, rows that come later lie behind what the view knows, records come from
//! a RocksDB snapshot of the same moment.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use vane_filter::{Filter, SlotSet, TenantIndex};
use vane_index::Metric;
use vane_storage::{ReadView, SegmentFiles};
use vane_types::{Distance, GroupId, HnswConfig, LogIndex, Residence, Slot, VectorId, VectorSpec};

use crate::error::Error;
use crate::read::missed::Missed;
use crate::search::select::Checker;
use crate::segments::growing::Chunk;
use crate::segments::sealed::{Sealed, metric};
use crate::shard::Shard;
use crate::state::State;
use crate::state::allowed::{Allowed, Resolved};
use crate::state::field::{TextSchemas, text_schemas};
use crate::state::filter_indexes::FilterIndexes;
use crate::state::vector::VectorState;

/// The shard at one moment.
pub(crate) struct View<'a> {
    pub(crate) group: GroupId,
    /// Index of the last entry whose effects show.
    pub(crate) at: LogIndex,
    pub(crate) snapshot: ReadView<'a>,
    /// Slots of the points that were there.
    pub(crate) live: SlotSet,
    /// The same by tenant.
    pub(crate) tenants: TenantIndex,
    /// Names of the vectors.
    pub(crate) names: Vec<(VectorId, String)>,
    /// The least id that no vector has had: records may name any below.
    pub(crate) next_vector: VectorId,
    /// What conditions on fields with text indexes mean.
    pub(crate) texts: TextSchemas,
    /// Where it is noted that payload indexes were missed.
    missed: Missed<'a>,
    /// What the filter's indexes said; `None` without a filter.
    resolved: Option<Resolved>,
}

/// One vector of a view.
pub(crate) struct VectorView {
    pub(crate) at: LogIndex,
    pub(crate) distance: Distance,
    pub(crate) metric: Metric,
    /// Numbers of a row that a search looks at, about.
    pub(crate) width: usize,
    pub(crate) hnsw: HnswConfig,
    /// Its rows are meant to stay on the disk.
    pub(crate) on_disk: bool,
    /// Bytes of rows without a graph that a search for indexed ones still looks through.
    pub(crate) plain_bytes_max: usize,
    /// Rows in memory by segment, oldest first.
    pub(crate) memory: Vec<Vec<Arc<Chunk>>>,
    pub(crate) sealed: Vec<Arc<Sealed>>,
}

/// A run of rows of a view, those that died before it included.
pub(crate) struct Part<'a> {
    pub(crate) slots: &'a [Slot],
    /// [`LogIndex`]es, as a mapped file holds them.
    pub(crate) versions: &'a [u64],
    rows: Rows<'a>,
    /// Number of the segment; `None` for rows in memory.
    pub(crate) segment: Option<u32>,
    /// At least as long as there are rows.
    pub(crate) died: &'a [AtomicU64],
}

/// What holds the rows of a part.
#[derive(Clone, Copy)]
enum Rows<'a> {
    Memory(&'a Chunk),
    Sealed(&'a SegmentFiles),
}

impl<'a> Part<'a> {
    /// One row.
    pub(crate) fn row(&self, row: usize) -> &'a [f32] {
        match self.rows {
            Rows::Memory(chunk) => chunk.row(row),
            Rows::Sealed(files) => files.vector(row),
        }
    }
}

impl Shard {
    /// The shard as it is now, with `filter` looked up in the payload indexes of the moment.
    pub(crate) fn view(&self, filter: Option<&Filter>) -> Result<View<'_>, Error> {
        let (view, ()) = self.view_with(filter, |_| Ok(()))?;
        Ok(view)
    }

    /// The same with one vector, by its name.
    pub(crate) fn vector_view(
        &self,
        filter: Option<&Filter>,
        using: &str,
    ) -> Result<(View<'_>, VectorView), Error> {
        self.view_with(filter, |state| Ok(VectorView::new(state, state.known_vector(using)?)))
    }

    /// The same with all vectors.
    pub(crate) fn whole_view(&self) -> Result<(View<'_>, BTreeMap<VectorId, VectorView>), Error> {
        let all = |state: &State| {
            let vectors = state.vectors.iter();
            Ok(vectors.map(|(id, vector)| (*id, VectorView::new(state, vector))).collect())
        };
        self.view_with(None, all)
    }

    pub(crate) fn view_with<T>(
        &self,
        filter: Option<&Filter>,
        more: impl Fn(&State) -> Result<T, Error>,
    ) -> Result<(View<'_>, T), Error> {
        // A filter without conditions matches every point, as none does.
        let filter = filter.filter(|filter| !filter.is_empty());
        loop {
            let (mut view, indexes, more) = {
                let state = self.state.read();
                self.check_ready(&state)?;
                (self.view_of(&state), filter.map(|_| FilterIndexes::of(&state)), more(&state)?)
            };
            // An entry's batch is written before memory follows, which is a matter of microseconds
            // then: bitmaps, segments and RocksDB's snapshot must be of one moment.
            if view.snapshot.applied()? == view.at {
                // Without the lock: a filter may take long.
                if let (Some(filter), Some(indexes)) = (filter, indexes) {
                    view.resolved = Some(indexes.resolve(filter, &view.snapshot)?);
                }
                return Ok((view, more));
            }
            // Then memory goes on alone, or not at all. The replica stands still or left this node,
            // or its collection is gone: whoever looks for another one finds out.
            if self.is_out_of_use() {
                return Err(Error::NotReady { group: self.store.group() });
            }
            std::thread::yield_now();
        }
    }

    fn view_of(&self, state: &State) -> View<'_> {
        View {
            group: self.store.group(),
            at: state.applied,
            snapshot: self.store.read_view(),
            live: state.live.clone(),
            tenants: state.tenants.clone(),
            names: state.vectors.iter().map(|(id, it)| (*id, it.name.clone())).collect(),
            next_vector: state.config.next_id(),
            texts: text_schemas(&state.fields),
            missed: Missed { notes: &self.unindexed, state: &self.state },
            resolved: None,
        }
    }

    /// Refuses to read while there is no state yet, and what is damaged.
    pub(crate) fn check_ready(&self, state: &State) -> Result<(), Error> {
        if !state.is_ready() {
            return Err(Error::NotReady { group: self.store.group() });
        }
        self.check_whole()
    }
}

impl VectorView {
    pub(crate) fn new(state: &State, vector: &VectorState) -> Self {
        let frozen = vector.frozen.iter().map(|frozen| frozen.chunks());
        let hnsw = state.config.hnsw_of(&vector.name);
        let thresholds = [state.config.optimizer.indexing_threshold, hnsw.full_scan_threshold];
        Self {
            at: state.applied,
            distance: vector.spec.distance(),
            metric: metric(vector.spec),
            width: width_of(vector),
            hnsw,
            on_disk: vector.spec.residence() == Residence::Cold,
            // Both are in KB.
            plain_bytes_max: thresholds[0].max(thresholds[1]).saturating_mul(1024),
            memory: frozen.chain([vector.growing.chunks()]).collect(),
            // Only the list is copied: a segment that is replaced meanwhile lives as long as a view
            // has it.
            sealed: vector.sealed.clone(),
        }
    }

    /// Whether a search for indexed rows does without a segment that lacks an index, where so many
    /// rows in it match.
    pub(crate) fn is_large(&self, matching: usize) -> bool {
        let bytes = matching.saturating_mul(self.width).saturating_mul(size_of::<f32>());
        bytes > self.plain_bytes_max
    }

    /// Rows that such a search without a filter leaves out, dead ones of those in memory included.
    pub(crate) fn left_out(&self) -> usize {
        let memory = self.memory.iter().map(|chunks| rows_of(chunks));
        let plain = self.sealed.iter().filter(|sealed| !sealed.is_indexed());
        let plain = plain.map(|sealed| sealed.rows().saturating_sub(sealed.tombstones.dead()));
        memory.chain(plain).filter(|rows| self.is_large(*rows)).sum()
    }

    /// All its rows.
    pub(crate) fn parts(&self) -> Vec<Part<'_>> {
        let memory = self.memory.iter().flatten().map(|chunk| Part {
            slots: &chunk.slots,
            versions: &chunk.versions,
            rows: Rows::Memory(chunk),
            segment: None,
            died: &chunk.died,
        });
        let sealed = self.sealed.iter().map(|sealed| Part {
            slots: sealed.files.slots(),
            versions: sealed.files.versions(),
            rows: Rows::Sealed(&sealed.files),
            segment: Some(sealed.id()),
            died: sealed.tombstones.all(),
        });
        memory.chain(sealed).collect()
    }
}

/// Rows of a segment in memory.
pub(crate) fn rows_of(chunks: &[Arc<Chunk>]) -> usize {
    chunks.iter().map(|chunk| chunk.slots.len()).sum()
}

/// Numbers that a search among sparse rows looks at for each row, about: it passes most over.
const SPARSE_WIDTH: usize = 16;

fn width_of(vector: &VectorState) -> usize {
    match vector.spec {
        VectorSpec::Dense(params) => params.size,
        VectorSpec::Sparse(_) => SPARSE_WIDTH,
        // All of its vectors, of which most have as many.
        VectorSpec::Multi(params) => {
            let rows = vector.present.len().max(1);
            let numbers = vector.row_bytes() / size_of::<f32>() as u64 / rows;
            usize::try_from(numbers).unwrap_or(usize::MAX).max(params.size)
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
        Checker {
            filter,
            snapshot: &self.snapshot,
            names: &self.names,
            texts: &self.texts,
            group: self.group,
            deadline,
            missed: self.missed,
            read: Cell::new(0),
        }
    }

    /// Whether the matching slots are known without a look at points.
    pub(crate) fn is_resolved(&self) -> bool {
        self.resolved.as_ref().is_none_or(|resolved| resolved.exact)
    }

    /// Exactly the matching slots; `None` without a filter.
    pub(crate) fn allowed(
        &self,
        filter: Option<&Filter>,
        deadline: Instant,
    ) -> Result<Option<Arc<Allowed>>, Error> {
        let (Some(filter), Some(resolved)) = (filter, &self.resolved) else { return Ok(None) };
        if resolved.exact {
            return Ok(Some(Arc::clone(&resolved.allowed)));
        }
        let checker = self.checker(filter, deadline);
        let slots = checker.narrow(&resolved.allowed.slots, self.live.len())?;
        Ok(Some(Arc::new(Allowed::new(slots))))
    }
}
