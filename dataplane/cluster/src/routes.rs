//! What a gateway remembers of groups: who led last, and how far they were.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;
use uuid::Uuid;
use vane_types::{GroupId, LogIndex};

/// Hints only: a wrong one costs a round trip.
pub(crate) struct Routes {
    leaders: RwLock<HashMap<GroupId, u64>>,
    bases: RwLock<HashMap<GroupId, LogIndex>>,
    session: u64,
    sequence: AtomicU64,
}

impl Default for Routes {
    fn default() -> Self {
        let session = Uuid::new_v4().as_u64_pair().0;
        Self {
            leaders: RwLock::default(),
            bases: RwLock::default(),
            session,
            sequence: AtomicU64::new(1),
        }
    }
}

impl Routes {
    /// Node that led a group when it was last heard of.
    pub(crate) fn leader(&self, group: GroupId) -> Option<u64> {
        self.leaders.read().get(&group).copied()
    }

    /// Remembers who leads a group; `None` forgets.
    pub(crate) fn set_leader(&self, group: GroupId, node: Option<u64>) {
        if self.leader(group) == node {
            return;
        }
        match node {
            Some(node) => self.leaders.write().insert(group, node),
            None => self.leaders.write().remove(&group),
        };
    }

    /// An index that the group's leader is known to have applied; 0 when none is.
    pub(crate) fn basis(&self, group: GroupId) -> LogIndex {
        self.bases.read().get(&group).copied().unwrap_or(0)
    }

    /// Remembers an applied index.
    pub(crate) fn set_basis(&self, group: GroupId, index: LogIndex) {
        let mut bases = self.bases.write();
        let known = bases.entry(group).or_default();
        *known = index.max(*known);
    }

    /// Forgets groups that are gone.
    pub(crate) fn retain(&self, keep: impl Fn(GroupId) -> bool) {
        self.leaders.write().retain(|group, _| keep(*group));
        self.bases.write().retain(|group, _| keep(*group));
    }

    /// This process as a sender of requests.
    pub(crate) fn session(&self) -> u64 {
        self.session
    }

    /// A number for the next request.
    pub(crate) fn next_sequence(&self) -> u64 {
        self.sequence.fetch_add(1, Ordering::Relaxed)
    }
}
