//! A list from a filter that is asked for membership.

use std::borrow::Borrow;

use serde::{Serialize, Serializer};

/// A list in the order the client gave it, with a logarithmic `contains`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueSet<T> {
    given: Vec<T>,
    /// Positions in `given`, ordered by value, one for each distinct value.
    order: Vec<usize>,
}

impl<T: Ord> ValueSet<T> {
    /// Whether the value is in the list.
    pub fn contains<Q: Ord + ?Sized>(&self, value: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.order.binary_search_by(|&i| self.given[i].borrow().cmp(value)).is_ok()
    }

    /// Each distinct value once, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.order.iter().map(|&i| &self.given[i])
    }

    /// The list as given, in its order and with its repetitions.
    pub fn given(&self) -> &[T] {
        &self.given
    }

    /// Whether the list has no values.
    pub fn is_empty(&self) -> bool {
        self.given.is_empty()
    }
}

impl<T: Ord> From<Vec<T>> for ValueSet<T> {
    fn from(given: Vec<T>) -> Self {
        let mut order: Vec<usize> = (0..given.len()).collect();
        // Places are sorted rather than values: the list is logged and returned as it was given.
        order.sort_by(|&a, &b| given[a].cmp(&given[b]));
        order.dedup_by(|a, b| given[*a] == given[*b]);
        Self { given, order }
    }
}

impl<T: Serialize> Serialize for ValueSet<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.given.serialize(serializer)
    }
}
