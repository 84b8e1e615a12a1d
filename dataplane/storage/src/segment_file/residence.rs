//! Whether the mapped files of this process can all stay in memory.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::memory_limit::memory_bytes;

/// Bytes of mapped files that are wanted in memory: the process has one page cache, whoever maps.
pub(super) static WANTED: AtomicU64 = AtomicU64::new(0);
/// Bytes of those that may not be taken away.
static PINNED: AtomicU64 = AtomicU64::new(0);

/// Part of the memory that mapped files may be expected to have for themselves, as a divisor.
const SHARE: u64 = 2;

/// Bytes that are counted for as long as this lives.
pub(super) struct Counted(&'static AtomicU64, u64);

impl Counted {
    pub(super) fn of(among: &'static AtomicU64, bytes: usize) -> Self {
        among.fetch_add(bytes as u64, Ordering::Relaxed);
        Self(among, bytes as u64)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(self.1, Ordering::Relaxed);
    }
}

/// Counts a file among those that are pinned; `None` where too little would be left for all else.
pub(super) fn pin(bytes: usize) -> Option<Counted> {
    let counted = Counted::of(&PINNED, bytes);
    (pinned_bytes() <= memory_bytes() / SHARE).then_some(counted)
}

/// Bytes of mapped files that the system may not take away.
pub fn pinned_bytes() -> u64 {
    PINNED.load(Ordering::Relaxed)
}

/// Whether all that is mapped, and wanted in memory, fits into the memory that it may have. Where
/// it does not, a look at a row may be a wait for the disk at any time.
pub fn fit_into_memory() -> bool {
    WANTED.load(Ordering::Relaxed) <= memory_bytes() / SHARE
}
