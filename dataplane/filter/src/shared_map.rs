//! An ordered map whose copies share what they have in common.
//!
//! A tree with its entries in the leaves. A reader takes a copy in constant time; the next
//! change copies the nodes on its way from the root, and every later one only what is still
//! shared. Without readers nothing is copied.
//!
//! Branches keep what their values are together, a group of children each, once it was asked for: a
//! change forgets it on its way.

mod gather;
mod sums;
mod walk;

use std::borrow::Borrow;
use std::ops::Bound;
use std::sync::Arc;

pub(crate) use gather::Gather;
use sums::{GROUP, Sums};

/// Entries of a leaf, children of a branch.
const NODE_MAX: usize = 64;

#[derive(Debug, Clone)]
pub(crate) struct SharedMap<K, V, S = ()> {
    root: Arc<Node<K, V, S>>,
    len: usize,
}

#[derive(Debug, Clone)]
enum Node<K, V, S> {
    Leaf(Vec<(K, V)>),
    /// Each child with a key that is above all keys of the children before it, and above none
    /// of its own.
    Branch(Children<K, V, S>, Box<Sums<S>>),
}

type Children<K, V, S> = Vec<(K, Arc<Node<K, V, S>>)>;

/// What was cut off a node that was full, with its least key.
type Right<K, V, S> = Option<(K, Arc<Node<K, V, S>>)>;

impl<K, V, S> Default for SharedMap<K, V, S> {
    fn default() -> Self {
        Self { root: Arc::new(Node::Leaf(Vec::new())), len: 0 }
    }
}

impl<K: Ord + Clone, V: Clone, S: Clone> SharedMap<K, V, S> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let mut node = &*self.root;
        loop {
            match node {
                Node::Leaf(entries) => {
                    let at = entries.binary_search_by(|(known, _)| known.borrow().cmp(key));
                    return at.ok().map(|at| &entries[at].1);
                }
                Node::Branch(children, _) => node = &children[child_of(children, key)].1,
            }
        }
    }

    /// A value to be changed; copies what a reader shares on the way there.
    pub(crate) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        // What is not there must copy nothing.
        self.get(key)?;
        let mut node = Arc::make_mut(&mut self.root);
        loop {
            match node {
                Node::Leaf(entries) => {
                    let at = entries.binary_search_by(|(known, _)| known.borrow().cmp(key));
                    return at.ok().map(|at| &mut entries[at].1);
                }
                Node::Branch(children, sums) => {
                    let at = child_of(children, key);
                    sums.forget(at);
                    node = Arc::make_mut(&mut children[at].1);
                }
            }
        }
    }

    /// Sets a value.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        let is_new = self.get(&key).is_none();
        if let Some(right) = insert(&mut self.root, key, value) {
            // The keys of the first child bound nothing: no look-up compares with them.
            let left = std::mem::take(&mut self.root);
            self.root = Arc::new(branch(vec![(right.0.clone(), left), right]));
        }
        self.len += usize::from(is_new);
    }

    /// Removes an entry, if it is there.
    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        if self.get(key).is_none() {
            return;
        }
        if remove(&mut self.root, key) {
            self.root = Arc::default();
        }
        while let Node::Branch(children, _) = &*self.root
            && let [(_, only)] = children.as_slice()
        {
            self.root = Arc::clone(only);
        }
        self.len -= 1;
    }

    /// Visits the entries between the bounds, in order. None are where the range ends before
    /// it starts.
    pub(crate) fn visit<'a, Q: Ord + ?Sized>(
        &'a self,
        from: Bound<&Q>,
        to: Bound<&Q>,
        visit: &mut impl FnMut(&'a K, &'a V),
    ) where
        K: Borrow<Q>,
    {
        visit_node(&self.root, from, to, visit);
    }
}

impl<K, V, S> Default for Node<K, V, S> {
    fn default() -> Self {
        Self::Leaf(Vec::new())
    }
}

fn branch<K, V, S>(children: Children<K, V, S>) -> Node<K, V, S> {
    Node::Branch(children, Box::default())
}

/// Place of the child that holds the key, if one does.
fn child_of<K: Borrow<Q>, Q: Ord + ?Sized, T>(children: &[(K, T)], key: &Q) -> usize {
    children[1..].partition_point(|(least, _)| least.borrow() <= key)
}

fn insert<K: Ord + Clone, V: Clone, S: Clone>(
    node: &mut Arc<Node<K, V, S>>,
    key: K,
    value: V,
) -> Right<K, V, S> {
    match Arc::make_mut(node) {
        Node::Leaf(entries) => match entries.binary_search_by(|(known, _)| known.cmp(&key)) {
            Ok(at) => {
                entries[at].1 = value;
                None
            }
            Err(at) => {
                let right = insert_at(entries, at, (key, value))?;
                Some((right[0].0.clone(), Arc::new(Node::Leaf(right))))
            }
        },
        Node::Branch(children, sums) => {
            let at = child_of(children, &key);
            sums.forget(at);
            let right = insert(&mut children[at].1, key, value)?;
            sums.forget_from(at);
            let right = insert_at(children, at + 1, right)?;
            Some((right[0].0.clone(), Arc::new(branch(right))))
        }
    }
}

/// Inserts; gives what was cut off where there was no room.
fn insert_at<T>(entries: &mut Vec<T>, at: usize, entry: T) -> Option<Vec<T>> {
    if entries.len() < NODE_MAX {
        entries.insert(at, entry);
        return None;
    }
    // Ascending keys, as those of times and numbers are, leave full nodes behind.
    let middle = if at == NODE_MAX { NODE_MAX } else { NODE_MAX / 2 };
    let mut right = entries.split_off(middle);
    if at < middle || (at == middle && middle < NODE_MAX) {
        entries.insert(at, entry);
    } else {
        right.insert(at - middle, entry);
    }
    entries.shrink_to_fit();
    Some(right)
}

/// Removes an entry that is there; says whether the node is empty now.
fn remove<K: Ord + Clone + Borrow<Q>, V: Clone, S: Clone, Q: Ord + ?Sized>(
    node: &mut Arc<Node<K, V, S>>,
    key: &Q,
) -> bool {
    match Arc::make_mut(node) {
        Node::Leaf(entries) => {
            if let Ok(at) = entries.binary_search_by(|(known, _)| known.borrow().cmp(key)) {
                entries.remove(at);
                shrink(entries);
            }
            entries.is_empty()
        }
        Node::Branch(children, sums) => {
            let at = child_of(children, key);
            sums.forget(at);
            if remove(&mut children[at].1, key) {
                sums.forget_from(at);
                children.remove(at);
                shrink(children);
            }
            children.is_empty()
        }
    }
}

/// Gives memory back that a node has not needed for long.
fn shrink<T>(entries: &mut Vec<T>) {
    if entries.len() * 4 <= entries.capacity() {
        entries.shrink_to(entries.len() * 2);
    }
}

fn visit_node<'a, K: Borrow<Q>, V, S, Q: Ord + ?Sized>(
    node: &'a Node<K, V, S>,
    from: Bound<&Q>,
    to: Bound<&Q>,
    visit: &mut impl FnMut(&'a K, &'a V),
) {
    let is_before = |key: &Q| match from {
        Bound::Included(from) => key < from,
        Bound::Excluded(from) => key <= from,
        Bound::Unbounded => false,
    };
    let is_behind = |key: &Q| match to {
        Bound::Included(to) => key > to,
        Bound::Excluded(to) => key >= to,
        Bound::Unbounded => false,
    };
    match node {
        Node::Leaf(entries) => {
            let first = entries.partition_point(|(key, _)| is_before(key.borrow()));
            for (key, value) in &entries[first..] {
                if is_behind(key.borrow()) {
                    break;
                }
                visit(key, value);
            }
        }
        Node::Branch(children, _) => {
            let first = match from {
                Bound::Included(from) | Bound::Excluded(from) => child_of(children, from),
                Bound::Unbounded => 0,
            };
            for (at, (least, child)) in children.iter().enumerate().skip(first) {
                // The first child has no bound that counts.
                if at > first && at > 0 && is_behind(least.borrow()) {
                    break;
                }
                visit_node(child, from, to, visit);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::ops::RangeBounds;

    #[test]
    fn a_range_reads_few_values_once_sums_are_kept() {
        let mut map = Map::default();
        (0..5000).for_each(|key| map.insert(key, key));
        assert_eq!(map.gathered_one_by_one(), 5000);
        map.gather::<Listed, u32>(Bound::Unbounded, Bound::Included(&1));
        assert_eq!(map.gathered_one_by_one(), 5000, "none lies within that as a whole");
        let sums = |map: &Map| {
            let mut values = 0;
            map.visit_sums(&mut |sum| values += sum.len());
            values
        };
        map.gather::<Listed, u32>(Bound::Unbounded, Bound::Unbounded);
        assert!(map.gathered_one_by_one() <= 512);
        assert!(sums(&map) >= 5000);
        let (copy, before) = (map.clone(), sums(&map));
        map.remove(&2500);
        assert!(map.gathered_one_by_one() < 5000 && sums(&map) < before);
        assert_eq!(sums(&copy), before);
    }

    type Map = SharedMap<u32, u32, Vec<u32>>;

    /// Values one after the other.
    #[derive(Default)]
    struct Listed(Vec<u32>);

    impl Gather<u32> for Listed {
        type Sum = Vec<u32>;

        fn add(&mut self, value: &u32) {
            self.0.push(*value);
        }

        fn add_sum(&mut self, sum: &Arc<Vec<u32>>) {
            self.0.extend_from_slice(sum);
        }

        fn sum(self) -> Vec<u32> {
            self.0
        }
    }

    fn all(map: &Map) -> Vec<(u32, u32)> {
        let mut found = Vec::new();
        map.visit(Bound::Unbounded, Bound::Unbounded, &mut |key: &u32, value| {
            found.push((*key, *value));
        });
        found
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_map_is_a_map_and_copies_keep_what_they_had(
            // Often ascending, and enough of them for three levels.
            steps in prop::collection::vec((0u8..5, 0u32..9000, 1u32..600), 0..60),
            from in 0u32..9000,
            to in 0u32..9000,
        ) {
            let (mut map, mut expected) = (Map::default(), BTreeMap::new());
            let mut copies = Vec::new();
            for (what, start, count) in steps {
                // Some sums are kept while the map changes, of some groups or of all.
                if what % 2 == 0 {
                    copies.push((map.clone(), expected.clone()));
                }
                let from = if what < 3 { Bound::Unbounded } else { Bound::Included(&start) };
                map.gather::<Listed, u32>(from, Bound::Unbounded);
                for key in start..start + count {
                    if what < 3 {
                        map.insert(key, what.into());
                        expected.insert(key, u32::from(what));
                    } else if what == 3 {
                        map.remove(&key);
                        expected.remove(&key);
                    } else {
                        let known = map.get_mut(&key).map(|value| *value += 7);
                        let same = expected.get_mut(&key).map(|value| *value += 7);
                        prop_assert_eq!(known, same);
                    }
                }
            }
            copies.push((map, expected));
            for (map, expected) in copies {
                prop_assert_eq!(map.len(), expected.len());
                prop_assert!(all(&map).into_iter().eq(expected.clone()));
                prop_assert_eq!(map.get(&from), expected.get(&from));
                for (low, high) in [
                    (Bound::Included(&from), Bound::Excluded(&to)),
                    (Bound::Excluded(&from), Bound::Included(&to)),
                    (Bound::Unbounded, Bound::Included(&to)),
                ] {
                    let mut found = Vec::new();
                    map.visit(low, high, &mut |key, _| found.push(*key));
                    let within = |key: &&u32| (low, high).contains(*key);
                    prop_assert!(found.iter().eq(expected.keys().filter(within)));
                    let gathered = map.gather::<Listed, u32>(low, high).sum();
                    let expected = expected.iter().filter(|(key, _)| within(key));
                    prop_assert!(gathered.iter().eq(expected.map(|(_, value)| value)));
                }
            }
        }
    }
}
