//! Nodes that stand still for a while and go on as if nothing had been.

use std::time::{Duration, Instant};

use serde_json::json;
use vane_testbed::{Rest, pause};

use crate::load::{Load, Plan};
use crate::world::{HEAL, agreed, check, check_replicas, create, leader, start, upsert};

/// Time that the leader stands still: several elections.
const FROZEN: Duration = Duration::from_secs(4);
/// Id that no load comes to.
const MARKER: u64 = 1_000_000_000;
/// Reads that wait at the frozen leader.
const READS: u64 = 8;

#[test]
fn a_frozen_leader_neither_loses_writes_nor_answers_stale() {
    let mut world = start(3, false, &[]);
    create(&world.cluster.nodes()[0].rest(), 1, 3);
    let (_, frozen) = leader(&world.cluster);
    let others = [frozen % 3 + 1, (frozen + 1) % 3 + 1];
    // Each stays with its node: those of the frozen one have requests in its sockets when
    // it goes on.
    let load = Load::start(&world.cluster, Plan { writers: 12, pinned: true, ..Plan::default() });
    load.wait_for_through(&[1, 2, 3], 20);
    let began = Instant::now();
    world.cluster.node(frozen).freeze().unwrap();
    load.wait_for_through(&others, 50);
    let gap = load.longest_gap(began);
    let marked = upsert(&world.cluster.node(others[0]).rest(), MARKER).unwrap();
    assert!(marked.is_ok(), "{marked:?}");
    // Sent before it is thawed: the first that it does is to answer them as the leader that
    // it takes itself for.
    let url = world.cluster.node(frozen).rest().url().to_owned();
    let read = |nth: u64| {
        let rest = Rest::with_timeout(&url, HEAL);
        let body = json!({"ids": [MARKER], "with_payload": nth.is_multiple_of(2)});
        std::thread::spawn(move || {
            rest.call("POST", "/collections/c/points?consistency=majority", &body)
        })
    };
    let reads: Vec<_> = (0..READS).map(read).collect();
    pause(FROZEN.saturating_sub(began.elapsed()));
    world.cluster.node(frozen).thaw();
    let answers: Vec<_> = reads.into_iter().map(|read| read.join().unwrap().unwrap()).collect();
    for answer in &answers {
        assert!(answer.is_ok(), "{answer:?}");
        assert_eq!(answer.result()[0]["id"], MARKER, "a stale read: {answer:?}");
    }
    load.wait_for_through(&[1, 2, 3], 20);
    let mut written = load.end();
    let late = written
        .acknowledged
        .values()
        .filter(|(at, node)| *at > began + FROZEN && *node == frozen)
        .count();
    println!(
        "gap of {gap:.2?} while the leader stood still; {late} writes acknowledged through it after it went on"
    );
    written.refused_only_with(&[503, 408]);
    written.seen([MARKER]);
    written.next = MARKER + 1;
    agreed(&world.cluster);
    check(&world.cluster, &written);
    check_replicas(&world.cluster, &written);
}

#[test]
fn a_node_that_is_behind_does_not_deny_a_collection() {
    let mut world = start(3, false, &[]);
    let behind = 3;
    world.cluster.node(behind).freeze().unwrap();
    create(&world.cluster.nodes()[0].rest(), 1, 3);
    // Sent before it is thawed: the first that it does is to answer, from the catalog that it had.
    let url = world.cluster.node(behind).rest().url().to_owned();
    let ask = |path: &'static str| {
        let rest = Rest::with_timeout(&url, HEAL);
        std::thread::spawn(move || rest.call("GET", path, &json!(null)).unwrap())
    };
    let [known, exists, unknown] =
        ["/collections/c", "/collections/c/exists", "/collections/d"].map(ask);
    pause(FROZEN);
    world.cluster.node(behind).thaw();
    let [known, exists, unknown] = [known, exists, unknown].map(|asked| asked.join().unwrap());
    assert!(known.is_ok(), "{known:?}");
    assert_eq!(exists.result()["exists"], true, "{exists:?}");
    assert_eq!(unknown.status, 404, "{unknown:?}");
}
