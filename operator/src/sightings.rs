//! What this process remembers from one pass to the next, so that it believes no single look: how
//! far each database was, since when an object's shard is gone, and what an object waits for. Lost
//! at a restart, which costs another look and nothing else.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Time between the two looks that must agree before something is deleted.
pub(crate) const APART: Duration = Duration::from_secs(5);
/// Time to the next look at what has just changed.
const SOON: Duration = Duration::from_secs(1);
/// The longest time between looks at what waits for the same thing again and again.
const PATIENCE_MAX: Duration = Duration::from_secs(30);
/// Entries of a kind from which on old ones are looked for.
const ENTRIES_MAX: usize = 10_000;
/// Age at which they are forgotten.
const KEPT: Duration = Duration::from_secs(3600);

/// Values with the time at which each was last noted.
struct Aging<K, V>(HashMap<K, (V, Instant)>);

impl<K, V> Default for Aging<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash, V> Aging<K, V> {
    fn note(&mut self, key: K, value: V) {
        // Databases and objects come and go, and nobody says that they went.
        if self.0.len() >= ENTRIES_MAX {
            self.0.retain(|_, (_, at)| at.elapsed() < KEPT);
        }
        self.0.insert(key, (value, Instant::now()));
    }
}

/// What was seen in earlier passes.
#[derive(Default)]
pub(crate) struct Sightings {
    /// Entry of its catalog that a database was at, by its UUID.
    indexes: Mutex<Aging<String, u64>>,
    /// When an object was first found without what it stands for, by its UUID.
    missing: Mutex<Aging<String, Instant>>,
    /// What an object waits for, in words, and the last pause before another look; by its UUID.
    waiting: Mutex<Aging<String, (String, Duration)>>,
}

impl Sightings {
    /// The entry that a database is at or beyond, as far as anybody has seen; 0 for one never seen.
    pub(crate) fn index(&self, database: &str) -> u64 {
        self.indexes.lock().0.get(database).map_or(0, |(index, _)| *index)
    }

    /// Notes the entry that a database was at. An older answer takes nothing back.
    pub(crate) fn note_index(&self, database: &str, index: u64) {
        let mut indexes = self.indexes.lock();
        let before = indexes.0.get(database).map_or(0, |(index, _)| *index);
        indexes.note(database.to_owned(), index.max(before));
    }

    /// Notes that what an object stands for is not there; whether it was not there some time ago
    /// either.
    pub(crate) fn is_still_missing(&self, object: &str) -> bool {
        let mut missing = self.missing.lock();
        let since = missing.0.get(object).map_or_else(Instant::now, |(since, _)| *since);
        missing.note(object.to_owned(), since);
        since.elapsed() >= APART
    }

    /// How long to leave an object alone that waits for something: longer each time that it waits
    /// for the same, since an outage may last, and thousands of objects wait in it.
    pub(crate) fn pause(&self, object: &str, waits_for: String) -> Duration {
        let mut waiting = self.waiting.lock();
        let pause = match waiting.0.get(object) {
            Some(((before, pause), _)) if *before == waits_for => (*pause * 2).min(PATIENCE_MAX),
            _ => SOON,
        };
        waiting.note(object.to_owned(), (waits_for, pause));
        pause
    }

    /// Notes that an object waits for nothing.
    pub(crate) fn settled(&self, object: &str) {
        self.waiting.lock().0.remove(object);
    }

    /// Notes that what an object stands for is there.
    pub(crate) fn found(&self, object: &str) {
        self.missing.lock().0.remove(object);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_answer_takes_nothing_back() {
        let seen = Sightings::default();
        assert_eq!(seen.index("a"), 0);
        seen.note_index("a", 7);
        seen.note_index("a", 5);
        seen.note_index("b", 1);
        assert_eq!((seen.index("a"), seen.index("b")), (7, 1));
    }

    #[test]
    fn who_waits_for_the_same_is_looked_at_less_and_less_often() {
        let seen = Sightings::default();
        let pauses = |what: &str, times| {
            let pause = |_| seen.pause("x", what.to_owned()).as_secs();
            (0..times).map(pause).collect::<Vec<u64>>()
        };
        assert_eq!(pauses("pod 2", 7), [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(pauses("pod 1", 2), [1, 2], "something has changed");
        seen.settled("x");
        assert_eq!(pauses("pod 1", 1), [1]);
        assert_eq!(seen.pause("y", "pod 1".into()).as_secs(), 1);
    }

    #[test]
    fn one_look_is_not_enough_and_a_shard_that_was_there_meanwhile_begins_anew() {
        let seen = Sightings::default();
        assert!(!seen.is_still_missing("x"), "the first look");
        assert!(!seen.is_still_missing("x"), "too soon after it");
        let long_ago = Instant::now() - APART;
        seen.missing.lock().note("x".into(), long_ago);
        assert!(seen.is_still_missing("x"));
        seen.found("x");
        assert!(!seen.is_still_missing("x"));
    }
}
