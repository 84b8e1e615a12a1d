//! What the values of a range of keys are together.

use std::borrow::Borrow;
use std::ops::Bound;
use std::sync::Arc;

use super::{Children, GROUP, Node, SharedMap, Sums, child_of};

/// What values are put together in.
pub(crate) trait Gather<V>: Default {
    /// What some values are together.
    type Sum;

    /// Adds a value.
    fn add(&mut self, value: &V);

    /// Adds what some others are together.
    fn add_sum(&mut self, sum: &Arc<Self::Sum>);

    /// What all that was added is together.
    fn sum(self) -> Self::Sum;
}

impl<K: Ord + Clone, V: Clone, S: Clone> SharedMap<K, V, S> {
    /// What the values of keys between the bounds are together; of none where the range ends before
    /// it starts. Of groups that lie within it as a whole it is kept, so that the next range over
    /// them reads few values one by one: those of its ends.
    pub(crate) fn gather<G: Gather<V, Sum = S>, Q: Ord + ?Sized>(
        &self,
        from: Bound<&Q>,
        to: Bound<&Q>,
    ) -> G
    where
        K: Borrow<Q>,
    {
        let mut gathered = G::default();
        gather_node(&self.root, from, to, &mut gathered);
        gathered
    }

    /// Values that a range reads one by one at most, with the sums that are kept. Where that of a
    /// group is, those below it are.
    pub(crate) fn gathered_one_by_one(&self) -> usize {
        let Node::Branch(children, sums) = &*self.root else { return self.len() };
        let groups = children.len().div_ceil(GROUP);
        let missing = (0..groups).filter(|group| sums.kept(*group).is_none()).count();
        self.len().min(ENDS + self.len().div_ceil(groups) * missing)
    }

    /// Visits each sum that is kept.
    pub(crate) fn visit_sums(&self, visit: &mut impl FnMut(&S)) {
        visit_sums(&self.root, visit);
    }
}

/// Values that a range reads one by one at its two ends.
const ENDS: usize = 2 * GROUP * super::NODE_MAX;

fn gather_node<K: Borrow<Q>, V, G: Gather<V>, Q: Ord + ?Sized>(
    node: &Node<K, V, G::Sum>,
    from: Bound<&Q>,
    to: Bound<&Q>,
    gathered: &mut G,
) {
    match node {
        Node::Leaf(entries) => {
            let begin = match from {
                Bound::Included(from) => entries.partition_point(|(key, _)| key.borrow() < from),
                Bound::Excluded(from) => entries.partition_point(|(key, _)| key.borrow() <= from),
                Bound::Unbounded => 0,
            };
            let end = match to {
                Bound::Included(to) => entries.partition_point(|(key, _)| key.borrow() <= to),
                Bound::Excluded(to) => entries.partition_point(|(key, _)| key.borrow() < to),
                Bound::Unbounded => entries.len(),
            };
            entries.iter().take(end).skip(begin).for_each(|(_, value)| gathered.add(value));
        }
        Node::Branch(children, sums) => gather_branch(children, sums, (from, to), gathered),
    }
}

/// All that a node has.
fn gather_whole<K: Borrow<Q>, V, G: Gather<V>, Q: Ord + ?Sized>(
    node: &Node<K, V, G::Sum>,
    gathered: &mut G,
) {
    match node {
        Node::Leaf(entries) => entries.iter().for_each(|(_, value)| gathered.add(value)),
        Node::Branch(children, sums) => gathered.add_sum(sums.of_all(|| {
            let mut whole = G::default();
            let all = (Bound::Unbounded, Bound::Unbounded);
            gather_branch::<K, V, G, Q>(children, sums, all, &mut whole);
            whole.sum()
        })),
    }
}

fn gather_branch<K: Borrow<Q>, V, G: Gather<V>, Q: Ord + ?Sized>(
    children: &Children<K, V, G::Sum>,
    sums: &Sums<G::Sum>,
    (from, to): (Bound<&Q>, Bound<&Q>),
    gathered: &mut G,
) {
    // The first and the last child that may have keys of the range: those between have no others.
    let (first, first_whole) = match from {
        Bound::Included(from) | Bound::Excluded(from) => {
            let first = child_of(children, from);
            (first, first + 1)
        }
        Bound::Unbounded => (0, 0),
    };
    let (last, end_whole) = match to {
        Bound::Included(to) | Bound::Excluded(to) => {
            let last = child_of(children, to);
            (last, last)
        }
        Bound::Unbounded => (children.len() - 1, children.len()),
    };
    let mut at = first;
    while at <= last {
        let end = (at + GROUP).min(children.len());
        if at.is_multiple_of(GROUP) && at >= first_whole && end <= end_whole {
            gathered.add_sum(sums.of_group(at / GROUP, || {
                let mut group = G::default();
                for (_, child) in &children[at..end] {
                    gather_whole::<K, V, G, Q>(child, &mut group);
                }
                group.sum()
            }));
            at = end;
        } else if at >= first_whole && at < end_whole {
            gather_whole::<K, V, G, Q>(&children[at].1, gathered);
            at += 1;
        } else {
            let from = if at == first { from } else { Bound::Unbounded };
            let to = if at == last { to } else { Bound::Unbounded };
            gather_node(&children[at].1, from, to, gathered);
            at += 1;
        }
    }
}

fn visit_sums<K, V, S>(node: &Node<K, V, S>, visit: &mut impl FnMut(&S)) {
    let Node::Branch(children, sums) = node else { return };
    sums.all_kept().for_each(|sum| visit(sum));
    children.iter().for_each(|(_, child)| visit_sums(child, visit));
}
