//! Rows of a shard's vectors, sealed and growing, and which of them live.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use vane_storage::{Error, SegmentFiles, ShardStore};
use vane_types::{CollectionConfig, LogIndex, Slot, VectorId};

use super::{Written, damaged};
use crate::segments::growing::{ALIVE, Growing, Loc};
use crate::segments::postings::open_postings;
use crate::segments::sealed::{Residences, Sealed, Tombstones, metric, open_graph};
use crate::state::residences;
use crate::state::vector::VectorState;

/// Opens the segments of every vector. Each must have exactly the rows that records name.
pub(super) fn open_vectors(
    store: &ShardStore,
    config: &CollectionConfig,
    written: &BTreeMap<VectorId, Written>,
    verify: bool,
) -> Result<BTreeMap<VectorId, VectorState>, Error> {
    let mut vectors = BTreeMap::new();
    for (id, name, spec) in config.identified() {
        let Some(Written { versions, digest }) = written.get(&id) else { continue };
        let mut vector = VectorState { digest: *digest, ..VectorState::new(name, spec) };
        let residences = residences(config, &vector);
        open_sealed(store, (id, residences), &mut vector, versions, verify)?;
        open_growing(store, id, &mut vector, versions)?;
        let present = versions.iter().filter(|version| **version != LogIndex::ZERO).count();
        let found = vector.locs.iter().filter(|loc| **loc != Loc::NONE).count();
        // A row that is missing would show only as a point that no search finds.
        if present != found {
            return Err(damaged(
                store,
                &format!("vector \"{name}\" should have {present} rows, {found} are there"),
            ));
        }
        vectors.insert(id, vector);
    }
    Ok(vectors)
}

/// A row lives if its point's record says so: it names the entry that set the vector.
fn lives(versions: &[LogIndex], slot: Slot, version: LogIndex) -> bool {
    versions.get(slot as usize) == Some(&version)
}

fn open_sealed(
    store: &ShardStore,
    (id, residences): (VectorId, Residences),
    vector: &mut VectorState,
    versions: &[LogIndex],
    verify: bool,
) -> Result<(), Error> {
    for manifest in store.manifests(id)? {
        let dir = store.segment_dir(id, manifest.segment);
        let files = Arc::new(SegmentFiles::open(&dir, &manifest, residences.rows, verify)?);
        let mut tombstones = Vec::with_capacity(files.len());
        for (row, (slot, version)) in files.slots().iter().zip(files.versions()).enumerate() {
            let alive = lives(versions, *slot, LogIndex(*version));
            // When a row died is not stored: no view is older than this process.
            tombstones.push(if alive { ALIVE } else { LogIndex::ZERO });
            if alive {
                vector.set_loc(*slot, Loc { segment: manifest.segment, row: row as u32 });
            }
        }
        let shape = (metric(vector.spec), residences.graph);
        let graph = open_graph(&dir, &manifest, &files, shape, verify);
        let postings = open_postings(&dir, &manifest, residences.graph, verify);
        // A number is never used twice: files of its first owner may still be on their way out.
        vector.next_segment = vector.next_segment.max(manifest.segment + 1);
        let tombstones = Arc::new(Tombstones::new(tombstones.into_iter()));
        let order = OnceLock::new();
        vector.sealed.push(Arc::new(Sealed {
            manifest,
            dir,
            files,
            tombstones,
            graph,
            postings,
            order,
            empty: OnceLock::new(),
        }));
    }
    Ok(())
}

fn open_growing(
    store: &ShardStore,
    id: VectorId,
    vector: &mut VectorState,
    versions: &[LogIndex],
) -> Result<(), Error> {
    let mut segments: Vec<Growing> = Vec::new();
    store.rows(id, |segment, row, stored| {
        if segments.last().is_none_or(|last| last.id != segment) {
            segments.push(Growing::new(segment, vector.spec.row_len()));
        }
        let growing = segments.last_mut().expect("one was pushed if there was none");
        // Rows are numbered in the order of their keys: a gap means that one was lost.
        if row as usize != growing.rows() || !vector.spec.fits(stored.values.len()) {
            return Err(damaged(
                store,
                &format!("row {row} of growing segment {segment} does not fit"),
            ));
        }
        growing.push(stored.slot, stored.version, &stored.values);
        if lives(versions, stored.slot, stored.version) {
            vector.set_loc(stored.slot, Loc { segment, row });
        } else {
            growing.kill(row, LogIndex::ZERO);
        }
        Ok(())
    })?;
    vector.next_segment = vector.next_segment.max(segments.last().map_or(0, |last| last.id + 1));
    // The last goes on growing; those before it were full.
    vector.growing = match segments.pop() {
        Some(last) => last,
        None => Growing::new(vector.take_segment_id(), vector.spec.row_len()),
    };
    vector.frozen = segments.into_iter().map(Arc::new).collect();
    Ok(())
}
