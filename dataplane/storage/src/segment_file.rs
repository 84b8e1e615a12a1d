//! Files of a sealed segment: rows written once, then mapped and never changed.
//!
//! ```text
//! vec.f32     0   magic 8 │ dim u32 │ rows u32 │ zeros to 64
//!             64  rows × dim f32, little-endian
//!             …   one xxh3 per BLOCK of the rows, u64 each
//! rows.bin    0   magic 8 │ rows u32 │ zeros to 64
//!             64  version of each row, u64 each │ slot of each row, u32 each
//!             Rows of any length have dim 0; the number that each ends before, u64 each, comes
//!             between versions and slots.
//! graph.hnsw  links and codes of the rows, as `index` writes them; earlier versions kept FAISS's
//!             own format
//! ```
//!
//! `data.db` names a segment only after its files are synced, and a file is removed only
//! after the batch that stopped naming it is synced.

mod checks;
mod extra;
mod kept;
mod link;
mod residence;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use vane_types::{LogIndex, Residence};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::data_dir::{make_dir, sync_dir};
use crate::error::Error;
use crate::records::SegmentManifest;
use crate::steady_file::SteadyFile;
pub use checks::{Pace, verify_graph, verify_graph_paced, verify_postings_paced};
pub use extra::{ExtraFile, graph_path, postings_path, seal_graph, seal_postings};
use kept::Kept;
pub use link::link_into;
pub use residence::{fit_into_memory, pinned_bytes};

const HEADER: usize = 64;
const BLOCK: usize = 1 << 20;
const VECTORS_MAGIC: &[u8; 8] = b"VANEVEC1";
const ROWS_MAGIC: &[u8; 8] = b"VANEROW1";
const VECTORS: &str = "vec.f32";
const ROWS: &str = "rows.bin";
/// In place of a dimension: rows of any length.
const ANY: usize = 0;

/// Writes a segment's rows.
pub struct SegmentWriter {
    dir: PathBuf,
    /// `None` for rows of any length.
    row_len: Option<usize>,
    /// Numbers written so far.
    values: u64,
    /// Behind the last number of each row of any length.
    ends: Vec<u64>,
    vectors: BufWriter<SteadyFile>,
    block: Xxh3,
    block_len: usize,
    checksums: Vec<u64>,
    versions: Vec<u64>,
    slots: Vec<u32>,
}

impl SegmentWriter {
    /// Starts in a fresh directory; what an interrupted attempt left there is removed. Rows have
    /// `row_len` numbers each, or any number of them.
    ///
    /// # Errors
    /// When the directory or its first file cannot be made.
    pub fn create(dir: &Path, row_len: Option<usize>) -> Result<Self, Error> {
        if dir.exists() {
            fs::remove_dir_all(dir).map_err(Error::io("remove", dir))?;
        }
        make_dir(dir)?;
        let path = dir.join(VECTORS);
        let mut vectors = BufWriter::with_capacity(BLOCK, SteadyFile::create(&path)?);
        // The header is written again by `finish`, when the number of rows is known.
        vectors.write_all(&[0; HEADER]).map_err(Error::io("write", &path))?;
        Ok(Self {
            dir: dir.to_owned(),
            row_len,
            values: 0,
            ends: Vec::new(),
            vectors,
            block: Xxh3::new(),
            block_len: 0,
            checksums: Vec::new(),
            versions: Vec::new(),
            slots: Vec::new(),
        })
    }

    /// Appends one row.
    ///
    /// # Errors
    /// When the disk fails; the segment is of no use then.
    pub fn push(&mut self, slot: u32, version: LogIndex, values: &[f32]) -> Result<(), Error> {
        self.values += values.len() as u64;
        match self.row_len {
            Some(row_len) => assert_eq!(values.len(), row_len, "a row has as many as all have"),
            None => self.ends.push(self.values),
        }
        let mut bytes: &[u8] = bytemuck::cast_slice(values);
        self.vectors.write_all(bytes).map_err(Error::io("write", &self.dir.join(VECTORS)))?;
        // A block may end within a row: its size is the same for every dimension.
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - self.block_len));
            self.block.update(now);
            self.block_len += now.len();
            bytes = later;
            if self.block_len == BLOCK {
                self.end_block();
            }
        }
        self.slots.push(slot);
        self.versions.push(version.0);
        Ok(())
    }

    /// Rows written so far.
    pub fn rows(&self) -> usize {
        self.slots.len()
    }

    /// Syncs everything; the manifest is what `data.db` has to hold for the segment to exist.
    ///
    /// # Errors
    /// When the disk fails; no manifest may name the files then.
    pub fn finish(mut self, segment: u32) -> Result<SegmentManifest, Error> {
        if self.block_len > 0 {
            self.end_block();
        }
        let rows =
            u32::try_from(self.slots.len()).expect("a segment is bounded far below 2^32 rows");
        let dim = u32::try_from(self.row_len.unwrap_or(ANY)).expect("dimensions are bounded");
        let checksums: &[u8] = bytemuck::cast_slice(&self.checksums);
        let vectors_checksum = xxh3_64(checksums);
        let path = self.dir.join(VECTORS);
        self.vectors.write_all(checksums).map_err(Error::io("write", &path))?;
        let file =
            self.vectors.into_inner().map_err(|e| Error::io("write", &path)(e.into_error()))?;
        let file = file.into_inner();
        // Until here the file has no magic: one whose writer was killed is never taken for whole.
        let mut header = [0_u8; HEADER];
        header[..8].copy_from_slice(VECTORS_MAGIC);
        header[8..12].copy_from_slice(&dim.to_le_bytes());
        header[12..16].copy_from_slice(&rows.to_le_bytes());
        std::os::unix::fs::FileExt::write_all_at(&file, &header, 0)
            .map_err(Error::io("write", &path))?;
        file.sync_all().map_err(Error::io("sync", &path))?;
        let columns = [
            bytemuck::cast_slice(&self.versions),
            bytemuck::cast_slice(&self.ends),
            bytemuck::cast_slice(&self.slots),
        ];
        let rows_checksum = write_rows(&self.dir.join(ROWS), rows, columns)?;
        // The directories too, before a manifest can name the files.
        sync_dir(&self.dir)?;
        if let Some(parent) = self.dir.parent() {
            sync_dir(parent)?;
        }
        // Of rows of one length their number tells.
        let values = if self.row_len.is_some() { 0 } else { self.values };
        let (graph, postings) = (None, None);
        Ok(SegmentManifest {
            segment,
            rows,
            dim,
            vectors_checksum,
            rows_checksum,
            graph,
            values,
            postings,
        })
    }

    fn end_block(&mut self) {
        self.checksums.push(self.block.digest());
        self.block.reset();
        self.block_len = 0;
    }
}

fn write_rows(path: &Path, rows: u32, columns: [&[u8]; 3]) -> Result<u64, Error> {
    let mut bytes = vec![0_u8; HEADER];
    bytes[..8].copy_from_slice(ROWS_MAGIC);
    bytes[8..12].copy_from_slice(&rows.to_le_bytes());
    columns.into_iter().for_each(|column| bytes.extend_from_slice(column));
    let mut file = SteadyFile::create(path)?;
    let written = file.write_all(&bytes).and_then(|()| file.into_inner().sync_all());
    written.map_err(Error::io("write", path))?;
    Ok(xxh3_64(&bytes))
}

/// Mapped files of a sealed segment.
pub struct SegmentFiles {
    vectors: Kept,
    rows: Kept,
    n: usize,
    /// [`ANY`] for rows of any length.
    dim: usize,
    /// Numbers of all rows.
    values: usize,
}

impl SegmentFiles {
    /// Maps the files the manifest names. Headers and lengths are always checked, since a
    /// short file would end the process at its first read; checksums when `verify` is set.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the files are not those that the manifest names, else what the
    /// disk said.
    pub fn open(
        dir: &Path,
        manifest: &SegmentManifest,
        residence: Residence,
        verify: bool,
    ) -> Result<Self, Error> {
        let (n, dim) = (manifest.rows as usize, manifest.dim as usize);
        // Two numbers of a damaged manifest may come to more than there is memory to address.
        let values = match dim {
            ANY => usize::try_from(manifest.values).ok(),
            dim => n.checked_mul(dim),
        };
        let data = values.and_then(|values| values.checked_mul(4));
        let data = data.filter(|bytes| isize::try_from(*bytes).is_ok());
        let data = data.ok_or_else(|| damaged(dir, "its manifest names more rows than can be"))?;
        let (values, blocks) = (data / 4, data.div_ceil(BLOCK));
        let vectors = map(&dir.join(VECTORS), VECTORS_MAGIC, HEADER + data + blocks * 8)?;
        let of_row = if dim == ANY { 20 } else { 12 };
        let rows = map(&dir.join(ROWS), ROWS_MAGIC, HEADER + n * of_row)?;
        if header_u32(&vectors, 8) != manifest.dim
            || header_u32(&vectors, 12) != manifest.rows
            || header_u32(&rows, 8) != manifest.rows
        {
            return Err(damaged(dir, "its header does not fit the manifest"));
        }
        let vectors = Kept::new(vectors, residence);
        let rows = Kept::new(rows, Residence::Cached);
        let files = Self { vectors, rows, n, dim, values };
        if verify {
            files.verify(dir, manifest)?;
        }
        // Also where it is not verified: a row is read by what they say.
        if !files.ends().is_sorted() || files.ends().last().is_some_and(|end| *end != values as u64)
        {
            return Err(damaged(dir, "its rows end where there are no numbers"));
        }
        Ok(files)
    }

    /// Keeps the vectors so from now on. What is small and asked for by every search, which points
    /// the rows are of, stays in memory.
    pub fn keep(&self, residence: Residence) {
        self.vectors.keep(residence);
    }

    /// To be called once there is a graph, which leads to few rows in no order, or one is built: of
    /// rows that are wanted on the disk no more is read with one. Before, searches read all of them
    /// in order.
    pub fn expect_single_reads(&self) {
        self.vectors.expect_single_reads();
    }

    /// Rows of the segment.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether the segment has no rows.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// Numbers of each row; `None` where they have any number of them.
    pub fn row_len(&self) -> Option<usize> {
        (self.dim != ANY).then_some(self.dim)
    }

    /// All rows, one after another. The address stays the same while this value lives.
    pub fn vectors(&self) -> &[f32] {
        bytemuck::cast_slice(&self.vectors[HEADER..HEADER + self.values * 4])
    }

    /// Numbers of one row.
    pub fn vector(&self, row: usize) -> &[f32] {
        if self.dim != ANY {
            return &self.vectors()[row * self.dim..(row + 1) * self.dim];
        }
        let ends = self.ends();
        let start = if row == 0 { 0 } else { ends[row - 1] };
        // Bits of a mapped file may flip after it was opened: a row that ends nowhere is empty.
        self.vectors().get(start as usize..ends[row] as usize).unwrap_or(&[])
    }

    /// Behind the last number of each row, where they have any number of them; else nothing.
    pub fn ends(&self) -> &[u64] {
        bytemuck::cast_slice(&self.rows[HEADER + self.n * 8..HEADER + self.n * 8 + self.ends_len()])
    }

    /// Bytes of the ends.
    fn ends_len(&self) -> usize {
        if self.dim == ANY { self.n * 8 } else { 0 }
    }

    /// Per row the [`LogIndex`] of the entry that set it, as the mapped file holds them.
    pub fn versions(&self) -> &[u64] {
        bytemuck::cast_slice(&self.rows[HEADER..HEADER + self.n * 8])
    }

    /// Per row the slot of its point.
    pub fn slots(&self) -> &[u32] {
        let start = HEADER + self.n * 8 + self.ends_len();
        bytemuck::cast_slice(&self.rows[start..start + self.n * 4])
    }
}

/// Removes directories under `dir` that hold no segment of the `keep` list: leftovers of
/// jobs that were cut short.
///
/// # Errors
/// When the disk fails; some of them may be gone.
pub fn remove_orphans(dir: &Path, keep: &[PathBuf]) -> Result<usize, Error> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        // A group has no directory before its first segment is sealed.
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(e) => return Err(Error::io("list", dir)(e)),
    };
    let mut removed = 0;
    for entry in entries {
        let path = entry.map_err(Error::io("list", dir))?.path();
        if !keep.contains(&path) {
            remove(&path)?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Removes a segment's directory, or that of all segments of a replica. The batch that stopped
/// naming them must be synced.
///
/// # Errors
/// When the disk fails; a part of the files may be gone.
pub fn remove(dir: &Path) -> Result<(), Error> {
    fs::remove_dir_all(dir).map_err(Error::io("remove", dir))
}

fn map(path: &Path, magic: &[u8; 8], bytes: usize) -> Result<Mmap, Error> {
    let map = map_file(path, bytes as u64)?;
    if &map[..8] != magic {
        return Err(damaged(path, "it does not begin as such a file does"));
    }
    Ok(map)
}

fn map_file(path: &Path, bytes: u64) -> Result<Mmap, Error> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    let actual = file.metadata().map_err(Error::io("measure", path))?.len();
    if actual != bytes {
        return Err(damaged(path, &format!("it has {actual} bytes instead of {bytes}")));
    }
    // SAFETY: nothing writes to or truncates a segment file once its manifest exists, and
    // the directory is locked against other processes; its length was just checked.
    #[allow(unsafe_code, reason = "mapping a file is unsafe by nature; this is the one place")]
    let map = unsafe { Mmap::map(&file) };
    map.map_err(Error::io("map", path))
}

fn damaged(path: &Path, detail: &str) -> Error {
    Error::damaged(path.display().to_string(), detail)
}

/// A number of a file's header, which is there: lengths are checked when a file is mapped.
fn header_u32(file: &Mmap, at: usize) -> u32 {
    u32::from_le_bytes([file[at], file[at + 1], file[at + 2], file[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(dir: &Path, rows: u32, dim: usize) -> SegmentManifest {
        let mut writer = SegmentWriter::create(dir, Some(dim)).unwrap();
        for row in 0..rows {
            writer.push(row * 2, LogIndex(u64::from(row) + 10), &vec![row as f32; dim]).unwrap();
        }
        writer.finish(3).unwrap()
    }

    #[test]
    fn rows_read_back_from_the_map() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("s");
        // 3,000 rows of 384 dimensions are several blocks and end inside one.
        let manifest = write(&dir, 3000, 384);
        for residence in [Residence::Cached, Residence::Cold] {
            let files = SegmentFiles::open(&dir, &manifest, residence, true).unwrap();
            files.expect_single_reads();
            assert_eq!(files.vector(2999), vec![2999.0; 384]);
            assert_eq!((files.slots()[7], files.versions()[7]), (14, 17));
        }
    }

    #[test]
    fn rows_of_any_length_read_back_from_the_map() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("s");
        let mut writer = SegmentWriter::create(&dir, None).unwrap();
        // An odd number of rows: what lies behind them in the file is aligned all the same.
        let rows: Vec<Vec<f32>> = (0..333).map(|row| vec![row as f32; row % 7]).collect();
        for (slot, row) in (0..).zip(&rows) {
            writer.push(slot, LogIndex(9), row).unwrap();
        }
        let manifest = writer.finish(3).unwrap();
        let files = SegmentFiles::open(&dir, &manifest, Residence::Cached, true).unwrap();
        assert!((0..333).all(|row| files.vector(row) == rows[row]));
        assert_eq!((files.slots()[332], files.versions()[332], files.row_len()), (332, 9, None));
        let path = dir.join(ROWS);
        let mut bytes = fs::read(&path).unwrap();
        // The end of the first row, which must not come behind that of the second.
        bytes[HEADER + 333 * 8] = 200;
        fs::write(&path, &bytes).unwrap();
        for verify in [true, false] {
            let opened = SegmentFiles::open(&dir, &manifest, Residence::Cached, verify);
            assert!(matches!(opened, Err(Error::Damaged { .. })));
        }
    }

    #[test]
    fn damage_is_found_before_use() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("s");
        let manifest = write(&dir, 100, 8);
        for (file, at) in [(VECTORS, 100), (ROWS, 80), (ROWS, 900)] {
            let path = dir.join(file);
            let good = fs::read(&path).unwrap();
            let mut bad = good.clone();
            bad[at] ^= 4;
            fs::write(&path, &bad).unwrap();
            assert!(
                matches!(
                    SegmentFiles::open(&dir, &manifest, Residence::Cached, true),
                    Err(Error::Damaged { .. })
                ),
                "{file} {at}"
            );
            fs::write(&path, &good[..good.len() - 1]).unwrap();
            assert!(
                matches!(
                    SegmentFiles::open(&dir, &manifest, Residence::Cached, false),
                    Err(Error::Damaged { .. })
                ),
                "short {file}"
            );
            fs::write(&path, &good).unwrap();
        }
        assert!(SegmentFiles::open(&dir, &manifest, Residence::Cached, true).is_ok());
    }

    #[test]
    fn an_empty_segment_is_a_segment() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("s");
        let manifest = write(&dir, 0, 8);
        assert!(SegmentFiles::open(&dir, &manifest, Residence::Cached, true).unwrap().is_empty());
    }
}
