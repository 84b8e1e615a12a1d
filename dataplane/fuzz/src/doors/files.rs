//! Files of a segment, its manifest and the marker of a data directory, after damage: refused,
//! or read as they were; never a panic, never a search that leaves the rows.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use prost::Message;
use serde_json::Value;
use vane_index::{CodeBits, Graph, GraphParams, Metric, Select, StoredIndex, VectorIndex};
use vane_storage::records::{GraphManifest, SegmentManifest};
use vane_storage::segment_file::{graph_path, seal_graph, verify_graph};
use vane_storage::{DataDir, SegmentFiles, SegmentWriter};
use vane_types::{LogIndex, Residence};

use crate::hostile::{bytes, json, protobuf};
use crate::{Budget, Failure, Random, Tally, corpus};

const DIM: usize = 5;
const ROWS: u32 = 300;

pub(super) fn attempt(budget: Budget, seed: u64) -> Result<Tally, Failure> {
    let dir = tempfile::tempdir().map_err(|error| Failure::of("a directory", error))?;
    let segment = Segment::write(&dir.path().join("segment"), CodeBits::Eight)?;
    let of_few_bits = Segment::write(&dir.path().join("few"), CodeBits::Two)?;
    let data = dir.path().join("data");
    for case in corpus::cases("files")? {
        let opened = match case.place.as_str() {
            "marker" => open_marker(&data, &case.content),
            "manifest" => segment.open_by(&case.content),
            file => segment.open_with(file, &case.content),
        };
        opened.map_err(|Failure(what)| Failure(format!("{}: {what}", case.path.display())))?;
    }
    let marker = marker_of(&data)?;
    budget.spend(seed, |random| match random.below(8) {
        0 => open_marker(&data, &damaged_marker(&marker, random)),
        1 => {
            let manifest = protobuf::hostile(&segment.manifest.encode_to_vec(), random);
            segment.open_by(&manifest)
        }
        _ => {
            let segment = if random.one_in(3) { &of_few_bits } else { &segment };
            let (name, whole) = random.pick(&segment.files);
            let mut damaged = whole.clone();
            for _ in 0..=random.below(3) {
                bytes::damage(&mut damaged, random);
            }
            segment.open_with(name, &damaged)
        }
    })
}

/// The text of a fresh marker.
fn marker_of(dir: &Path) -> Result<Vec<u8>, Failure> {
    drop(fs::remove_dir_all(dir));
    drop(DataDir::open(dir).map_err(|error| Failure::of("a data directory", error))?);
    fs::read(dir.join("VANE")).map_err(|error| Failure::of("a marker", error))
}

fn damaged_marker(marker: &[u8], random: &mut Random) -> Vec<u8> {
    let read: Option<Value> = serde_json::from_slice(marker).ok();
    match (random.one_in(2), read) {
        (true, Some(read)) => json::hostile(&read, random),
        _ => {
            let mut damaged = marker.to_vec();
            bytes::damage(&mut damaged, random);
            damaged
        }
    }
}

/// That it returns is the claim.
fn open_marker(dir: &Path, marker: &[u8]) -> Result<(), Failure> {
    let written = fs::create_dir_all(dir).and_then(|()| fs::write(dir.join("VANE"), marker));
    written.map_err(|error| Failure::of("a marker", error))?;
    if let Ok(opened) = DataDir::open(dir) {
        let _counted = opened.count_start();
    }
    Ok(())
}

/// A segment with its graph, and its files as they were written.
struct Segment {
    dir: PathBuf,
    manifest: SegmentManifest,
    graph: GraphManifest,
    files: Vec<(String, Vec<u8>)>,
    rows: Arc<Vec<f32>>,
}

impl Segment {
    fn write(dir: &Path, bits: CodeBits) -> Result<Self, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::of("a segment", error);
        let mut random = Random::new(0, 0);
        let mut rows = Vec::new();
        let mut writer = SegmentWriter::create(dir, Some(DIM)).map_err(|error| failed(&error))?;
        for slot in 0..ROWS {
            let row: Vec<f32> = (0..DIM).map(|_| random.below(1_000) as f32).collect();
            let version = LogIndex(u64::from(slot) + 1);
            writer.push(slot, version, &row).map_err(|error| failed(&error))?;
            rows.extend(row);
        }
        let manifest = writer.finish(1).map_err(|error| failed(&error))?;
        let rows = Arc::new(rows);
        let params = GraphParams { m: 4, ef_construct: 16 };
        let mut alone = |_| NonZeroUsize::new(1);
        let (shape, how) = ((DIM, Metric::L2), (params, bits));
        Graph::build_on(None, &*rows, shape, how, &graph_path(dir), &mut alone)
            .map_err(|error| failed(&error))?;
        let graph = seal_graph(dir, params.m, params.ef_construct);
        let graph = graph.map_err(|error| failed(&error))?;
        let mut files = Vec::new();
        for entry in fs::read_dir(dir).map_err(|error| failed(&error))? {
            let path = entry.map_err(|error| failed(&error))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push((name, fs::read(&path).map_err(|error| failed(&error))?));
        }
        // A directory lists them in any order, and the same seed must draw the same file.
        files.sort();
        let segment = Self { dir: dir.to_owned(), manifest, graph, files, rows };
        segment.check()?;
        match verify_graph(dir, &graph) {
            Ok(()) => Ok(segment),
            Err(error) => Err(failed(&error)),
        }
    }

    /// Opens the segment while one of its files has other content.
    fn open_with(&self, name: &str, content: &[u8]) -> Result<(), Failure> {
        let path = self.dir.join(name);
        let failed = |error: std::io::Error| Failure::of(name, error);
        let whole = fs::read(&path).map_err(failed)?;
        // Another file each time: one that is mapped must not change.
        fs::remove_file(&path).and_then(|()| fs::write(&path, content)).map_err(failed)?;
        let checked = self.check().and_then(|()| match verify_graph(&self.dir, &self.graph) {
            Ok(()) if path == graph_path(&self.dir) && content != whole => {
                Err(Failure("a damaged graph passed for whole".to_owned()))
            }
            _ => self.search(),
        });
        fs::remove_file(&path).and_then(|()| fs::write(&path, whole)).map_err(failed)?;
        let shown: String = content.iter().take(1_000).map(|byte| format!("{byte:02x}")).collect();
        checked.map_err(|Failure(what)| Failure(format!("{name}: {what}: {shown}")))
    }

    /// Opens the files by another manifest.
    fn open_by(&self, manifest: &[u8]) -> Result<(), Failure> {
        let Ok(manifest) = SegmentManifest::decode(manifest) else { return Ok(()) };
        let opened = SegmentFiles::open(&self.dir, &manifest, Residence::Cached, true);
        let SegmentManifest { rows, dim, vectors_checksum, rows_checksum, .. } = manifest;
        let own = &self.manifest;
        let is_own = (rows, dim, vectors_checksum, rows_checksum)
            == (own.rows, own.dim, own.vectors_checksum, own.rows_checksum);
        match opened.is_ok() == is_own {
            true => Ok(()),
            false => Err(Failure(format!("opened: {}, by {manifest:?}", opened.is_ok()))),
        }
    }

    /// Opens the rows, with a look at the checksums and without.
    fn check(&self) -> Result<(), Failure> {
        if let Ok(files) = SegmentFiles::open(&self.dir, &self.manifest, Residence::Cached, true) {
            let numbers = 0..ROWS;
            let is_whole = files.vectors() == self.rows.as_slice()
                && files.slots().iter().copied().eq(numbers.clone())
                && files.versions().iter().copied().eq(numbers.map(|slot| u64::from(slot) + 1));
            if !is_whole {
                return Err(Failure("damaged rows passed for whole".to_owned()));
            }
        }
        if let Ok(files) = SegmentFiles::open(&self.dir, &self.manifest, Residence::Cold, false) {
            let read = files.vector(files.len() - 1).len() + files.slots().len();
            if read != DIM + ROWS as usize {
                return Err(Failure(format!("{read} numbers of rows and slots")));
            }
        }
        Ok(())
    }

    /// Searches the graph, if it opens without a look at its checksum.
    fn search(&self) -> Result<(), Failure> {
        let Ok(file) = fs::read(graph_path(&self.dir)) else { return Ok(()) };
        let rows = Arc::clone(&self.rows);
        let Ok(graph) = Graph::open(Arc::new(file), rows, DIM, Metric::L2) else {
            return Ok(());
        };
        for query in [[0.0; DIM], [500.0; DIM], [f32::MAX; DIM]] {
            let found = graph.search(&query, 10, 50, &Select::default());
            let outside = found.iter().flatten().find(|hit| hit.row >= ROWS);
            if let Some(hit) = outside {
                return Err(Failure(format!("a search found row {} of {ROWS}", hit.row)));
            }
        }
        Ok(())
    }
}
