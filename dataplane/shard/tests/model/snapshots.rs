//! Snapshots: what one replica exports is what another installs, whatever goes on meanwhile.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use vane_raft::{Conf, Entry, Exported, StateMachine};
use vane_shard::{
    Alone, Command, Error, JobKind, Search, SearchParams, Selection, Want, WantPayload,
    WantVectors, Write,
};
use vane_storage::{DataDb, MemoryKv};
use vane_types::command::RequestId;
use vane_types::{FieldSchema, LogIndex, NodeId, PeerId, PointId, Refusal, Term};

use crate::world::{Replica, members, number_is, payload, search, selection, soon, upsert};

/// Sealed, indexed, frozen and growing rows, dead ones among them, and a payload index.
fn fill(replica: &Replica) {
    assert!(replica.write(Write::CreateIndex {
        field: "n".parse().unwrap(),
        field_type: FieldSchema::Integer
    }));
    for start in (0..300).step_by(30) {
        assert!(replica.write(upsert(start..start + 30)));
        if start % 90 == 0 {
            (0..3).for_each(|_| replica.run_jobs());
        }
    }
    assert!(replica.write(Write::Delete(selection(&[3, 77, 250, 299]))));
    assert!(replica.write(upsert(40..45)));
}

fn snapshot(replica: &Replica) -> (tempfile::TempDir, Exported) {
    let dir = tempfile::tempdir().unwrap();
    let exported = replica.shard.snapshot(dir.path()).unwrap();
    (dir, exported)
}

fn nearest(replica: &Replica, n: i64) -> Vec<String> {
    let exact = SearchParams { exact: true, ..SearchParams::default() };
    let search = Search { params: exact, ..search(150.2, Some(number_is(n)), 20) };
    replica
        .shard
        .search(&search, soon(), &Alone)
        .unwrap()
        .iter()
        .map(|hit| format!("{hit:?}"))
        .collect()
}

fn assert_alike(a: &Replica, b: &Replica) {
    assert_eq!(a.contents(), b.contents());
    assert_eq!(a.shard.conf(), b.shard.conf());
    assert_eq!(a.shard.config(), b.shard.config());
    for n in 0..4 {
        assert_eq!(nearest(a, n), nearest(b, n));
        assert_eq!(
            a.shard.count(Some(&number_is(n)), soon()).unwrap(),
            b.shard.count(Some(&number_is(n)), soon()).unwrap()
        );
    }
}

/// Names of the segment files below a directory.
fn segments(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_replica_that_joins_becomes_what_was_exported() {
    let db = tempfile::tempdir().unwrap();
    let from = Replica::founded(DataDb::open(db.path()).unwrap());
    fill(&from);
    let mut to = Replica::joining();
    let refused = to.shard.count(None, soon()).unwrap_err();
    assert!(matches!(refused, Error::NotReady { .. }), "{refused}");
    assert!(to.shard.snapshot(tempfile::tempdir().unwrap().path()).is_err());
    let (dir, exported) = snapshot(&from);
    assert_eq!((exported.index, exported.conf), (from.shard.applied(), members()));
    assert!(!segments(&dir.path().join("segments")).is_empty());
    let files = segments(dir.path());
    for _ in 0..2 {
        to.shard.install(dir.path()).unwrap();
        assert_alike(&from, &to);
        assert_eq!(segments(dir.path()), files, "nothing was taken out of it");
    }
    to.reopen();
    assert_alike(&from, &to);
    drop(dir);
    // The log goes on from there, on both alike.
    for write in [upsert(280..320), Write::Delete(selection(&[1, 2, 310]))] {
        for command in from.commands(write) {
            assert_eq!(from.apply(command.encode_stored()), to.apply(command.encode_stored()));
        }
    }
    (0..5).for_each(|_| to.run_jobs());
    assert_alike(&from, &to);
    to.reopen();
    assert_alike(&from, &to);
}

#[test]
fn a_replica_that_fell_behind_keeps_nothing_of_its_own() {
    let (from, mut to) =
        (Replica::founded(MemoryKv::default()), Replica::founded(MemoryKv::default()));
    fill(&from);
    // The same segment numbers with other rows, and points that are not in the snapshot.
    assert!(to.write(upsert(1000..1200)));
    (0..6).for_each(|_| to.run_jobs());
    assert!(to.write(upsert(1200..1300)));
    let context = to.shard.search_context(&search(1000.0, None, 50), soon(), &Alone).unwrap();
    let (dir, _) = snapshot(&from);
    to.shard.install(dir.path()).unwrap();
    assert_alike(&from, &to);
    assert_eq!(segments(to.shard.store().dir()), segments(&dir.path().join("segments")));
    assert!(context.scored().iter().all(|(id, _)| *id >= PointId::num(1000)), "views go on");
    to.reopen();
    assert_alike(&from, &to);
}

#[test]
fn snapshots_are_of_one_moment_whatever_goes_on() {
    let db = tempfile::tempdir().unwrap();
    let from = Replica::founded(DataDb::open(db.path()).unwrap());
    let (done, hashes) = (AtomicBool::new(false), Mutex::new(BTreeMap::new()));
    let never = AtomicBool::new(false);
    let jobs = |replica: &Replica| {
        while !done.load(Ordering::Relaxed) {
            for kind in [JobKind::Seal, JobKind::Fill, JobKind::Build] {
                match replica.shard.run_job(kind, &|_| true, &never) {
                    Ok(_) | Err(Error::Cancelled) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
    };
    let to = Replica::joining();
    std::thread::scope(|threads| {
        threads.spawn(|| jobs(&from));
        threads.spawn(|| jobs(&to));
        threads.spawn(|| {
            for start in (0..).map(|n| n * 7 % 500) {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                assert!(from.write(upsert(start..start + 20)));
                let (index, hash) = from.shard.digest();
                hashes.lock().insert(index, hash);
            }
        });
        threads.spawn(|| {
            let want = Want { payload: WantPayload::All, vectors: WantVectors::All };
            while !done.load(Ordering::Relaxed) {
                match to.shard.search(
                    &Search { want: want.clone(), ..search(100.0, None, 10) },
                    soon(),
                    &Alone,
                ) {
                    Ok(found) => assert!(found.iter().all(|hit| hit.record.payload.is_some())),
                    Err(error) => assert!(matches!(error, Error::NotReady { .. }), "{error}"),
                }
            }
        });
        let mut taken = 0;
        while taken < 6 {
            let (dir, exported) = snapshot(&from);
            to.shard.install(dir.path()).unwrap();
            assert_eq!(to.shard.recompute_digest().unwrap(), to.shard.digest());
            if let Some(hash) = hashes.lock().get(&exported.index) {
                assert_eq!(to.shard.digest(), (exported.index, *hash));
                taken += 1;
            }
            let found = to.shard.search(&search(100.0, None, 10), soon(), &Alone).unwrap();
            assert!(found.iter().all(|hit| hit.score >= 0.0) && (found.len() == 10 || taken == 0));
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn an_installation_cut_short_is_done_again() {
    let from = Replica::founded(MemoryKv::default());
    fill(&from);
    let (dir, _) = snapshot(&from);
    // Of a snapshot that lost one of its files the keys come in, and then it ends.
    let to = MemoryKv::default();
    let mut replica = Replica::founded(to);
    fill(&replica);
    let torn = tempfile::tempdir().unwrap();
    std::fs::copy(dir.path().join("keys"), torn.path().join("keys")).unwrap();
    assert!(replica.shard.install(torn.path()).is_err());
    assert!(matches!(replica.shard.count(None, soon()), Err(Error::NotReady { .. })));
    replica.shard.install(dir.path()).unwrap();
    assert_alike(&from, &replica);
    std::fs::remove_file(torn.path().join("keys")).unwrap();
    assert!(replica.shard.install(torn.path()).is_err());
    replica.reopen();
    assert!(matches!(replica.shard.count(None, soon()), Err(Error::NotReady { .. })));
    assert_eq!((replica.shard.applied(), replica.shard.conf()), (LogIndex::ZERO, Conf::default()));
    replica.shard.install(dir.path()).unwrap();
    assert_alike(&from, &replica);
}

#[test]
fn members_and_requests_are_part_of_the_state() {
    let mut from = Replica::founded(MemoryKv::default());
    assert_eq!(from.shard.conf(), members());
    let missing = Write::SetPayload {
        points: Selection::Ids(vec![PointId::num(9)]),
        payload: payload(1),
        key: None,
    };
    let [command] = <[Command; 1]>::try_from(from.commands(missing)).unwrap();
    let request = RequestId { session: 1, sequence: 2, basis: from.shard.applied().0 };
    let data = command.with_request(request).encode_stored();
    let refused = Err(Refusal::PointNotFound(PointId::num(9)));
    assert_eq!(from.apply(data.clone()), refused);
    let voters = vec![PeerId::new(NodeId(3), 1)];
    let learners = vec![PeerId::new(NodeId(4), 7)];
    let conf = Conf { voters, learners, ..Conf::default() };
    let index = from.shard.applied().next();
    from.shard
        .apply(&Entry { index, term: Term(2), data: Vec::new(), conf: Some(conf.clone()) })
        .unwrap()
        .unwrap();
    assert!(from.write(upsert(9..10)));
    from.reopen();
    assert_eq!((from.shard.conf(), from.apply(data.clone())), (conf.clone(), refused.clone()));
    let (dir, exported) = snapshot(&from);
    assert_eq!(exported.conf, conf);
    let to = Replica::joining();
    to.shard.install(dir.path()).unwrap();
    assert_eq!((to.shard.conf(), to.apply(data)), (conf, refused));
}
