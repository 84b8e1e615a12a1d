//! From a filter to the set of slots it matches in a view.

use std::sync::OnceLock;
use std::time::Instant;

use roaring::RoaringBitmap;
use vane_filter::{Candidate, Filter};
use vane_storage::ReadView;
use vane_storage::records::PointRecord;
use vane_types::{GroupId, Payload, PointId, Slot};

use crate::apply::parse_payload;
use crate::error::Error;
use crate::state::State;

/// Candidates checked between two looks at the clock.
const CHECKS_PER_DEADLINE: u64 = 256;
/// Above this share of all points, candidates are read in one scan rather than one by one.
const SCAN_SHARE: u64 = 4;

/// Slots that a request may return.
pub(crate) struct Allowed {
    pub(crate) slots: RoaringBitmap,
    words: OnceLock<Vec<u64>>,
}

impl Allowed {
    pub(crate) fn new(slots: RoaringBitmap) -> Self {
        Self { slots, words: OnceLock::new() }
    }

    /// The set as one bit per slot, made when first asked for.
    pub(crate) fn words(&self) -> &[u64] {
        self.words.get_or_init(|| {
            let len = self.slots.max().map_or(0, |max| max as usize / 64 + 1);
            let mut words = vec![0_u64; len];
            for slot in &self.slots {
                words[slot as usize / 64] |= 1 << (slot % 64);
            }
            words
        })
    }

    pub(crate) fn contains(&self, slot: Slot) -> bool {
        self.words().get(slot as usize / 64).is_some_and(|word| word >> (slot % 64) & 1 == 1)
    }
}

/// A stored point as the evaluator sees it.
pub(crate) struct RecordCandidate<'a> {
    id: PointId,
    payload: Payload,
    record: &'a PointRecord,
    names: Vec<&'a str>,
}

impl<'a> RecordCandidate<'a> {
    pub(crate) fn new(record: &'a PointRecord, state: &'a State) -> Result<Self, Error> {
        Self::with_names(record, state.vectors.iter().map(|it| it.name.as_str()).collect())
    }

    /// `names` are the collection's vectors by ordinal.
    pub(crate) fn with_names(record: &'a PointRecord, names: Vec<&'a str>) -> Result<Self, Error> {
        let payload = parse_payload(&record.payload)?;
        Ok(Self { id: record.id, payload, record, names })
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
        let ordinal = self.names.iter().position(|it| *it == name);
        ordinal.is_some_and(|it| self.record.vector_version(it as u8).is_some())
    }
}

/// Checks points one by one against a filter, in one snapshot and until a deadline.
pub(crate) struct Checker<'a> {
    pub(crate) filter: &'a Filter,
    pub(crate) snapshot: &'a ReadView<'a>,
    pub(crate) names: &'a [String],
    pub(crate) group: GroupId,
    pub(crate) deadline: Instant,
}

impl Checker<'_> {
    pub(crate) fn matches(&self, record: &PointRecord) -> Result<bool, Error> {
        let names = self.names.iter().map(String::as_str).collect();
        Ok(vane_filter::matches(self.filter, &RecordCandidate::with_names(record, names)?))
    }

    /// Those of the candidates that match.
    pub(crate) fn narrow(
        &self,
        candidates: &RoaringBitmap,
        points: u64,
    ) -> Result<RoaringBitmap, Error> {
        let mut matching = RoaringBitmap::new();
        let mut checked = 0;
        let mut check = |slot: Slot, record: &PointRecord| -> Result<(), Error> {
            checked += 1;
            if checked % CHECKS_PER_DEADLINE == 0 && Instant::now() > self.deadline {
                return Err(Error::Timeout { group: self.group });
            }
            if self.matches(record)? {
                matching.insert(slot);
            }
            Ok(())
        };
        if candidates.len() * SCAN_SHARE >= points {
            let mut failed = None;
            self.snapshot.records_from(candidates.min().unwrap_or(0), |slot, record| {
                if candidates.contains(slot) {
                    failed = check(slot, &record).err();
                }
                Ok(failed.is_none())
            })?;
            if let Some(error) = failed {
                return Err(error);
            }
        } else {
            for slot in candidates {
                if let Some(record) = self.snapshot.record(slot)? {
                    check(slot, &record)?;
                }
            }
        }
        Ok(matching)
    }
}
