//! The rows of a sealed segment by the slots of their points: a search that few points may be
//! found by goes to their rows, not over all.

use std::ops::{Range, RangeInclusive};

use roaring::RoaringBitmap;
use vane_types::Slot;

/// Rows of all for each that is wanted, up to which a bit for each of all is faster than sorting.
const ROWS_PER_SORTED: usize = 256;

/// Slots within the span for each row, up to which the row of each slot is kept.
const SLOTS_PER_ROW: usize = 2;
/// No row.
const NONE: u32 = u32::MAX;

/// The order of a segment's rows by slot, among equal ones by row.
pub(crate) enum SlotOrder {
    /// As the next, and no slot is left out or has two rows.
    OneByOne,
    /// Rows lie in the order of their slots, as those of points do that were never replaced.
    AsTheyLie,
    /// The row of each slot from the least to the largest, or [`NONE`]: of rows that lie in another
    /// order, such as that of tenants, where a look-up by steps would go to and fro.
    BySlot(RangeInclusive<Slot>, Vec<u32>),
    /// The rows in that order.
    Sorted(Vec<u32>),
}

impl SlotOrder {
    /// `slots` are those of the rows.
    pub(crate) fn of(slots: &[Slot]) -> Self {
        if slots.is_sorted_by(|slot, next| slot.checked_add(1) == Some(*next)) {
            return Self::OneByOne;
        }
        if slots.is_sorted() {
            return Self::AsTheyLie;
        }
        if let Some(by_slot) = Self::by_slot(slots) {
            return by_slot;
        }
        let mut rows: Vec<u32> = (0..slots.len() as u32).collect();
        rows.sort_unstable_by_key(|row| (slots[*row as usize], *row));
        Self::Sorted(rows)
    }

    /// `None` where some rows have one slot, or few of the slots have a row.
    fn by_slot(slots: &[Slot]) -> Option<Self> {
        let (first, last) = (*slots.iter().min()?, *slots.iter().max()?);
        let count = (last - first) as usize + 1;
        if count > slots.len().saturating_mul(SLOTS_PER_ROW) {
            return None;
        }
        let mut rows = vec![NONE; count];
        for (row, slot) in (0..).zip(slots) {
            let place = &mut rows[(slot - first) as usize];
            if *place != NONE {
                return None;
            }
            *place = row;
        }
        Some(Self::BySlot(first..=last, rows))
    }

    /// Bytes of memory that it takes.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::OneByOne | Self::AsTheyLie => 0,
            Self::BySlot(_, rows) | Self::Sorted(rows) => size_of_val(&**rows),
        }
    }

    /// The least and the largest slot; `None` without rows.
    pub(crate) fn span(&self, slots: &[Slot]) -> Option<RangeInclusive<Slot>> {
        let last = slots.len().checked_sub(1)?;
        Some(match self {
            Self::OneByOne | Self::AsTheyLie => slots[0]..=slots[last],
            Self::BySlot(span, _) => span.clone(),
            Self::Sorted(rows) => slots[rows[0] as usize]..=slots[rows[last] as usize],
        })
    }

    /// The rows of the wanted slots, ascending. Takes a few steps for each wanted slot within
    /// the span.
    pub(crate) fn rows_of(&self, slots: &[Slot], wanted: &RoaringBitmap) -> Vec<u32> {
        let Some(span) = self.span(slots) else { return Vec::new() };
        let all = vane_filter::members(wanted);
        let begin = all.partition_point(|slot| slot < span.start());
        let end = all.partition_point(|slot| slot <= span.end());
        let wanted = &all[begin..end];
        if let Some(run) = self.run_of(slots, wanted) {
            return run.collect();
        }
        let wanted = wanted.iter().copied();
        let rows: Vec<u32> = match self {
            Self::OneByOne => return wanted.map(|slot| slot - span.start()).collect(),
            Self::AsTheyLie => return among(slots.len(), |at| slots[at], wanted).collect(),
            Self::BySlot(_, rows) => {
                let row = |slot| rows[(slot - span.start()) as usize];
                let mut found: Vec<u32> = wanted.map(row).collect();
                found.retain(|row| *row != NONE);
                found
            }
            Self::Sorted(rows) => {
                let slot = |at: usize| slots[rows[at] as usize];
                among(slots.len(), slot, wanted).map(|at| rows[at as usize]).collect()
            }
        };
        // By row, as memory is read best.
        if rows.is_sorted() { rows } else { ascending(rows, slots.len()) }
    }
}

impl SlotOrder {
    /// The rows of the wanted slots, where these are those of some rows one after the other, as the
    /// slots of a tenant are.
    fn run_of(&self, slots: &[Slot], wanted: &[Slot]) -> Option<Range<u32>> {
        let Self::BySlot(span, rows) = self else { return None };
        let first = rows[(wanted.first()? - span.start()) as usize];
        let run = slots.get(first as usize..)?.get(..wanted.len())?;
        (run == wanted).then(|| first..first + wanted.len() as u32)
    }
}

/// The places of wanted slots among so many that ascend.
fn among(
    count: usize,
    slot_at: impl Fn(usize) -> Slot,
    wanted: impl Iterator<Item = Slot>,
) -> impl Iterator<Item = u32> {
    let mut places = Vec::new();
    let mut at = 0;
    for slot in wanted {
        at = first_from(count, &slot_at, at, slot);
        while at < count && slot_at(at) == slot {
            places.push(at as u32);
            at += 1;
        }
    }
    places.into_iter()
}

/// The first place from `at` on whose slot is not below `slot`. By steps that double: places of
/// wanted slots often lie close to each other.
fn first_from(count: usize, slot_at: &impl Fn(usize) -> Slot, at: usize, slot: Slot) -> usize {
    // Where no slot was left out in between, it is found at once.
    if at < count {
        let guess = at.saturating_add(slot.saturating_sub(slot_at(at)) as usize);
        let is_it = guess < count && slot_at(guess) == slot;
        if is_it && (guess == at || slot_at(guess - 1) < slot) {
            return guess;
        }
    }
    let is_below = |at: usize| slot_at(at) < slot;
    let (mut low, mut step) = (at, 1);
    while low + step <= count && is_below(low + step - 1) {
        low += step;
        step *= 2;
    }
    let mut high = (low + step).min(count);
    while low < high {
        let middle = low.midpoint(high);
        if is_below(middle) { low = middle + 1 } else { high = middle }
    }
    low
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
            order in 0..4,
            run in prop::option::of((0usize..200, 1usize..20)),
        ) {
            // As they come, with slots of several rows; of one row each; in order; without gaps.
            if order > 0 {
                let distinct: std::collections::BTreeSet<u32> = slots.iter().copied().collect();
                slots.retain({
                    let mut left = distinct.clone();
                    move |slot| left.remove(slot)
                });
                if order == 3 {
                    let places: Vec<u32> = distinct.into_iter().collect();
                    let place = |slot: u32| places.partition_point(|it| *it < slot) as u32;
                    slots.iter_mut().for_each(|slot| *slot = place(*slot));
                }
            }
            if order == 2 {
                slots.sort_unstable();
            }
            let run = run.and_then(|(at, len)| slots.get(at..(at + len).min(slots.len())));
            let wanted: RoaringBitmap = match run {
                Some(run) => run.iter().copied().collect(),
                None => wanted.into_iter().collect(),
            };
            let order = SlotOrder::of(&slots);
            let all = (0u32..).zip(&slots).filter(|(_, slot)| wanted.contains(**slot));
            let expected: Vec<u32> = all.map(|(row, _)| row).collect();
            prop_assert_eq!(order.rows_of(&slots, &wanted), expected);
            let span = slots.iter().min().copied().zip(slots.iter().max().copied());
            prop_assert_eq!(order.span(&slots), span.map(|(first, last)| first..=last));
        }
    }
}
