//! Bits that flip in what a shard keeps: found, never served afterwards, never copied with a
//! checksum that vouches for them.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use vane_raft::{ApplyError, StateMachine};
use vane_shard::{Alone, Error, JobKind, Scrubbed, Write};
use vane_storage::kv::{Family, KvBatch, Visit};
use vane_storage::{DataDb, Error as StorageError, Kv, KvRead, MemoryKv};
use vane_types::PointId;

use crate::world::{Replica, number_is, search, selection, soon, upsert};

/// A shard with a sealed segment that has a graph, one that has none, and growing rows.
fn filled(kv: impl Into<Arc<dyn Kv>>) -> Replica {
    let replica = Replica::founded(kv);
    assert!(replica.write(upsert(0..90)));
    (0..4).for_each(|_| replica.run_jobs());
    assert!(replica.write(upsert(90..190)));
    let never = AtomicBool::new(false);
    while replica.shard.run_job(JobKind::Seal, &|_| true, &never).unwrap() {}
    assert!(replica.write(upsert(190..200)));
    replica
}

/// Files of this name in all segments.
fn files(dir: &Path, name: &str) -> Vec<PathBuf> {
    let segments = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path().join(name));
    let found: Vec<PathBuf> = segments.filter(|path| path.exists()).collect();
    assert!(!found.is_empty(), "no {name} in {}", dir.display());
    found
}

/// In place: a mapped file shows it, as it would show what its disk gives back.
fn flip(file: &Path, at: u64) {
    let opened = fs::File::options().read(true).write(true).open(file).unwrap();
    let mut byte = [0];
    opened.read_exact_at(&mut byte, at).unwrap();
    opened.write_all_at(&[byte[0] ^ 4], at).unwrap();
}

fn scrub(replica: &Replica) -> Result<Scrubbed, Error> {
    replica.shard.scrub(&mut |_| true)
}

fn is_out_of_use(replica: &Replica) {
    assert!(replica.shard.damaged().is_some());
    let refused = replica.shard.search(&search(5.0, None, 3), soon(), &Alone).unwrap_err();
    assert!(matches!(refused, Error::Damaged { .. }), "{refused}");
    assert!(replica.shard.retrieve(&[PointId::num(1)], &Default::default()).is_err());
    assert!(replica.shard.snapshot(tempfile::tempdir().unwrap().path()).is_err());
    let never = AtomicBool::new(false);
    assert!(!replica.shard.run_job(JobKind::Build, &|_| true, &never).unwrap());
}

#[test]
fn a_scrub_finds_a_flipped_bit_in_rows_and_takes_the_replica_out_of_use() {
    for (name, at) in [("vec.f32", 70), ("vec.f32", 64 + 4 * 20), ("rows.bin", 66)] {
        let mut replica = filled(MemoryKv::default());
        assert_eq!(scrub(&replica).unwrap(), Scrubbed::Whole);
        flip(&files(replica.shard.store().dir(), name)[0], at);
        let found = scrub(&replica).unwrap_err();
        assert!(matches!(found, Error::Storage(ref error) if error.is_damage()), "{found}");
        is_out_of_use(&replica);
        // Its group may need it to be replaced: entries are applied as before.
        assert!(replica.write(upsert(500..510)));
        // Rows that are of other points than their records say cannot be taken up at all.
        match replica.try_reopen() {
            Ok(_) => replica.reopen(),
            Err(Error::Storage(error)) if name == "rows.bin" && error.is_damage() => continue,
            Err(error) => panic!("{name}: {error}"),
        }
        is_out_of_use(&replica);
        assert!(replica.write(upsert(510..520)));
    }
}

#[test]
fn no_job_and_no_snapshot_copies_a_flipped_bit() {
    let never = AtomicBool::new(false);
    for name in ["vec.f32", "rows.bin"] {
        // All of them: whichever segment the job takes is damaged.
        let replica = filled(MemoryKv::default());
        let segments = files(replica.shard.store().dir(), name);
        segments.iter().for_each(|file| flip(file, 65));
        let error = loop {
            while replica.shard.run_job(JobKind::Seal, &|_| true, &never).unwrap() {}
            match replica.shard.run_job(JobKind::Build, &|_| true, &never) {
                Ok(did) => assert!(did, "a job is due"),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, Error::Storage(_)), "{error}");
        assert!(segments.iter().all(|file| file.exists()), "{name} was replaced");
        is_out_of_use(&replica);

        let replica = filled(MemoryKv::default());
        flip(&files(replica.shard.store().dir(), name)[0], 65);
        assert!(replica.shard.snapshot(tempfile::tempdir().unwrap().path()).is_err());
        is_out_of_use(&replica);
    }
}

#[test]
fn a_damaged_graph_is_built_again() {
    let replica = filled(MemoryKv::default());
    let before = (replica.contents(), replica.shard.info().indexed_vectors);
    for by_snapshot in [false, true] {
        flip(&files(replica.shard.store().dir(), "graph.hnsw")[0], 40);
        if by_snapshot {
            assert!(replica.shard.snapshot(tempfile::tempdir().unwrap().path()).is_err());
        } else {
            assert_eq!(scrub(&replica).unwrap(), Scrubbed::Whole);
        }
        assert_eq!(replica.shard.damaged(), None);
        assert!(replica.shard.info().indexed_vectors < before.1);
        assert_eq!(replica.shard.search(&search(5.0, None, 3), soon(), &Alone).unwrap().len(), 3);
        (0..4).for_each(|_| replica.run_jobs());
        assert!(replica.shard.info().indexed_vectors >= before.1);
        assert_eq!(replica.contents(), before.0);
        assert_eq!(scrub(&replica).unwrap(), Scrubbed::Whole);
        replica.shard.snapshot(tempfile::tempdir().unwrap().path()).unwrap();
    }
}

#[test]
fn a_merged_graph_takes_no_links_over_from_a_damaged_one() {
    let replica = filled(MemoryKv::default());
    let before = replica.contents();
    // A link of the first row, which leads far outside then.
    flip(&files(replica.shard.store().dir(), "graph.hnsw")[0], 259);
    let indexed = replica.shard.info().indexed_vectors;
    (0..4).for_each(|_| replica.run_jobs());
    assert!(replica.shard.info().indexed_vectors > indexed, "rows were merged into it");
    assert_eq!(replica.contents(), before);
    assert_eq!(scrub(&replica).unwrap(), Scrubbed::Whole);
    assert_eq!(replica.shard.info().indexed_vectors, 200, "no graph was found damaged");
}

/// Flips a bit in the value of one key of a family, below the checksums of the store.
fn change(kv: &MemoryKv, family: Family, at: usize) {
    let mut found = Vec::new();
    kv.scan(family, &[], &[u8::MAX; 12], &mut |key, value| {
        found.push((key.to_vec(), value.to_vec()));
        Ok(true)
    })
    .unwrap();
    let (key, mut value) = found.swap_remove(found.len() / 2);
    value[at] ^= 4;
    let mut batch = KvBatch::default();
    batch.put(family, key, value);
    kv.write(batch).unwrap();
}

#[test]
fn a_scrub_finds_points_that_are_not_what_was_written() {
    // The slot of an id, the id and the end of a record.
    for (family, at) in [(Family::Point, 3), (Family::Payload, 10), (Family::Payload, 30)] {
        let kv = MemoryKv::default();
        let replica = filled(kv.clone());
        assert_eq!(scrub(&replica).unwrap(), Scrubbed::Whole);
        change(&kv, family, at);
        let found = scrub(&replica).unwrap_err();
        assert!(matches!(found, Error::Storage(ref error) if error.is_damage()), "{found}");
        is_out_of_use(&replica);
    }
}

#[test]
fn an_entry_that_meets_damage_stops_its_replica_and_not_the_node() {
    let kv = MemoryKv::default();
    let replica = filled(kv.clone());
    // A record whose first byte is of no field.
    change(&kv, Family::Payload, 0);
    let delete = replica.commands(Write::Delete(selection(&(0..200).collect::<Vec<_>>())));
    let before = replica.shard.applied();
    let entry = vane_raft::Entry {
        index: before.next(),
        term: vane_types::Term(1),
        data: delete[0].encode_stored(),
        conf: None,
    };
    let stopped = replica.shard.apply(&entry).unwrap_err();
    assert!(matches!(stopped, ApplyError::Unreadable(_)), "{stopped}");
    assert_eq!(replica.shard.applied(), before);
    is_out_of_use(&replica);
}

/// Names of RocksDB's tables in a directory.
fn tables(dir: &Path) -> Vec<PathBuf> {
    let names = fs::read_dir(dir).unwrap().map(|entry| PathBuf::from(entry.unwrap().file_name()));
    let mut tables: Vec<PathBuf> =
        names.filter(|name| name.extension().is_some_and(|it| it == "sst")).collect();
    tables.sort();
    tables
}

#[test]
fn a_flipped_bit_in_data_db_is_an_error_and_never_an_answer() {
    let dir = tempfile::tempdir().unwrap();
    let db = DataDb::open(dir.path()).unwrap();
    let mut replica = filled(db.clone());
    let before = replica.contents();
    db.flush().unwrap();
    let files = tables(dir.path());
    assert!(files.len() >= 3, "{files:?}");
    replica.close();
    drop(db);
    let (mut found, mut harmless) = (0, 0);
    for file in files {
        let length = fs::metadata(dir.path().join(&file)).unwrap().len();
        for at in (0..8).map(|part| length * part / 8) {
            // What a process that starts on it makes of it.
            let copy = copied(dir.path());
            flip(&copy.path().join(&file), at);
            let opened = DataDb::open(copy.path()).map(|db| replica.try_open_on(db));
            match opened {
                Err(_) | Ok(Err(_)) => found += 1,
                Ok(Ok(())) => match scrub(&replica) {
                    Err(error) => {
                        assert!(matches!(error, Error::Storage(_)), "{error}");
                        assert!(replica.shard.damaged().is_some());
                        found += 1;
                    }
                    // In what no reader of points needs, such as properties of the table.
                    Ok(_) => {
                        assert_eq!(replica.contents(), before, "{file:?} at {at}");
                        harmless += 1;
                    }
                },
            }
            replica.close();
        }
    }
    assert!(found > harmless, "{found} found, {harmless} harmless");
}

/// A copy of a database that nobody has open.
fn copied(dir: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    copy
}

#[test]
fn a_flipped_bit_in_a_staged_snapshot_is_not_installed() {
    let from = filled(MemoryKv::default());
    let staged = tempfile::tempdir().unwrap();
    from.shard.snapshot(staged.path()).unwrap();
    let segments = staged.path().join("segments");
    let names = ["vec.f32", "rows.bin"];
    let mut all: Vec<PathBuf> = names.iter().flat_map(|name| files(&segments, name)).collect();
    all.push(staged.path().join("keys"));
    let to = Replica::joining();
    for file in all {
        // A copy: what is linked is the sender's too.
        let whole = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        fs::write(&file, &whole).unwrap();
        flip(&file, 80);
        let refused = to.shard.install(staged.path()).unwrap_err();
        assert!(matches!(refused, ApplyError::Unreadable(_)), "{}: {refused}", file.display());
        assert!(to.shard.damaged().is_some() && to.shard.count(None, soon()).is_err());
        fs::write(&file, &whole).unwrap();
    }
    // A snapshot that is whole heals it.
    to.shard.install(staged.path()).unwrap();
    assert_eq!(to.shard.damaged(), None);
    assert_eq!(to.contents(), from.contents());
}

#[test]
fn segments_outlive_a_database_that_was_lost() {
    let replica = filled(MemoryKv::default());
    let before = files(replica.shard.store().dir(), "vec.f32");
    // Its log will refuse what opens: nothing may be gone by then.
    let opened = replica.try_reopen_on(MemoryKv::default()).unwrap();
    assert_eq!(opened.applied(), vane_types::LogIndex::ZERO);
    assert_eq!(files(replica.shard.store().dir(), "vec.f32"), before);
}

/// A store that cannot look points up by their ids while it is told to fail.
struct Failing<K> {
    kv: K,
    fails: Arc<AtomicBool>,
}

impl<K> Failing<K> {
    fn check(&self, family: Family) -> Result<(), StorageError> {
        if family == Family::Point && self.fails.load(Ordering::Relaxed) {
            let (what, detail) = ("a block".into(), "its checksum does not fit".into());
            return Err(StorageError::Damaged { what, detail });
        }
        Ok(())
    }
}

impl<R: KvRead + ?Sized> KvRead for Failing<Box<R>> {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.check(family)?;
        self.kv.get(family, key)
    }

    fn multi_get(
        &self,
        family: Family,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        self.check(family)?;
        self.kv.multi_get(family, keys)
    }

    fn scan(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
        visit: &mut Visit<'_>,
    ) -> Result<(), StorageError> {
        self.kv.scan(family, from, to, visit)
    }
}

impl Kv for Failing<Box<MemoryKv>> {
    fn write(&self, batch: KvBatch) -> Result<(), StorageError> {
        self.kv.write(batch)
    }

    fn view(&self) -> Box<dyn KvRead + '_> {
        Box::new(Failing { kv: self.kv.view(), fails: Arc::clone(&self.fails) })
    }

    fn sync(&self) -> Result<(), StorageError> {
        self.kv.sync()
    }
}

#[test]
fn an_id_that_cannot_be_looked_up_is_an_error_and_not_an_absent_point() {
    let fails = Arc::new(AtomicBool::new(false));
    let kv: Arc<dyn Kv> =
        Arc::new(Failing { kv: Box::<MemoryKv>::default(), fails: fails.clone() });
    let replica = Replica::founded(kv);
    assert!(replica.write(upsert(0..20)));
    let filter = vane_filter::Filter::parse(serde_json::json!({"must": [{"has_id": [3, 4]}]}));
    let filter = filter.unwrap();
    assert_eq!(replica.shard.count(Some(&filter), soon()).unwrap(), 2);
    fails.store(true, Ordering::Relaxed);
    assert!(replica.shard.count(Some(&filter), soon()).is_err());
    assert!(replica.shard.matching_ids(&filter, soon()).is_err(), "a delete by it");
    assert!(replica.shard.search(&search(3.0, Some(filter), 3), soon(), &Alone).is_err());
    // What needs no look-up goes on.
    assert_eq!(replica.shard.count(Some(&number_is(3)), soon()).unwrap(), 5);
}
