//! What the values below a branch are together, a group of children each.

use std::sync::{Arc, OnceLock};

use super::NODE_MAX;

/// Children of a group. A range that begins or ends within a group reads up to so many, less one,
/// one by one; what all groups keep takes as much as `NODE_MAX / GROUP` sums of the whole branch.
pub(super) const GROUP: usize = 4;

/// What its children have together, by group and all, once it was asked for.
#[derive(Debug)]
pub(super) struct Sums<S> {
    groups: [OnceLock<Arc<S>>; NODE_MAX / GROUP],
    whole: OnceLock<Arc<S>>,
}

impl<S> Sums<S> {
    /// What a group has, where it is kept.
    pub(super) fn kept(&self, group: usize) -> Option<&Arc<S>> {
        self.groups[group].get()
    }

    /// All that is kept.
    pub(super) fn all_kept(&self) -> impl Iterator<Item = &Arc<S>> {
        self.groups.iter().chain([&self.whole]).filter_map(|sum| sum.get())
    }

    /// What a group has; it is kept from now on.
    pub(super) fn of_group(&self, group: usize, make: impl FnOnce() -> S) -> &Arc<S> {
        self.groups[group].get_or_init(|| Arc::new(make()))
    }

    /// What all have; it is kept from now on.
    pub(super) fn of_all(&self, make: impl FnOnce() -> S) -> &Arc<S> {
        self.whole.get_or_init(|| Arc::new(make()))
    }

    /// A child changes.
    pub(super) fn forget(&mut self, child: usize) {
        self.groups[child / GROUP].take();
        self.whole.take();
    }

    /// Children come or go behind this one, so that all of them move.
    pub(super) fn forget_from(&mut self, child: usize) {
        self.groups[child / GROUP..].iter_mut().for_each(|sum| drop(sum.take()));
        self.whole.take();
    }
}

impl<S> Default for Sums<S> {
    fn default() -> Self {
        Self { groups: std::array::from_fn(|_| OnceLock::new()), whole: OnceLock::new() }
    }
}

impl<S> Clone for Sums<S> {
    fn clone(&self) -> Self {
        Self { groups: self.groups.clone(), whole: self.whole.clone() }
    }
}
