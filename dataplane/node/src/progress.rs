//! How far a start has come, for those who ask while it goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

use crate::not_ready::NotReady;
use crate::reception::Reception;

/// Replicas of shards that a start has opened, and has to open; and who answers meanwhile.
#[derive(Default)]
pub(crate) struct Progress {
    opened: AtomicU64,
    of: AtomicU64,
    reception: RwLock<Option<Arc<Reception>>>,
}

impl Progress {
    /// So many more are to be opened.
    pub(crate) fn begin(&self, of: usize) {
        self.of.fetch_add(of as u64, Ordering::Relaxed);
    }

    /// One more was opened, or could not be.
    pub(crate) fn step(&self) {
        self.opened.fetch_add(1, Ordering::Relaxed);
    }

    /// Who takes introductions from now on.
    pub(crate) fn receive(&self, reception: Option<Arc<Reception>>) {
        *self.reception.write() = reception;
    }

    /// Who takes introductions while replicas are being opened.
    pub(crate) fn reception(&self) -> Option<Arc<Reception>> {
        self.reception.read().clone()
    }

    /// What a node that is not open answers.
    pub(crate) fn not_ready(&self) -> NotReady {
        let (opened, of) = (self.opened.load(Ordering::Relaxed), self.of.load(Ordering::Relaxed));
        NotReady::Starting { opened, of }
    }
}

#[cfg(test)]
mod tests {
    use super::Progress;
    use crate::not_ready::NotReady;

    #[test]
    fn a_start_says_how_far_it_is() {
        let progress = Progress::default();
        assert_eq!(progress.not_ready(), NotReady::Starting { opened: 0, of: 0 });
        progress.begin(3);
        progress.step();
        assert_eq!(progress.not_ready(), NotReady::Starting { opened: 1, of: 3 });
        progress.begin(1);
        assert_eq!(progress.not_ready(), NotReady::Starting { opened: 1, of: 4 });
    }
}
