//! How many points have a number at each of some indices of a sparse vector.

use std::sync::atomic::Ordering;
use std::time::Instant;

use vane_index::{Matcher, SparseRow};
use vane_types::VectorSpec;

use crate::error::{BadInput, Error};
use crate::search::view::VectorView;
use crate::shard::Shard;

/// Rows looked at between two looks at the clock.
const ROWS_PER_DEADLINE: usize = 4096;

/// What a shard has of a sparse vector.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frequencies {
    /// Points that have the vector.
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
    /// How many points have a number at each of the indices, which rise.
    ///
    /// # Errors
    /// [`Error::BadInput`] for a vector that the collection lacks or that is not sparse,
    /// [`Error::Timeout`], [`Error::NotReady`], [`Error::Storage`].
    pub fn frequencies(
        &self,
        using: &str,
        indices: &[u32],
        deadline: Instant,
    ) -> Result<Frequencies, Error> {
        let points = {
            let state = self.state.read();
            let vector = state.known_vector(using)?;
            if !matches!(vector.spec, VectorSpec::Sparse(_)) {
                let name = using.to_owned();
                let got = vane_types::VectorKind::Sparse;
                let expected = vector.spec.kind();
                let wrong = vane_commands::Error::WrongKind { name, expected, got };
                return Err(BadInput::from(wrong).into());
            }
            vector.present.len()
        };
        let (view, vector) = self.vector_view(None, using)?;
        // Numbers do not matter, as long as none of them is 0.
        let ones = vec![1.0; indices.len()];
        let matcher = Matcher::new(SparseRow { indices, values: &ones });
        let mut with = vec![0; indices.len()];
        let is_late = || Instant::now() > deadline;
        if !count(&vector, indices, &matcher, &mut with, &is_late) {
            return Err(Error::Timeout { group: view.group });
        }
        Ok(Frequencies { points, with })
    }
}

/// Counts living rows; false where it is too late.
fn count(
    vector: &VectorView,
    indices: &[u32],
    matcher: &Matcher,
    with: &mut [u64],
    is_late: &dyn Fn() -> bool,
) -> bool {
    for sealed in &vector.sealed {
        let Some(postings) = &sealed.postings else { continue };
        let died = sealed.tombstones.all();
        for (index, with) in indices.iter().zip(&mut *with) {
            let rows = postings.rows_at(*index);
            // Where no row is dead a list need not be read.
            *with += match sealed.tombstones.dead() {
                0 => rows.len() as u64,
                _ => {
                    rows.iter().filter(|row| lives(died.get(**row as usize), vector)).count() as u64
                }
            };
        }
        if is_late() {
            return false;
        }
    }
    let has_postings = |segment: Option<u32>| {
        let sealed = vector.sealed.iter().find(|sealed| Some(sealed.id()) == segment);
        sealed.is_some_and(|sealed| sealed.postings.is_some())
    };
    let others = vector.parts().into_iter().filter(|part| !has_postings(part.segment));
    for part in others {
        for row in 0..part.slots.len() {
            if row.is_multiple_of(ROWS_PER_DEADLINE) && is_late() {
                return false;
            }
            if lives(part.died.get(row), vector) {
                matcher.count(SparseRow::of(part.row(row)), with);
            }
        }
    }
    true
}

fn lives(died: Option<&std::sync::atomic::AtomicU64>, vector: &VectorView) -> bool {
    died.is_some_and(|died| died.load(Ordering::Relaxed) > vector.at.0)
}
