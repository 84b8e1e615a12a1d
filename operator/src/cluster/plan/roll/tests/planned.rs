//! What goes before a pod that runs well is taken away: its leaders, its time and its turn.

use vane_proto::admin::{self, Replica, Role};

use super::*;

/// A group of all three nodes, led by one of them.
fn led_by(leader_node: u64) -> Group {
    let voter = |node_id: u64| Replica {
        node_id,
        active: true,
        role: Role::Voter.into(),
        ..Replica::default()
    };
    Group { leader_node, replicas: (1..=3).map(voter).collect(), ..Group::default() }
}

#[test]
fn each_pod_hands_over_what_it_leads_before_it_goes() {
    let mut sim = Sim::handing_over(3);
    sim.asks_for("2");
    assert_eq!(sim.run(), ["demo-2", "demo-1", "demo-0"]);
    let order: Vec<&str> = sim
        .log
        .iter()
        .filter(|step| step.contains("demo-"))
        .map(|step| step.split_once(' ').unwrap().0)
        .collect();
    assert_eq!(order, ["have", "evict"].repeat(3));
    // One node has nobody to hand over to.
    let mut alone = Sim::handing_over(1);
    alone.asks_for("2");
    alone.run();
    assert!(!alone.log.iter().any(|step| step.starts_with("have")), "{:?}", alone.log);
}

#[test]
fn a_pod_stays_while_others_could_take_what_it_leads_and_not_for_long() {
    let mut sim = Sim::handing_over(3);
    sim.asks_for("2");
    sim.until("EvictingPod");
    let leads = |sim: &mut Sim, leader: u64| {
        let shard = admin::Shard { group: Some(led_by(leader)), ..admin::Shard::default() };
        sim.observed.database.as_mut().unwrap().shards = vec![shard];
        let roll = sim.plan();
        (roll.stand, roll.step.is_some())
    };
    let waits = Stand::Rolling("demo-2 hands over what it leads".into());
    assert_eq!(leads(&mut sim, 3), (waits.clone(), false));
    assert!(leads(&mut sim, 2).1, "another leads");
    sim.observed.following = [(3, Duration::from_secs(59))].into();
    assert_eq!(leads(&mut sim, 3), (waits.clone(), false));
    sim.observed.following = [(3, Duration::from_secs(60))].into();
    assert!(leads(&mut sim, 3).1, "the rest is handed over as it stops");
    sim.observed.following.clear();
    // The meta group counts like any other, and one that has no other voter does not.
    assert!(leads(&mut sim, 1).1);
    let database = sim.observed.database.as_mut().unwrap();
    database.cluster.meta = Some(led_by(3));
    assert_eq!(sim.plan().stand, waits);
    let mut alone = led_by(3);
    alone.replicas.truncate(0);
    sim.observed.database.as_mut().unwrap().cluster.meta = Some(alone);
    assert!(sim.plan().step.is_some());
}

#[test]
fn a_node_that_is_not_to_go_after_all_leads_again() {
    let mut sim = Sim::handing_over(3);
    sim.asks_for("2");
    sim.until("EvictingPod");
    let pod = sim.plan().pod;
    sim.cluster.status.update =
        Some(vane_crds::cluster::UpdateStatus { pod, ..Default::default() });
    assert_eq!(sim.plan().step.map(|step| step.reason()), Some("EvictingPod"));
    sim.asks_for("1");
    let roll = sim.plan();
    assert_eq!(roll.step, Some(Step::LetLead { node: 3, pod: "demo-2".into() }));
    assert_eq!(roll.pod.as_deref(), Some("demo-2"), "an operator that ends here does it again");
    assert_eq!(sim.run(), [""; 0]);
    assert!(!sim.node(2).follows_only);
    // What a person keeps from leading is none of the operator's business.
    sim.node(1).follows_only = true;
    assert_eq!(sim.plan().step, None);
}

#[test]
fn pods_go_zone_by_zone() {
    let mut sim = Sim::settled(6);
    for ordinal in 0..6 {
        sim.pod(ordinal).zone = Some(["a", "b"][usize::try_from(ordinal % 2).unwrap()].into());
    }
    sim.node(0).leaders = 9;
    sim.asks_for("2");
    // The zone of the one with the fewest leaders, then the other; the meta leader last.
    assert_eq!(sim.run(), ["demo-2", "demo-4", "demo-3", "demo-5", "demo-1", "demo-0"]);
}

#[test]
fn what_runs_well_stays_while_no_window_is_open_and_what_does_not_is_repaired() {
    let window = |sim: &mut Sim, now: &str| {
        let windows = json!([{"schedule": "0 3 * * *", "durationMinutes": 60, "timeZone": "UTC"}]);
        sim.cluster.spec.maintenance.windows = serde_json::from_value(windows).unwrap();
        sim.observed.now = now.parse().unwrap();
    };
    let closed = Stand::Closed("the next window opens at 2026-01-02T03:00:00Z".into());
    let mut sim = Sim::settled(3);
    sim.asks_for("2");
    window(&mut sim, "2026-01-01T12:00:00Z");
    assert_eq!(sim.run(), [""; 0]);
    assert_eq!(sim.plan().stand, closed);
    let set = sim.set().clone();
    assert_eq!(set.good, set.recipe, "pods that go meanwhile come back as they were");
    window(&mut sim, "2026-01-02T03:30:00Z");
    sim.until("EvictingPod");
    sim.step();
    // It closes on the way: the pod that was begun with is waited for, and no other goes.
    window(&mut sim, "2026-01-01T12:00:00Z");
    assert_eq!((sim.plan().stand, sim.plan().step), (closed, None));
    (sim.pod(0).ready, sim.pod(0).state.running) = (false, false);
    assert!(matches!(sim.plan().step, Some(Step::DeletePod { pod, .. }) if pod == "demo-0"));
    // What fails is taken back at once.
    let mut sim = Sim::settled(3);
    sim.asks_for(BROKEN);
    sim.until("EvictingPod");
    sim.step();
    window(&mut sim, "2026-01-01T12:00:00Z");
    assert_eq!(sim.run(), ["demo-2"]);
    assert!(sim.set().failed.is_some());
    // What is asked for instead waits like anything else.
    sim.asks_for("2");
    window(&mut sim, "2026-01-01T12:00:00Z");
    assert_eq!(sim.run(), [""; 0]);
    assert!(matches!(sim.plan().stand, Stand::Closed(_)));
}

#[test]
fn a_cluster_waits_for_its_turn() {
    let mut sim = Sim::settled(3);
    sim.asks_for("2");
    sim.observed.no_turn = Some("10 other clusters are rolled, which is the most".into());
    assert_eq!(sim.run(), [""; 0]);
    assert!(matches!(sim.plan().stand, Stand::NoTurn(_)));
    assert!(!sim.plan().takes_its_turn() && sim.plan().waits());
    sim.observed.no_turn = None;
    let mut planned = Vec::new();
    loop {
        let roll = sim.plan();
        planned.extend(roll.step.filter(|_| roll.is_planned).map(|step| step.reason()));
        if !sim.step() {
            break;
        }
    }
    assert_eq!(planned, ["ChangingTemplate", "EvictingPod", "EvictingPod", "EvictingPod"]);
    // A repair and the way back need none.
    let mut sim = Sim::settled(3);
    sim.asks_for(BROKEN);
    sim.until("GivingUp");
    sim.observed.no_turn = Some("10 other clusters are rolled, which is the most".into());
    assert_eq!(sim.run(), ["demo-2"]);
    sim.asks_for("2");
    (sim.pod(1).ready, sim.pod(1).state.running) = (false, false);
    sim.until("ChangingTemplate");
    assert!(!sim.plan().is_planned);
}

#[test]
fn what_others_are_about_to_evict_is_left_to_them() {
    use crate::database::{Machine, Outlook};
    let mut sim = Sim::handing_over(3);
    let outlook = Outlook::Drained("is cordoned".into());
    let machine = Machine { name: "m2".into(), zone: None, outlook };
    sim.pod(2).state.machine = Some(machine);
    sim.asks_for("2");
    assert_eq!(sim.run(), ["demo-1", "demo-0"]);
    let roll = sim.plan();
    assert!(matches!(&roll.stand, Stand::Drained(why) if why.contains("machine m2 of demo-2")));
    assert!(roll.waits() && !roll.takes_its_turn());
    // What does not run is repaired all the same.
    (sim.pod(2).ready, sim.pod(2).state.running) = (false, false);
    assert_eq!(sim.run(), ["demo-2"]);
    assert_eq!(sim.plan().stand, Stand::Done);
}
