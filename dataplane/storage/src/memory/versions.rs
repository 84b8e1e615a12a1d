//! The keys of a store in memory, each with its values over time.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use crate::kv::{Family, KvBatch, KvWrite};

/// A stored value; cheap to clone.
pub(super) type Value = Arc<[u8]>;

/// All keys. A version is the number of batches written up to it.
#[derive(Default)]
pub(super) struct Versions {
    families: [BTreeMap<Vec<u8>, History>; Family::ALL.len()],
    latest: u64,
    synced: u64,
    /// Versions that views look at, with the number of those views.
    pinned: BTreeMap<u64, usize>,
    /// Keys of which there is something to forget, now or later.
    unsettled: BTreeSet<(Family, Vec<u8>)>,
}

/// Values of one key, each with the version it came with, oldest first; `None` is a removal.
#[derive(Default)]
struct History(Vec<(u64, Option<Value>)>);

impl Versions {
    pub(super) fn latest(&self) -> u64 {
        self.latest
    }

    pub(super) fn unsynced(&self) -> usize {
        (self.latest - self.synced) as usize
    }

    pub(super) fn get(&self, version: u64, family: Family, key: &[u8]) -> Option<Vec<u8>> {
        self.families[family as usize].get(key)?.at(version).map(|value| value.to_vec())
    }

    /// Keys and values of a range that is not inverted.
    pub(super) fn range(
        &self,
        version: u64,
        family: Family,
        bounds: (Bound<&[u8]>, Bound<&[u8]>),
    ) -> impl Iterator<Item = (Vec<u8>, Value)> {
        let keys = self.families[family as usize].range::<[u8], _>(bounds);
        keys.filter_map(move |(key, history)| Some((key.clone(), history.at(version)?.clone())))
    }

    pub(super) fn write(&mut self, batch: KvBatch) {
        self.latest += 1;
        for write in batch.into_writes() {
            match write {
                KvWrite::Put(family, key, value) => self.set(family, key, Some(value.into())),
                KvWrite::Delete(family, key) => self.set(family, key, None),
                KvWrite::DeleteRange(family, from, to) if from < to => {
                    let bounds = (Bound::Included(&*from), Bound::Excluded(&*to));
                    // Looked up in this batch's own version: keys that it has set before are
                    // removed too.
                    let keys: Vec<_> =
                        self.range(self.latest, family, bounds).map(|(key, _)| key).collect();
                    keys.into_iter().for_each(|key| self.set(family, key, None));
                }
                KvWrite::DeleteRange(..) => {}
            }
        }
    }

    /// Keeps the latest version until it is unpinned as often as it was pinned.
    pub(super) fn pin(&mut self) -> u64 {
        *self.pinned.entry(self.latest).or_default() += 1;
        self.latest
    }

    pub(super) fn unpin(&mut self, version: u64) {
        let views = self.pinned.get_mut(&version).expect("a view unpins what it pinned");
        *views -= 1;
        if *views == 0 {
            self.pinned.remove(&version);
        }
    }

    pub(super) fn sync(&mut self) {
        self.synced = self.latest;
        // A crash leaves the synced version or a later one and a view asks for its own: nobody asks
        // for anything older.
        let oldest = self.pinned.keys().next().copied().unwrap_or(self.synced);
        let families = &mut self.families;
        self.unsettled.retain(|(family, key)| {
            let keys = &mut families[*family as usize];
            let Some(history) = keys.get_mut(key) else { return false };
            history.forget_before(oldest);
            if history.0.is_empty() {
                keys.remove(key);
                return false;
            }
            !history.is_settled()
        });
    }

    /// A copy as of `keep` batches behind the last sync, all of it synced.
    pub(super) fn crash(&self, keep: usize) -> Self {
        let version = self.synced.saturating_add(keep as u64).min(self.latest);
        let mut left = Self::default();
        for family in Family::ALL {
            let all = (Bound::Unbounded, Bound::Unbounded);
            let keys = self
                .range(version, family, all)
                // Version 0: to the new store it was there from the beginning.
                .map(|(key, value)| (key, History(vec![(0, Some(value))])));
            left.families[family as usize] = keys.collect();
        }
        left
    }

    /// Values and removals of all keys and versions.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.families.iter().flat_map(BTreeMap::values).map(|history| history.0.len()).sum()
    }

    fn set(&mut self, family: Family, key: Vec<u8>, value: Option<Value>) {
        let history = self.families[family as usize].entry(key.clone()).or_default();
        history.set(self.latest, value);
        // Only these have anything to forget: a sync need not go through all keys.
        if !history.is_settled() {
            self.unsettled.insert((family, key));
        }
    }
}

impl History {
    fn at(&self, version: u64) -> Option<&Value> {
        // From the newest: most readers look at the latest version.
        self.0.iter().rev().find(|(written, _)| *written <= version)?.1.as_ref()
    }

    fn set(&mut self, version: u64, value: Option<Value>) {
        match self.0.last_mut() {
            // Within one batch the later write counts.
            Some(last) if last.0 == version => last.1 = value,
            _ => self.0.push((version, value)),
        }
    }

    /// Whether it is one value and nothing else.
    fn is_settled(&self) -> bool {
        matches!(self.0.as_slice(), [(_, Some(_))])
    }

    /// Forgets what nobody sees who looks at `oldest` or later.
    fn forget_before(&mut self, oldest: u64) {
        let seen = self.0.partition_point(|(version, _)| *version <= oldest);
        // The newest of those stays: it is what a reader at `oldest` sees.
        self.0.drain(..seen.saturating_sub(1));
        // A removal that everybody sees says no more than a key that is not there.
        if matches!(self.0.first(), Some((version, None)) if *version <= oldest) {
            self.0.remove(0);
        }
    }
}
