use std::time::Duration;

use vane_raft::{CAUGHT_UP_ENTRIES, GroupStatus, PeerStatus};
use vane_types::{GroupId, LogIndex, NodeId, PeerId};

use super::{GROUPS_MAX, Known, LAG_MAX, Seen, Stand, UNLED_MAX, stand, trails};

const SOON: Duration = Duration::from_secs(1);

fn peer(node: u32) -> PeerId {
    PeerId::new(NodeId(node.into()), 1)
}

fn leader(committed: u64, matched: u64, snapshot: bool) -> GroupStatus {
    let matched = LogIndex(matched);
    let voter =
        PeerStatus { peer: peer(2), matched, active: true, snapshot, ..PeerStatus::default() };
    let (committed, last_index) = (LogIndex(committed), LogIndex(committed + 5));
    GroupStatus { peer: peer(1), committed, last_index, peers: vec![voter], ..Default::default() }
}

#[test]
fn a_replica_that_nobody_has_confirmed_is_no_reason_to_send_requests() {
    let of_start = stand(None, false, Some(peer(1)), 0, SOON);
    assert_eq!(of_start, Stand::Unconfirmed, "its own word, that nothing is missing, is no word");
    assert_eq!(stand(None, false, None, 0, SOON), Stand::Unconfirmed);
    // A majority that is lost does not keep the node's other shards out of service.
    assert_eq!(stand(None, false, None, 0, UNLED_MAX + SOON), Stand::CaughtUp);
    assert_eq!(stand(None, true, Some(peer(2)), 0, SOON), Stand::CaughtUp);
}

#[test]
fn who_is_far_behind_gets_in_when_close_and_stays_in_for_a_while() {
    let far = Seen::next(None, CAUGHT_UP_ENTRIES + 1);
    assert_eq!(stand(Some(far), false, Some(peer(1)), 0, SOON), Stand::Behind(65));
    let close = Seen::next(Some(far), CAUGHT_UP_ENTRIES);
    assert_eq!(stand(Some(close), false, Some(peer(1)), 0, SOON), Stand::CaughtUp);
    let in_a_burst = Seen::next(Some(close), LAG_MAX);
    assert_eq!(stand(Some(in_a_burst), false, Some(peer(1)), 0, SOON), Stand::CaughtUp);
    let lost = Seen::next(Some(in_a_burst), LAG_MAX + 1);
    assert_eq!(stand(Some(lost), false, Some(peer(1)), 0, SOON), Stand::Behind(LAG_MAX + 1));
}

#[test]
fn a_leader_that_sends_a_snapshot_or_lacks_an_answer_outweighs_the_replica() {
    assert_eq!(trails(&leader(100, 100, false), peer(2), LogIndex(100)), 0);
    assert_eq!(trails(&leader(100, 40, false), peer(2), LogIndex(40)), 60);
    assert_eq!(trails(&leader(100, 40, false), peer(2), LogIndex(100)), 60);
    assert!(trails(&leader(100, 100, true), peer(2), LogIndex(100)) > LAG_MAX);
}

#[test]
fn a_leader_that_just_counted_its_followers_takes_nobody_out_of_service() {
    // As after each check of its quorum, until the next answer to a heartbeat.
    let mut counted = leader(100, 100, false);
    counted.peers[0].active = false;
    assert_eq!(trails(&counted, peer(2), LogIndex(100)), 0);
}

#[test]
fn a_replica_that_was_made_since_the_start_takes_no_node_out_of_service() {
    let made = Some(Seen::MADE_SINCE);
    for (leads, leader) in [(false, None), (false, Some(peer(1))), (true, Some(peer(2)))] {
        assert_eq!(stand(made, leads, leader, 0, SOON), Stand::CaughtUp);
    }
    // A burst of writes at once does not either.
    let in_a_burst = Seen::next(made, CAUGHT_UP_ENTRIES + 1);
    assert_eq!(stand(Some(in_a_burst), false, Some(peer(1)), 0, SOON), Stand::CaughtUp);
}

#[test]
fn a_group_is_asked_about_until_its_voter_is_close() {
    let (mut known, leader) = (Known::default(), |_| Some(NodeId(4)));
    known.due.extend([7, 8].map(GroupId));
    assert_eq!(known.questions(leader)[&NodeId(4)], [7, 8].map(GroupId));
    known.note(GroupId(7), Seen::next(None, CAUGHT_UP_ENTRIES));
    known.note(GroupId(8), Seen::next(None, CAUGHT_UP_ENTRIES + 1));
    assert_eq!(known.questions(leader)[&NodeId(4)], [GroupId(8)]);
    known.note(GroupId(8), Seen::next(known.seen.get(&GroupId(8)).copied(), 0));
    assert!(known.questions(leader).is_empty());
}

#[test]
fn a_group_that_nobody_else_leads_is_not_asked_about_before_somebody_does() {
    let mut known = Known::default();
    known.due.insert(GroupId(7));
    assert!(known.questions(|_| None).is_empty());
    assert!(known.questions(|_| Some(NodeId(4))).is_empty());
}

#[test]
fn a_question_has_a_bound_and_the_rest_comes_after_it() {
    let (mut known, leader) = (Known::default(), |_| Some(NodeId(4)));
    known.due.extend((1..=GROUPS_MAX as u64 + 1).map(GroupId));
    let first = known.questions(leader).remove(&NodeId(4)).unwrap();
    assert_eq!(first.len(), GROUPS_MAX);
    first.into_iter().for_each(|group| known.note(group, Seen::next(None, 0)));
    assert_eq!(known.questions(leader)[&NodeId(4)], [GroupId(GROUPS_MAX as u64 + 1)]);
}
