//! Entries of a range one after the other, in either direction, until somebody has enough.

use std::borrow::Borrow;
use std::ops::Bound;

use super::{Node, SharedMap, child_of};

impl<K: Ord + Clone, V: Clone, S: Clone> SharedMap<K, V, S> {
    /// Visits the entries between the bounds, in order or from the last to the first, until `visit`
    /// is false.
    pub(crate) fn walk<'a, Q: Ord + ?Sized>(
        &'a self,
        (from, to): (Bound<&Q>, Bound<&Q>),
        backwards: bool,
        visit: &mut impl FnMut(&'a K, &'a V) -> bool,
    ) where
        K: Borrow<Q>,
    {
        match backwards {
            false => forwards(&self.root, from, to, visit),
            true => self::backwards(&self.root, from, to, visit),
        };
    }
}

/// Whether to go on.
fn forwards<'a, K: Borrow<Q>, V, S, Q: Ord + ?Sized>(
    node: &'a Node<K, V, S>,
    from: Bound<&Q>,
    to: Bound<&Q>,
    visit: &mut impl FnMut(&'a K, &'a V) -> bool,
) -> bool {
    match node {
        Node::Leaf(entries) => {
            let first = entries.partition_point(|(key, _)| is_before(key.borrow(), from));
            let mut within = entries[first..].iter();
            within.all(|(key, value)| !is_behind(key.borrow(), to) && visit(key, value))
        }
        Node::Branch(children, _) => {
            let first = place(children, from).unwrap_or(0);
            children[first..].iter().all(|(_, child)| forwards(child, from, to, visit))
        }
    }
}

/// Whether to go on.
fn backwards<'a, K: Borrow<Q>, V, S, Q: Ord + ?Sized>(
    node: &'a Node<K, V, S>,
    from: Bound<&Q>,
    to: Bound<&Q>,
    visit: &mut impl FnMut(&'a K, &'a V) -> bool,
) -> bool {
    match node {
        Node::Leaf(entries) => {
            let end = entries.partition_point(|(key, _)| !is_behind(key.borrow(), to));
            let mut within = entries[..end].iter().rev();
            within.all(|(key, value)| !is_before(key.borrow(), from) && visit(key, value))
        }
        Node::Branch(children, _) => {
            let last = place(children, to).unwrap_or(children.len() - 1);
            children[..=last].iter().rev().all(|(_, child)| backwards(child, from, to, visit))
        }
    }
}

fn place<K: Borrow<Q>, T, Q: Ord + ?Sized>(children: &[(K, T)], bound: Bound<&Q>) -> Option<usize> {
    match bound {
        Bound::Included(key) | Bound::Excluded(key) => Some(child_of(children, key)),
        Bound::Unbounded => None,
    }
}

fn is_before<Q: Ord + ?Sized>(key: &Q, from: Bound<&Q>) -> bool {
    match from {
        Bound::Included(from) => key < from,
        Bound::Excluded(from) => key <= from,
        Bound::Unbounded => false,
    }
}

fn is_behind<Q: Ord + ?Sized>(key: &Q, to: Bound<&Q>) -> bool {
    match to {
        Bound::Included(to) => key > to,
        Bound::Excluded(to) => key >= to,
        Bound::Unbounded => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_walk_is_the_range_in_its_direction(
            steps in prop::collection::vec((any::<bool>(), 0u32..9000, 1u32..600), 0..40),
            from in 0u32..9000, to in 0u32..9000, most in 0usize..9000,
        ) {
            let mut map = SharedMap::<u32, u32>::default();
            let mut expected = BTreeMap::new();
            for (adds, start, count) in steps {
                for key in start..start + count {
                    if adds {
                        map.insert(key, key);
                        expected.insert(key, key);
                    } else {
                        map.remove(&key);
                        expected.remove(&key);
                    }
                }
            }
            for bounds in [
                (Bound::Unbounded, Bound::Unbounded),
                (Bound::Included(&from), Bound::Excluded(&to)),
                (Bound::Excluded(&from), Bound::Unbounded),
                (Bound::Unbounded, Bound::Included(&to)),
            ] {
                let within = |key: &u32| !is_before(key, bounds.0) && !is_behind(key, bounds.1);
                for backwards in [false, true] {
                    let mut keys: Vec<u32> = expected.keys().copied().filter(within).collect();
                    if backwards {
                        keys.reverse();
                    }
                    keys.truncate(most + 1);
                    let mut found = Vec::new();
                    map.walk(bounds, backwards, &mut |key, _| {
                        found.push(*key);
                        found.len() <= most
                    });
                    prop_assert_eq!(found, keys);
                }
            }
        }
    }
}
