//! Which of a collection's vectors is which, whatever they are called.
//!
//! Records, rows and files name a vector by its id. A collection that never got or lost a vector
//! says nothing about ids: they are the places of its vectors in order. From the first change on
//! it keeps them, and none is ever given again: what was written for a vector that was removed is
//! not taken for one that got its name later.

use std::collections::BTreeMap;

use derive_more::Display;
use serde::{Deserialize, Serialize};

use crate::planted::{self, Fault};

/// Names a vector of a collection for as long as the collection is there.
#[derive(
    Debug,
    Display,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
)]
#[serde(transparent)]
pub struct VectorId(pub u16);

impl VectorId {
    /// The form that keys have it in. None is the beginning of another.
    pub fn to_key(self) -> Vec<u8> {
        match u8::try_from(self.0) {
            // One byte, as keys had it when a collection could not have more.
            Ok(byte) if byte < u8::MAX => vec![byte],
            _ => [&[u8::MAX], &self.0.to_be_bytes()[..]].concat(),
        }
    }
}

/// The ids of a collection's vectors, once any was added or removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VectorIds {
    /// Vectors that were added and removed since the collection was made.
    revision: u64,
    /// Vectors that it was made with: theirs are the ids below.
    founded: u16,
    /// The id of the next vector.
    next: u16,
    by_name: BTreeMap<String, VectorId>,
}

/// All ids that a collection can give are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutOfIds;

impl VectorIds {
    /// Of a collection with these vectors, in order, whose set begins to change.
    pub(crate) fn founded<'a>(names: impl Iterator<Item = &'a String>) -> Self {
        let by_name: BTreeMap<String, VectorId> =
            (0..).zip(names).map(|(place, name)| (name.clone(), VectorId(place))).collect();
        // Bounded by NAMED_VECTORS_MAX.
        let founded = by_name.len() as u16;
        // The least is kept for vectors of the beginning: log entries name those by it.
        Self { revision: 0, founded, next: founded.max(1), by_name }
    }

    /// Whether no vector came or went: then ids are places.
    pub fn is_untouched(&self) -> bool {
        self.revision == 0
    }

    /// Vectors that were added and removed so far. Of two configurations of one collection the
    /// one with the higher number has the vectors of later.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) fn get(&self, name: &str) -> Option<VectorId> {
        self.by_name.get(name).copied()
    }

    /// The least id that was never given.
    pub(crate) fn next(&self) -> VectorId {
        VectorId(self.next)
    }

    /// Whether the collection was made with the vector.
    pub(crate) fn is_founding(&self, id: VectorId) -> bool {
        id.0 < self.founded
    }

    pub(crate) fn add(&mut self, name: &str) -> Result<(), OutOfIds> {
        let next = self.next.checked_add(1).ok_or(OutOfIds)?;
        self.by_name.insert(name.to_owned(), VectorId(self.next));
        (self.next, self.revision) = (next, self.revision + 1);
        Ok(())
    }

    pub(crate) fn remove(&mut self, name: &str) {
        if let Some(removed) = self.by_name.remove(name) {
            self.revision += 1;
            if planted::is(Fault::VectorIdAgain) && removed.0 + 1 == self.next {
                self.next = removed.0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_the_beginning_of_another() {
        let keys: Vec<Vec<u8>> = (0..=u16::MAX).map(|id| VectorId(id).to_key()).collect();
        assert!(keys.is_sorted() && keys.windows(2).all(|two| !two[1].starts_with(&two[0])));
        assert_eq!((&keys[3], &keys[254], &keys[255]), (&vec![3], &vec![254], &vec![255, 0, 255]));
    }

    #[test]
    fn ids_run_out_rather_than_come_again() {
        let mut ids = VectorIds::founded([].into_iter());
        let mut given = Vec::new();
        while ids.add("a").is_ok() {
            given.push(ids.get("a").unwrap());
            ids.remove("a");
        }
        assert_eq!((given[0], given.last().copied()), (VectorId(1), Some(VectorId(u16::MAX - 1))));
        assert!(given.is_sorted_by(|a, b| a < b) && ids.get("a").is_none());
    }
}
