//! Which shards there may be background jobs for: a node has many in which nothing happens, and
//! those who do jobs should not have to ask each of them.

use std::collections::BTreeSet;

use parking_lot::Mutex;
use vane_types::GroupId;

use crate::segments::jobs::Kind;
use crate::shard::Shard;

/// The shards of a node in which something changed since they were looked at, by kind of job.
#[derive(Debug, Default)]
pub struct Stirred(Mutex<[BTreeSet<GroupId>; Kind::ALL.len()]>);

impl Stirred {
    /// A shard is to be looked at for jobs of all kinds.
    pub fn insert(&self, group: GroupId) {
        for groups in &mut *self.0.lock() {
            groups.insert(group);
        }
    }

    /// Those to look at for jobs of a kind. Each comes again when something changes in it, or while
    /// it has a job that is not due yet.
    pub fn take(&self, kind: Kind) -> BTreeSet<GroupId> {
        std::mem::take(&mut self.0.lock()[kind as usize])
    }
}

impl Shard {
    /// Something changed: there may be jobs of any kind.
    pub(crate) fn stir(&self) {
        self.settings.stirred.insert(self.store.group());
    }

    /// It is to be looked at again for jobs of a kind.
    pub(crate) fn stir_for(&self, kind: Kind) {
        self.settings.stirred.0.lock()[kind as usize].insert(self.store.group());
    }
}
