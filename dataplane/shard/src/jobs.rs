//! Background jobs: carries out what [`crate::optimize`] chooses.
//!
//! A job reads rows that do not change, writes files of its own, and publishes them under
//! the shard's locks in one batch. Deaths that happened meanwhile are taken over at that
//! moment, row by row, so none is lost (the race behind Qdrant's proxy-segment bug).

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use vane_index::{Graph, GraphParams};
use vane_storage::records::SegmentManifest;
use vane_storage::{SegmentFiles, SegmentWriter, segment_file};
use vane_types::{HnswConfig, LogIndex};

use crate::error::Error;
use crate::optimize::{Facts, Job, SegmentFacts, next_build, next_seal};
use crate::rows::{ALIVE, Loc};
use crate::sealed::{Deaths, MappedRows, Sealed, metric};
use crate::shard::Shard;
use crate::state::VectorState;

/// Rows copied between two looks at the cancel flag.
const ROWS_PER_CANCEL: usize = 4096;

/// Which jobs a thread does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Quick ones, which bound memory.
    Seal,
    /// Long ones.
    Build,
}

/// Counts a graph build while it runs.
struct Building<'a>(&'a AtomicUsize);

impl Drop for Building<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether a job is to end early.
struct Cancel<'a> {
    wanted: &'a AtomicBool,
    shard: &'a Shard,
}

impl Cancel<'_> {
    fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
            || self.shard.is_closed()
            || self.shard.stop_jobs.load(Ordering::Relaxed)
    }
}

impl Shard {
    /// Does one job of this kind if one is due; says whether it did. `has_room` is asked
    /// before a job writes so many bytes.
    pub fn run_job(
        &self,
        kind: Kind,
        has_room: &dyn Fn(u64) -> bool,
        cancel: &AtomicBool,
    ) -> Result<bool, Error> {
        // A snapshot that is being installed takes the place of all segments.
        let Some(_no_install) = self.jobs.try_read() else { return Ok(false) };
        let cancel = &Cancel { wanted: cancel, shard: self };
        let vectors = self.state.read().vectors.len();
        for ordinal in 0..vectors {
            let facts = self.facts(ordinal, self.is_idle());
            let job = match kind {
                Kind::Seal => next_seal(&facts),
                Kind::Build => next_build(&facts),
            };
            let Some(job) = job else { continue };
            if !has_room(bytes_to_write(&job, &facts)) {
                continue;
            }
            tracing::debug!(group = %self.store.group(), vector = ordinal, ?job, "background job");
            match job {
                Job::Freeze => self.freeze_idle(ordinal),
                Job::Seal(segment) => self.seal(ordinal, segment)?,
                Job::Index(segment) => self.index(ordinal, segment, cancel)?,
                Job::Rewrite { inputs, graph } => self.rewrite(ordinal, &inputs, graph, cancel)?,
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// Whether a job is due, or will be once writes pause.
    pub(crate) fn has_job_when_idle(&self) -> bool {
        let vectors = self.state.read().vectors.len();
        self.indexes_building.load(Ordering::Relaxed) > 0
            || (0..vectors).any(|ordinal| {
                let facts = self.facts(ordinal, true);
                next_seal(&facts).is_some() || next_build(&facts).is_some()
            })
    }

    fn facts(&self, ordinal: usize, idle: bool) -> Facts {
        let state = self.state.read();
        let vector = &state.vectors[ordinal];
        let segments = vector.sealed.iter().map(|it| SegmentFacts {
            id: it.id(),
            rows: it.rows(),
            dead: it.deaths.dead(),
            bytes: it.bytes(),
            has_graph: it.graph.is_some(),
        });
        Facts {
            growing_rows: vector.growing.rows(),
            growing_bytes: vector.growing.bytes(),
            frozen: vector.frozen.first().map(|it| it.id),
            segments: segments.collect(),
            idle,
            hnsw: state.config.hnsw_of(&vector.name),
            optimizer: state.config.optimizer,
        }
    }

    fn freeze_idle(&self, ordinal: usize) {
        let _only_writer = self.writer.lock();
        let mut state = self.state.write();
        let vector = &mut state.vectors[ordinal];
        if vector.growing.rows() > 0 {
            vector.freeze();
        }
    }

    fn seal(&self, ordinal: usize, segment: u32) -> Result<(), Error> {
        let (frozen, dim) = {
            let state = self.state.read();
            let vector = &state.vectors[ordinal];
            let Some(frozen) = vector.frozen.iter().find(|it| it.id == segment) else {
                return Ok(());
            };
            (Arc::clone(frozen), vector.params.size)
        };
        let dir = self.store.segment_dir(ordinal as u8, segment);
        let mut writer = SegmentWriter::create(&dir, dim)?;
        for chunk in frozen.chunks() {
            for (row, values) in chunk.values.chunks_exact(dim).enumerate() {
                writer.push(chunk.slots[row], LogIndex(chunk.versions[row]), values)?;
            }
        }
        let manifest = writer.finish(segment)?;
        let files = Arc::new(SegmentFiles::open(&dir, &manifest, false)?);
        let _only_writer = self.writer.lock();
        if self.is_closed() {
            return Err(Error::Cancelled);
        }
        let mut batch = self.store.batch();
        batch.put_segment(ordinal as u8, &manifest);
        let mut state = self.state.write();
        batch.write()?;
        let deaths = Arc::new(Deaths::new((0..manifest.rows).map(|row| frozen.death(row))));
        let vector = &mut state.vectors[ordinal];
        vector.frozen.retain(|it| it.id != segment);
        vector.sealed.push(Arc::new(Sealed { manifest, dir, files, deaths, graph: None }));
        Ok(())
    }

    /// Builds the graph of a segment. It joins the rows in a directory of its own: the files
    /// of a segment never change, a snapshot may have linked them.
    fn index(&self, ordinal: usize, segment: u32, cancel: &Cancel<'_>) -> Result<(), Error> {
        let Some((inputs, hnsw)) = self.inputs(ordinal, &[segment]) else { return Ok(()) };
        let old = &inputs[0];
        let new = self.new_segment(ordinal, |id, dir| {
            segment_file::link_into(&old.dir, dir)?;
            remove_graph(dir)?;
            let mut manifest = SegmentManifest { segment: id, graph: None, ..old.manifest.clone() };
            let graph = self.build_graph(ordinal, dir, &mut manifest, &old.files, hnsw, cancel)?;
            let (dir, files) = (dir.to_owned(), Arc::clone(&old.files));
            Ok(Sealed {
                manifest,
                dir,
                files,
                deaths: Arc::new(Deaths::none()),
                graph: Some(graph),
            })
        })?;
        let origins: Vec<_> = (0..old.rows() as u32).map(|row| (0, row)).collect();
        self.publish(ordinal, &inputs, new, &origins)
    }

    fn rewrite(
        &self,
        ordinal: usize,
        ids: &[u32],
        graph: bool,
        cancel: &Cancel<'_>,
    ) -> Result<(), Error> {
        let Some((inputs, hnsw)) = self.inputs(ordinal, ids) else { return Ok(()) };
        let mut origins = Vec::new();
        let new = self.new_segment(ordinal, |id, dir| {
            let mut writer = SegmentWriter::create(dir, inputs[0].manifest.dim as usize)?;
            for (input, sealed) in inputs.iter().enumerate() {
                let (slots, versions) = (sealed.files.slots(), sealed.files.versions());
                for row in 0..sealed.rows() {
                    if row % ROWS_PER_CANCEL == 0 && cancel.is_wanted() {
                        return Err(Error::Cancelled);
                    }
                    if sealed.deaths.of(row as u32) == ALIVE {
                        let version = LogIndex(versions[row]);
                        writer.push(slots[row], version, sealed.files.vector(row))?;
                        origins.push((input as u32, row as u32));
                    }
                }
            }
            let mut manifest = writer.finish(id)?;
            let files = Arc::new(SegmentFiles::open(dir, &manifest, false)?);
            let graph = match graph && !files.is_empty() {
                true => {
                    Some(self.build_graph(ordinal, dir, &mut manifest, &files, hnsw, cancel)?)
                }
                false => None,
            };
            Ok(Sealed {
                manifest,
                dir: dir.to_owned(),
                files,
                deaths: Arc::new(Deaths::none()),
                graph,
            })
        })?;
        self.publish(ordinal, &inputs, new, &origins)
    }

    /// Makes a segment under a number of its own; what a failed attempt wrote is removed.
    fn new_segment(
        &self,
        ordinal: usize,
        make: impl FnOnce(u32, &Path) -> Result<Sealed, Error>,
    ) -> Result<Sealed, Error> {
        let id = {
            let _only_writer = self.writer.lock();
            self.state.write().vectors[ordinal].take_segment_id()
        };
        let dir = self.store.segment_dir(ordinal as u8, id);
        let made = make(id, &dir);
        if made.is_err() && dir.exists() {
            segment_file::remove(&dir)?;
        }
        made
    }

    /// The segments a job works on, and how to index them; `None` if one is gone.
    fn inputs(&self, ordinal: usize, ids: &[u32]) -> Option<(Vec<Arc<Sealed>>, HnswConfig)> {
        let state = self.state.read();
        let vector = &state.vectors[ordinal];
        let find = |id: &u32| vector.sealed.iter().find(|it| it.id() == *id).cloned();
        let inputs = ids.iter().map(find).collect::<Option<Vec<_>>>()?;
        Some((inputs, state.config.hnsw_of(&vector.name)))
    }

    fn build_graph(
        &self,
        ordinal: usize,
        dir: &Path,
        manifest: &mut SegmentManifest,
        files: &Arc<SegmentFiles>,
        hnsw: HnswConfig,
        cancel: &Cancel<'_>,
    ) -> Result<Graph, Error> {
        self.indexes_building.fetch_add(1, Ordering::Relaxed);
        let _counted = Building(&self.indexes_building);
        let distance = self.state.read().vectors[ordinal].params.distance;
        let params = GraphParams { m: hnsw.m, ef_construct: hnsw.ef_construct };
        let rows = Arc::new(MappedRows(Arc::clone(files)));
        let stop = AtomicBool::new(cancel.is_wanted());
        let look = |_| stop.store(cancel.is_wanted(), Ordering::Relaxed);
        let graph =
            Graph::build(rows, manifest.dim as usize, metric(distance), params, &stop, &look);
        let graph = graph
            .map_err(|e| if stop.load(Ordering::Relaxed) { Error::Cancelled } else { e.into() })?;
        graph.save(&segment_file::graph_path(dir))?;
        manifest.graph = Some(segment_file::seal_graph(dir, hnsw.m, hnsw.ef_construct)?);
        self.indexes_built.fetch_add(1, Ordering::Relaxed);
        Ok(graph)
    }

    /// Puts a new segment in the place of its inputs. `origins` says for each of its rows
    /// which input and row it was.
    fn publish(
        &self,
        ordinal: usize,
        inputs: &[Arc<Sealed>],
        mut new: Sealed,
        origins: &[(u32, u32)],
    ) -> Result<(), Error> {
        let old: Vec<u32> = inputs.iter().map(|it| it.id()).collect();
        {
            let _only_writer = self.writer.lock();
            if self.is_closed() {
                return Err(Error::Cancelled);
            }
            let mut batch = self.store.batch();
            // Without a living row there is nothing to name.
            if new.rows() > 0 {
                batch.put_segment(ordinal as u8, &new.manifest);
            }
            old.iter().for_each(|it| batch.delete_segment(ordinal as u8, *it));
            let mut state = self.state.write();
            batch.write()?;
            let vector = &mut state.vectors[ordinal];
            move_rows(vector, inputs, &mut new, origins);
            vector.sealed.retain(|it| !old.contains(&it.id()));
            if new.rows() > 0 {
                vector.sealed.push(Arc::new(new));
            } else {
                segment_file::remove(&new.dir)?;
            }
        }
        // Only now may the files go: see vane_storage::segment_file.
        self.store.sync()?;
        let _no_snapshot = self.linking.lock();
        Ok(inputs.iter().try_for_each(|it| segment_file::remove(&it.dir))?)
    }
}

/// Removes the graph of a segment that is being made: it was linked, and is damaged.
fn remove_graph(dir: &Path) -> Result<(), Error> {
    let path = segment_file::graph_path(dir);
    match std::fs::remove_file(&path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(vane_storage::Error::Io { what: "remove", path, source }.into())
        }
        _ => Ok(()),
    }
}

/// Takes deaths over, and points the living rows' slots at their new place.
fn move_rows(
    vector: &mut VectorState,
    inputs: &[Arc<Sealed>],
    new: &mut Sealed,
    origins: &[(u32, u32)],
) {
    let death = |&(input, row): &(u32, u32)| inputs[input as usize].deaths.of(row);
    new.deaths = Arc::new(Deaths::new(origins.iter().map(death)));
    let (id, slots) = (new.id(), new.files.slots());
    for (row, origin) in origins.iter().enumerate() {
        if death(origin) == ALIVE {
            vector.set_loc(slots[row], Loc { segment: id, row: row as u32 });
        }
    }
}

fn bytes_to_write(job: &Job, facts: &Facts) -> u64 {
    let sizes: HashMap<u32, usize> = facts.segments.iter().map(|it| (it.id, it.bytes)).collect();
    let of = |id: &u32| sizes.get(id).copied().unwrap_or(0) as u64;
    match job {
        // Sealing frees as much in RocksDB as it takes in files, and must go on.
        Job::Freeze | Job::Seal(_) => 0,
        Job::Index(id) => of(id) / 2,
        Job::Rewrite { inputs, .. } => inputs.iter().map(of).sum::<u64>() * 3 / 2,
    }
}
