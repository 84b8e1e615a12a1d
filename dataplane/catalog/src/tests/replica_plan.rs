//! What a node does with its replicas, for everything that the catalog may say.

use std::collections::BTreeMap;

use proptest::prelude::*;
use vane_raft::Conf;
use vane_types::{GroupId, NodeId, PeerId};

use super::*;

/// The two groups of the collection that the tests begin with: on 1, 2, 3 and on 2, 3, 4.
const FIRST: GroupId = GroupId(1);
const SECOND: GroupId = GroupId(2);

fn opened(action: &ReplicaAction) -> Option<(GroupId, PeerId, bool, bool)> {
    match action {
        ReplicaAction::Open { group, peer, founding, campaign, .. } => {
            Some((*group, *peer, founding.is_some(), *campaign))
        }
        ReplicaAction::Remove { .. } | ReplicaAction::Ask { .. } => None,
    }
}

/// Replicas that are open, none of them known to be removed.
fn held(open: &BTreeMap<GroupId, PeerId>) -> BTreeMap<GroupId, HeldReplica> {
    let held = |peer| HeldReplica { peer, is_open: true, is_removed: false };
    open.iter().map(|(group, peer)| (*group, held(*peer))).collect()
}

/// The same once their groups have let them go.
fn let_go(open: &BTreeMap<GroupId, PeerId>) -> BTreeMap<GroupId, HeldReplica> {
    let held = held(open).into_iter();
    held.map(|(group, it)| (group, HeldReplica { is_removed: true, ..it })).collect()
}

/// A node's replicas once it has carried a plan out.
fn carried_out(
    mut open: BTreeMap<GroupId, PeerId>,
    plan: Vec<ReplicaAction>,
) -> BTreeMap<GroupId, PeerId> {
    for action in plan {
        match action {
            ReplicaAction::Remove { group, peer } => {
                assert_eq!(open.remove(&group), Some(peer), "it removes what is there");
            }
            ReplicaAction::Open { group, peer, .. } => {
                assert_eq!(open.insert(group, peer), None, "it opens where nothing is");
            }
            ReplicaAction::Ask { group, peer } => {
                assert_eq!(open.get(&group), Some(&peer), "it asks about what is there");
            }
        }
    }
    open
}

#[test]
fn a_node_opens_what_is_placed_on_it_and_the_one_placed_first_stands_for_election() {
    let state = founded();
    let plan = replica_plan(&state, NodeId(2), &BTreeMap::new());
    let opened: Vec<_> = plan.iter().filter_map(opened).collect();
    assert_eq!(opened, [(FIRST, peer(2, 1), true, false), (SECOND, peer(2, 1), true, true)]);
    let ReplicaAction::Open { config, founding, .. } = &plan[0] else { panic!("{plan:?}") };
    assert_eq!(**config, state.collections["c"].config);
    assert_eq!(founding, &Some(Conf::founding(&[peer(1, 1), peer(2, 1), peer(3, 1)])));
    assert!(replica_plan(&state, NodeId(9), &BTreeMap::new()).is_empty(), "it is no member");
}

#[test]
fn what_is_open_in_its_place_is_left_alone() {
    let state = founded();
    let open = replicas_here(&state, NodeId(2));
    assert_eq!(open, BTreeMap::from([(FIRST, peer(2, 1)), (SECOND, peer(2, 1))]));
    assert!(replica_plan(&state, NodeId(2), &held(&open)).is_empty());
    // Its group has gone on without it, and the catalog has not heard of that.
    assert!(replica_plan(&state, NodeId(2), &let_go(&open)).is_empty());
}

#[test]
fn a_replica_goes_only_when_its_group_has_let_it_go() {
    let mut state = founded();
    let open = replicas_here(&state, NodeId(3));
    reconfigure(&mut state, FIRST, &[1, 2, 4]);
    settle(&mut state, FIRST);
    let asked = ReplicaAction::Ask { group: FIRST, peer: peer(3, 1) };
    assert_eq!(replica_plan(&state, NodeId(3), &held(&open)), [asked]);
    let removed = ReplicaAction::Remove { group: FIRST, peer: peer(3, 1) };
    let mut told = held(&open);
    told.entry(FIRST).and_modify(|it| it.is_removed = true);
    assert_eq!(replica_plan(&state, NodeId(3), &told), [removed]);
    // After a start it is opened first: its vote may be needed to let it go.
    let closed = HeldReplica { peer: peer(3, 1), is_open: false, is_removed: false };
    let on_disk = BTreeMap::from([(FIRST, closed), (SECOND, told[&SECOND])]);
    let plan = replica_plan(&state, NodeId(3), &on_disk);
    assert_eq!(opened(&plan[0]), Some((FIRST, peer(3, 1), false, false)));
    assert_eq!(plan.len(), 1);
}

#[test]
fn a_catalog_that_is_older_than_a_group_says_nothing_about_it() {
    let state = founded();
    let later = BTreeMap::from([(GroupId(3), peer(2, 1))]);
    let mut all = replicas_here(&state, NodeId(2));
    all.extend(later.clone());
    assert!(replica_plan(&state, NodeId(2), &let_go(&all)).is_empty());
    // As that of a node that joins anew, or whose disk was put back to before everything.
    assert!(replica_plan(&State::default(), NodeId(2), &let_go(&all)).is_empty());
}

#[test]
fn members_prove_a_removal_where_there_are_some() {
    let conf = Conf { learners: vec![peer(4, 1)], ..Conf::founding(&[peer(1, 1)]) };
    assert!(proves_removal(&conf, peer(2, 1)));
    assert!(!proves_removal(&conf, peer(1, 1)) && !proves_removal(&conf, peer(4, 1)));
    assert!(!proves_removal(&Conf::default(), peer(2, 1)), "it waits for its first snapshot");
    let joint = Conf { voters_outgoing: vec![peer(2, 1)], ..conf };
    assert!(!proves_removal(&joint, peer(2, 1)), "both halves need it");
}

#[test]
fn a_replica_that_joins_begins_with_nothing() {
    let mut state = founded();
    reconfigure(&mut state, FIRST, &[1, 2, 4]);
    let open = BTreeMap::from([(SECOND, peer(4, 1))]);
    let plan = replica_plan(&state, NodeId(4), &held(&open));
    assert_eq!(opened(&plan[0]), Some((FIRST, peer(4, 1), false, false)));
    assert_eq!(plan.len(), 1);
    // Node 3 keeps its replica until the change is recorded.
    let open = replicas_here(&state, NodeId(3));
    assert!(replica_plan(&state, NodeId(3), &held(&open)).is_empty());
    settle(&mut state, FIRST);
    let removed = ReplicaAction::Remove { group: FIRST, peer: peer(3, 1) };
    let of_first = BTreeMap::from([(FIRST, open[&FIRST])]);
    assert_eq!(replica_plan(&state, NodeId(3), &let_go(&of_first))[0], removed);
}

#[test]
fn a_first_replica_made_after_a_change_of_members_joins_like_any_other() {
    let mut state = founded();
    reconfigure(&mut state, FIRST, &[1, 2, 4]);
    settle(&mut state, FIRST);
    let plan = replica_plan(&state, NodeId(1), &BTreeMap::new());
    assert_eq!(opened(&plan[0]), Some((FIRST, peer(1, 1), false, true)));
}

#[test]
fn a_replica_that_comes_again_takes_the_place_of_the_old_one() {
    let mut state = founded();
    let open = BTreeMap::from([(FIRST, peer(3, 1)), (SECOND, peer(3, 1))]);
    for nodes in [[1, 2, 4], [1, 2, 3]] {
        reconfigure(&mut state, FIRST, &nodes);
        settle(&mut state, FIRST);
    }
    let asked = ReplicaAction::Ask { group: FIRST, peer: peer(3, 1) };
    assert_eq!(replica_plan(&state, NodeId(3), &held(&open)), [asked], "the old one is there");
    let mut held = held(&open);
    held.entry(FIRST).and_modify(|it| it.is_removed = true);
    let plan = replica_plan(&state, NodeId(3), &held);
    assert_eq!(plan[0], ReplicaAction::Remove { group: FIRST, peer: peer(3, 1) });
    assert_eq!(opened(&plan[1]), Some((FIRST, peer(3, 2), false, false)));
    assert_eq!(plan.len(), 2);
}

#[test]
fn a_deleted_collection_takes_its_replicas_along() {
    let mut state = founded();
    let open = replicas_here(&state, NodeId(2));
    state.apply(MetaCommand::Delete { name: "c".into(), key: String::new() }).unwrap();
    // Needs no other proof: a majority agreed on the deletion.
    let plan = replica_plan(&state, NodeId(2), &held(&open));
    assert_eq!(
        plan,
        [FIRST, SECOND].map(|group| ReplicaAction::Remove { group, peer: peer(2, 1) })
    );
}

/// A shard, the nodes that its voters are to be on, and whether that was recorded.
fn any_move() -> impl Strategy<Value = (u64, Vec<u64>, bool)> {
    (1_u64..=2, prop::sample::subsequence(vec![1, 2, 3, 4], 1..=3), any::<bool>())
}

proptest! {
    /// From any replicas that a node may have, one plan leads to those that it should have.
    #[test]
    fn a_plan_leads_to_what_is_placed_and_then_there_is_nothing_to_do(
        me in 1_u64..=5,
        moves in prop::collection::vec(any_move(), 0..6),
        open in prop::collection::btree_map(1_u64..=4, 1_u32..=3, 0..4),
    ) {
        let mut state = founded();
        for (group, nodes, is_settled) in moves {
            reconfigure(&mut state, GroupId(group), &nodes);
            if is_settled {
                settle(&mut state, GroupId(group));
            }
        }
        let me = NodeId(me);
        let open: BTreeMap<GroupId, PeerId> =
            open.into_iter().map(|(group, n)| (GroupId(group), PeerId::new(me, n))).collect();
        let open: BTreeMap<GroupId, PeerId> =
            open.into_iter().filter(|(group, _)| state.shards.contains_key(group)).collect();
        // Nothing goes while the groups may count it.
        let plan = replica_plan(&state, me, &held(&open));
        let is_removal = |action: &ReplicaAction| matches!(action, ReplicaAction::Remove { .. });
        prop_assert!(!plan.iter().any(is_removal), "{plan:?}");
        let kept = carried_out(open.clone(), plan);
        prop_assert!(open.iter().all(|(group, peer)| kept.get(group) == Some(peer)));
        let plan = replica_plan(&state, me, &let_go(&open));
        let last_removal = plan.iter().rposition(is_removal);
        let first_opening = plan.iter().position(|action| opened(action).is_some());
        if let (Some(removal), Some(opening)) = (last_removal, first_opening) {
            prop_assert!(removal < opening);
        }
        let after = carried_out(open, plan);
        prop_assert_eq!(&after, &replicas_here(&state, me));
        prop_assert!(replica_plan(&state, me, &held(&after)).is_empty());
    }
}
