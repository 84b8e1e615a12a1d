//! Rows of one vector: growing ones in memory, in chunks that never move.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use vane_types::{LogIndex, Slot};

/// Rows of a chunk. A reader's view keeps a chunk; appending then copies it once.
const CHUNK_ROWS: usize = 512;
/// What stands for the death of a row that lives.
pub(crate) const ALIVE: LogIndex = LogIndex::MAX;

/// Where the row of a slot lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Loc {
    pub(crate) segment: u32,
    pub(crate) row: u32,
}

impl Loc {
    /// The point has no such vector.
    pub(crate) const NONE: Self = Self { segment: u32::MAX, row: u32::MAX };
}

/// A run of rows. `died[row]` is the index of the entry that replaced or removed the row: a
/// view at index `at` sees rows with `died > at`.
#[derive(Clone)]
pub(crate) struct Chunk {
    pub(crate) slots: Vec<Slot>,
    /// [`LogIndex`]es, in the form of a sealed segment's file.
    pub(crate) versions: Vec<u64>,
    pub(crate) values: Vec<f32>,
    pub(crate) died: Arc<Vec<AtomicU64>>,
}

impl Chunk {
    fn new(dim: usize) -> Self {
        Self {
            slots: Vec::with_capacity(CHUNK_ROWS),
            versions: Vec::with_capacity(CHUNK_ROWS),
            values: Vec::with_capacity(CHUNK_ROWS * dim),
            // Shared by all copies of the chunk: `kill` reaches those that views hold as well.
            died: Arc::new((0..CHUNK_ROWS).map(|_| AtomicU64::new(ALIVE.0)).collect()),
        }
    }
}

/// A segment in memory: it grows, or is full and waits to be sealed.
pub(crate) struct Growing {
    pub(crate) id: u32,
    dim: usize,
    chunks: Vec<Arc<Chunk>>,
    rows: usize,
}

impl Growing {
    pub(crate) fn new(id: u32, dim: usize) -> Self {
        Self { id, dim, chunks: Vec::new(), rows: 0 }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn bytes(&self) -> usize {
        self.rows * self.dim * size_of::<f32>()
    }

    /// Appends a row and says which it is.
    pub(crate) fn push(&mut self, slot: Slot, version: LogIndex, values: &[f32]) -> u32 {
        debug_assert_eq!(values.len(), self.dim);
        if self.rows.is_multiple_of(CHUNK_ROWS) {
            self.chunks.push(Arc::new(Chunk::new(self.dim)));
        }
        let chunk =
            Arc::make_mut(self.chunks.last_mut().expect("a chunk was just made if there was none"));
        chunk.slots.push(slot);
        chunk.versions.push(version.0);
        chunk.values.extend_from_slice(values);
        self.rows += 1;
        (self.rows - 1) as u32
    }

    pub(crate) fn kill(&self, row: u32, at: LogIndex) {
        let row = row as usize;
        self.chunks[row / CHUNK_ROWS].died[row % CHUNK_ROWS].store(at.0, Ordering::Relaxed);
    }

    pub(crate) fn death(&self, row: u32) -> LogIndex {
        let row = row as usize;
        LogIndex(self.chunks[row / CHUNK_ROWS].died[row % CHUNK_ROWS].load(Ordering::Relaxed))
    }

    pub(crate) fn vector(&self, row: u32) -> &[f32] {
        let (chunk, row) = (&self.chunks[row as usize / CHUNK_ROWS], row as usize % CHUNK_ROWS);
        &chunk.values[row * self.dim..(row + 1) * self.dim]
    }

    /// The rows as they are now; later ones do not show.
    pub(crate) fn chunks(&self) -> Vec<Arc<Chunk>> {
        self.chunks.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_keeps_its_rows_while_more_are_appended() {
        let mut growing = Growing::new(0, 2);
        for i in 0..700 {
            assert_eq!(growing.push(i, LogIndex(1), &[i as f32, 0.0]), i);
        }
        let view = growing.chunks();
        growing.push(700, LogIndex(2), &[700.0, 0.0]);
        growing.kill(3, LogIndex(2));
        assert_eq!(view.iter().map(|chunk| chunk.slots.len()).sum::<usize>(), 700);
        assert_eq!(growing.vector(700), [700.0, 0.0]);
        assert_eq!(view[0].died[3].load(Ordering::Relaxed), 2, "tombstones show with their index");
    }
}
