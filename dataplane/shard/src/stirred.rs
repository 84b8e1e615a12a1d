//! In which shards something happened: a node has many in which nothing does, and those who do
//! something about it should not have to ask each of them.

use std::collections::BTreeSet;

use parking_lot::Mutex;
use vane_types::GroupId;

use crate::segments::jobs::Kind;
use crate::shard::Shard;

/// The shards of a node in which something changed since they were looked at.
#[derive(Debug, Default)]
pub struct Stirred {
    /// By kind of background job, those in which there may be one.
    jobs: Mutex<[BTreeSet<GroupId>; Kind::ALL.len()]>,
    applied: Mutex<BTreeSet<GroupId>>,
    doubtful: Mutex<BTreeSet<GroupId>>,
}

impl Stirred {
    /// A shard is to be looked at for jobs of all kinds.
    pub fn insert(&self, group: GroupId) {
        for groups in &mut *self.jobs.lock() {
            groups.insert(group);
        }
    }

    /// Those to look at for jobs of a kind. Each comes again when something changes in it, or while
    /// it has a job that is not due yet.
    pub fn take(&self, kind: Kind) -> BTreeSet<GroupId> {
        std::mem::take(&mut self.jobs.lock()[kind as usize])
    }

    /// Those whose applied index changed since this was called last.
    pub fn take_applied(&self) -> BTreeSet<GroupId> {
        std::mem::take(&mut *self.applied.lock())
    }

    /// A shard is out of use, or may be.
    pub fn doubt(&self, group: GroupId) {
        self.doubtful.lock().insert(group);
    }

    /// A shard is gone: what was said of it is not said of the next one of its group.
    pub fn forget(&self, group: GroupId) {
        self.doubtful.lock().remove(&group);
    }

    /// All that are out of use are among these; others may be, too.
    pub fn doubtful(&self) -> BTreeSet<GroupId> {
        self.doubtful.lock().clone()
    }
}

impl Shard {
    /// Something changed: there may be jobs of any kind.
    pub(crate) fn stir(&self) {
        self.settings.stirred.insert(self.store.group());
    }

    /// It is to be looked at again for jobs of a kind.
    pub(crate) fn stir_for(&self, kind: Kind) {
        self.settings.stirred.jobs.lock()[kind as usize].insert(self.store.group());
    }

    /// Its applied index changed.
    pub(crate) fn stir_applied(&self) {
        self.settings.stirred.applied.lock().insert(self.store.group());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use vane_raft::{Conf, Entry, INITIAL_INDEX, StateMachine};
    use vane_storage::{MemoryKv, ShardStore};
    use vane_types::{CollectionConfig, NodeId, PeerId, Term};

    use super::*;
    use crate::{BuildCores, ShardSettings, SpareTime};

    const GROUP: GroupId = GroupId(7);

    fn open(kv: &MemoryKv) -> (Shard, Arc<Stirred>) {
        let stirred = Arc::<Stirred>::default();
        let settings = ShardSettings {
            growing_rows_max: 100,
            growing_bytes_max: 1 << 20,
            idle_after: Duration::ZERO,
            fill_points: 1,
            build_cores: Arc::new(BuildCores::new(1)),
            build_bytes_max: 1 << 20,
            spare_time: Arc::new(SpareTime::default()),
            stirred: Arc::clone(&stirred),
            may_have_few_bits: Arc::default(),
        };
        let store = ShardStore::new(kv.clone(), GROUP, "7".into());
        (Shard::open(store, settings).unwrap(), stirred)
    }

    fn made() -> MemoryKv {
        let kv = MemoryKv::default();
        let store = ShardStore::new(kv.clone(), GROUP, "7".into());
        let conf = Conf::of_voters(vec![PeerId::new(NodeId(1), 1)]);
        Shard::create(&store, &CollectionConfig::default(), INITIAL_INDEX, &conf).unwrap();
        kv
    }

    fn entry(data: &[u8]) -> Entry {
        let (index, data) = (INITIAL_INDEX.next(), data.to_vec());
        Entry { index, term: Term(1), data, conf: None }
    }

    #[test]
    fn a_shard_says_once_that_it_applied_something() {
        let (shard, stirred) = open(&made());
        assert!(stirred.take_applied().is_empty());
        // What a new leader logs.
        shard.apply(&entry(b"")).unwrap().unwrap();
        assert_eq!(stirred.take_applied(), [GROUP].into());
        assert!(stirred.take_applied().is_empty());
    }

    #[test]
    fn a_shard_that_is_damaged_says_so_and_again_after_a_restart() {
        let kv = made();
        let (shard, stirred) = open(&kv);
        assert!(stirred.doubtful().is_empty());
        shard.mark_damaged("it is odd");
        assert_eq!(stirred.doubtful(), [GROUP].into());
        let (_shard, stirred) = open(&kv);
        assert_eq!(stirred.doubtful(), [GROUP].into());
        stirred.forget(GROUP);
        assert!(stirred.doubtful().is_empty());
    }

    #[test]
    fn a_shard_that_stands_still_says_so() {
        let (shard, stirred) = open(&made());
        shard.apply(&entry(b"what no version writes")).unwrap_err();
        assert_eq!(stirred.doubtful(), [GROUP].into());
        assert!(stirred.take_applied().is_empty());
    }
}
