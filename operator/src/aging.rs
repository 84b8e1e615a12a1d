//! A bounded memory by key, in which each value has its age.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// Entries from which on old ones are looked for.
const ENTRIES_MAX: usize = 10_000;
/// Age at which they are forgotten.
const KEPT: Duration = Duration::from_secs(3600);

/// Values with the time at which each was last noted.
pub(crate) struct Aging<K, V>(HashMap<K, (V, Instant)>);

impl<K, V> Default for Aging<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash, V> Aging<K, V> {
    /// Notes a value. Databases and objects come and go, and nobody says that they went: old
    /// entries are forgotten where there are many.
    pub(crate) fn note(&mut self, key: K, value: V) {
        if self.0.len() >= ENTRIES_MAX {
            self.0.retain(|_, (_, at)| at.elapsed() < KEPT);
        }
        self.0.insert(key, (value, Instant::now()));
    }

    /// The value of a key, however old.
    pub(crate) fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.0.get(key).map(|(value, _)| value)
    }

    /// The value of a key, if it was noted less than `age` ago.
    pub(crate) fn younger<Q>(&self, key: &Q, age: Duration) -> Option<&V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.0.get(key).filter(|(_, at)| at.elapsed() < age).map(|(value, _)| value)
    }

    /// Forgets the value of a key.
    pub(crate) fn forget<Q>(&mut self, key: &Q)
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.0.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_counts_until_it_is_as_old_as_is_asked_for() {
        let mut aging = Aging::default();
        aging.note("a", 1);
        assert_eq!((aging.get("a"), aging.get("b")), (Some(&1), None));
        assert_eq!(aging.younger("a", Duration::from_secs(60)), Some(&1));
        assert_eq!(aging.younger("a", Duration::ZERO), None);
        aging.forget("a");
        assert_eq!(aging.get("a"), None);
    }
}
