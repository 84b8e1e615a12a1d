//! How many clusters are rolled at a time, over all that this process looks after. In memory: an
//! operator that starts anew gives the turns anew, to as many.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use uuid::Uuid;

/// Time after which a cluster has given its turn back of which nothing is heard: passes come more
/// often.
const KEPT: Duration = Duration::from_secs(300);

/// Turns of clusters to have pods taken away that run well.
#[derive(Debug)]
pub struct Turns {
    /// Clusters that may be rolled at a time.
    at_once: usize,
    /// Time between the first steps of two of them.
    delay: Duration,
    given: Mutex<Given>,
}

#[derive(Debug, Default)]
struct Given {
    /// By the UUID of the cluster's object, when it was last heard of.
    to: HashMap<Uuid, Instant>,
    /// When the last one was given.
    last: Option<Instant>,
}

impl Default for Turns {
    fn default() -> Self {
        Self::new(10, Duration::ZERO)
    }
}

impl Turns {
    /// So many at a time, with so much time between the first steps of two.
    pub fn new(at_once: usize, delay: Duration) -> Self {
        Self { at_once, delay, given: Mutex::default() }
    }

    /// Why a cluster has no turn now and would not get one, in words.
    pub(crate) fn refusal(&self, cluster: Uuid) -> Option<String> {
        self.refusal_at(cluster, Instant::now())
    }

    /// Takes a turn, or goes on with one; whether there was one.
    pub(crate) fn take(&self, cluster: Uuid) -> bool {
        self.take_at(cluster, Instant::now())
    }

    /// Goes on with a turn, where the cluster has one.
    pub(crate) fn keep(&self, cluster: Uuid) {
        if let Some(heard) = self.given.lock().to.get_mut(&cluster) {
            *heard = Instant::now();
        }
    }

    /// Gives a turn back.
    pub(crate) fn give_back(&self, cluster: Uuid) {
        self.given.lock().to.remove(&cluster);
    }

    fn refusal_at(&self, cluster: Uuid, now: Instant) -> Option<String> {
        let given = self.given.lock();
        if given.to.contains_key(&cluster) {
            return None;
        }
        let others = given.to.values().filter(|heard| now.duration_since(**heard) < KEPT).count();
        if others >= self.at_once {
            return Some(format!("{others} other clusters are rolled, which is the most"));
        }
        let since = given.last.map(|last| now.duration_since(last));
        since
            .filter(|since| *since < self.delay)
            .map(|_| format!("clusters begin {} s after each other at least", self.delay.as_secs()))
    }

    fn take_at(&self, cluster: Uuid, now: Instant) -> bool {
        if self.refusal_at(cluster, now).is_some() {
            return false;
        }
        let mut given = self.given.lock();
        given.to.retain(|_, heard| now.duration_since(*heard) < KEPT);
        let is_new = given.to.insert(cluster, now).is_none();
        // By another pass meanwhile.
        if is_new && given.to.len() > self.at_once {
            given.to.remove(&cluster);
            return false;
        }
        if is_new {
            given.last = Some(now);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Uuid = Uuid::from_u128(1);
    const B: Uuid = Uuid::from_u128(2);
    const C: Uuid = Uuid::from_u128(3);

    #[test]
    fn so_many_clusters_have_a_turn_at_a_time() {
        let (turns, now) = (Turns::new(2, Duration::ZERO), Instant::now());
        assert!(turns.take_at(A, now) && turns.take_at(B, now) && turns.take_at(A, now));
        assert!(!turns.take_at(C, now));
        assert!(turns.refusal_at(C, now).is_some_and(|why| why.contains("2 other clusters")));
        assert_eq!(turns.refusal_at(B, now), None, "it has one");
        turns.give_back(A);
        assert!(turns.take_at(C, now));
        assert!(!turns.take_at(A, now));
    }

    #[test]
    fn a_cluster_that_is_not_heard_of_has_given_its_turn_back() {
        let (turns, now) = (Turns::new(1, Duration::ZERO), Instant::now());
        assert!(turns.take_at(A, now));
        assert!(!turns.take_at(B, now + KEPT / 2));
        assert!(turns.take_at(B, now + KEPT));
    }

    #[test]
    fn clusters_begin_one_after_the_other() {
        let (turns, now) = (Turns::new(9, Duration::from_secs(60)), Instant::now());
        assert!(turns.take_at(A, now));
        assert!(!turns.take_at(B, now + Duration::from_secs(59)));
        assert!(turns.take_at(A, now + Duration::from_secs(59)), "it goes on");
        assert!(turns.take_at(B, now + Duration::from_secs(60)));
    }
}
