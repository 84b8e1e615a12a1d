//! Reads everything that a replica has on its disk and compares it with what was written.

use std::sync::{Arc, OnceLock};

use vane_storage::records::SegmentManifest;
use vane_storage::segment_file::{self, Pace};

use crate::apply::digest;
use crate::error::Error;
use crate::segments::sealed::Sealed;
use crate::shard::Shard;
use crate::stored::DIGEST;

/// How a scrub ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scrubbed {
    /// Everything was read, and is what was written.
    Whole,
    /// It was told to end, or the replica has nothing that could be read now.
    CutShort,
}

impl Shard {
    /// Reads all files of the replica and all its keys. `pace` is told of every piece that was read
    /// and may wait; the scrub ends where it says no.
    ///
    /// A graph that is damaged is dropped and built again from the rows. Anything else that is
    /// damaged takes the replica out of use.
    ///
    /// # Errors
    /// [`Error::Damaged`] for a replica that is out of use already, [`Error::Storage`] for damage
    /// that was found and for a disk that failed.
    pub fn scrub(&self, pace: &mut Pace<'_>) -> Result<Scrubbed, Error> {
        self.check_whole()?;
        if !self.state.read().is_ready() {
            return Ok(Scrubbed::CutShort);
        }
        let whole = self.scrub_segments(pace)? && self.noting(self.scrub_points(pace))?;
        Ok(if whole { Scrubbed::Whole } else { Scrubbed::CutShort })
    }

    fn scrub_segments(&self, pace: &mut Pace<'_>) -> Result<bool, Error> {
        let sealed: Vec<Arc<Sealed>> = {
            let state = self.state.read();
            state.vectors.values().flat_map(|vector| &vector.sealed).cloned().collect()
        };
        for segment in sealed {
            let rows = segment.files.verify_paced(&segment.dir, &segment.manifest, pace);
            if !self.noting(rows.map_err(Error::from))? {
                return Ok(false);
            }
            let SegmentManifest { graph, postings, .. } = &segment.manifest;
            let verified = match (graph, postings) {
                (Some(graph), _) => segment_file::verify_graph_paced(&segment.dir, graph, pace),
                (None, Some(postings)) => {
                    segment_file::verify_postings_paced(&segment.dir, postings, pace)
                }
                (None, None) => continue,
            };
            match verified {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                // Nothing where it was merged away meanwhile, and its files with it.
                Err(error) if error.is_damage() => self.drop_graph(&segment, &error)?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }

    fn scrub_points(&self, pace: &mut Pace<'_>) -> Result<bool, Error> {
        let (view, vectors) = self.whole_view()?;
        if !view.snapshot.read_all(pace)? {
            return Ok(false);
        }
        let Some(sum) = digest::recompute(&view, &vectors, pace)? else { return Ok(false) };
        // Both of one moment: the sum that entries have come to lies beside what they wrote.
        let kept = view.snapshot.attribute(DIGEST)?.unwrap_or_else(|| vec![0; size_of::<u64>()]);
        if kept != sum.to_be_bytes() {
            return Err(vane_storage::Error::Damaged {
                what: format!("shard {} in data.db", view.group),
                detail: format!(
                    "at entry {} its points do not add up to the sum that was kept of them",
                    view.at
                ),
            }
            .into());
        }
        Ok(true)
    }

    /// Lets searches scan a segment whose graph is damaged, or whose postings are, and a job make
    /// them again. Nothing
    /// happens where the segment is gone.
    pub(crate) fn drop_graph(
        &self,
        segment: &Arc<Sealed>,
        error: &vane_storage::Error,
    ) -> Result<(), Error> {
        let _only_writer = self.writer.lock();
        if self.is_closed() {
            return Ok(());
        }
        let mut state = self.state.write();
        for (id, vector) in &mut state.vectors {
            let found = vector.sealed.iter_mut().find(|sealed| Arc::ptr_eq(sealed, segment));
            let Some(sealed) = found else { continue };
            let group = self.store.group();
            tracing::error!(%error, %group, "a graph is damaged; it is built again from its rows");
            let mut manifest = segment.manifest.clone();
            (manifest.graph, manifest.postings) = (None, None);
            let mut batch = self.store.batch();
            batch.put_segment(*id, &manifest);
            batch.write()?;
            *sealed = Arc::new(Sealed {
                manifest,
                dir: segment.dir.clone(),
                files: Arc::clone(&segment.files),
                tombstones: Arc::clone(&segment.tombstones),
                graph: None,
                postings: None,
                order: OnceLock::new(),
                empty: OnceLock::new(),
            });
        }
        Ok(())
    }
}
