use proptest::prelude::*;
use vane_catalog::WantedReplica;
use vane_types::{Policy, Rebalance};

use super::*;
use crate::fixture::{members_state, status};

/// A cluster: shards by their nodes and bytes; the zone of each node.
fn cluster(zones: &[&str], shards: &[(&[u64], u64)]) -> (State, BTreeMap<GroupId, ShardLoad>) {
    let mut state = members_state(zones.len() as u64, &[1], &[], GroupId(1));
    let shard = state.shards.remove(&GroupId(1)).unwrap();
    for (member, zone) in state.nodes.values_mut().zip(zones) {
        member.zone = (!zone.is_empty()).then(|| (*zone).to_owned());
    }
    let mut loads = BTreeMap::new();
    for (group, (nodes, bytes)) in (1..).map(GroupId).zip(shards) {
        let mut shard = shard.clone();
        shard.conf = vane_raft::Conf::of_voters(crate::fixture::peers(nodes));
        state.shards.insert(group, shard);
        loads.insert(group, ShardLoad { bytes: *bytes, is_whole: true });
    }
    state.policy = Policy { rebalance: Rebalance::Bytes, ..Policy::default() };
    (state, loads)
}

const NOW: u64 = 1_000_000;
/// Nodes of a shard with three replicas.
const NODES: &[u64] = &[1, 2, 3];

fn of(state: &State, loads: &BTreeMap<GroupId, ShardLoad>) -> Balance {
    balance(state, loads, |_| true, |_| true, NOW)
}

/// Moves of a balance: group, from, to.
fn moves(balance: &Balance) -> Vec<(u64, u64, u64)> {
    balance.moves.iter().map(|it| (it.group.0, it.from.0, it.to.0)).collect()
}

/// Makes a move as the catalog does once it is settled, at a time.
fn make(state: &mut State, next: BalanceMove, at: u64) {
    let shard = state.shards.get_mut(&next.group).unwrap();
    let nodes =
        shard.nodes().into_iter().map(|node| if node == next.from { next.to } else { node });
    let nodes: Vec<u64> = nodes.map(|node| node.0).collect();
    let mut peers = crate::fixture::peers(&nodes);
    peers.sort_unstable();
    shard.conf = vane_raft::Conf::of_voters(peers);
    shard.rebalanced_at = Some(at);
    shard.revision += 1;
}

/// Six shards of three replicas on three nodes; a fourth is empty.
fn grown() -> (State, BTreeMap<GroupId, ShardLoad>) {
    cluster(&["", "", "", ""], &[(NODES, 100); 6])
}

#[test]
fn a_new_node_is_filled_two_at_a_time_and_one_from_each() {
    let (mut state, loads) = grown();
    let first = of(&state, &loads);
    assert_eq!(first.worst_percent, 100, "one has nothing");
    assert_eq!(moves(&first), [(1, 3, 4)], "per_node is 1, and the new one takes each");
    state.policy.per_node = 2;
    let both = of(&state, &loads);
    assert_eq!((both.standing, both.moves.len()), (Standing::Moving(2), 2));
    // It goes on until all carry alike, and then it is over.
    let mut count = 0;
    while let Some(next) = of(&state, &loads).moves.first().copied() {
        make(&mut state, next, NOW);
        count += 1;
    }
    assert_eq!((count, of(&state, &loads).standing), (4, Standing::Balanced));
}

#[test]
fn nothing_moves_where_nobody_asked_or_the_cluster_is_not_well() {
    let (mut state, mut loads) = grown();
    let standing = |state: &State, loads: &BTreeMap<GroupId, ShardLoad>| of(state, loads).standing;
    state.policy.rebalance = Rebalance::Off;
    assert_eq!(standing(&state, &loads), Standing::OffByPolicy);
    state.policy.rebalance = Rebalance::Count;
    let away = balance(&state, &loads, |node| node.0 != 2, |_| true, NOW);
    assert_eq!(away.standing, Standing::Waiting(Unwell::Node(NodeId(2))));
    state.nodes.get_mut(&NodeId(3)).unwrap().leaving = true;
    assert_eq!(standing(&state, &loads), Standing::Waiting(Unwell::Node(NodeId(3))));
    state.nodes.get_mut(&NodeId(3)).unwrap().leaving = false;
    state.nodes.get_mut(&NodeId(3)).unwrap().follows_only = Some(600);
    assert_eq!(standing(&state, &loads), Standing::Waiting(Unwell::Node(NodeId(3))));
    state.nodes.get_mut(&NodeId(3)).unwrap().follows_only = None;
    loads.get_mut(&GroupId(5)).unwrap().is_whole = false;
    assert_eq!(standing(&state, &loads), Standing::Waiting(Unwell::NotWhole(GroupId(5))));
    loads.get_mut(&GroupId(5)).unwrap().is_whole = true;
    state.shards.get_mut(&GroupId(2)).unwrap().target = Some(crate::fixture::target(&[1, 2, 4]));
    assert_eq!(standing(&state, &loads), Standing::Waiting(Unwell::OtherMove(GroupId(2))));
    // The same target, for balance: it goes on beside another.
    state.shards.get_mut(&GroupId(2)).unwrap().rebalanced_at = Some(NOW);
    state.policy.per_node = 2;
    let beside = of(&state, &loads);
    assert_eq!((beside.standing, beside.moves.len()), (Standing::Moving(2), 1));
    state.policy.bytes_per_second = 0;
    assert_eq!(of(&state, &loads).moves, [], "copies are held");
    let full = balance(&state, &loads, |_| true, |node| node.0 != 4, NOW);
    assert_eq!(full.moves, []);
}

#[test]
fn pins_and_rest_hold_and_say_so() {
    let (mut state, loads) = grown();
    for shard in state.shards.values_mut() {
        shard.rebalanced_at = Some(NOW - REST_SECONDS + 1);
    }
    assert_eq!(of(&state, &loads).standing, Standing::Resting);
    let later = balance(&state, &loads, |_| true, |_| true, NOW + 1);
    assert!(!later.moves.is_empty());
    state.shards.values_mut().for_each(|shard| shard.pinned = true);
    assert_eq!(of(&state, &loads).standing, Standing::Pinned);
}

#[test]
fn zones_come_before_balance() {
    let (mut state, loads) = cluster(&["a", "b", "c", "a"], &[(NODES, 100); 6]);
    state.policy.per_node = 8;
    state.policy.moves_at_once = 8;
    let balanced = of(&state, &loads);
    assert!(balanced.moves.iter().all(|it| it.from.0 == 1), "only within the zone");
    for next in balanced.moves {
        make(&mut state, next, 0);
    }
    assert_eq!(of(&state, &loads).standing, Standing::NoRoom);
}

#[test]
fn one_shard_that_is_too_large_is_not_sent_to_and_fro() {
    let (mut state, loads) = cluster(&["", ""], &[(&[1], 100), (&[2], 10)]);
    assert_eq!(of(&state, &loads).standing, Standing::NoRoom);
    state.policy.rebalance = Rebalance::Count;
    assert_eq!(of(&state, &loads).standing, Standing::Balanced);
    assert_eq!(of(&cluster(&[""], &[]).0, &BTreeMap::new()).standing, Standing::Balanced);
}

#[test]
fn a_shard_is_whole_when_its_leader_says_so_of_the_members_that_are_recorded() {
    let state = members_state(3, &[1, 2, 3], &[], GroupId(1));
    let shard = &state.shards[&GroupId(1)];
    let mut seen = status(1, &[1, 2, 3], &[]);
    let is_whole = |seen: &GroupStatus| ShardLoad::of(shard, seen, 7).is_whole;
    assert!(is_whole(&seen));
    assert!(!is_whole(&status(1, &[1, 2], &[])), "a change is not recorded yet");
    seen.peers[0].active = false;
    assert!(!is_whole(&seen));
}

/// Shards of up to three replicas on up to eight nodes in up to three zones.
fn any_cluster() -> impl Strategy<Value = (State, BTreeMap<GroupId, ShardLoad>)> {
    let zones = proptest::collection::vec(0..3_usize, 2..8);
    let shard = (proptest::collection::vec(any::<u64>(), 1..4), 0..400_u64);
    let shards = proptest::collection::vec(shard, 0..60);
    (zones, shards, any::<bool>()).prop_map(|(zones, shards, by_bytes)| {
        let zones: Vec<&str> = zones.into_iter().map(|zone| ["a", "b", ""][zone]).collect();
        let count = zones.len() as u64;
        let placed = shards.into_iter().map(|(nodes, bytes)| {
            let mut nodes: Vec<u64> = nodes.into_iter().map(|it| it % count + 1).collect();
            nodes.sort_unstable();
            nodes.dedup();
            (nodes, bytes)
        });
        let placed: Vec<(Vec<u64>, u64)> = placed.collect();
        let shards: Vec<(&[u64], u64)> = placed.iter().map(|(n, b)| (n.as_slice(), *b)).collect();
        let (mut state, loads) = cluster(&zones, &shards);
        state.policy.rebalance = if by_bytes { Rebalance::Bytes } else { Rebalance::Count };
        (state, loads)
    })
}

/// How uneven a shard's zones are: lower is better.
fn spread(state: &State, shard: &ShardEntry) -> usize {
    let mut zones: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    for WantedReplica { node, .. } in shard.wanted() {
        *zones.entry(state.nodes[&node].zone.as_deref()).or_default() += 1;
    }
    zones.values().map(|count| count * count).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn moves_end_keep_zones_and_make_the_nodes_more_alike(
        (mut state, loads) in any_cluster(),
    ) {
        let before = Loads::of(&state, &loads, |_| true);
        let (mut moved, mut rounds) = (0_u64, 0);
        // An hour passes after each: nothing but the rule itself keeps it from going on for ever.
        while let Some(next) = balance(&state, &loads, |_| true, |_| true, NOW).moves.first() {
            let shard = &state.shards[&next.group];
            let zones = spread(&state, shard);
            let next = *next;
            prop_assert!(!shard.nodes().contains(&next.to) && shard.nodes().contains(&next.from));
            make(&mut state, next, 0);
            prop_assert!(spread(&state, &state.shards[&next.group]) <= zones);
            let bytes = loads[&next.group].bytes;
            moved += if state.policy.rebalance == Rebalance::Bytes { bytes } else { 1 };
            rounds += 1;
            prop_assert!(rounds < 500, "it goes on for ever");
        }
        let after = Loads::of(&state, &loads, |_| true);
        prop_assert!(after.worst_percent() <= before.worst_percent());
        // What has to move at least, to come as far; whole shards may carry it over by one each.
        let needed = before.needed(after.worst_percent());
        let largest = loads.values().map(|it| it.bytes).max().unwrap_or_default();
        let largest = if state.policy.rebalance == Rebalance::Bytes { largest } else { 1 };
        let most = needed + needed / 5 + largest * state.nodes.len() as u64;
        prop_assert!(moved <= most, "{moved} moved, {needed} needed, {largest} the largest");
    }
}

impl Loads {
    /// What has to be moved at least until no node is farther off than so many per cent.
    fn needed(&self, percent: u64) -> u64 {
        let (over, under) = self.excess(percent);
        over.max(under)
    }
}
