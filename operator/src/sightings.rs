//! What this process remembers from one pass to the next, so that it believes no single look: how
//! far each database was, since when an object's shard is gone, what an object waits for, and what
//! was written. Lost at a restart, which costs another look and nothing else.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::aging::Aging;
use crate::database::Database;

/// Time between the two looks that must agree before something is deleted.
pub(crate) const APART: Duration = Duration::from_secs(5);
/// Time to the next look at what has just changed.
const SOON: Duration = Duration::from_secs(1);
/// The longest time between looks at what waits for the same thing again and again.
const PATIENCE_MAX: Duration = Duration::from_secs(30);
/// Age at which a look at what Kubernetes itself has is due, and not at copies of it: a watch may
/// be deaf for reasons that nobody has seen yet.
const RESYNC: Duration = Duration::from_secs(30 * 60);
/// What was seen in earlier passes.
#[derive(Default)]
pub(crate) struct Sightings {
    /// Entry of its catalog that a database was at, by its UUID.
    indexes: Mutex<Aging<String, u64>>,
    /// When an object was first found without what it stands for, by its UUID.
    missing: Mutex<Aging<String, Instant>>,
    /// When a node was first seen to only follow, by the UUID of its cluster's object and its
    /// number.
    following: Mutex<Aging<(String, u64), Instant>>,
    /// What an object waits for, in words, and the last pause before another look; by its UUID.
    waiting: Mutex<Aging<String, (String, Duration)>>,
    /// Objects that were looked at in Kubernetes itself, by their UUID.
    looked_at: Mutex<Aging<String, ()>>,
    /// What was applied to an object, as a hash, and the version that it had after it; by its UUID.
    applied: Mutex<Aging<String, (u64, String)>>,
}

impl Sightings {
    /// The entry that a database is at or beyond, as far as anybody has seen; 0 for one never seen.
    pub(crate) fn index(&self, database: &str) -> u64 {
        self.indexes.lock().get(database).copied().unwrap_or(0)
    }

    /// Notes the entry that a database was at. An older answer takes nothing back.
    pub(crate) fn note_index(&self, database: &str, index: u64) {
        let mut indexes = self.indexes.lock();
        let before = indexes.get(database).copied().unwrap_or(0);
        indexes.note(database.to_owned(), index.max(before));
    }

    /// Notes that what an object stands for is not there; whether it was not there some time ago
    /// either.
    pub(crate) fn is_still_missing(&self, object: &str) -> bool {
        let mut missing = self.missing.lock();
        let since = missing.get(object).copied().unwrap_or_else(Instant::now);
        missing.note(object.to_owned(), since);
        since.elapsed() >= APART
    }

    /// For how long the nodes of a cluster that only follow have been seen to, by their numbers.
    pub(crate) fn following(
        &self,
        cluster: &str,
        database: Option<&Database>,
    ) -> BTreeMap<u64, Duration> {
        let mut following = self.following.lock();
        let mut for_long = BTreeMap::new();
        for node in database.iter().flat_map(|database| &database.nodes) {
            let key = (cluster.to_owned(), node.id);
            if !node.follows_only {
                following.forget(&key);
                continue;
            }
            let since = following.get(&key).copied().unwrap_or_else(Instant::now);
            following.note(key, since);
            for_long.insert(node.id, since.elapsed());
        }
        for_long
    }

    /// How long to leave an object alone that waits for something: longer each time that it waits
    /// for the same, since an outage may last, and thousands of objects wait in it.
    pub(crate) fn pause(&self, object: &str, waits_for: String) -> Duration {
        let mut waiting = self.waiting.lock();
        let pause = match waiting.get(object) {
            Some((before, pause)) if *before == waits_for => (*pause * 2).min(PATIENCE_MAX),
            _ => SOON,
        };
        waiting.note(object.to_owned(), (waits_for, pause));
        pause
    }

    /// Notes that an object waits for nothing.
    pub(crate) fn settled(&self, object: &str) {
        self.waiting.lock().forget(object);
    }

    /// Whether an object is to be looked at in Kubernetes itself, and not in copies of it.
    pub(crate) fn is_resync_due(&self, object: &str) -> bool {
        self.looked_at.lock().younger(object, RESYNC).is_none()
    }

    /// Notes that an object was looked at in Kubernetes itself.
    pub(crate) fn resynced(&self, object: &str) {
        self.looked_at.lock().note(object.to_owned(), ());
    }

    /// Whether an object has this version since just that was applied to it: applying it again
    /// would change nothing.
    pub(crate) fn is_applied(&self, object: &str, hash: u64, version: &str) -> bool {
        let applied = self.applied.lock();
        applied.get(object).is_some_and(|(before, after)| *before == hash && after == version)
    }

    /// Notes what was applied to an object, and the version that it has now.
    pub(crate) fn applied(&self, object: String, hash: u64, version: String) {
        self.applied.lock().note(object, (hash, version));
    }

    /// Notes that what an object stands for is there.
    pub(crate) fn found(&self, object: &str) {
        self.missing.lock().forget(object);
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
    fn what_was_applied_counts_until_either_side_changes() {
        let seen = Sightings::default();
        assert!(!seen.is_applied("x", 1, "7"));
        seen.applied("x".into(), 1, "7".into());
        assert!(seen.is_applied("x", 1, "7"));
        assert!(!seen.is_applied("x", 2, "7"), "something else is wanted");
        assert!(!seen.is_applied("x", 1, "8"), "somebody changed it");
    }

    #[test]
    fn an_object_is_looked_at_in_kubernetes_first_and_then_in_copies() {
        let seen = Sightings::default();
        assert!(seen.is_resync_due("x"));
        seen.resynced("x");
        assert!(!seen.is_resync_due("x") && seen.is_resync_due("y"));
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
