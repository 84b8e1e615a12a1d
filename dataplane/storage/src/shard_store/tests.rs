use std::fs;

use vane_types::{LogIndex, PointId, VectorId};

use super::*;
use crate::records::{SegmentManifest, VectorRecord};
use crate::{DataDb, MemoryKv};

const GROUP: GroupId = GroupId(7);
const VECTOR: VectorId = VectorId(0);
/// Behind `GROUP`: what happens to one group must leave the other alone.
const NEIGHBOUR: GroupId = GroupId(8);

/// Runs a check over both kinds of stores, each with a directory for files.
fn over_both(check: impl Fn(Arc<dyn Kv>, &Path)) {
    let (db, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    check(DataDb::open(db.path()).unwrap().into(), files.path());
    let files = tempfile::tempdir().unwrap();
    check(MemoryKv::default().into(), files.path());
}

fn store(kv: &Arc<dyn Kv>, group: GroupId) -> ShardStore {
    ShardStore::new(kv.clone(), group, PathBuf::new())
}

/// Something of every family, and rows that make more than one batch of an import.
fn fill(store: &ShardStore, applied: LogIndex, points: u32) {
    let mut batch = store.batch();
    for slot in 0..points {
        let id = PointId::num(u64::from(slot));
        batch.put_point(id, slot);
        let payload = format!("{{\"n\":{slot}}}").into_bytes();
        let (version, digest) = (applied, u64::from(slot));
        let vectors = vec![VectorRecord { id: VECTOR, version, digest }];
        batch.put_record(slot, &PointRecord { id, version: applied, vectors, payload });
        batch.put_index(3, &slot.to_be_bytes(), slot);
        batch.put_row(VECTOR, 1, slot, slot, applied, &[slot as f32; 1024]);
    }
    batch.put_segment(VECTOR, &SegmentManifest { segment: 0, rows: points, ..Default::default() });
    batch.put_attribute(b"zone", b"a");
    batch.put_applied(applied);
    batch.write().unwrap();
}

/// All keys of a group.
fn contents(store: &ShardStore) -> Vec<(Family, Vec<u8>, Vec<u8>)> {
    let mut found = Vec::new();
    for family in Family::ALL {
        store
            .scan_prefix(family, &store.group.0.to_be_bytes(), &mut |key, value| {
                found.push((family, key.to_vec(), value.to_vec()));
                Ok(true)
            })
            .unwrap();
    }
    found
}

#[test]
fn an_imported_group_is_the_exported_one_as_of_its_snapshot() {
    over_both(|kv, dir| {
        let from = store(&kv, GROUP);
        fill(&from, LogIndex(10), 1500);
        let (expected, view) = (contents(&from), from.read_view());
        fill(&from, LogIndex(11), 1600);
        view.export(dir).unwrap();
        assert_eq!(view.applied().unwrap(), LogIndex(10));
        assert_eq!(view.manifests(VECTOR).unwrap()[0].rows, 1500);

        let elsewhere: Arc<dyn Kv> = MemoryKv::default().into();
        let (to, neighbour) = (store(&elsewhere, GROUP), store(&elsewhere, NEIGHBOUR));
        // A replica that fell behind: what is not in the file has to go.
        fill(&to, LogIndex(3), 2000);
        fill(&neighbour, LogIndex(5), 2);
        let of_neighbour = contents(&neighbour);
        for _ in 0..2 {
            to.import(dir).unwrap();
            assert!(contents(&to) == expected);
            assert_eq!(to.applied().unwrap(), LogIndex(10));
            assert!(contents(&neighbour) == of_neighbour);
        }
        from.import(dir).unwrap();
        assert!(contents(&from) == expected);
    });
}

#[test]
fn a_damaged_file_is_refused_and_nothing_changed() {
    over_both(|kv, dir| {
        let store = store(&kv, GROUP);
        fill(&store, LogIndex(10), 20);
        store.read_view().export(dir).unwrap();
        fill(&store, LogIndex(11), 21);
        let (path, before) = (dir.join("keys"), contents(&store));
        let good = fs::read(&path).unwrap();
        let refused = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            let refused = matches!(store.import(dir), Err(Error::Damaged { .. }));
            refused && contents(&store) == before
        };
        for at in (0..good.len()).step_by(997).chain([8, 9, 13, good.len() - 1]) {
            let mut bad = good.clone();
            bad[at] ^= 4;
            assert!(refused(&bad), "byte {at}");
        }
        for length in [0, 7, 8, 15, 16, 20, good.len() / 2, good.len() - 1] {
            assert!(refused(&good[..length]), "{length} bytes");
        }
        fs::remove_file(&path).unwrap();
        assert!(matches!(store.import(dir), Err(Error::Io { .. })) && contents(&store) == before);
        fs::write(&path, &good).unwrap();
        store.import(dir).unwrap();
        assert_eq!(store.applied().unwrap(), LogIndex(10));
    });
}

#[test]
fn a_vector_that_goes_takes_nothing_of_others_along() {
    over_both(|kv, _| {
        let store = store(&kv, GROUP);
        // One, and three bytes of a key.
        let ids = [0, 1, 254, 255, 256, 511].map(VectorId);
        let of = |id: VectorId| {
            let mut rows = 0;
            let counted = store.rows(id, |_, _, _| {
                rows += 1;
                Ok(())
            });
            counted.unwrap();
            (rows, store.manifests(id).unwrap().len())
        };
        let mut batch = store.batch();
        for id in ids {
            batch.put_segment(id, &SegmentManifest { segment: 9, ..Default::default() });
            batch.put_row(id, 1, 0, 7, LogIndex(10), &[1.0]);
        }
        batch.write().unwrap();
        let mut left = ids.to_vec();
        while let Some(gone) = left.pop() {
            let mut batch = store.batch();
            batch.drop_vector(gone);
            batch.write().unwrap();
            assert_eq!(of(gone), (0, 0));
            assert!(left.iter().all(|id| of(*id) == (1, 1)), "{gone} of {left:?}");
        }
    });
}

#[test]
fn an_empty_group_is_a_group() {
    over_both(|kv, dir| {
        let store = store(&kv, GROUP);
        store.read_view().export(dir).unwrap();
        fill(&store, LogIndex(10), 2);
        store.import(dir).unwrap();
        assert!(contents(&store).is_empty());
    });
}

#[test]
fn a_group_without_keys_is_removed_without_a_write() {
    let memory = MemoryKv::default();
    let [store, neighbour] =
        [GROUP, NEIGHBOUR].map(|group| ShardStore::new(memory.clone(), group, PathBuf::new()));
    fill(&neighbour, LogIndex(10), 2);
    let before = memory.unsynced();
    store.destroy().unwrap();
    assert_eq!(memory.unsynced(), before);
    fill(&store, LogIndex(10), 2);
    let of_neighbour = contents(&neighbour);
    store.destroy().unwrap();
    assert!(contents(&store).is_empty());
    assert!(contents(&neighbour) == of_neighbour);
}

#[test]
fn an_import_cut_short_has_no_applied_index() {
    let (memory, dir) = (MemoryKv::default(), tempfile::tempdir().unwrap());
    let from = ShardStore::new(memory.clone(), GROUP, PathBuf::new());
    fill(&from, LogIndex(10), 3000);
    from.read_view().export(dir.path()).unwrap();
    memory.sync().unwrap();
    // No sync of the last: what it has written can be cut anywhere.
    let recorder = Unsynced(memory.clone());
    let to = ShardStore::new(Arc::new(recorder) as Arc<dyn Kv>, GROUP, PathBuf::new());
    to.import(dir.path()).unwrap();
    let batches = memory.unsynced();
    assert!(batches > 3, "{batches} batches cannot be cut");
    for keep in 1..batches {
        let left = ShardStore::new(memory.crash(keep), GROUP, PathBuf::new());
        assert_eq!(left.applied().unwrap(), LogIndex(0), "after {keep} of {batches}");
        left.import(dir.path()).unwrap();
        assert!(contents(&left) == contents(&to));
    }
}

/// A store whose syncs do nothing.
struct Unsynced(MemoryKv);

impl crate::KvRead for Unsynced {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.0.get(family, key)
    }

    fn multi_get(&self, family: Family, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        self.0.multi_get(family, keys)
    }

    fn scan(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
        visit: &mut crate::kv::Visit<'_>,
    ) -> Result<(), Error> {
        self.0.scan(family, from, to, visit)
    }
}

impl Kv for Unsynced {
    fn write(&self, batch: KvBatch) -> Result<(), Error> {
        self.0.write(batch)
    }

    fn view(&self) -> Box<dyn crate::KvRead + '_> {
        self.0.view()
    }

    fn sync(&self) -> Result<(), Error> {
        Ok(())
    }
}
