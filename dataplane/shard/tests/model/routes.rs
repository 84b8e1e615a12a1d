//! A command that was routed by a range which is not the shard's changes nothing.

use vane_raft::StateMachine;
use vane_shard::{Command, Write};
use vane_storage::MemoryKv;
use vane_types::command::RequestId;
use vane_types::{KeyRange, PointId, RangeEpoch, Refusal, ShardRange};

use crate::world::{Replica, selection, upsert};

fn half(ordinal: usize, epoch: u64) -> ShardRange {
    ShardRange { keys: KeyRange::equal_part(ordinal, 2), epoch: RangeEpoch(epoch) }
}

/// Ids of the lower half, so many.
fn lower(count: usize) -> Vec<u64> {
    let is_lower = |id: &u64| half(0, 0).keys.contains(PointId::num(*id).routing_hash());
    (0..).filter(is_lower).take(count).collect()
}

/// Puts a point of the lower half, always under the same name.
fn routed(replica: &Replica, range: ShardRange) -> Vec<u8> {
    let id = lower(1)[0];
    let [command] = <[Command; 1]>::try_from(replica.commands(upsert(id..id + 1))).unwrap();
    let request = RequestId { session: 5, sequence: 1, basis: replica.shard.applied().0 };
    Command { routed_by: Some(range.into()), ..command.with_request(request) }.encode_stored()
}

#[test]
fn a_stale_route_changes_nothing_and_leaves_the_request_to_be_sent_another_way() {
    let mut replica = Replica::founded(MemoryKv::default());
    replica.shard.set_first_range(half(0, 0)).unwrap();
    let before = replica.contents();
    for stale in [half(1, 0), half(0, 1)] {
        let copy = routed(&replica, stale);
        for _ in 0..2 {
            assert_eq!(replica.apply(copy.clone()), Err(Refusal::StaleRoute));
            assert_eq!(replica.contents(), before);
            replica.reopen();
        }
    }
    assert_eq!(replica.apply(routed(&replica, half(0, 0))), Ok(()));
    assert_ne!(replica.contents(), before);
    let copy = routed(&replica, half(0, 1));
    assert_eq!(replica.apply(copy), Ok(()), "known by its request, whichever way it comes again");
}

#[test]
fn what_a_shard_began_with_is_its_own_whatever_it_is_told_later() {
    let mut replica = Replica::founded(MemoryKv::default());
    // As a directory of an earlier version: any route is right, since no range ever changed.
    assert_eq!(replica.apply(routed(&replica, half(0, 0))), Ok(()));
    replica.shard.set_first_range(half(0, 0)).unwrap();
    for _ in 0..2 {
        replica.reopen();
        replica.shard.set_first_range(half(1, 7)).unwrap();
        let delete = replica.commands(Write::Delete(selection(&lower(2))));
        for (range, answer) in [(half(0, 0), Ok(())), (half(1, 7), Err(Refusal::StaleRoute))] {
            let [command] = <[Command; 1]>::try_from(delete.clone()).unwrap();
            let routed = Command { routed_by: Some(range.into()), ..command };
            assert_eq!(replica.apply(routed.encode_stored()), answer);
        }
    }
}

#[test]
fn a_snapshot_brings_its_range_and_one_without_leaves_what_was_told() {
    for (told_here, told_there, kept) in [
        (Some(half(0, 3)), Some(half(0, 0)), half(0, 3)),
        (Some(half(0, 3)), None, half(0, 3)),
        (None, Some(half(0, 0)), half(0, 0)),
    ] {
        let (from, mut to) = (Replica::founded(MemoryKv::default()), Replica::joining());
        for (replica, told) in [(&from, told_here), (&to, told_there)] {
            told.into_iter().for_each(|range| replica.shard.set_first_range(range).unwrap());
        }
        let dir = tempfile::tempdir().unwrap();
        from.shard.snapshot(dir.path()).unwrap();
        to.shard.install(dir.path()).unwrap();
        for _ in 0..2 {
            assert_eq!(to.apply(routed(&to, half(0, 9))), Err(Refusal::StaleRoute));
            to.reopen();
        }
        assert_eq!(to.apply(routed(&to, kept)), Ok(()), "{told_here:?} {told_there:?}");
    }
}
