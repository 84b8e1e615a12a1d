//! What a node remembers of groups: who led last, and how far they were. Hints only: a wrong
//! one costs a round trip.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;
use vane_types::command::RequestId;
use vane_types::{GroupId, LogIndex, NodeId};

/// Leaders and indexes as last heard of, and the names of this process's requests.
#[derive(Debug)]
pub struct Router {
    leaders: RwLock<BTreeMap<GroupId, NodeId>>,
    bases: RwLock<BTreeMap<GroupId, LogIndex>>,
    session: u64,
    sequence: AtomicU64,
}

impl Router {
    /// Knows nothing yet. `session` names this process among all that ever sent requests.
    pub fn new(session: u64) -> Self {
        Self {
            leaders: RwLock::default(),
            bases: RwLock::default(),
            session,
            sequence: AtomicU64::new(1),
        }
    }

    /// Node that led a group when it was last heard of.
    pub fn leader(&self, group: GroupId) -> Option<NodeId> {
        self.leaders.read().get(&group).copied()
    }

    /// Remembers who leads a group; `None` forgets.
    pub fn set_leader(&self, group: GroupId, node: Option<NodeId>) {
        // Nearly every answer confirms what is known: that must not queue for the write lock.
        if self.leader(group) == node {
            return;
        }
        match node {
            Some(node) => self.leaders.write().insert(group, node),
            None => self.leaders.write().remove(&group),
        };
    }

    /// An index that the group's leader is known to have applied, if one is.
    pub fn basis(&self, group: GroupId) -> Option<LogIndex> {
        self.bases.read().get(&group).copied()
    }

    /// Remembers an applied index.
    pub fn set_basis(&self, group: GroupId, index: LogIndex) {
        let mut bases = self.bases.write();
        let known = bases.entry(group).or_default();
        // Never back: answers overtake each other, and an older basis leaves less of the window.
        *known = index.max(*known);
    }

    /// Forgets groups that are gone.
    pub fn retain(&self, keep: impl Fn(GroupId) -> bool) {
        self.leaders.write().retain(|group, _| keep(*group));
        self.bases.write().retain(|group, _| keep(*group));
    }

    /// A name for one command, whose copies all carry it. `basis` is an index behind which all
    /// of them will lie.
    pub fn name_request(&self, basis: LogIndex) -> RequestId {
        // Numbers need only differ: nothing goes by their order.
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed);
        RequestId { session: self.session, sequence, basis: basis.0 }
    }
}
