//! From sealed segments to a new one, with or without a graph.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use vane_index::{Base, CodeBits, Graph, GraphParams};
use vane_storage::records::SegmentManifest;
use vane_storage::{SegmentFiles, SegmentWriter, segment_file};
use vane_types::planted::{self, Fault};
use vane_types::{LogIndex, VectorId, VectorKind, VectorSpec};

use super::Cancel;
use super::base::{self, Grown};
use crate::error::Error;
use crate::segments::growing::ALIVE;
use crate::segments::postings::make_postings;
use crate::segments::sealed::{
    MappedRows, OpenGraph, Residences, Sealed, map_graph, metric, no_graph, wanted_bits,
};
use crate::shard::Shard;

/// Rows copied between two looks at the cancel flag.
const ROWS_PER_CANCEL: usize = 4096;

/// How a graph is built, and the codes that it gets.
type How = (GraphParams, CodeBits);

/// Counts a graph build while it runs.
struct Building<'a>(&'a AtomicUsize);

impl Drop for Building<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Shard {
    /// Builds the graph of a segment. It joins the rows in a directory of its own: the files
    /// of a segment never change, a snapshot may have linked them.
    pub(super) fn index(
        &self,
        of: VectorId,
        segment: u32,
        cancel: &Cancel<'_>,
    ) -> Result<(), Error> {
        let Some((inputs, how)) = self.inputs(of, &[segment]) else { return Ok(()) };
        let old = &inputs[0];
        // Rows are brought in order while nothing depends on how they lie.
        if self.tenant_order().is_some_and(|tenants| !tenants.is_kept(old.files.slots())) {
            return self.rewrite(of, &[segment], true, cancel);
        }
        verify(&inputs, cancel)?;
        let origins: Vec<_> = (0..old.rows() as u32).map(|row| (0, row)).collect();
        let new = self.new_segment(of, |id, dir| {
            segment_file::link_into(&old.dir, dir)?;
            remove_linked(&segment_file::graph_path(dir))?;
            remove_linked(&segment_file::postings_path(dir))?;
            let (graph, postings) = (None, None);
            let manifest = SegmentManifest { segment: id, graph, postings, ..old.manifest.clone() };
            let made = (dir, manifest, Arc::clone(&old.files));
            // Where it has a graph that other codes are wanted in, its links stay.
            let base = |cancel: &Cancel<'_>| (how, base::choose(&inputs, &origins, how.0, cancel));
            self.indexed(of, made, base, cancel)
        })?;
        self.publish(of, &inputs, new, &origins)
    }

    /// Writes the living rows of some segments to a new one, with a graph if wanted.
    pub(super) fn rewrite(
        &self,
        of: VectorId,
        ids: &[u32],
        graph: bool,
        cancel: &Cancel<'_>,
    ) -> Result<(), Error> {
        let Some((inputs, how)) = self.inputs(of, ids) else { return Ok(()) };
        verify(&inputs, cancel)?;
        let mut origins = Vec::new();
        let new = self.new_segment(of, |id, dir| {
            let mut writer = SegmentWriter::create(dir, inputs[0].files.row_len())?;
            origins = living(&inputs);
            // The order of all points is looked up for it: too much for each of many small merges.
            if let Some(tenants) = graph.then(|| self.tenant_order()).flatten() {
                tenants.sort(&mut origins, &inputs);
            }
            // Where a graph follows, its rows are what is counted.
            copy(&inputs, &origins, &mut writer, (cancel, !graph))?;
            let manifest = writer.finish(id)?;
            // Not verified: these are the bytes that were written a moment ago.
            let residence = self.wanted(of)?.1.rows;
            let files = Arc::new(SegmentFiles::open(dir, &manifest, residence, false)?);
            // All rows may have died since the job was chosen.
            if !graph || files.is_empty() {
                return Ok(Sealed::new(manifest, dir, files));
            }
            let base = |cancel: &Cancel<'_>| (how, base::choose(&inputs, &origins, how.0, cancel));
            self.indexed(of, (dir, manifest, files), base, cancel)
        })?;
        self.publish(of, &inputs, new, &origins)
    }

    /// A segment whose rows are written, with what finds them: a graph, built as `graph` says, or
    /// postings.
    fn indexed(
        &self,
        of: VectorId,
        (dir, mut manifest, files): (&Path, SegmentManifest, Arc<SegmentFiles>),
        graph: impl FnOnce(&Cancel<'_>) -> (How, Option<Grown>),
        cancel: &Cancel<'_>,
    ) -> Result<Sealed, Error> {
        let (spec, residences) = self.wanted(of)?;
        let (mut built, mut postings) = (None, None);
        match spec.kind() {
            VectorKind::Dense if spec.has_graph() => {
                let how = graph(cancel);
                built = Some(self.build_graph(of, dir, &mut manifest, &files, how, cancel)?);
            }
            VectorKind::Sparse => {
                postings = Some(make_postings(dir, &mut manifest, &files, residences.graph)?);
            }
            // Nothing finds those so far but a look at all.
            VectorKind::Dense | VectorKind::Multi => {}
        }
        Ok(Sealed { graph: built, postings, ..Sealed::new(manifest, dir, files) })
    }

    /// Makes a segment under a number of its own; what a failed attempt wrote is removed.
    fn new_segment(
        &self,
        of: VectorId,
        make: impl FnOnce(u32, &Path) -> Result<Sealed, Error>,
    ) -> Result<Sealed, Error> {
        // Locked for the number alone: what comes then may take minutes.
        let id = {
            let _only_writer = self.writer.lock();
            self.state.write().worked_on_mut(of)?.take_segment_id()
        };
        let dir = self.store.segment_dir(of, id);
        let made = make(id, &dir);
        if made.is_err() && dir.exists() {
            segment_file::remove(&dir)?;
        }
        made
    }

    /// What a vector is, and where its files are wanted by now.
    fn wanted(&self, of: VectorId) -> Result<(VectorSpec, Residences), Error> {
        let state = self.state.read();
        let vector = state.worked_on(of)?;
        Ok((vector.spec, state.residences(vector)))
    }

    /// The segments a job works on, and how to index them; `None` if one is gone.
    fn inputs(&self, of: VectorId, ids: &[u32]) -> Option<(Vec<Arc<Sealed>>, How)> {
        let state = self.state.read();
        let vector = state.vectors.get(&of)?;
        let mut inputs = Vec::with_capacity(ids.len());
        for id in ids {
            inputs.push(vector.sealed.iter().find(|sealed| sealed.id() == *id).cloned()?);
        }
        let hnsw = state.config.hnsw_of(&vector.name);
        let bits = match self.may_have_few_bits() {
            true => wanted_bits(&state.config, &vector.name, vector.spec),
            false => CodeBits::Eight,
        };
        Some((inputs, (GraphParams::to_serve(hnsw.m, hnsw.ef_construct), bits)))
    }

    fn build_graph(
        &self,
        of: VectorId,
        dir: &Path,
        manifest: &mut SegmentManifest,
        files: &Arc<SegmentFiles>,
        (how, base): (How, Option<Grown>),
        cancel: &Cancel<'_>,
    ) -> Result<OpenGraph, Error> {
        self.indexes_building.fetch_add(1, Ordering::Relaxed);
        // Counted down however this ends: a failed build must not look like one that runs.
        let _counted = Building(&self.indexes_building);
        let (spec, residences) = self.wanted(of)?;
        let (metric, residence) = (metric(spec), residences.graph);
        let rows = MappedRows(Arc::clone(files));
        let mut build = self.settings.build_cores.begin();
        let mut threads = |done| {
            cancel.note_done(done);
            (!cancel.is_wanted()).then(|| build.threads())
        };
        let dim = files.row_len().ok_or_else(|| no_graph(dir))?;
        let (shape, path) = ((dim, metric), segment_file::graph_path(dir));
        let base = base.as_ref().and_then(|base| {
            Some(Base { graph: base.segment.graph.as_ref()?, numbers: &base.numbers })
        });
        // Where they are to lie on the disk, what is read beside each row pushes out another.
        files.expect_single_reads();
        Graph::build_on(base, &rows, shape, how, &path, &mut threads).map_err(build_failed)?;
        let (params, _) = how;
        let record = segment_file::seal_graph(dir, params.m, params.ef_construct)?;
        let graph = map_graph(dir, &record, files, (metric, residence))?;
        manifest.graph = Some(record);
        self.indexes_built.fetch_add(1, Ordering::Relaxed);
        Ok(graph)
    }
}

fn build_failed(error: vane_index::Error) -> Error {
    match error {
        vane_index::Error::Cancelled => Error::Cancelled,
        error => error.into(),
    }
}

/// Removes a file of a segment that is being made: it was linked, and is damaged.
fn remove_linked(path: &Path) -> Result<(), Error> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            let path = path.to_owned();
            Err(vane_storage::Error::Io { what: "remove", path, source }.into())
        }
        _ => Ok(()),
    }
}

/// Compares the rows of segments with their checksums: a copy gets checksums of its own, which
/// would vouch for whatever was read.
fn verify(inputs: &[Arc<Sealed>], cancel: &Cancel<'_>) -> Result<(), Error> {
    for input in inputs {
        let whole =
            input.files.verify_paced(&input.dir, &input.manifest, &mut |_| !cancel.is_wanted())?;
        if !whole {
            return Err(Error::Cancelled);
        }
    }
    Ok(())
}

/// The rows that live, each by its input and its number there. Some may die before the copy is
/// published: see [`Shard::publish`].
fn living(inputs: &[Arc<Sealed>]) -> Vec<(u32, u32)> {
    let mut rows = Vec::new();
    for (number, input) in (0..).zip(inputs) {
        let lives =
            |row: &u32| planted::is(Fault::MergeTheDead) || input.tombstones.of(*row) == ALIVE;
        rows.extend((0..input.rows() as u32).filter(lives).map(|row| (number, row)));
    }
    rows
}

/// Copies rows in their order.
fn copy(
    inputs: &[Arc<Sealed>],
    rows: &[(u32, u32)],
    writer: &mut SegmentWriter,
    (cancel, counts): (&Cancel<'_>, bool),
) -> Result<(), Error> {
    for (number, (input, row)) in rows.iter().enumerate() {
        if number % ROWS_PER_CANCEL == 0 && cancel.is_wanted() {
            return Err(Error::Cancelled);
        }
        if counts {
            cancel.note_done(number);
        }
        let (files, row) = (&inputs[*input as usize].files, *row as usize);
        writer.push(files.slots()[row], LogIndex(files.versions()[row]), files.vector(row))?;
    }
    Ok(())
}
