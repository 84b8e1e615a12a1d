//! The rows of a sealed segment by the slots of their points: a search that few points may be
//! found by goes to their rows, not over all.

use std::ops::RangeInclusive;

use roaring::RoaringBitmap;
use vane_types::Slot;

/// Rows of all for each that is wanted, up to which a bit for each of all is faster than sorting.
const ROWS_PER_SORTED: usize = 256;

/// The order of a segment's rows by slot, among equal ones by row.
pub(crate) enum SlotOrder {
    /// Rows lie in the order of their slots, as those of points do that were never replaced.
    AsTheyLie,
    /// The rows in that order.
    Sorted(Vec<u32>),
}

impl SlotOrder {
    /// `slots` are those of the rows.
    pub(crate) fn of(slots: &[Slot]) -> Self {
        if slots.is_sorted() {
            return Self::AsTheyLie;
        }
        let mut rows: Vec<u32> = (0..slots.len() as u32).collect();
        rows.sort_unstable_by_key(|row| (slots[*row as usize], *row));
        Self::Sorted(rows)
    }

    /// Bytes of memory that it takes.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::AsTheyLie => 0,
            Self::Sorted(rows) => size_of_val(&**rows),
        }
    }

    fn row(&self, at: usize) -> usize {
        match self {
            Self::AsTheyLie => at,
            Self::Sorted(rows) => rows[at] as usize,
        }
    }

    /// The least and the largest slot; `None` without rows.
    pub(crate) fn span(&self, slots: &[Slot]) -> Option<RangeInclusive<Slot>> {
        let last = slots.len().checked_sub(1)?;
        Some(slots[self.row(0)]..=slots[self.row(last)])
    }

    /// The rows of the wanted slots, ascending. Takes a few steps for each wanted slot within
    /// the span.
    pub(crate) fn rows_of(&self, slots: &[Slot], wanted: &RoaringBitmap) -> Vec<u32> {
        let Some(span) = self.span(slots) else { return Vec::new() };
        let mut rows = Vec::new();
        let mut at = 0;
        for slot in wanted.range(span) {
            at = self.first_from(slots, at, slot);
            while at < slots.len() && slots[self.row(at)] == slot {
                rows.push(self.row(at) as u32);
                at += 1;
            }
        }
        // By row, as memory is read best.
        match self {
            Self::AsTheyLie => rows,
            Self::Sorted(_) => ascending(rows, slots.len()),
        }
    }

    /// The first place from `at` on whose slot is not below `slot`. By steps that double: places
    /// of wanted slots often lie close to each other.
    fn first_from(&self, slots: &[Slot], at: usize, slot: Slot) -> usize {
        let is_below = |at: usize| slots[self.row(at)] < slot;
        let (mut low, mut step) = (at, 1);
        while low + step <= slots.len() && is_below(low + step - 1) {
            low += step;
            step *= 2;
        }
        let mut high = (low + step).min(slots.len());
        while low < high {
            let middle = low.midpoint(high);
            if is_below(middle) { low = middle + 1 } else { high = middle }
        }
        low
    }
}

/// Rows in their order, of so many in all.
fn ascending(mut rows: Vec<u32>, all: usize) -> Vec<u32> {
    if rows.len() < all / ROWS_PER_SORTED {
        rows.sort_unstable();
        return rows;
    }
    let mut words = vec![0_u64; all.div_ceil(64)];
    for row in &rows {
        words[*row as usize / 64] |= 1 << (row % 64);
    }
    rows.clear();
    for (at, mut word) in (0_u32..).zip(words) {
        while word != 0 {
            rows.push(at * 64 + word.trailing_zeros());
            word &= word - 1;
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rows_of_slots_are_those_that_a_look_at_all_finds(
            mut slots in prop::collection::vec(0u32..300, 0..200),
            wanted in prop::collection::btree_set(0u32..320, 0..40),
            sorted: bool,
        ) {
            if sorted {
                slots.sort_unstable();
            }
            let wanted: RoaringBitmap = wanted.into_iter().collect();
            let order = SlotOrder::of(&slots);
            let all = (0u32..).zip(&slots).filter(|(_, slot)| wanted.contains(**slot));
            let expected: Vec<u32> = all.map(|(row, _)| row).collect();
            prop_assert_eq!(order.rows_of(&slots, &wanted), expected);
            let span = slots.iter().min().copied().zip(slots.iter().max().copied());
            prop_assert_eq!(order.span(&slots), span.map(|(first, last)| first..=last));
        }
    }
}
