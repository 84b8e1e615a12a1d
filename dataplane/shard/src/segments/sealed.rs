//! A sealed segment: mapped rows, their deaths, and a graph when there is one.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use vane_index::{CodeBits, Graph, Metric, StoredIndex};
use vane_storage::records::{GraphManifest, SegmentManifest};
use vane_storage::segment_file::ExtraFile;
use vane_storage::{SegmentFiles, segment_file};
use vane_types::{CollectionConfig, Distance, LogIndex, Residence, VectorSpec};

use crate::error::Error;
use crate::segments::growing::ALIVE;
use crate::segments::postings::OpenPostings;
use crate::segments::slot_order::SlotOrder;

/// Rows of a mapped file, for a graph that works on them without a copy.
pub(crate) struct MappedRows(pub(crate) Arc<SegmentFiles>);

impl vane_index::Rows for MappedRows {
    fn rows(&self) -> &[f32] {
        self.0.vectors()
    }
}

/// The mapped file of a graph or of postings, for a search that reads it in place.
pub(crate) struct MappedExtra(pub(crate) ExtraFile);

impl vane_index::GraphFile for MappedExtra {
    fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }
}

/// A graph, and the file that it lies in.
pub(crate) struct OpenGraph {
    graph: Graph,
    file: Arc<MappedExtra>,
}

impl Deref for OpenGraph {
    type Target = Graph;

    fn deref(&self) -> &Graph {
        &self.graph
    }
}

/// Where the parts of a vector's segments are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Residences {
    pub(crate) rows: Residence,
    pub(crate) graph: Residence,
}

/// When each row of a segment died; shared by the segment's versions without and with a graph.
pub(crate) struct Tombstones {
    at: Vec<AtomicU64>,
    dead: AtomicUsize,
}

impl Tombstones {
    fn none() -> Self {
        Self { at: Vec::new(), dead: AtomicUsize::new(0) }
    }

    pub(crate) fn new(at: impl Iterator<Item = LogIndex>) -> Self {
        let at: Vec<_> = at.map(|index| AtomicU64::new(index.0)).collect();
        let dead = at.iter().filter(|death| death.load(Ordering::Relaxed) != ALIVE.0).count();
        Self { at, dead: AtomicUsize::new(dead) }
    }

    /// Rows are killed under the shard's lock, once each.
    pub(crate) fn kill(&self, row: u32, at: LogIndex) {
        // Readers that must see it take their view later, under the shard's lock; to older views a
        // later death means nothing.
        self.at[row as usize].store(at.0, Ordering::Relaxed);
        self.dead.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn of(&self, row: u32) -> LogIndex {
        LogIndex(self.at[row as usize].load(Ordering::Relaxed))
    }

    pub(crate) fn dead(&self) -> usize {
        self.dead.load(Ordering::Relaxed)
    }

    pub(crate) fn all(&self) -> &[AtomicU64] {
        &self.at
    }
}

/// A sealed segment of one vector.
pub(crate) struct Sealed {
    pub(crate) manifest: SegmentManifest,
    pub(crate) dir: PathBuf,
    pub(crate) files: Arc<SegmentFiles>,
    pub(crate) tombstones: Arc<Tombstones>,
    pub(crate) graph: Option<OpenGraph>,
    /// Of sparse rows; in place of a graph.
    pub(crate) postings: Option<OpenPostings>,
    /// Found out when first asked for.
    pub(crate) order: OnceLock<SlotOrder>,
    /// Rows without any number; found out when first asked for.
    pub(crate) empty: OnceLock<Vec<u32>>,
}

impl Sealed {
    /// One that was just written and is not published: its deaths are taken over then.
    pub(crate) fn new(manifest: SegmentManifest, dir: &Path, files: Arc<SegmentFiles>) -> Self {
        let order = OnceLock::from(SlotOrder::of(files.slots()));
        let (tombstones, dir) = (Arc::new(Tombstones::none()), dir.to_owned());
        let empty = OnceLock::new();
        Self { manifest, dir, files, tombstones, graph: None, postings: None, order, empty }
    }

    pub(crate) fn id(&self) -> u32 {
        self.manifest.segment
    }

    pub(crate) fn rows(&self) -> usize {
        self.files.len()
    }

    /// Keeps its files so from now on.
    pub(crate) fn keep(&self, residences: Residences) {
        self.files.keep(residences.rows);
        if let Some(graph) = &self.graph {
            graph.file.0.keep(residences.graph);
        }
        if let Some(postings) = &self.postings {
            postings.keep(residences.graph);
        }
    }

    /// Whether it has what finds rows without a look at all of them.
    pub(crate) fn is_indexed(&self) -> bool {
        self.graph.is_some() || self.postings.is_some()
    }

    /// Its rows by slot.
    pub(crate) fn order(&self) -> &SlotOrder {
        self.order.get_or_init(|| SlotOrder::of(self.files.slots()))
    }

    /// Its rows without any number, rising.
    pub(crate) fn empty_rows(&self) -> &[u32] {
        let rows = 0..self.rows() as u32;
        let is_empty = |row: &u32| self.files.vector(*row as usize).is_empty();
        self.empty.get_or_init(|| rows.filter(is_empty).collect())
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of_val(self.files.vectors())
    }
}

/// What rows of a vector are compared by. Cosine vectors are of unit length mostly, so their inner
/// product it is.
pub(crate) fn metric(spec: VectorSpec) -> Metric {
    match spec.distance() {
        Distance::Cosine if spec.keeps_length() => Metric::Cosine,
        Distance::Cosine | Distance::Dot => Metric::InnerProduct,
        Distance::Euclid => Metric::L2,
        Distance::Manhattan => Metric::L1,
    }
}

/// How many bits the codes of a vector's graphs are to have, where they may have any number.
pub(crate) fn wanted_bits(config: &CollectionConfig, name: &str, spec: VectorSpec) -> CodeBits {
    let bits = CodeBits::at_least(config.code_bits_of(name));
    spec.row_len().map_or(bits, |dim| bits.filling_lines(dim))
}

/// Opens the graph of a segment; `None` when there is none, or when it is damaged and has
/// to be built again (searches scan until then).
pub(crate) fn open_graph(
    dir: &Path,
    manifest: &SegmentManifest,
    files: &Arc<SegmentFiles>,
    (metric, residence): (Metric, Residence),
    verify: bool,
) -> Option<OpenGraph> {
    let record = manifest.graph.as_ref()?;
    // Before a search reads the file: it trusts the codes that it finds there.
    let checked = if verify { segment_file::verify_graph(dir, record) } else { Ok(()) };
    let opened = checked
        .map_err(Error::from)
        .and_then(|()| map_graph(dir, record, files, (metric, residence)));
    opened
        .inspect_err(|error| {
            let dir = dir.display();
            tracing::warn!(
                %error, %dir,
                "failed to open a graph; it will be built again, searches scan meanwhile"
            );
        })
        .ok()
}

/// Maps the graph of a segment, and checks its form.
pub(crate) fn map_graph(
    dir: &Path,
    record: &GraphManifest,
    files: &Arc<SegmentFiles>,
    (metric, residence): (Metric, Residence),
) -> Result<OpenGraph, Error> {
    let dim = files.row_len().ok_or_else(|| no_graph(dir))?;
    let file = Arc::new(MappedExtra(ExtraFile::graph(dir, record, residence)?));
    files.expect_single_reads();
    let rows = Arc::new(MappedRows(Arc::clone(files)));
    let graph = Graph::open(file.clone(), rows, dim, metric)?;
    Ok(OpenGraph { graph, file })
}

/// A manifest names a graph over rows of any length, which none is built over.
pub(crate) fn no_graph(dir: &Path) -> vane_storage::Error {
    vane_storage::Error::Damaged {
        what: dir.display().to_string(),
        detail: "its rows have no common length, and a graph is named".into(),
    }
}
