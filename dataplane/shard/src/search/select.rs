//! From a filter to the set of slots it matches in a view.

use std::cell::Cell;
use std::time::Instant;

use roaring::RoaringBitmap;
use vane_filter::{Candidate, Filter};
use vane_storage::ReadView;
use vane_storage::records::PointRecord;
use vane_types::{FieldSchema, GroupId, JsonPath, Payload, PointId, VectorId};

use crate::error::Error;
use crate::read::missed::Missed;
use crate::state::State;
use crate::state::field::{Schemas, TextSchemas};
use crate::stored::decode_payload;

/// Candidates checked between two looks at the clock.
const CHECKS_PER_DEADLINE: u64 = 256;
/// Above this share of all points, candidates are read in one scan rather than one by one.
const SCAN_SHARE: u64 = 4;

/// A stored point as the evaluator sees it.
pub(crate) struct RecordCandidate<'a> {
    id: PointId,
    payload: Payload,
    record: &'a PointRecord,
    names: Vec<(VectorId, &'a str)>,
    schemas: &'a dyn Schemas,
}

impl<'a> RecordCandidate<'a> {
    pub(crate) fn new(
        record: &'a PointRecord,
        state: &'a State,
    ) -> Result<Self, vane_storage::Error> {
        let names = state.vectors.iter().map(|(id, it)| (*id, it.name.as_str())).collect();
        Self::with_names(record, names, &state.fields)
    }

    /// `names` are the collection's vectors.
    pub(crate) fn with_names(
        record: &'a PointRecord,
        names: Vec<(VectorId, &'a str)>,
        schemas: &'a dyn Schemas,
    ) -> Result<Self, vane_storage::Error> {
        let payload = decode_payload(&record.payload)?;
        Ok(Self { id: record.id, payload, record, names, schemas })
    }
}

impl Candidate for RecordCandidate<'_> {
    fn id(&self) -> PointId {
        self.id
    }

    fn payload(&self) -> &Payload {
        &self.payload
    }

    fn has_vector(&self, name: &str) -> bool {
        let known = self.names.iter().find(|(_, known)| *known == name);
        known.is_some_and(|(id, _)| self.record.vector_version(*id).is_some())
    }

    fn schema(&self, field: &JsonPath) -> Option<&FieldSchema> {
        self.schemas.schema(field)
    }
}

/// Checks points one by one against a filter, in one snapshot and until a deadline.
pub(crate) struct Checker<'a> {
    pub(crate) filter: &'a Filter,
    pub(crate) snapshot: &'a ReadView<'a>,
    pub(crate) names: &'a [(VectorId, String)],
    pub(crate) texts: &'a TextSchemas,
    pub(crate) group: GroupId,
    pub(crate) deadline: Instant,
    /// Where it is noted that payload indexes were missed.
    pub(crate) missed: Missed<'a>,
    /// Payloads that were read.
    pub(crate) read: Cell<u64>,
}

impl Drop for Checker<'_> {
    fn drop(&mut self) {
        self.missed.note(self.filter, self.read.get());
    }
}

impl Checker<'_> {
    pub(crate) fn matches(&self, record: &PointRecord) -> Result<bool, Error> {
        self.read.set(self.read.get() + 1);
        let names = self.names.iter().map(|(id, name)| (*id, name.as_str())).collect();
        let candidate = RecordCandidate::with_names(record, names, self.texts)?;
        Ok(vane_filter::matches(self.filter, &candidate))
    }

    /// Those of the candidates that match.
    pub(crate) fn narrow(
        &self,
        candidates: &RoaringBitmap,
        points: u64,
    ) -> Result<RoaringBitmap, Error> {
        if candidates.len() * SCAN_SHARE >= points {
            self.narrow_by_scan(candidates)
        } else {
            self.narrow_one_by_one(candidates)
        }
    }

    fn narrow_by_scan(&self, candidates: &RoaringBitmap) -> Result<RoaringBitmap, Error> {
        let (mut matching, mut checked, mut failed) = (RoaringBitmap::new(), 0, None);
        self.snapshot.records_from(candidates.min().unwrap_or(0), |slot, record| {
            if candidates.contains(slot) {
                match self.check(&mut checked, &record) {
                    Ok(true) => {
                        matching.insert(slot);
                    }
                    Ok(false) => {}
                    // The scan knows errors of the disk only: this one is kept beside it.
                    Err(error) => failed = Some(error),
                }
            }
            Ok(failed.is_none())
        })?;
        failed.map_or(Ok(matching), Err)
    }

    fn narrow_one_by_one(&self, candidates: &RoaringBitmap) -> Result<RoaringBitmap, Error> {
        let (mut matching, mut checked) = (RoaringBitmap::new(), 0);
        for slot in candidates {
            if self.check(&mut checked, &self.snapshot.present(slot)?)? {
                matching.insert(slot);
            }
        }
        Ok(matching)
    }

    /// Whether a point matches; `checked` counts those that were looked at.
    fn check(&self, checked: &mut u64, record: &PointRecord) -> Result<bool, Error> {
        *checked += 1;
        if checked.is_multiple_of(CHECKS_PER_DEADLINE) && Instant::now() > self.deadline {
            return Err(Error::Timeout { group: self.group });
        }
        self.matches(record)
    }
}
