//! What of a log is in memory, and what is read where it is not.

use parking_lot::Mutex;

use super::*;
use crate::log::Append;

const GROUP: GroupId = GroupId(7);
const BOUNDS: CacheBounds = CacheBounds { applied: 300, unapplied: 1_000 };

/// A store of one group, whose entries begin at 1.
#[derive(Default)]
struct Stored(Mutex<Vec<LogEntry>>);

impl LogStore for Stored {
    fn group(&self, _: GroupId) -> Result<Option<GroupLog>, StoreError> {
        Ok(None)
    }

    fn append(&self, _: &[Append], _: bool) -> Result<(), StoreError> {
        Ok(())
    }

    fn entries(
        &self,
        _: GroupId,
        from: LogIndex,
        to: LogIndex,
        _: u64,
    ) -> Result<Vec<LogEntry>, StoreError> {
        let entries = self.0.lock();
        let between = entries.iter().filter(|it| (from.0..to.0).contains(&it.index));
        Ok(between.cloned().collect())
    }

    fn bytes(&self, _: GroupId, _: LogIndex, _: LogIndex) -> u64 {
        0
    }

    fn truncate(&self, _: GroupId, _: LogIndex, _: Term) -> Result<(), StoreError> {
        Ok(())
    }

    fn remove(&self, _: GroupId) -> Result<(), StoreError> {
        Ok(())
    }
}

fn entries(indexes: std::ops::RangeInclusive<u64>, term: u64) -> Vec<LogEntry> {
    let entry = |index| LogEntry { index, term, data: vec![0; 76], ..LogEntry::default() };
    indexes.map(entry).collect()
}

fn read(storage: &GroupStorage, from: u64, to: u64, bytes_max: u64) -> Vec<(u64, u64)> {
    let context = GetEntriesContext::empty(false);
    let found = storage.entries(from, to, bytes_max, context).unwrap();
    found.iter().map(|entry| (entry.index, entry.term)).collect()
}

fn storage() -> (GroupStorage, Arc<Stored>) {
    let store = Arc::<Stored>::default();
    let log = GroupLog::default();
    (GroupStorage::new(GROUP, store.clone(), log, ConfState::default(), BOUNDS), store)
}

#[test]
fn what_is_written_leaves_memory_also_where_nothing_is_applied() {
    let (mut storage, store) = storage();
    storage.append(&entries(1..=50, 1));
    storage.evict(LogIndex::ZERO);
    assert_eq!(storage.cache.len(), 50, "the store does not have them yet");
    store.0.lock().extend(entries(1..=50, 1));
    storage.set_written(LogIndex::ZERO);
    assert_eq!(storage.cache.len(), 10);
    storage.evict(LogIndex(48));
    assert_eq!(storage.cache.len(), 3);
    let all: Vec<(u64, u64)> = (1..=50).map(|index| (index, 1)).collect();
    assert_eq!(read(&storage, 1, 51, u64::MAX), all, "from both, without a gap");
    assert_eq!(read(&storage, 48, 51, 150), [(48, 1)], "the bound counts");
    assert_eq!(read(&storage, 20, 30, u64::MAX), all[19..29]);
}

#[test]
fn entries_that_another_leader_replaced_are_not_read_from_the_store() {
    let (mut storage, store) = storage();
    store.0.lock().extend(entries(1..=30, 1));
    storage.append(&entries(1..=30, 1));
    storage.set_written(LogIndex(30));
    // Not written yet: the store still has the old ones.
    storage.append(&entries(20..=22, 2));
    storage.evict(LogIndex::ZERO);
    assert_eq!(read(&storage, 18, 23, u64::MAX), [(18, 1), (19, 1), (20, 2), (21, 2), (22, 2)]);
}
