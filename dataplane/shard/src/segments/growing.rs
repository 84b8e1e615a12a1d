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
    /// Numbers of each row; `None` where they have any number of them.
    row_len: Option<usize>,
    /// Behind the last number of each row of any length.
    ends: Vec<usize>,
    pub(crate) died: Arc<Vec<AtomicU64>>,
}

impl Chunk {
    fn new(row_len: Option<usize>) -> Self {
        Self {
            slots: Vec::with_capacity(CHUNK_ROWS),
            versions: Vec::with_capacity(CHUNK_ROWS),
            values: Vec::with_capacity(CHUNK_ROWS * row_len.unwrap_or(0)),
            row_len,
            ends: Vec::new(),
            // Shared by all copies of the chunk: `kill` reaches those that views hold as well.
            died: Arc::new((0..CHUNK_ROWS).map(|_| AtomicU64::new(ALIVE.0)).collect()),
        }
    }

    /// Numbers of one row.
    pub(crate) fn row(&self, row: usize) -> &[f32] {
        match self.row_len {
            Some(row_len) => &self.values[row * row_len..(row + 1) * row_len],
            None => {
                let start = if row == 0 { 0 } else { self.ends[row - 1] };
                &self.values[start..self.ends[row]]
            }
        }
    }
}

/// A segment in memory: it grows, or is full and waits to be sealed.
pub(crate) struct Growing {
    pub(crate) id: u32,
    row_len: Option<usize>,
    chunks: Vec<Arc<Chunk>>,
    rows: usize,
    /// Numbers of all rows.
    values: usize,
}

impl Growing {
    /// Of rows with so many numbers, or any number of them.
    pub(crate) fn new(id: u32, row_len: Option<usize>) -> Self {
        Self { id, row_len, chunks: Vec::new(), rows: 0, values: 0 }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn bytes(&self) -> usize {
        self.values * size_of::<f32>()
    }

    /// Appends a row and says which it is.
    pub(crate) fn push(&mut self, slot: Slot, version: LogIndex, values: &[f32]) -> u32 {
        debug_assert!(self.row_len.is_none_or(|row_len| row_len == values.len()));
        if self.rows.is_multiple_of(CHUNK_ROWS) {
            self.chunks.push(Arc::new(Chunk::new(self.row_len)));
        }
        let chunk =
            Arc::make_mut(self.chunks.last_mut().expect("a chunk was just made if there was none"));
        chunk.slots.push(slot);
        chunk.versions.push(version.0);
        chunk.values.extend_from_slice(values);
        if self.row_len.is_none() {
            chunk.ends.push(chunk.values.len());
        }
        self.values += values.len();
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
        self.chunks[row as usize / CHUNK_ROWS].row(row as usize % CHUNK_ROWS)
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
        let mut growing = Growing::new(0, Some(2));
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

    #[test]
    fn rows_of_any_length_keep_theirs() {
        let mut growing = Growing::new(0, None);
        let rows: Vec<Vec<f32>> = (0..1100).map(|row| vec![row as f32; row % 4]).collect();
        for (slot, row) in (0..).zip(&rows) {
            growing.push(slot, LogIndex(1), row);
        }
        assert!((0..1100).all(|row| growing.vector(row) == rows[row as usize]));
        let values: usize = rows.iter().map(Vec::len).sum();
        assert_eq!((growing.rows(), growing.bytes()), (1100, values * 4));
    }
}
