//! What a shard holds in memory. Changed only under the shard's lock, with the batch that
//! stores the same change.

use std::collections::BTreeMap;
use std::sync::Arc;

use roaring::RoaringBitmap;
use vane_filter::PayloadIndex;
use vane_raft::Conf;
use vane_storage::ShardStore;
use vane_types::{CollectionConfig, JsonPath, LogIndex, PointId, Slot, VectorParams};

use crate::heads::Heads;
use crate::requests::Requests;
use crate::rows::{Growing, Loc};
use crate::sealed::Sealed;

/// The memory of a shard.
pub(crate) struct State {
    /// Index of the last applied entry.
    pub(crate) applied: LogIndex,
    pub(crate) config: CollectionConfig,
    /// Slot of the next new point. Part of the replicated state.
    pub(crate) next_slot: Slot,
    /// Consistency hash: what [`crate::digest`] says.
    pub(crate) digest: u64,
    /// Members of the group as of `applied`.
    pub(crate) conf: Conf,
    /// What became of the requests of the last entries.
    pub(crate) requests: Requests,
    /// Slots of the points that are there.
    pub(crate) live: RoaringBitmap,
    pub(crate) heads: Heads,
    /// By ordinal: the order of names in the configuration.
    pub(crate) vectors: Vec<VectorState>,
    pub(crate) fields: BTreeMap<JsonPath, Field>,
}

/// A payload index and the number its keys are stored under.
pub(crate) struct Field {
    pub(crate) number: u16,
    pub(crate) index: PayloadIndex,
}

/// Segments of one vector.
pub(crate) struct VectorState {
    pub(crate) name: String,
    pub(crate) params: VectorParams,
    /// By slot.
    pub(crate) locs: Vec<Loc>,
    pub(crate) growing: Growing,
    /// Full, waiting to be sealed; oldest first.
    pub(crate) frozen: Vec<Arc<Growing>>,
    pub(crate) sealed: Vec<Arc<Sealed>>,
    pub(crate) next_segment: u32,
}

impl State {
    /// A shard without points, to which nothing was applied.
    pub(crate) fn empty(config: CollectionConfig) -> Self {
        let vectors =
            config.vectors.iter().map(|(name, params)| VectorState::new(name, *params)).collect();
        Self {
            applied: LogIndex::ZERO,
            config,
            next_slot: 0,
            digest: 0,
            conf: Conf::default(),
            requests: Requests::default(),
            live: RoaringBitmap::new(),
            heads: Heads::default(),
            vectors,
            fields: BTreeMap::new(),
        }
    }

    /// Whether there is anything to read. A replica that waits for its first snapshot, or is
    /// taking one, is not empty: it does not know.
    pub(crate) fn is_ready(&self) -> bool {
        self.applied > LogIndex::ZERO || self.conf != Conf::default()
    }

    /// A vector by name, with its ordinal.
    pub(crate) fn vector(&self, name: &str) -> Option<(u8, &VectorState)> {
        self.vectors
            .iter()
            .enumerate()
            .find(|(_, it)| it.name == name)
            .map(|(ordinal, it)| (ordinal as u8, it))
    }
}

impl VectorState {
    pub(crate) fn new(name: &str, params: VectorParams) -> Self {
        Self {
            name: name.to_owned(),
            params,
            locs: Vec::new(),
            growing: Growing::new(0, params.size),
            frozen: Vec::new(),
            sealed: Vec::new(),
            next_segment: 1,
        }
    }

    pub(crate) fn loc(&self, slot: Slot) -> Loc {
        self.locs.get(slot as usize).copied().unwrap_or(Loc::NONE)
    }

    pub(crate) fn set_loc(&mut self, slot: Slot, loc: Loc) {
        let slot = slot as usize;
        if slot >= self.locs.len() {
            self.locs.resize(slot + 1, Loc::NONE);
        }
        self.locs[slot] = loc;
    }

    /// Ends the life of a slot's row, if it has one.
    pub(crate) fn kill(&mut self, slot: Slot, at: LogIndex) {
        let loc = self.loc(slot);
        if loc == Loc::NONE {
            return;
        }
        self.locs[slot as usize] = Loc::NONE;
        if loc.segment == self.growing.id {
            self.growing.kill(loc.row, at);
        } else if let Some(frozen) = self.frozen.iter().find(|it| it.id == loc.segment) {
            frozen.kill(loc.row, at);
        } else if let Some(sealed) = self.sealed.iter().find(|it| it.id() == loc.segment) {
            sealed.deaths.kill(loc.row, at);
        }
    }

    /// Appends a row for a slot.
    pub(crate) fn append(&mut self, slot: Slot, version: LogIndex, values: &[f32]) {
        let row = self.growing.push(slot, version, values);
        self.set_loc(slot, Loc { segment: self.growing.id, row });
    }

    /// Values and version of a slot's row.
    pub(crate) fn read(&self, slot: Slot) -> Option<(&[f32], LogIndex)> {
        let loc = self.loc(slot);
        if loc == Loc::NONE {
            return None;
        }
        let memory = std::iter::once(&self.growing).chain(self.frozen.iter().map(|it| &**it));
        for growing in memory {
            if growing.id == loc.segment {
                return Some((growing.vector(loc.row), growing.version(loc.row)));
            }
        }
        let sealed = self.sealed.iter().find(|it| it.id() == loc.segment)?;
        let row = loc.row as usize;
        Some((sealed.files.vector(row), LogIndex(sealed.files.versions()[row])))
    }

    /// Number for a new segment.
    pub(crate) fn take_segment_id(&mut self) -> u32 {
        self.next_segment += 1;
        self.next_segment - 1
    }

    /// Sets the growing segment aside to be sealed and starts another.
    pub(crate) fn freeze(&mut self) {
        let id = self.take_segment_id();
        let full = std::mem::replace(&mut self.growing, Growing::new(id, self.params.size));
        self.frozen.push(Arc::new(full));
    }
}

/// What the filter resolver may ask, answered from memory and the point keys.
pub(crate) struct FilterIndexes<'a> {
    pub(crate) state: &'a State,
    pub(crate) store: &'a ShardStore,
}

impl vane_filter::Indexes for FilterIndexes<'_> {
    fn index(&self, field: &JsonPath) -> Option<&PayloadIndex> {
        self.state.fields.get(field).map(|it| &it.index)
    }

    fn live(&self) -> &RoaringBitmap {
        &self.state.live
    }

    fn slot_of(&self, id: PointId) -> Option<Slot> {
        self.store
            .slot(id)
            .inspect_err(|error| tracing::error!(%error, %id, "failed to look up a point"))
            .ok()
            .flatten()
    }

    fn slots_with_vector(&self, name: &str) -> Option<RoaringBitmap> {
        let (_, vector) = self.state.vector(name)?;
        let present = vector.locs.iter().enumerate().filter(|(_, loc)| **loc != Loc::NONE);
        Some(present.map(|(slot, _)| slot as Slot).collect())
    }
}
