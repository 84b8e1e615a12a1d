//! Plans against all plans that there are, and at size.

use std::collections::BTreeMap;

use proptest::prelude::*;
use vane_types::NodeId;

use super::{REPLICAS_PER_PLAN_MAX, place_new};
use crate::{Load, NodeFacts, Unplaceable};

fn node(id: u64, zone: Option<u8>, replicas: u64) -> NodeFacts {
    let total = Load { replicas, leaders: replicas / 3 };
    let zone = zone.map(|number| format!("zone-{number}"));
    NodeFacts {
        id: NodeId(id),
        zone,
        accepts_replicas: true,
        keeps_vote: true,
        may_lead: true,
        in_collection: Load::default(),
        total,
    }
}

fn nodes(count: usize, zones: u8, replicas: u64) -> impl Strategy<Value = Vec<NodeFacts>> {
    let facts = (prop::option::of(0..zones), 0..=replicas);
    prop::collection::vec(facts, 1..=count).prop_map(|facts| {
        facts.into_iter().zip(1..).map(|((zone, replicas), id)| node(id, zone, replicas)).collect()
    })
}

/// Loads after a plan is carried out.
fn loads(nodes: &[NodeFacts], plan: &[Vec<NodeId>]) -> Vec<(Load, Load)> {
    let mut loads: BTreeMap<NodeId, (Load, Load)> =
        nodes.iter().map(|node| (node.id, (node.in_collection, node.total))).collect();
    for shard in plan {
        for (at, id) in shard.iter().enumerate() {
            let (in_collection, total) =
                loads.get_mut(id).expect("a plan names nodes that were given");
            for load in [in_collection, total] {
                load.replicas += 1;
                load.leaders += u64::from(at == 0);
            }
        }
    }
    loads.into_values().collect()
}

/// How uneven two numbers of every node are, the first counting before the second.
fn unevenness(loads: &[(Load, Load)], of: fn(&Load) -> u64) -> (u64, u64) {
    let in_collection = loads.iter().map(|(in_collection, _)| of(in_collection).pow(2));
    let total = loads.iter().map(|(_, total)| of(total).pow(2));
    (in_collection.sum(), total.sum())
}

fn replica_unevenness(nodes: &[NodeFacts], plan: &[Vec<NodeId>]) -> (u64, u64) {
    unevenness(&loads(nodes, plan), |load| load.replicas)
}

fn leader_unevenness(nodes: &[NodeFacts], plan: &[Vec<NodeId>]) -> (u64, u64) {
    unevenness(&loads(nodes, plan), |load| load.leaders)
}

/// Sum of squares of a shard's replicas by zone.
fn zone_unevenness(nodes: &[NodeFacts], shard: &[NodeId]) -> usize {
    let chosen: Vec<&NodeFacts> = nodes.iter().filter(|node| shard.contains(&node.id)).collect();
    chosen.iter().map(|a| chosen.iter().filter(|b| a.zone == b.zone).count()).sum()
}

/// All sequences that take one of the choices at each step.
fn sequences(choices: &[Vec<Vec<NodeId>>]) -> Vec<Vec<Vec<NodeId>>> {
    choices.iter().fold(vec![Vec::new()], |begun, choices| {
        let mut longer = Vec::with_capacity(begun.len() * choices.len());
        for begin in &begun {
            let with = |last| [&begin[..], std::slice::from_ref(last)].concat();
            longer.extend(choices.iter().map(with));
        }
        longer
    })
}

/// All sets of nodes that a shard can have with the least uneven zones.
fn evenest_sets(nodes: &[NodeFacts], replicas: usize) -> Vec<Vec<NodeId>> {
    let mut sets: Vec<Vec<NodeId>> = Vec::new();
    for bits in (0..1u32 << nodes.len()).filter(|bits| bits.count_ones() as usize == replicas) {
        let chosen = nodes.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1);
        sets.push(chosen.map(|(_, node)| node.id).collect());
    }
    let least = sets.iter().map(|set| zone_unevenness(nodes, set)).min().unwrap();
    sets.retain(|set| zone_unevenness(nodes, set) == least);
    sets
}

/// The same shards with every choice of leaders.
fn leader_choices(plan: &[Vec<NodeId>]) -> Vec<Vec<Vec<NodeId>>> {
    let turned = |shard: &Vec<NodeId>, by: usize| [&shard[by..], &shard[..by]].concat();
    let choices: Vec<Vec<Vec<NodeId>>> =
        plan.iter().map(|shard| (0..shard.len()).map(|by| turned(shard, by)).collect()).collect();
    sequences(&choices)
}

#[test]
fn a_node_that_only_follows_is_first_where_no_other_can_be() {
    let mut nodes: Vec<NodeFacts> = (1..=3).map(|id| node(id, None, 0)).collect();
    nodes[0].may_lead = false;
    let plan = place_new(&nodes, 6, 3).unwrap();
    assert!(plan.iter().all(|shard| shard[0] != NodeId(1) && shard.contains(&NodeId(1))));
    let plan = place_new(&nodes, 3, 1).unwrap();
    assert!(plan.iter().any(|shard| shard[0] == NodeId(1)), "of one copy it leads: {plan:?}");
}

proptest! {
    #[test]
    fn no_plan_is_more_even(nodes in nodes(5, 3, 4), shards in 0usize..=3, replicas in 1usize..=3) {
        let replicas = replicas.min(nodes.len());
        let plan = place_new(&nodes, shards, replicas).unwrap();
        prop_assert_eq!(plan.len(), shards);
        let sets = evenest_sets(&nodes, replicas);
        for shard in &plan {
            let mut set = shard.clone();
            set.sort_unstable();
            prop_assert!(sets.contains(&set), "{shard:?} is not of the evenest over zones");
        }
        let plans = sequences(&vec![sets; shards]);
        let best = plans.iter().map(|plan| replica_unevenness(&nodes, plan)).min().unwrap();
        prop_assert_eq!(replica_unevenness(&nodes, &plan), best);
        let plans = leader_choices(&plan);
        let best = plans.iter().map(|plan| leader_unevenness(&nodes, plan)).min().unwrap();
        prop_assert_eq!(leader_unevenness(&nodes, &plan), best);
    }

    #[test]
    fn shards_of_an_old_collection_fill_up_what_is_there(
        mut nodes in nodes(4, 2, 4),
        there in prop::collection::vec(0u64..4, 4),
        shards in 1usize..=3,
        replicas in 1usize..=3,
    ) {
        let replicas = replicas.min(nodes.len());
        for (node, there) in nodes.iter_mut().zip(there) {
            node.in_collection = Load { replicas: there, leaders: there / 2 };
        }
        let plan = place_new(&nodes, shards, replicas).unwrap();
        let sets = evenest_sets(&nodes, replicas);
        let plans = sequences(&vec![sets; shards]);
        let best = plans.iter().map(|plan| replica_unevenness(&nodes, plan)).min().unwrap();
        prop_assert_eq!(replica_unevenness(&nodes, &plan), best);
    }

    #[test]
    fn zones_of_one_size_carry_alike(
        zones in 1u8..6,
        per_zone in 1u8..6,
        shards in 1usize..60,
        replicas in 1usize..7,
    ) {
        let count = u64::from(zones) * u64::from(per_zone);
        let replicas = replicas.min(count as usize);
        let zone_of = |id: u64| Some((id % u64::from(zones)) as u8);
        let nodes: Vec<NodeFacts> = (1..=count).map(|id| node(id, zone_of(id), id % 7)).collect();
        let plan = place_new(&nodes, shards, replicas).unwrap();
        let loads = loads(&nodes, &plan);
        for number in [|load: &Load| load.replicas, |load: &Load| load.leaders] {
            let each: Vec<u64> = loads.iter().map(|(load, _)| number(load)).collect();
            prop_assert!(each.iter().max().unwrap() - each.iter().min().unwrap() <= 1);
        }
    }

    #[test]
    fn the_order_of_the_facts_does_not_matter(
        nodes in nodes(30, 4, 9).prop_shuffle(),
        shards in 1usize..40,
    ) {
        let mut sorted = nodes.clone();
        sorted.sort_by_key(|node| node.id);
        let replicas = nodes.len().min(3);
        let plan = place_new(&nodes, shards, replicas).unwrap();
        prop_assert_eq!(&place_new(&sorted, shards, replicas).unwrap(), &plan);
        sorted.extend(nodes);
        let twice = place_new(&sorted, shards, replicas).unwrap();
        prop_assert_eq!(&twice, &plan, "and a node named twice is one");
    }
}

#[test]
fn small_collections_go_round_the_cluster() {
    let mut nodes: Vec<NodeFacts> = (1..=5).map(|id| node(id, None, 0)).collect();
    let mut leaders = Vec::new();
    for _ in 0..5 {
        let plan = place_new(&nodes, 1, 3).unwrap();
        leaders.push(plan[0][0]);
        let after = loads(&nodes, &plan);
        for (node, (_, total)) in nodes.iter_mut().zip(after) {
            node.total = total;
        }
    }
    leaders.sort_unstable();
    assert_eq!(leaders, [1, 2, 3, 4, 5].map(NodeId));
    assert!(nodes.iter().all(|node| node.total.replicas == 3), "{nodes:?}");
}

#[test]
fn a_zone_of_one_node_has_a_replica_of_every_shard() {
    let nodes: Vec<NodeFacts> =
        (1..=7).map(|id| node(id, Some(u8::from(id > 1) + u8::from(id > 4)), 0)).collect();
    let plan = place_new(&nodes, 6, 3).unwrap();
    assert!(plan.iter().all(|shard| shard.contains(&NodeId(1))), "{plan:?}");
    let replicas: Vec<u64> = loads(&nodes, &plan).iter().map(|(load, _)| load.replicas).collect();
    assert_eq!(replicas, [6, 2, 2, 2, 2, 2, 2]);
}

#[test]
fn what_cannot_be_placed_is_refused_with_its_numbers() {
    let mut nodes: Vec<NodeFacts> = (1..=3).map(|id| node(id, None, 0)).collect();
    nodes[1].accepts_replicas = false;
    let refused = place_new(&nodes, 1, 3).unwrap_err();
    assert_eq!(refused, Unplaceable::TooFewNodes { wanted: 3, available: 2, members: 3 });
    assert!(refused.to_string().contains("2 of the cluster's 3"), "{refused}");
    assert_eq!(place_new(&nodes, 1, 0), Err(Unplaceable::NoReplicas));
    for shards in [REPLICAS_PER_PLAN_MAX / 2 + 1, usize::MAX] {
        assert!(matches!(place_new(&nodes, shards, 2), Err(Unplaceable::TooManyReplicas { .. })));
    }
}

#[test]
fn a_thousand_nodes_take_as_much_as_one_plan_holds() {
    let nodes: Vec<NodeFacts> =
        (1..=1000).map(|id| node(id, Some((id % 7) as u8), id * id % 41)).collect();
    let plan = place_new(&nodes, REPLICAS_PER_PLAN_MAX / 3, 3).unwrap();
    let loads = loads(&nodes, &plan);
    assert_eq!(
        loads.iter().map(|(load, _)| load.replicas).sum::<u64>() as usize,
        REPLICAS_PER_PLAN_MAX / 3 * 3
    );
    assert!(loads.iter().all(|(load, _)| (19..=21).contains(&load.replicas)));
    assert!(loads.iter().all(|(load, _)| (6..=7).contains(&load.leaders)));
}
