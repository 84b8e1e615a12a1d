use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Error;

/// Which rows may be returned. A part that is `None` costs nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Select<'a> {
    /// A bitmap over slots and the slot of each row: the bit of a row's slot must be
    /// set. Slots beyond the bitmap are not allowed.
    pub allow: Option<(&'a [u64], &'a [u32])>,
    /// When each row died, and the moment to look at: a row is dead when
    /// `died[row] <= at`. Other threads may mark rows meanwhile; a mark above `at` does
    /// not change the answer.
    pub died: Option<(&'a [AtomicU64], u64)>,
}

impl Select<'_> {
    /// Whether `row` may be returned. The shim asks the same of each row of a graph.
    ///
    /// # Panics
    /// When a part that is given has no entry for `row`.
    pub fn admits(&self, row: u32) -> bool {
        let row = row as usize;
        let allowed = self.allow.is_none_or(|(words, slots)| {
            let slot = slots[row];
            words.get(slot as usize / 64).is_some_and(|word| word >> (slot % 64) & 1 == 1)
        });
        allowed && self.died.is_none_or(|(died, at)| died[row].load(Ordering::Relaxed) > at)
    }

    /// Every part that is given must have an entry for each of `rows` rows.
    pub(crate) fn check(&self, rows: usize) -> Result<(), Error> {
        let slots = self.allow.map(|(_, slots)| ("the slot table", slots.len()));
        let died = self.died.map(|(died, _)| ("the table of deaths", died.len()));
        for (what, found) in [slots, died].into_iter().flatten() {
            if found < rows {
                return Err(Error::Select { what, expected: rows, found });
            }
        }
        Ok(())
    }

    /// Nothing is excluded.
    pub(crate) fn is_everything(&self) -> bool {
        self.allow.is_none() && self.died.is_none()
    }
}
