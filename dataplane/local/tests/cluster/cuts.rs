//! Cut links.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::json;
use vane_local::wait_until;

use crate::world::{HEAL, create, point, start, upsert};

#[test]
fn a_majority_writes_and_a_minority_refuses() {
    let mut world = start(5, true, &[]);
    create(&world.cluster.nodes()[0].rest(), 2, 5);
    for id in 1..=20 {
        assert!(upsert(&world.cluster.nodes()[0].rest(), id).unwrap());
    }
    world.cluster.links().split(&[1, 2], &[3, 4, 5]);
    let majority = world.cluster.nodes()[3].rest();
    let mut id = 100;
    let first = wait_until("the majority to write", Duration::from_secs(10), || {
        id += 1;
        upsert(&majority, id).ok()?.then_some(id)
    });
    let first = first.unwrap();
    for id in first..first + 50 {
        assert!(upsert(&majority, id).unwrap());
    }
    for number in [1, 2] {
        let began = Instant::now();
        let path = "/collections/c/points?wait=true";
        let answer = world.cluster.node(number).rest().call("PUT", path, &json!({"points": [point(7000)]})).unwrap();
        let took = began.elapsed();
        println!("node {number} of the minority refused with {} after {took:.1?}: {}", answer.status, answer.body);
        assert!(matches!(answer.status, 503 | 408), "{} {}", answer.status, answer.body);
        // Five seconds are promised; machines that run tests are slow at times.
        assert!(took < Duration::from_secs(8), "{took:?}");
    }
    world.cluster.links().heal();
    let began = Instant::now();
    let agreed = wait_until("all nodes to agree", HEAL, || {
        let all: Option<Vec<BTreeSet<u64>>> = world
            .cluster
            .nodes()
            .iter()
            .map(|it| {
                let body = json!({"limit": 100_000});
                let page = it
                    .rest()
                    .send("POST", "/collections/c/points/scroll?consistency=majority&timeout=3", &body)
                    .ok()?;
                Some(page["points"].as_array()?.iter().filter_map(|it| it["id"].as_u64()).collect())
            })
            .collect();
        let all = all?;
        all.windows(2).all(|it| it[0] == it[1]).then(|| all[0].clone())
    });
    let agreed = agreed.unwrap();
    println!("all nodes agreed {:.1?} after healing", began.elapsed());
    assert!((1..=20).chain(first..first + 50).all(|it| agreed.contains(&it)));
}
