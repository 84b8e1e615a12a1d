//! The segments of one vector, and where the row of each slot lies.

use std::sync::Arc;

use vane_filter::SlotSet;
use vane_types::{LogIndex, Slot, Vector, VectorSpec};

use crate::segments::growing::{Growing, Loc};
use crate::segments::sealed::Sealed;

/// Segments of one vector.
pub(crate) struct VectorState {
    pub(crate) name: String,
    pub(crate) spec: VectorSpec,
    /// By slot.
    pub(crate) locs: Vec<Loc>,
    /// Slots that have a row.
    pub(crate) present: SlotSet,
    pub(crate) growing: Growing,
    /// Full, waiting to be sealed; oldest first.
    pub(crate) frozen: Vec<Arc<Growing>>,
    pub(crate) sealed: Vec<Arc<Sealed>>,
    pub(crate) next_segment: u32,
    /// The sum of its parts of the consistency hash.
    pub(crate) digest: u64,
}

/// The row of a slot, to be read without the shard's lock: its page may have to come from a disk.
pub(crate) struct RowOf {
    spec: VectorSpec,
    place: Place,
}

enum Place {
    Memory(Vec<f32>),
    Sealed(Arc<Sealed>, usize),
}

impl RowOf {
    /// The vector that it holds.
    ///
    /// # Errors
    /// [`vane_storage::Error::Damaged`] for a row that holds none.
    pub(crate) fn vector(self) -> Result<Vector, vane_storage::Error> {
        let Self { spec, place } = self;
        let (row, of) = match place {
            Place::Memory(values) => (values, None),
            Place::Sealed(sealed, row) => (sealed.files.vector(row).to_vec(), Some((sealed, row))),
        };
        spec.vector_of(row).ok_or_else(|| vane_storage::Error::Damaged {
            what: of.map_or_else(
                || "a row in memory".into(),
                |(sealed, row)| format!("row {row} of {}", sealed.dir.display()),
            ),
            detail: format!("it does not hold {}", spec.kind()),
        })
    }
}

impl VectorState {
    pub(crate) fn new(name: &str, spec: VectorSpec) -> Self {
        Self {
            name: name.to_owned(),
            spec,
            locs: Vec::new(),
            present: SlotSet::default(),
            growing: Growing::new(0, spec.row_len()),
            frozen: Vec::new(),
            sealed: Vec::new(),
            next_segment: 1,
            digest: 0,
        }
    }

    /// Bytes of all rows, dead ones included.
    pub(crate) fn row_bytes(&self) -> u64 {
        let frozen: usize = self.frozen.iter().map(|frozen| frozen.bytes()).sum();
        let sealed: usize = self.sealed.iter().map(|sealed| sealed.bytes()).sum();
        (frozen + self.growing.bytes() + sealed) as u64
    }

    /// Bytes of the rows that live, by the mean of all where they have no common length.
    pub(crate) fn live_bytes(&self) -> u64 {
        let live = self.present.len();
        if let Some(numbers) = self.spec.row_len() {
            return live * (numbers * size_of::<f32>()) as u64;
        }
        let frozen: usize = self.frozen.iter().map(|frozen| frozen.rows()).sum();
        let sealed: usize = self.sealed.iter().map(|sealed| sealed.rows()).sum();
        let rows = frozen + self.growing.rows() + sealed;
        let bytes = u128::from(self.row_bytes()) * u128::from(live) / rows.max(1) as u128;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    pub(crate) fn loc(&self, slot: Slot) -> Loc {
        self.locs.get(slot as usize).copied().unwrap_or(Loc::NONE)
    }

    pub(crate) fn set_loc(&mut self, slot: Slot, loc: Loc) {
        let at = slot as usize;
        if at >= self.locs.len() {
            self.locs.resize(at + 1, Loc::NONE);
        }
        // A job moves rows of slots that are known.
        if self.locs[at] == Loc::NONE {
            self.present.insert(slot);
        }
        self.locs[at] = loc;
    }

    /// Ends the life of a slot's row, if it has one. Its part of the hash is the caller's to take
    /// away.
    pub(crate) fn kill(&mut self, slot: Slot, at: LogIndex) {
        let loc = self.loc(slot);
        if loc == Loc::NONE {
            return;
        }
        // Cleared even though a new row follows mostly: an entry may remove the vector alone.
        self.locs[slot as usize] = Loc::NONE;
        self.present.remove(slot);
        if loc.segment == self.growing.id {
            self.growing.kill(loc.row, at);
        } else if let Some(frozen) = self.frozen.iter().find(|frozen| frozen.id == loc.segment) {
            frozen.kill(loc.row, at);
        } else if let Some(sealed) = self.sealed.iter().find(|sealed| sealed.id() == loc.segment) {
            sealed.tombstones.kill(loc.row, at);
        }
    }

    /// Appends a row for a slot.
    pub(crate) fn append(&mut self, slot: Slot, version: LogIndex, values: &[f32]) {
        let row = self.growing.push(slot, version, values);
        self.set_loc(slot, Loc { segment: self.growing.id, row });
    }

    /// A slot's row. The caller holds the shard's lock: nothing is read from a disk here.
    pub(crate) fn row(&self, slot: Slot) -> Option<RowOf> {
        let loc = self.loc(slot);
        if loc == Loc::NONE {
            return None;
        }
        let memory =
            std::iter::once(&self.growing).chain(self.frozen.iter().map(|frozen| &**frozen));
        for growing in memory {
            if growing.id == loc.segment {
                let place = Place::Memory(growing.vector(loc.row).to_vec());
                return Some(RowOf { spec: self.spec, place });
            }
        }
        let sealed = self.sealed.iter().find(|sealed| sealed.id() == loc.segment)?;
        let place = Place::Sealed(Arc::clone(sealed), loc.row as usize);
        Some(RowOf { spec: self.spec, place })
    }

    /// Number for a new segment.
    pub(crate) fn take_segment_id(&mut self) -> u32 {
        self.next_segment += 1;
        self.next_segment - 1
    }

    /// Sets the growing segment aside to be sealed and starts another.
    pub(crate) fn freeze(&mut self) {
        let id = self.take_segment_id();
        let full = std::mem::replace(&mut self.growing, Growing::new(id, self.spec.row_len()));
        self.frozen.push(Arc::new(full));
    }
}
