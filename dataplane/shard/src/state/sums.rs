//! What the points added up to at some entries, so that replicas that are not at the same entry can
//! be compared.

use std::collections::VecDeque;

use vane_types::LogIndex;

/// Entries from one kept sum to the next: every replica keeps those of the same entries.
const ENTRIES_PER_SUM: u64 = 256;
/// Sums that are kept: a replica that is further behind is compared when it has caught up.
const SUMS_MAX: usize = 64;

/// Sums at the last entries whose index is a multiple of [`ENTRIES_PER_SUM`]. Not stored: a
/// replica that was just opened has those of later entries.
#[derive(Debug, Default)]
pub(crate) struct KeptSums(VecDeque<(LogIndex, u64)>);

impl KeptSums {
    /// Notes the sum that an entry came to.
    pub(crate) fn note(&mut self, index: LogIndex, sum: u64) {
        if !index.0.is_multiple_of(ENTRIES_PER_SUM) {
            return;
        }
        if self.0.len() == SUMS_MAX {
            self.0.pop_front();
        }
        self.0.push_back((index, sum));
    }

    /// Oldest first.
    pub(crate) fn all(&self) -> impl Iterator<Item = (LogIndex, u64)> {
        self.0.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_sums_of_entries_that_all_replicas_agree_on_are_kept() {
        let mut kept = KeptSums::default();
        let last = ENTRIES_PER_SUM * (SUMS_MAX as u64 + 3) + 7;
        (1..=last).for_each(|index| kept.note(LogIndex(index), index * 2));
        let all: Vec<(LogIndex, u64)> = kept.all().collect();
        assert_eq!(all.len(), SUMS_MAX);
        assert_eq!(all[0], (LogIndex(ENTRIES_PER_SUM * 4), ENTRIES_PER_SUM * 8));
        assert!(all.is_sorted());
    }
}
