//! What waits to be applied: one order for each group, and a turn for every group.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};
use vane_types::GroupId;

use super::apply_loop::Work;

/// Which groups a worker takes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// The meta group alone: what the cluster agrees on never waits behind a shard.
    Meta,
    /// All others.
    Shards,
}

impl Lane {
    fn of(group: GroupId) -> Self {
        if group == GroupId::META { Self::Meta } else { Self::Shards }
    }
}

/// Work of all groups. What is in here is bounded by the core, in bytes.
#[derive(Default)]
pub(super) struct ApplyQueues {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    /// A group is in here while it has work that waits, or a worker.
    groups: HashMap<GroupId, VecDeque<Work>>,
    /// Groups with work and without a worker, in the order of their turns.
    turns: VecDeque<GroupId>,
    closed: bool,
}

/// Puts work in. Dropping it lets the workers end once everything is done.
pub(super) struct ApplyFeed(Arc<ApplyQueues>);

impl ApplyFeed {
    pub(super) fn new(queues: Arc<ApplyQueues>) -> Self {
        Self(queues)
    }

    pub(super) fn put(&self, work: Work) {
        let group = work.group();
        let mut state = self.0.state.lock();
        let State { groups, turns, .. } = &mut *state;
        let queue = groups.entry(group).or_insert_with(|| {
            turns.push_back(group);
            VecDeque::new()
        });
        queue.push_back(work);
        drop(state);
        // All: the one that would be woken may be of the other lane.
        self.0.wake.notify_all();
    }
}

impl Drop for ApplyFeed {
    fn drop(&mut self) {
        self.0.state.lock().closed = true;
        self.0.wake.notify_all();
    }
}

impl ApplyQueues {
    /// Does work of one lane until the feed is gone and nothing is left. Of one group only one
    /// worker has work at a time, in the order in which it was put in.
    pub(super) fn work(&self, lane: Lane, mut each: impl FnMut(Work)) {
        while let Some((group, work)) = self.take(lane) {
            each(work);
            self.done(group);
        }
    }

    fn take(&self, lane: Lane) -> Option<(GroupId, Work)> {
        let mut state = self.state.lock();
        loop {
            let State { groups, turns, closed } = &mut *state;
            if let Some(place) = turns.iter().position(|group| Lane::of(*group) == lane) {
                let group = turns.remove(place)?;
                let work = groups.get_mut(&group)?.pop_front()?;
                return Some((group, work));
            }
            // A group that has a worker may have more for it, which that one takes itself.
            if *closed {
                return None;
            }
            self.wake.wait(&mut state);
        }
    }

    fn done(&self, group: GroupId) {
        let mut state = self.state.lock();
        let State { groups, turns, .. } = &mut *state;
        if groups.get(&group).is_some_and(VecDeque::is_empty) {
            groups.remove(&group);
        } else {
            // Behind the others: a group with much to do takes turns with them. Nobody is woken:
            // the worker that is done takes the next turn itself.
            turns.push_back(group);
        }
    }
}
