//! Files beside a segment's rows that find them: a graph, or postings. They are written by whoever
//! knows their form, and can be made again from the rows.

use std::fs::File;
use std::path::{Path, PathBuf};

use vane_types::Residence;

use super::checks::checksum;
use super::kept::Kept;
use super::map_file;
use crate::data_dir::sync_dir;
use crate::error::Error;
use crate::records::{GraphManifest, PostingsManifest};

const GRAPH: &str = "graph.hnsw";
const POSTINGS: &str = "post.bin";

/// The mapped file of a graph, or of postings.
pub struct ExtraFile {
    map: Kept,
}

impl ExtraFile {
    /// Maps the graph of a segment. Its length is checked, since a short file would end the process
    /// at a read.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it has another length, else what the disk said.
    pub fn graph(
        dir: &Path,
        manifest: &GraphManifest,
        residence: Residence,
    ) -> Result<Self, Error> {
        let map = Kept::new(map_file(&graph_path(dir), manifest.bytes)?, residence);
        map.expect_single_reads();
        Ok(Self { map })
    }

    /// Maps the postings of a segment in the same way. Lists of theirs are read in order.
    ///
    /// # Errors
    /// As [`Self::graph`].
    pub fn postings(
        dir: &Path,
        manifest: &PostingsManifest,
        residence: Residence,
    ) -> Result<Self, Error> {
        Ok(Self { map: Kept::new(map_file(&postings_path(dir), manifest.bytes)?, residence) })
    }

    /// Keeps it so from now on.
    pub fn keep(&self, residence: Residence) {
        self.map.keep(residence);
    }

    /// The whole file. The address stays the same while this value lives.
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }
}

/// Where a segment's graph lies, or is to be written.
pub fn graph_path(dir: &Path) -> PathBuf {
    dir.join(GRAPH)
}

/// Where a segment's postings lie, or are to be written.
pub fn postings_path(dir: &Path) -> PathBuf {
    dir.join(POSTINGS)
}

/// Syncs a graph file that was just written and says what the manifest has to hold.
///
/// # Errors
/// When the file cannot be synced or read back.
pub fn seal_graph(dir: &Path, m: usize, ef_construct: usize) -> Result<GraphManifest, Error> {
    let (bytes, checksum) = seal(dir, &graph_path(dir))?;
    Ok(GraphManifest { bytes, checksum, m: m as u32, ef_construct: ef_construct as u32 })
}

/// The same of postings.
///
/// # Errors
/// As [`seal_graph`].
pub fn seal_postings(dir: &Path) -> Result<PostingsManifest, Error> {
    let (bytes, checksum) = seal(dir, &postings_path(dir))?;
    Ok(PostingsManifest { bytes, checksum })
}

fn seal(dir: &Path, path: &Path) -> Result<(u64, u64), Error> {
    File::open(path).and_then(|file| file.sync_all()).map_err(Error::io("sync", path))?;
    sync_dir(dir)?;
    // The builder wrote the file by itself: what is in it is only known by reading it back.
    Ok(checksum(path, &mut |_| true)?.expect("nothing ends it early"))
}
