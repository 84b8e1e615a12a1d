//! Whether a shard was filled anew while somebody read it: for a while it has nothing at all, and
//! what comes then is another state.

use std::sync::atomic::{AtomicU64, Ordering};

/// How often a snapshot has begun to take the place of everything, and ended to: odd meanwhile.
#[derive(Debug, Default)]
pub(crate) struct Fills(AtomicU64);

/// A shard that is not being filled, as of one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole(u64);

impl Fills {
    /// From here on the shard is being filled, until [`Fills::end`]. Where that never comes,
    /// because a snapshot cannot be read, what there is is nothing that may be answered.
    pub(crate) fn begin(&self) {
        let next = |count: u64| count + 1 + count % 2;
        // Only one fills at a time, so that nobody comes between.
        self.0.store(next(self.0.load(Ordering::SeqCst)), Ordering::SeqCst);
    }

    /// It has everything that the snapshot has.
    pub(crate) fn end(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    /// `None` while it is being filled.
    pub(crate) fn whole(&self) -> Option<Whole> {
        let count = self.0.load(Ordering::SeqCst);
        count.is_multiple_of(2).then_some(Whole(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_filled_meanwhile_is_another() {
        let fills = Fills::default();
        let before = fills.whole();
        assert!(before.is_some() && fills.whole() == before);
        fills.begin();
        assert_eq!(fills.whole(), None);
        // The snapshot could not be read, and another comes.
        fills.begin();
        assert_eq!(fills.whole(), None);
        fills.end();
        assert!(fills.whole().is_some() && fills.whole() != before);
    }
}
