//! How many points have a number at each of some indices of a sparse vector.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use roaring::RoaringBitmap;
use vane_filter::{Clause, Condition, Filter};
use vane_index::{Matcher, Postings, SparseRow};
use vane_types::{Slot, VectorSpec};

use crate::error::{BadInput, Error};
use crate::search::quick::in_memory;
use crate::search::view::{VectorView, rows_of};
use crate::segments::sealed::Sealed;
use crate::shard::Shard;

/// Rows looked at between two looks at the clock.
const ROWS_PER_DEADLINE: usize = 4096;
/// Rows that are looked at within half a millisecond: most are passed over by one look at bits.
const ROWS_QUICK: usize = 1 << 15;

/// What a shard has of a sparse vector.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frequencies {
    /// Points that have the vector, of those that were to be counted; ones without any number in it
    /// are left out, as no search by it finds them.
    pub points: u64,
    /// Of those, the ones that have a number at each of the indices.
    pub with: Vec<u64>,
}

impl Frequencies {
    /// Adds another shard's, of the same indices.
    pub fn add(&mut self, other: &Self) {
        self.points += other.points;
        self.with.resize(self.with.len().max(other.with.len()), 0);
        for (sum, with) in self.with.iter_mut().zip(&other.with) {
            *sum += with;
        }
    }
}

impl Shard {
    /// How many points have a number at each of the indices, which rise: of all points, or of
    /// those that match a filter.
    ///
    /// # Errors
    /// [`Error::BadInput`] for a vector that the collection lacks or that is not sparse,
    /// [`Error::Timeout`], [`Error::NotReady`], [`Error::Storage`].
    pub fn frequencies(
        &self,
        using: &str,
        indices: &[u32],
        among: Option<&Filter>,
        deadline: Instant,
    ) -> Result<Frequencies, Error> {
        let present = self.with_sparse(using)?;
        let among = among.map(|filter| having(using, filter));
        let (view, vector) = self.vector_view(among.as_ref(), using)?;
        let allowed = view.allowed(among.as_ref(), deadline)?;
        let among = allowed.as_ref().map(|allowed| &allowed.slots);
        let rows = Rows { vector: &vector, among };
        rows.frequencies(present, indices, deadline).ok_or(Error::Timeout { group: view.group })
    }

    /// The same of all points, where that is sure to end soon; `None` where that is not sure.
    /// Handing it to another thread would cost more: docs/decisions/0008.
    ///
    /// # Errors
    /// As [`Shard::frequencies`].
    pub fn frequencies_quick(
        &self,
        using: &str,
        indices: &[u32],
        deadline: Instant,
    ) -> Result<Option<Frequencies>, Error> {
        let present = self.with_sparse(using)?;
        let is_in_memory = {
            let state = self.state.read();
            state.vector(using).is_some_and(|(_, vector)| in_memory(&state, vector))
        };
        if !is_in_memory {
            return Ok(None);
        }
        let (view, vector) = self.vector_view(None, using)?;
        let rows = Rows { vector: &vector, among: None };
        if rows.to_look_at(indices) > ROWS_QUICK {
            return Ok(None);
        }
        let counted = rows.frequencies(present, indices, deadline);
        counted.ok_or(Error::Timeout { group: view.group }).map(Some)
    }

    /// How many points have a vector, which must be a sparse one.
    fn with_sparse(&self, using: &str) -> Result<u64, Error> {
        let state = self.state.read();
        let vector = state.known_vector(using)?;
        if matches!(vector.spec, VectorSpec::Sparse(_)) {
            return Ok(vector.present.len());
        }
        let (name, got) = (using.to_owned(), vane_types::VectorKind::Sparse);
        let wrong = vane_commands::Error::WrongKind { name, expected: vector.spec.kind(), got };
        Err(BadInput::from(wrong).into())
    }
}

/// Passes what has the vector and passes `filter`.
fn having(using: &str, filter: &Filter) -> Filter {
    let has_vector = Condition::HasVector { has_vector: using.to_owned() };
    let both = vec![has_vector, Condition::Filter(filter.clone())];
    Filter { must: Some(Clause::List(both)), ..Filter::default() }
}

/// The rows to count.
struct Rows<'a> {
    vector: &'a VectorView,
    /// Points whose rows count; all without.
    among: Option<&'a RoaringBitmap>,
}

/// Rows that were counted.
struct Counted {
    /// With a number at each index.
    with: Vec<u64>,
    /// Without any number.
    empty: u64,
}

impl Rows<'_> {
    /// What the rows have, of so many points with the vector; `None` where it is too late.
    fn frequencies(&self, present: u64, indices: &[u32], deadline: Instant) -> Option<Frequencies> {
        let points = self.among.map_or(present, RoaringBitmap::len);
        // Numbers do not matter, as long as none of them is 0.
        let ones = vec![1.0; indices.len()];
        let matcher = Matcher::new(SparseRow { indices, values: &ones });
        let mut counted = Counted { with: vec![0; indices.len()], empty: 0 };
        let is_late = || Instant::now() > deadline;
        if !self.count(indices, &matcher, &mut counted, &is_late) {
            return None;
        }
        let Counted { with, empty } = counted;
        // The number of points may be of a moment before.
        Some(Frequencies { points: points.saturating_sub(empty), with })
    }

    /// How many rows are looked at to count those of all points.
    fn to_look_at(&self, indices: &[u32]) -> usize {
        let of = |sealed: &Arc<Sealed>| match &sealed.postings {
            // The lists' lengths say it.
            Some(_) if sealed.tombstones.dead() == 0 => 0,
            Some(postings) => indices.iter().map(|index| postings.len_of(*index)).sum(),
            None => sealed.rows(),
        };
        let memory: usize = self.vector.memory.iter().map(|chunks| rows_of(chunks)).sum();
        memory + self.vector.sealed.iter().map(of).sum::<usize>()
    }

    /// Adds what rows have; false where it is too late.
    fn count(
        &self,
        indices: &[u32],
        matcher: &Matcher,
        counted: &mut Counted,
        is_late: &dyn Fn() -> bool,
    ) -> bool {
        for sealed in &self.vector.sealed {
            let Some(postings) = &sealed.postings else { continue };
            self.count_listed(sealed, postings, indices, counted);
            if is_late() {
                return false;
            }
        }
        let has_postings = |segment: Option<u32>| {
            let sealed = self.vector.sealed.iter().find(|sealed| Some(sealed.id()) == segment);
            sealed.is_some_and(|sealed| sealed.postings.is_some())
        };
        let others = self.vector.parts().into_iter().filter(|part| !has_postings(part.segment));
        for part in others {
            for (row, slot) in part.slots.iter().enumerate() {
                if row.is_multiple_of(ROWS_PER_DEADLINE) && is_late() {
                    return false;
                }
                if self.counts(part.died.get(row), Some(slot)) {
                    let row = part.row(row);
                    matcher.count(SparseRow::of(row), &mut counted.with);
                    counted.empty += u64::from(row.is_empty());
                }
            }
        }
        true
    }

    /// Adds what the rows of a segment have that are listed by their indices.
    fn count_listed(
        &self,
        sealed: &Sealed,
        postings: &Postings,
        indices: &[u32],
        counted: &mut Counted,
    ) {
        let (died, slots) = (sealed.tombstones.all(), sealed.files.slots());
        let counts = |row: &&u32| {
            let row = **row as usize;
            self.counts(died.get(row), slots.get(row))
        };
        let counts_all = self.among.is_none() && sealed.tombstones.dead() == 0;
        let count = |rows: &[u32]| {
            // Where every row counts a list need not be read.
            let counted = if counts_all { rows.len() } else { rows.iter().filter(counts).count() };
            counted as u64
        };
        for (index, with) in indices.iter().zip(&mut counted.with) {
            *with += count(postings.rows_at(*index));
        }
        counted.empty += count(sealed.empty_rows());
    }

    /// Whether a row lives, and is of a point that is meant.
    fn counts(&self, died: Option<&AtomicU64>, slot: Option<&Slot>) -> bool {
        let lives = died.is_some_and(|died| died.load(Ordering::Relaxed) > self.vector.at.0);
        let is_meant = |among: &RoaringBitmap| slot.is_some_and(|slot| among.contains(*slot));
        lives && self.among.is_none_or(is_meant)
    }
}
