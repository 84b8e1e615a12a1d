//! Which rows have a number at each index, and which number: a file.
//!
//! ```text
//! 0   magic 8 │ indices u32 │ rows u32 │ postings u64 │ zeros to 64
//! 64  indices, u32 each, rising │ zeros to a multiple of 8
//!     behind the last posting of each index, u64 each
//!     the largest and the smallest number of each index, f32 each
//!     rows of the postings, u32 each; those of one index rise
//!     numbers of the postings, f32 each
//! ```
//!
//! All little-endian.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use super::SparseRow;
use crate::error::Error;
use crate::vector_index::GraphFile;

const MAGIC: &[u8; 8] = b"VANEPST1";
const HEADER: usize = 64;

/// Writes the postings of some rows, which are given in their order, twice the same. Takes as much
/// memory as the file has bytes. The last of them may not be synced.
///
/// # Errors
/// [`Error::Save`]; an unfinished file may be left.
pub fn write_postings<'a, I: Iterator<Item = SparseRow<'a>>>(
    path: &Path,
    rows: impl Fn() -> I,
) -> Result<(), Error> {
    let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
    let mut rows_len = 0_u32;
    for row in rows() {
        rows_len += 1;
        row.indices.iter().for_each(|index| *counts.entry(*index).or_default() += 1);
    }
    let indices: Vec<u32> = counts.keys().copied().collect();
    let mut next: Vec<u64> = Vec::with_capacity(indices.len());
    let mut ends: Vec<u64> = Vec::with_capacity(indices.len());
    let mut total = 0;
    for count in counts.values() {
        next.push(total);
        total += count;
        ends.push(total);
    }
    let mut bounds = vec![[f32::MIN, f32::MAX]; indices.len()];
    let (mut numbers, mut values) = (vec![0_u32; total as usize], vec![0_f32; total as usize]);
    for (number, row) in (0_u32..).zip(rows()) {
        for (index, value) in row.indices.iter().zip(row.values) {
            // One that was not there the first time is left out, as it has no place.
            let Ok(at) = indices.binary_search(index) else { continue };
            let place = next[at] as usize;
            next[at] += 1;
            (numbers[place], values[place]) = (number, *value);
            let [largest, smallest] = &mut bounds[at];
            (*largest, *smallest) = (largest.max(*value), smallest.min(*value));
        }
    }
    let mut header = [0_u8; HEADER];
    header[..8].copy_from_slice(MAGIC);
    header[8..12].copy_from_slice(&(indices.len() as u32).to_le_bytes());
    header[12..16].copy_from_slice(&rows_len.to_le_bytes());
    header[16..24].copy_from_slice(&total.to_le_bytes());
    let padding = vec![0_u8; padding(indices.len())];
    let parts: [&[u8]; 7] = [
        &header,
        bytemuck::cast_slice(&indices),
        &padding,
        bytemuck::cast_slice(&ends),
        bytemuck::cast_slice(&bounds),
        bytemuck::cast_slice(&numbers),
        bytemuck::cast_slice(&values),
    ];
    let write = || -> std::io::Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        parts.iter().try_for_each(|part| file.write_all(part))?;
        file.flush()
    };
    write().map_err(|error| Error::Save { path: path.to_owned(), message: error.to_string() })
}

/// Bytes between indices of 4 bytes and what takes 8.
fn padding(indices: usize) -> usize {
    indices % 2 * 4
}

/// An opened file of postings.
pub struct Postings {
    file: Arc<dyn GraphFile>,
    indices: usize,
    rows: usize,
    postings: usize,
}

/// The rows that have a number at one index.
#[derive(Debug, Clone, Copy)]
pub(crate) struct List<'a> {
    pub(crate) rows: &'a [u32],
    pub(crate) values: &'a [f32],
    pub(crate) largest: f32,
    pub(crate) smallest: f32,
}

impl Postings {
    /// Opens a file of the postings of so many rows. What would lead a search astray is an error
    /// here or passed over there; a checksum is the caller's to compare.
    ///
    /// # Errors
    /// [`Error::Open`].
    pub fn open(file: Arc<dyn GraphFile>, rows: usize) -> Result<Self, Error> {
        let open = |message: &str| Error::Open { message: message.to_owned() };
        let bytes = file.bytes();
        let number = |at: usize, len: usize| {
            let bytes = bytes.get(at..at + len)?;
            Some(bytes.iter().rev().fold(0_u64, |n, byte| n << 8 | u64::from(*byte)))
        };
        if bytes.get(..8) != Some(MAGIC) {
            return Err(open("it does not begin as postings do"));
        }
        let [indices, of_rows] = [8, 12].map(|at| number(at, 4).unwrap_or(0) as usize);
        let postings = number(16, 8).and_then(|number| usize::try_from(number).ok());
        let postings = postings.filter(|postings| *postings <= bytes.len());
        let postings = postings.ok_or_else(|| open("it names more postings than there are"))?;
        let expected = HEADER + indices * 20 + padding(indices) + postings * 8;
        if of_rows != rows || bytes.len() != expected {
            return Err(open("its length or its rows do not fit"));
        }
        let opened = Self { file, indices, rows, postings };
        let ends = opened.ends();
        if !ends.is_sorted() || ends.last().is_some_and(|end| *end != postings as u64) {
            return Err(open("its lists end where there are none"));
        }
        Ok(opened)
    }

    /// Rows of the segment.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of the file.
    pub fn bytes(&self) -> usize {
        self.file.bytes().len()
    }

    /// How many rows have a number at an index, dead ones included.
    pub fn len_of(&self, index: u32) -> usize {
        self.list(index).map_or(0, |list| list.rows.len())
    }

    /// Rows that have a number at an index, dead ones included.
    pub fn rows_at(&self, index: u32) -> &[u32] {
        self.list(index).map_or(&[], |list| list.rows)
    }

    pub(crate) fn list(&self, index: u32) -> Option<List<'_>> {
        let at = self.column::<u32>(HEADER, self.indices).binary_search(&index).ok()?;
        let ends = self.ends();
        let start = if at == 0 { 0 } else { ends[at - 1] as usize };
        let (end, bounds) = (ends[at] as usize, self.ends_at() + self.indices * 8);
        let [largest, smallest] = self.column::<[f32; 2]>(bounds, self.indices)[at];
        let rows = bounds + self.indices * 8;
        // Bits of a mapped file may flip after it was opened: a list that ends nowhere is empty.
        let (rows, values) = (
            self.column(rows, self.postings),
            self.column(rows + self.postings * 4, self.postings),
        );
        Some(List {
            rows: rows.get(start..end)?,
            values: values.get(start..end)?,
            largest,
            smallest,
        })
    }

    fn ends(&self) -> &[u64] {
        self.column(self.ends_at(), self.indices)
    }

    fn ends_at(&self) -> usize {
        HEADER + self.indices * 4 + padding(self.indices)
    }

    fn column<T: bytemuck::AnyBitPattern>(&self, at: usize, len: usize) -> &[T] {
        bytemuck::cast_slice(&self.file.bytes()[at..at + len * size_of::<T>()])
    }
}
