//! Consistency hash: replicas at one index answer it alike, however their segments lie.
//!
//! A wrapping sum over all points, so that a change of one point costs that point alone.
//! Each point has one part for id, version and payload, and one for each vector with id and
//! what names the vector; every part is an xxh3-64. A vector that the collection loses takes its
//! parts along. Records keep the parts of their vectors: a change of
//! the payload needs no vector.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use vane_storage::records::PointRecord;
use vane_storage::segment_file::Pace;
use vane_types::{LogIndex, PointId, Slot, VectorId};
use xxhash_rust::xxh3::xxh3_64;

use crate::error::Error;
use crate::search::view::{Part, VectorView, View};
use crate::shard::Shard;

/// First byte of what a part is made from: parts of two kinds are never of the same bytes.
const POINT: u8 = 1;
const VECTOR: u8 = 2;

/// Nowhere: no view has as many segments.
const NOWHERE: (u32, u32) = (u32::MAX, u32::MAX);

/// All parts of one point, whose record names no vector that the collection has lost.
pub(crate) fn of_record(record: &PointRecord) -> u64 {
    record.vectors.iter().fold(of_point(record), |sum, vector| sum.wrapping_add(vector.digest))
}

/// A point's part for all but its vectors.
fn of_point(record: &PointRecord) -> u64 {
    xxh3_64(
        &[&[POINT], &*record.id.to_key(), &record.version.0.to_be_bytes(), &record.payload]
            .concat(),
    )
}

/// A point's part for one vector.
pub(crate) fn of_vector(id: PointId, vector: VectorId, values: &[f32]) -> u64 {
    let (id, vector) = (id.to_key(), vector.to_key());
    xxh3_64(&[&[VECTOR], &*id, &vector, bytemuck::cast_slice(values)].concat())
}

impl Shard {
    /// The consistency hash and the index that it is of.
    pub fn digest(&self) -> (LogIndex, u64) {
        let state = self.state.read();
        (state.applied, state.totals.digest)
    }

    /// The consistency hash as of now and as of some earlier entries, the same ones at every
    /// replica; nothing of a replica that is out of use.
    pub fn sums(&self) -> Vec<(LogIndex, u64)> {
        let state = self.state.read();
        if self.check_ready(&state).is_err() {
            return Vec::new();
        }
        state.sums.all().chain([(state.applied, state.totals.digest)]).collect()
    }

    /// The hash from every record and every row that is there: what [`Shard::digest`] ought
    /// to be at that index. Reads the whole shard; takes 8 bytes of memory per slot and vector.
    ///
    /// # Errors
    /// [`Error::Storage`] when a row that a record names is not there or the disk fails,
    /// [`Error::NotReady`] while the replica has no state.
    pub fn recompute_digest(&self) -> Result<(LogIndex, u64), Error> {
        let (view, vectors) = self.whole_view()?;
        let sum = recompute(&view, &vectors, &mut |_| true)?;
        Ok((view.at, sum.expect("nothing ends it early")))
    }
}

/// The consistency hash from every record and row of a view; `None` where `pace` ended it. What
/// a record says of its vectors is compared with their rows.
pub(crate) fn recompute(
    view: &View<'_>,
    vectors: &BTreeMap<VectorId, VectorView>,
    pace: &mut Pace<'_>,
) -> Result<Option<u64>, Error> {
    let rows: BTreeMap<VectorId, Rows<'_>> =
        vectors.iter().map(|(id, view)| (*id, Rows::of(view))).collect();
    let (mut sum, mut whole) = (0_u64, true);
    view.snapshot.records_from(0, |slot, record| {
        sum = sum.wrapping_add(of_point(&record));
        let mut bytes = record.payload.len();
        for vector in &record.vectors {
            // The collection has lost it since the record was written.
            if !rows.contains_key(&vector.id) && vector.id < view.next_vector {
                continue;
            }
            let damaged = |detail| vane_storage::Error::Damaged {
                what: format!("point {} of shard {}", record.id, view.group),
                detail: format!("the row of its vector {} {detail}", vector.id),
            };
            let row = rows.get(&vector.id).and_then(|rows| rows.get(slot, vector.version));
            let values = row.ok_or_else(|| damaged("is not there"))?;
            let digest = of_vector(record.id, vector.id, values);
            if digest != vector.digest {
                return Err(damaged("is not the one that was written"));
            }
            sum = sum.wrapping_add(digest);
            bytes += size_of_val(values);
        }
        // A search finds the point by its slot, a request by its id.
        if view.snapshot.slot(record.id)? != Some(slot) {
            return Err(vane_storage::Error::Damaged {
                what: format!("point {} of shard {}", record.id, view.group),
                detail: format!("its id does not lead to its slot {slot}"),
            });
        }
        whole = pace(bytes);
        Ok(whole)
    })?;
    Ok(whole.then_some(sum))
}

/// Rows of one vector that live in a view, by slot.
struct Rows<'a> {
    parts: Vec<Part<'a>>,
    /// Part and row.
    places: Vec<(u32, u32)>,
}

impl<'a> Rows<'a> {
    fn of(vector: &'a VectorView) -> Self {
        let parts = vector.parts();
        let mut places = Vec::new();
        for (n, part) in parts.iter().enumerate() {
            for (row, slot) in part.slots.iter().enumerate() {
                // The slot of a row that died may have a newer row in another part.
                if part.died[row].load(Ordering::Relaxed) > vector.at.0 {
                    let slot = *slot as usize;
                    places.resize(places.len().max(slot + 1), NOWHERE);
                    places[slot] = (n as u32, row as u32);
                }
            }
        }
        Self { parts, places }
    }

    fn get(&self, slot: Slot, version: LogIndex) -> Option<&'a [f32]> {
        let (part, row) = *self.places.get(slot as usize)?;
        let (part, row) = (self.parts.get(part as usize)?, row as usize);
        // Slot and entry name a row together: another version is a row that the record does not
        // mean.
        (part.versions[row] == version.0).then(|| part.row(row))
    }
}
