//! How many bytes a log has, about: counted by runs of entries, so that neither the log has to be
//! read nor each of its entries remembered.

use std::collections::VecDeque;

use vane_types::LogIndex;

/// Bytes of a run of more than one entry. Where the log is cut inside a run, its entries count as
/// equally large.
const RUN_BYTES: u64 = 1 << 20;

/// Entries that follow one another.
#[derive(Debug, Clone, Copy)]
struct Run {
    first: LogIndex,
    last: LogIndex,
    bytes: u64,
}

impl Run {
    fn len(&self) -> u64 {
        self.last.next() - self.first
    }

    /// Bytes of so many of its entries, about.
    fn part(&self, entries: u64) -> u64 {
        (u128::from(self.bytes) * u128::from(entries) / u128::from(self.len())) as u64
    }
}

/// Bytes of a log's entries.
#[derive(Debug, Default)]
pub(crate) struct LogBytes {
    runs: VecDeque<Run>,
    total: u64,
}

impl LogBytes {
    /// Of a log with these entries, first and last, that together take so many bytes.
    pub(crate) fn of(first: LogIndex, last: LogIndex, bytes: u64) -> Self {
        if first > last {
            return Self::default();
        }
        Self { runs: VecDeque::from([Run { first, last, bytes }]), total: bytes }
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Counts the entry behind the last one.
    pub(crate) fn push(&mut self, index: LogIndex, bytes: u64) {
        self.total += bytes;
        match self.runs.back_mut() {
            Some(run) if run.bytes + bytes <= RUN_BYTES && run.last.next() == index => {
                (run.last, run.bytes) = (index, run.bytes + bytes);
            }
            _ => self.runs.push_back(Run { first: index, last: index, bytes }),
        }
    }

    /// Takes off the entries from `index` on: others take their place.
    pub(crate) fn cut_back(&mut self, index: LogIndex) {
        while let Some(run) = self.runs.back().copied().filter(|run| run.last >= index) {
            self.runs.pop_back();
            self.total -= run.bytes;
            if run.first < index {
                let (last, bytes) = (index - 1, run.part(index - run.first));
                self.total += bytes;
                self.runs.push_back(Run { last, bytes, ..run });
            }
        }
    }

    /// Takes off the entries up to `index`.
    pub(crate) fn cut_front(&mut self, index: LogIndex) {
        while let Some(run) = self.runs.front().copied().filter(|run| run.first <= index) {
            self.runs.pop_front();
            self.total -= run.bytes;
            if run.last > index {
                let (first, bytes) = (index.next(), run.part(run.last - index));
                self.total += bytes;
                self.runs.push_front(Run { first, bytes, ..run });
            }
        }
    }

    /// Index behind which there are so many bytes, or a run more; `None` where there are fewer.
    pub(crate) fn tail(&self, bytes: u64) -> Option<LogIndex> {
        let mut found = 0;
        let run = self.runs.iter().rev().find(|run| {
            found += run.bytes;
            found >= bytes
        })?;
        // Of the run only what is missing, or a log of one run would never be shortened.
        let (own, over) = (u128::from(run.bytes), u128::from(found - bytes));
        let kept_less = (over * u128::from(run.len())).checked_div(own).unwrap_or_default();
        Some(run.first + kept_less as u64 - 1)
    }

    /// Bytes of the entries behind `after` and up to `through`, about.
    pub(crate) fn between(&self, after: LogIndex, through: LogIndex) -> u64 {
        // From the end: what is asked for lies there.
        let behind = self.runs.iter().rev().take_while(|run| run.last > after);
        let part = |run: &Run| {
            let (first, last) = (run.first.max(after.next()), run.last.min(through));
            if first > last { 0 } else { run.part(last.next() - first) }
        };
        behind.map(part).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(index: u64) -> LogIndex {
        LogIndex(index)
    }

    #[test]
    fn what_is_cut_at_either_end_no_longer_counts() {
        let mut bytes = LogBytes::of(index(2), index(11), 1000);
        assert_eq!(bytes.total(), 1000);
        for at in 12..=21 {
            bytes.push(index(at), RUN_BYTES);
        }
        bytes.cut_front(index(6));
        assert_eq!(bytes.total(), 500 + 10 * RUN_BYTES);
        bytes.cut_back(index(17));
        assert_eq!(bytes.total(), 500 + 5 * RUN_BYTES);
        assert_eq!(bytes.between(index(9), index(12)), 200 + RUN_BYTES);
        bytes.push(index(17), 7);
        assert_eq!(bytes.between(index(15), index(99)), RUN_BYTES + 7);
        bytes.cut_back(index(1));
        assert_eq!(bytes.total(), 0);
    }

    #[test]
    fn a_log_that_is_truncated_at_its_end_has_no_bytes() {
        let mut bytes = LogBytes::of(index(2), index(1), 99);
        assert_eq!(bytes.total(), 0);
        for at in 2..1000 {
            bytes.push(index(at), at);
        }
        bytes.cut_front(index(5000));
        assert_eq!((bytes.total(), bytes.between(index(0), index(5000))), (0, 0));
    }

    #[test]
    fn the_tail_has_the_bytes_that_are_asked_for() {
        let mut bytes = LogBytes::of(index(1), index(100), 1000);
        assert_eq!(bytes.tail(1000), Some(index(0)));
        assert_eq!(bytes.tail(1001), None);
        assert_eq!(bytes.tail(200), Some(index(80)));
        bytes.push(index(101), 2 * RUN_BYTES);
        bytes.push(index(102), 2 * RUN_BYTES);
        assert_eq!(bytes.tail(2 * RUN_BYTES), Some(index(101)));
        assert_eq!(bytes.tail(4 * RUN_BYTES + 500), Some(index(50)));
        assert_eq!(LogBytes::default().tail(1), None);
    }

    #[test]
    fn many_small_entries_make_one_run() {
        let mut bytes = LogBytes::default();
        (1..=10_000).for_each(|at| bytes.push(index(at), 24));
        assert_eq!(bytes.runs.len(), 1);
    }
}
