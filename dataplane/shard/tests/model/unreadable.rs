//! An entry that cannot be read: nothing of it is applied, and the replica is not opened again.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use vane_raft::{ApplyError, Entry, StateMachine};
use vane_shard::{Command, JobKind};
use vane_storage::{Kv, MemoryKv};
use vane_types::{LogIndex, Term};

use crate::world::{Replica, upsert};

/// Commands of forms and with parts that this version does not know.
fn unreadable(replica: &Replica) -> Vec<Vec<u8>> {
    let [command] = <[Command; 1]>::try_from(replica.commands(upsert(0..1))).unwrap();
    let stored = command.encode_stored();
    let of_later_format = [&[9], &stored[1..]].concat();
    // A kind of change behind all tags, and an index of a type that is not there yet.
    let of_later_kind = vec![1, 0xa2, 0x06, 0];
    let of_later_index = b"\x01\x4a\x0b\x0a\x01n\x12\x06colour".to_vec();
    // The first point has no id.
    let without_id = vec![1, 0x0a, 2, 0x0a, 0];
    vec![of_later_format, of_later_kind, of_later_index, without_id, stored[..5].to_vec()]
}

#[test]
fn a_replica_stands_still_before_what_it_cannot_read() {
    let count = unreadable(&Replica::founded(MemoryKv::default())).len();
    for at in 0..count {
        let replica = Replica::founded(MemoryKv::default());
        assert!(replica.write(upsert(0..9)));
        let (before, index) = (replica.contents(), replica.shard.applied());
        let data = unreadable(&replica).swap_remove(at);
        let entry = Entry { index: index.next(), term: Term(1), data, conf: None };
        assert_eq!(replica.shard.quarantined(), None);
        let error = replica.shard.apply(&entry).unwrap_err();
        let why = match error {
            ApplyError::Unreadable(why) => why,
            ApplyError::Store(error) => panic!("command {at}: {error}"),
        };
        assert_eq!(replica.shard.quarantined(), Some(why.clone()));
        assert!(why.contains(&format!("before entry {}", index.next())), "{why}");
        assert_eq!((replica.contents(), replica.shard.applied()), (before, index));
        let dir = tempfile::tempdir().unwrap();
        assert!(replica.shard.snapshot(dir.path()).is_err(), "its mark must not spread");
        let error = replica.try_reopen().err().unwrap().to_string();
        assert!(error.contains(&why), "{error}");
    }
}

/// No log is that long: what counts versions in memory panics at it, half way through the entry.
#[test]
fn a_defect_that_an_entry_meets_costs_the_replica_alone() {
    let replica = Replica::founded(MemoryKv::default());
    // Enough for a segment that is to be sealed.
    assert!(replica.write(upsert(0..40)));
    let [command] = <[Command; 1]>::try_from(replica.commands(upsert(0..1))).unwrap();
    let index = LogIndex(1 << 63);
    let entry = Entry { index, term: Term(1), data: command.encode_stored(), conf: None };
    let why = match replica.shard.apply(&entry).unwrap_err() {
        ApplyError::Unreadable(why) => why,
        ApplyError::Store(error) => panic!("{error}"),
    };
    assert!(why.contains("a log index cannot be that large"), "{why}");
    assert_eq!(replica.shard.quarantined(), Some(why.clone()));
    let never = AtomicBool::new(false);
    assert!(replica.shard.run_job(JobKind::Seal, &|_| true, &never).is_err());
    assert!(replica.try_reopen().is_err_and(|error| error.to_string().contains(&why)));
}

/// A record that this replica alone has lost.
#[test]
fn damage_that_an_entry_meets_costs_the_replica_alone() {
    let kv = Arc::new(MemoryKv::default());
    let replica = Replica::founded(kv.clone() as Arc<dyn Kv>);
    assert!(replica.write(upsert(0..9)));
    let mut batch = replica.shard.store().batch();
    batch.delete_record(0);
    batch.write().unwrap();
    let [command] = <[Command; 1]>::try_from(replica.commands(upsert(0..1))).unwrap();
    let index = replica.shard.applied().next();
    let entry = Entry { index, term: Term(1), data: command.encode_stored(), conf: None };
    let error = replica.shard.apply(&entry).unwrap_err();
    assert!(matches!(&error, ApplyError::Unreadable(why) if why.contains("no record")), "{error}");
    assert!(replica.shard.damaged().is_some());
}
