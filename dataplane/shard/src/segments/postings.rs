//! Postings of a segment of sparse rows: made with it, in place of a graph.

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use vane_index::{Postings, SparseRow, write_postings};
use vane_storage::SegmentFiles;
use vane_storage::records::{PostingsManifest, SegmentManifest};
use vane_storage::segment_file::{ExtraFile, postings_path, seal_postings, verify_postings_paced};
use vane_types::Residence;

use crate::error::Error;
use crate::segments::sealed::MappedExtra;

/// Postings, and the file that they lie in.
pub(crate) struct OpenPostings {
    postings: Postings,
    file: Arc<MappedExtra>,
}

impl Deref for OpenPostings {
    type Target = Postings;

    fn deref(&self) -> &Postings {
        &self.postings
    }
}

impl OpenPostings {
    /// Keeps the file so from now on.
    pub(crate) fn keep(&self, residence: Residence) {
        self.file.0.keep(residence);
    }

    fn map(
        dir: &Path,
        record: &PostingsManifest,
        rows: usize,
        residence: Residence,
    ) -> Result<Self, Error> {
        let file = Arc::new(MappedExtra(ExtraFile::postings(dir, record, residence)?));
        Ok(Self { postings: Postings::open(file.clone(), rows)?, file })
    }
}

/// Opens the postings of a segment; `None` when there are none, or when they are damaged and have
/// to be made again (searches look at all rows until then).
pub(crate) fn open_postings(
    dir: &Path,
    manifest: &SegmentManifest,
    residence: Residence,
    verify: bool,
) -> Option<OpenPostings> {
    let record = manifest.postings.as_ref()?;
    let checked = match verify {
        true => verify_postings_paced(dir, record, &mut |_| true).map(drop),
        false => Ok(()),
    };
    let rows = manifest.rows as usize;
    let opened =
        checked.map_err(Error::from).and_then(|()| OpenPostings::map(dir, record, rows, residence));
    opened
        .inspect_err(|error| {
            let dir = dir.display();
            tracing::warn!(
                %error, %dir,
                "failed to open postings; they will be made again, searches look at all rows \
                 meanwhile"
            );
        })
        .ok()
}

/// Writes the postings of a segment's rows beside them, and names them in its manifest.
///
/// # Errors
/// When the disk fails; the segment is of no use then.
pub(crate) fn make_postings(
    dir: &Path,
    manifest: &mut SegmentManifest,
    files: &SegmentFiles,
    residence: Residence,
) -> Result<OpenPostings, Error> {
    let rows = || (0..files.len()).map(|row| SparseRow::of(files.vector(row)));
    write_postings(&postings_path(dir), rows)?;
    let record = seal_postings(dir)?;
    let opened = OpenPostings::map(dir, &record, files.len(), residence)?;
    manifest.postings = Some(record);
    Ok(opened)
}
