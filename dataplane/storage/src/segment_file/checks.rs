//! Whether a segment's files are what was written.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use vane_types::planted::{self, Fault};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::{BLOCK, HEADER, ROWS, SegmentFiles, VECTORS, damaged, graph_path, postings_path};
use crate::error::Error;
use crate::records::{GraphManifest, PostingsManifest, SegmentManifest};

/// Is told how many bytes were read, and may wait; says whether to go on.
pub type Pace<'a> = dyn FnMut(usize) -> bool + 'a;

impl SegmentFiles {
    /// Reads everything and compares it with the checksums.
    ///
    /// # Errors
    /// [`Error::Damaged`] with the file whose checksum does not fit.
    pub fn verify(&self, dir: &Path, manifest: &SegmentManifest) -> Result<(), Error> {
        self.verify_paced(dir, manifest, &mut |_| true).map(drop)
    }

    /// The same a block at a time; says whether it came to the end.
    ///
    /// # Errors
    /// [`Error::Damaged`] with the file whose checksum does not fit.
    pub fn verify_paced(
        &self,
        dir: &Path,
        manifest: &SegmentManifest,
        pace: &mut Pace<'_>,
    ) -> Result<bool, Error> {
        if planted::is(Fault::ChecksumUnchecked) {
            return Ok(true);
        }
        let (data, stored) = self.vectors[HEADER..].split_at(self.values * 4);
        let bad = || damaged(&dir.join(VECTORS), "its checksum does not fit");
        // A block and its checksum may be damaged alike: the manifest, in another file, vouches for
        // the checksums.
        if xxh3_64(stored) != manifest.vectors_checksum {
            return Err(bad());
        }
        for (block, checksum) in data.chunks(BLOCK).zip(stored.chunks_exact(8)) {
            if xxh3_64(block) != read_u64(checksum) {
                return Err(bad());
            }
            if !pace(block.len()) {
                return Ok(false);
            }
        }
        if xxh3_64(&self.rows) != manifest.rows_checksum {
            return Err(damaged(&dir.join(ROWS), "its checksum does not fit"));
        }
        Ok(pace(self.rows.len()))
    }
}

/// Whether the graph file is the one that was written: a search trusts its codes.
///
/// # Errors
/// [`Error::Damaged`] when it is another file, else what the disk said.
pub fn verify_graph(dir: &Path, manifest: &GraphManifest) -> Result<(), Error> {
    verify_graph_paced(dir, manifest, &mut |_| true).map(drop)
}

/// The same a block at a time; says whether it came to the end.
///
/// # Errors
/// [`Error::Damaged`] when it is another file, else what the disk said.
pub fn verify_graph_paced(
    dir: &Path,
    manifest: &GraphManifest,
    pace: &mut Pace<'_>,
) -> Result<bool, Error> {
    verify_extra(&graph_path(dir), (manifest.bytes, manifest.checksum), pace)
}

/// The same of postings.
///
/// # Errors
/// As [`verify_graph_paced`].
pub fn verify_postings_paced(
    dir: &Path,
    manifest: &PostingsManifest,
    pace: &mut Pace<'_>,
) -> Result<bool, Error> {
    verify_extra(&postings_path(dir), (manifest.bytes, manifest.checksum), pace)
}

fn verify_extra(path: &Path, expected: (u64, u64), pace: &mut Pace<'_>) -> Result<bool, Error> {
    match checksum(path, pace)? {
        None => Ok(false),
        Some(found) if found == expected => Ok(true),
        Some(_) => Err(damaged(path, "its length or checksum does not fit")),
    }
}

/// Length and checksum of a file; `None` where `pace` ended it.
pub(super) fn checksum(path: &Path, pace: &mut Pace<'_>) -> Result<Option<(u64, u64)>, Error> {
    let mut file = File::open(path).map_err(Error::io("open", path))?;
    let (mut hash, mut bytes, mut buffer) = (Xxh3::new(), 0, vec![0; BLOCK]);
    loop {
        // In pieces: a graph may be larger than the memory that is free.
        let n = file.read(&mut buffer).map_err(Error::io("read", path))?;
        if n == 0 {
            return Ok(Some((bytes, hash.digest())));
        }
        hash.update(&buffer[..n]);
        bytes += n as u64;
        if !pace(n) {
            return Ok(None);
        }
    }
}

fn read_u64(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |n, byte| n << 8 | u64::from(*byte))
}
