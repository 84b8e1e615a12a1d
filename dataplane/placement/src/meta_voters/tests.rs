//! Voters against all choices that there are.

use proptest::prelude::*;
use vane_types::NodeId;

use super::meta_voters;
use crate::{Load, NodeFacts};

fn node(id: u64, zone: &str, accepts_replicas: bool) -> NodeFacts {
    let zone = Some(zone.to_owned()).filter(|zone| !zone.is_empty());
    NodeFacts {
        id: NodeId(id),
        zone,
        accepts_replicas,
        keeps_vote: true,
        may_lead: true,
        in_collection: Load::default(),
        total: Load::default(),
    }
}

fn in_one_zone(ids: std::ops::RangeInclusive<u64>) -> Vec<NodeFacts> {
    ids.map(|id| node(id, "", true)).collect()
}

/// The voters of a cluster by number, with those of now by number.
fn voters(nodes: &[NodeFacts], current: &[u64]) -> Vec<u64> {
    let current: Vec<NodeId> = current.iter().copied().map(NodeId).collect();
    meta_voters(nodes, &current).into_iter().map(|node| node.0).collect()
}

#[test]
fn the_number_of_votes_grows_with_the_cluster_and_shrinks_with_it() {
    assert!(voters(&[], &[]).is_empty());
    assert_eq!(voters(&in_one_zone(1..=2), &[2]), [2]);
    assert_eq!(voters(&in_one_zone(1..=4), &[2]), [1, 2, 3]);
    assert_eq!(voters(&in_one_zone(1..=9), &[2, 7, 9]), [1, 2, 3, 7, 9]);
    assert_eq!(voters(&in_one_zone(1..=4), &[2, 3, 4]), [2, 3, 4]);
    assert_eq!(voters(&in_one_zone(2..=2), &[1, 2, 3]), [2]);
}

#[test]
fn a_voter_that_is_down_keeps_its_vote_and_none_that_is_down_gets_one() {
    let mut nodes = in_one_zone(1..=6);
    nodes[0].accepts_replicas = false;
    nodes[1].accepts_replicas = false;
    assert_eq!(voters(&nodes, &[1, 3, 4]), [1, 3, 4, 5, 6]);
    assert_eq!(voters(&nodes[..3], &[3]), [1, 2, 3], "unless there are no others");
}

#[test]
fn a_voter_that_lost_its_hold_is_replaced_by_a_live_one_and_else_kept() {
    let lost = |mut nodes: Vec<NodeFacts>, ids: &[u64]| {
        for node in nodes.iter_mut().filter(|node| ids.contains(&node.id.0)) {
            (node.accepts_replicas, node.keeps_vote) = (false, false);
        }
        nodes
    };
    assert_eq!(voters(&lost(in_one_zone(1..=4), &[2]), &[1, 2, 3]), [1, 3, 4]);
    assert_eq!(voters(&lost(in_one_zone(1..=3), &[2]), &[1, 2, 3]), [1, 2, 3], "nobody else");
    assert_eq!(voters(&lost(in_one_zone(1..=5), &[2, 3]), &[1, 3, 4]), [1, 4, 5]);
    let still = voters(&lost(in_one_zone(1..=5), &[2, 3]), &[1, 4, 5]);
    assert_eq!(still, [1, 4, 5], "numbers without a process do not make the group larger");
}

#[test]
fn a_vote_moves_when_one_zone_would_take_the_majority_with_it() {
    let zones = ["a", "a", "a", "b", "b", "b", "c", "c", "c"];
    let nodes: Vec<NodeFacts> =
        zones.iter().zip(1..).map(|(zone, id)| node(id, zone, true)).collect();
    assert_eq!(voters(&nodes, &[1, 2, 3, 4, 7]), [1, 2, 4, 5, 7]);
}

const ZONES: [&str; 4] = ["", "a", "b", "c"];

/// Nodes, and which of them vote now.
fn cluster() -> impl Strategy<Value = (Vec<NodeFacts>, Vec<NodeId>)> {
    prop::collection::vec(
        (0..ZONES.len(), prop::bool::weighted(0.7), prop::bool::weighted(0.4)),
        1..9,
    )
    .prop_map(|members| {
        let nodes = members
            .iter()
            .zip(1..)
            .map(|((zone, up, _), id)| node(id, ZONES[*zone], *up))
            .collect();
        let voters = members
            .iter()
            .zip(1..)
            .filter(|((.., votes), _)| *votes)
            .map(|(_, id)| NodeId(id))
            .collect();
        (nodes, voters)
    })
}

/// What is to be small about a choice, in order: dead new voters, uneven zones (by the sum
/// of squares), votes that move.
fn cost(nodes: &[NodeFacts], current: &[NodeId], voters: &[NodeId]) -> (usize, usize, usize) {
    let chosen: Vec<&NodeFacts> = nodes.iter().filter(|node| voters.contains(&node.id)).collect();
    let new: Vec<&&NodeFacts> = chosen.iter().filter(|node| !current.contains(&node.id)).collect();
    let dead = new.iter().filter(|node| !node.accepts_replicas).count();
    let same_zone = |a: &&NodeFacts| chosen.iter().filter(|b| a.zone == b.zone).count();
    (dead, chosen.iter().map(same_zone).sum(), new.len())
}

/// All subsets of so many nodes.
fn choices(nodes: &[NodeFacts], size: usize) -> impl Iterator<Item = Vec<NodeId>> {
    let subsets = (0..1u32 << nodes.len()).filter(move |bits| bits.count_ones() as usize == size);
    subsets.map(move |bits| {
        let chosen = nodes.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1);
        chosen.map(|(_, node)| node.id).collect()
    })
}

proptest! {
    #[test]
    fn no_choice_of_voters_is_better((nodes, current) in cluster()) {
        let voters = meta_voters(&nodes, &current);
        let choices = choices(&nodes, voters.len());
        let best = choices.map(|chosen| cost(&nodes, &current, &chosen)).min().unwrap();
        prop_assert_eq!(cost(&nodes, &current, &voters), best);
    }

    #[test]
    fn the_answer_is_its_own_answer((nodes, current) in cluster()) {
        let voters = meta_voters(&nodes, &current);
        let mut turned = nodes.clone();
        turned.reverse();
        prop_assert_eq!(meta_voters(&turned, &current), voters.clone());
        prop_assert_eq!(meta_voters(&nodes, &voters), voters);
    }
}
