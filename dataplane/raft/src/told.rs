//! When a replica last had all that its leader had: what a read that may be a little old goes by.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// When the newest question was asked whose answer the replica has got to.
#[derive(Debug, Default)]
pub(crate) struct Told(Mutex<Option<Instant>>);

impl Told {
    /// A question that was asked then is answered, and the replica has what the answer names.
    pub(crate) fn note(&self, asked_at: Instant) {
        let mut told = self.0.lock();
        // Answers overtake each other.
        *told = (*told).max(Some(asked_at));
    }

    /// Whether the replica has all that was acknowledged so long ago, or longer.
    pub(crate) fn within(&self, time: Duration) -> bool {
        self.0.lock().is_some_and(|asked_at| asked_at.elapsed() <= time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_counts_from_when_it_was_asked_for() {
        let (told, now) = (Told::default(), Instant::now());
        let ago = |seconds| now.checked_sub(Duration::from_secs(seconds)).unwrap();
        let minute = Duration::from_secs(60);
        assert!(!told.within(minute), "nobody has said anything");
        told.note(ago(30));
        told.note(ago(90));
        assert!(told.within(minute) && !told.within(minute / 3));
    }
}
