//! The store in memory answers as RocksDB does.

use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::keys::end_of;
use crate::{DataDb, MemoryKv};

const CASES: u32 = 100;

#[derive(Debug, Clone)]
enum Op {
    Put(Family, Vec<u8>, Vec<u8>),
    Delete(Family, Vec<u8>),
    DeleteRange(Family, Vec<u8>, Vec<u8>),
    /// As many keys as make several pages of a scan.
    Fill(Family, u8),
}

#[derive(Debug, Clone)]
enum Step {
    Write(Vec<Op>),
    Sync,
    TakeView,
    DropView(usize),
    Scan(Family, Vec<u8>, Vec<u8>, usize),
}

fn family() -> impl Strategy<Value = Family> {
    prop::sample::select(&Family::ALL[..])
}

/// Few enough that writes meet.
fn key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(vec![0, 1, 7, 200, 255]), 0..3)
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (family(), key(), prop::collection::vec(any::<u8>(), 0..4))
            .prop_map(|(f, k, v)| Op::Put(f, k, v)),
        3 => (family(), key()).prop_map(|(f, k)| Op::Delete(f, k)),
        1 => (family(), key(), key())
            .prop_map(|(f, a, b)| Op::DeleteRange(f, a.clone().min(b.clone()), a.max(b))),
        1 => (family(), any::<u8>()).prop_map(|(f, value)| Op::Fill(f, value)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => prop::collection::vec(op(), 0..6).prop_map(Step::Write),
        1 => Just(Step::Sync),
        1 => Just(Step::TakeView),
        1 => (0..4_usize).prop_map(Step::DropView),
        2 => (family(), key(), key(), 0..200_usize)
            .prop_map(|(f, from, to, n)| Step::Scan(f, from, to, n)),
    ]
}

fn batch(prefix: &[u8], ops: &[Op]) -> KvBatch {
    let mut batch = KvBatch::default();
    let key = |rest: &[u8]| [prefix, rest].concat();
    for op in ops {
        match op {
            Op::Put(family, rest, value) => batch.put(*family, key(rest), value.clone()),
            Op::Delete(family, rest) => batch.delete(*family, key(rest)),
            Op::DeleteRange(family, from, to) => batch.delete_range(*family, key(from), key(to)),
            Op::Fill(family, value) => {
                (0..=u8::MAX).for_each(|last| batch.put(*family, key(&[last]), vec![*value]))
            }
        }
    }
    batch
}

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

fn scan(kv: &dyn KvRead, family: Family, from: &[u8], to: &[u8], limit: usize) -> Pairs {
    let mut found = Vec::new();
    kv.scan(family, from, to, &mut |key, value| {
        found.push((key.to_vec(), value.to_vec()));
        Ok(found.len() < limit)
    })
    .unwrap();
    found
}

/// Everything below `prefix`, which both must hold, by scan, get and multi-get.
fn assert_same(prefix: &[u8], rocks: &dyn KvRead, memory: &dyn KvRead) {
    for family in Family::ALL {
        let all = scan(rocks, family, prefix, &end_of(prefix), usize::MAX);
        assert_eq!(scan(memory, family, prefix, &end_of(prefix), usize::MAX), all);
        let keys: Vec<_> =
            all.into_iter().map(|(key, _)| key).chain([[prefix, &[7, 7, 7]].concat()]).collect();
        let values = rocks.multi_get(family, &keys).unwrap();
        assert_eq!(memory.multi_get(family, &keys).unwrap(), values);
        for (key, value) in keys.iter().zip(values) {
            assert_eq!(rocks.get(family, key).unwrap(), value);
            assert_eq!(memory.get(family, key).unwrap(), value);
        }
    }
}

#[test]
fn memory_answers_as_rocksdb_does() {
    let dir = tempfile::tempdir().unwrap();
    // Opening is slow: each case has a group of its own in one database.
    let (rocks, group) = (DataDb::open(dir.path()).unwrap(), AtomicU64::new(1));
    let mut runner =
        TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&prop::collection::vec(step(), 1..30), |steps| {
        let prefix = group.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let memory = MemoryKv::default();
        let mut views = Vec::new();
        for step in steps {
            match step {
                Step::Write(ops) => {
                    rocks.write(batch(&prefix, &ops)).unwrap();
                    memory.write(batch(&prefix, &ops)).unwrap();
                }
                Step::Sync => {
                    rocks.sync().unwrap();
                    memory.sync().unwrap();
                }
                Step::TakeView => views.push((rocks.view(), memory.view())),
                Step::DropView(at) if at < views.len() => drop(views.remove(at)),
                Step::DropView(_) => {}
                Step::Scan(family, from, to, limit) => {
                    let (from, to) = ([&prefix, &*from].concat(), [&prefix, &*to].concat());
                    let expected = scan(&rocks, family, &from, &to, limit);
                    assert_eq!(scan(&memory, family, &from, &to, limit), expected);
                }
            }
            assert_same(&prefix, &rocks, &memory);
        }
        for (rocks, memory) in &views {
            assert_same(&prefix, &**rocks, &**memory);
        }
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn a_load_takes_the_place_of_a_range_that_was_removed_and_views_do_not_see_it() {
    let dir = tempfile::tempdir().unwrap();
    let (prefix, neighbour) = ([0; 8], [1; 8]);
    let path = dir.path().join("data.db");
    let loading = dir.path().join("data.db-loading");
    {
        let stores: [Box<dyn Kv>; 2] =
            [Box::new(DataDb::open(&path).unwrap()), Box::new(MemoryKv::default())];
        for kv in &stores {
            let fill = [Op::Fill(Family::Row, 1), Op::Fill(Family::Point, 1)];
            kv.write(batch(&prefix, &fill)).unwrap();
            kv.write(batch(&neighbour, &fill)).unwrap();
            let view = kv.view();
            let mut removed = KvBatch::default();
            removed.delete_range(Family::Row, prefix.to_vec(), end_of(&prefix));
            kv.write(removed).unwrap();
            kv.load(&mut |put| {
                for family in [Family::Payload, Family::Row] {
                    for at in 0..1000_u16 {
                        let key = [&prefix[..], &at.to_be_bytes()].concat();
                        put(family, key, vec![2])?;
                    }
                }
                Ok(())
            })
            .unwrap();
            assert_eq!(scan(&*view, Family::Row, &prefix, &end_of(&prefix), 999).len(), 256);
        }
        let [rocks, memory] = &stores;
        assert_same(&prefix, &**rocks, &**memory);
        assert_same(&neighbour, &**rocks, &**memory);
        rocks.sync().unwrap();
        assert_eq!(std::fs::read_dir(&loading).unwrap().count(), 0, "taken over, not copied");
    }
    assert!(!loading.exists(), "an empty folder is left");
    // What the log of the database says of before must not take away what was loaded.
    let again = DataDb::open(&path).unwrap();
    let rows = scan(&again, Family::Row, &prefix, &end_of(&prefix), usize::MAX);
    assert_eq!(rows.len(), 1000);
    assert!(rows.iter().all(|(_, value)| value == &[2]));
    assert_eq!(scan(&again, Family::Row, &neighbour, &end_of(&neighbour), 999).len(), 256);
}

#[test]
fn a_scan_sees_the_moment_it_began_and_may_write() {
    let dir = tempfile::tempdir().unwrap();
    let stores: [Box<dyn Kv>; 2] =
        [Box::new(DataDb::open(dir.path()).unwrap()), Box::new(MemoryKv::default())];
    for kv in stores {
        let prefix = [0; 8];
        kv.write(batch(&prefix, &[Op::Fill(Family::Row, 1)])).unwrap();
        let mut seen = 0;
        kv.scan(Family::Row, &prefix, &end_of(&prefix), &mut |key, value| {
            assert_eq!(value, [1]);
            seen += 1;
            let mut batch = KvBatch::default();
            batch.delete_range(Family::Row, key.to_vec(), end_of(&prefix));
            kv.write(batch)?;
            Ok(true)
        })
        .unwrap();
        assert_eq!(seen, 256);
        assert!(scan(&*kv, Family::Row, &prefix, &end_of(&prefix), 1).is_empty());
    }
}
