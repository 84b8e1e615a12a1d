//! A cluster of which a node with the only replica of a shard is gone: a read says which
//! shard is missing, and goes on without it where the client asks for that.

use serde_json::{Value, json};
use vane_testbed::{Cluster, Rest};

use crate::world::{DIM, start};

const POINTS: u64 = 60;

/// What a node answers to a body with `x-vane-partial: allow`.
struct Answer {
    status: u16,
    /// The header of the same name.
    partial: bool,
    body: Value,
}

impl Answer {
    fn result(&self) -> &Value {
        assert_eq!(self.status, 200, "{}", self.body);
        &self.body["result"]
    }

    /// Ordinals of the shards that are missing.
    fn failed(&self) -> Vec<u64> {
        assert_eq!(
            self.partial,
            self.body.get("partial").is_some(),
            "header and body agree: {}",
            self.body
        );
        let failed = self.body["partial"]["failed_shards"].as_array().cloned().unwrap_or_default();
        assert!(
            failed
                .iter()
                .all(|entry| entry["error"].as_str().is_some_and(|text| text.contains("shard"))),
            "{failed:?}"
        );
        failed.iter().map(|entry| entry["shard"].as_u64().unwrap()).collect()
    }
}

fn post(url: &str, path: &str, body: &Value) -> Answer {
    let rest = Rest::new(url).with_header("x-vane-partial", "allow");
    let body = body.to_string();
    let answer = rest.call_raw("POST", &format!("/collections/c/{path}"), body.as_bytes()).unwrap();
    Answer {
        status: answer.status,
        partial: answer.headers.get("x-vane-partial").is_some_and(|value| value == "true"),
        body: serde_json::from_slice(&answer.body).unwrap(),
    }
}

fn vector(id: u64) -> Vec<f64> {
    (0..DIM as u64).map(|i| ((id * 31 + i * 7) % 101) as f64 / 101.0).collect()
}

fn ids(points: &Value) -> Vec<u64> {
    points.as_array().unwrap().iter().map(|point| point["id"].as_u64().unwrap()).collect()
}

/// Places of the nodes that have the only replicas of the shards, by ordinal.
fn places(cluster: &Cluster) -> Vec<usize> {
    let mut shards = cluster.admin(1).unwrap().shards("c").unwrap();
    shards.sort_by_key(|it| it.ordinal);
    let node = |shard: vane_proto::admin::Shard| shard.group.unwrap().replicas[0].node_id;
    shards.into_iter().map(|shard| cluster.number_of(node(shard)).unwrap()).collect()
}

#[test]
fn a_partial_read_says_which_shards_it_goes_without() {
    let mut world = start(3, false, &[]);
    let cluster = &mut world.cluster;
    let rest = cluster.nodes()[0].rest();
    let body = json!({"vectors": {"size": DIM, "distance": "Dot"}, "shard_number": 2, "replication_factor": 1});
    rest.send("PUT", "/collections/c", &body).unwrap();
    let point = |id| json!({"id": id, "vector": vector(id), "payload": {"n": id}});
    let points: Vec<Value> = (1..=POINTS).map(point).collect();
    rest.send("PUT", "/collections/c/points?wait=true", &json!({ "points": points })).unwrap();

    let places = places(cluster);
    let gateway = (1..=3)
        .find(|number| !places.contains(number))
        .expect("two shards are on two of three nodes");
    let url = cluster.node(gateway).rest().url().to_owned();
    let all = json!({"limit": POINTS});
    let whole = post(&url, "points/scroll", &all);
    assert_eq!((whole.failed(), ids(&whole.result()["points"]).len() as u64), (Vec::new(), POINTS));

    cluster.node(places[1]).kill();
    let refused =
        cluster.node(gateway).rest().call("POST", "/collections/c/points/scroll", &all).unwrap();
    assert_eq!(refused.status, 503, "{}", refused.body);
    check_without_the_second(&url, &all);
    let parameter = "/collections/c/points/count?partial=true&consistency=majority&timeout=2";
    let counted = cluster.node(gateway).rest().call("POST", parameter, &json!({})).unwrap();
    assert_eq!(counted.body["partial"]["failed_shards"][0]["shard"], 1, "{}", counted.body);

    cluster.node(places[0]).kill();
    for (path, body) in [("points/scroll", &all), ("points/query", &json!({"query": vector(3)}))] {
        let nothing = post(&url, path, body);
        assert_eq!(nothing.status, 503, "{path}: nothing is no part of it: {}", nothing.body);
    }
}

/// Every kind of read names the second shard, and has the points of the first.
fn check_without_the_second(url: &str, all: &Value) {
    let page = post(url, "points/scroll", all);
    assert_eq!(page.failed(), [1]);
    let there = ids(&page.result()["points"]);
    assert!(!there.is_empty() && (there.len() as u64) < POINTS, "{there:?}");
    let count = post(url, "points/count", &json!({}));
    assert_eq!(
        (count.failed(), count.result()["count"].as_u64()),
        (vec![1], Some(there.len() as u64))
    );
    let missing = (1..=POINTS).find(|number| !there.contains(number)).unwrap();
    let retrieved = post(url, "points", &json!({"ids": [missing, there[0]]}));
    assert_eq!((retrieved.failed(), ids(retrieved.result())), (vec![1], vec![there[0]]));
    // Those that are asked are the ones that count.
    let retrieved = post(url, "points", &json!({"ids": [there[0]]}));
    assert_eq!((retrieved.failed(), ids(retrieved.result())), (Vec::new(), vec![there[0]]));

    let best = json!({"query": vector(there[0]), "limit": POINTS});
    let with_payload = json!({"query": vector(there[0]), "limit": POINTS, "with_payload": true});
    let fused = json!({"prefetch": [best, best], "query": {"fusion": "rrf"}, "limit": POINTS});
    // A time that the silent shard alone would use up leaves enough to fetch the records.
    for (path, body) in [
        ("points/query", &best),
        ("points/query?timeout=2", &with_payload),
        ("points/query?timeout=4", &fused),
    ] {
        let found = post(url, path, body);
        let mut points = ids(&found.result()["points"]);
        points.sort_unstable();
        assert_eq!((found.failed(), points), (vec![1], there.clone()), "{path} {body}");
    }
    let batch = post(url, "points/query/batch", &json!({"searches": [best, with_payload]}));
    assert_eq!((batch.failed(), batch.result().as_array().map(Vec::len)), (vec![1], Some(2)));
    let near_the_missing = post(url, "points/query", &json!({"query": missing}));
    assert_eq!(near_the_missing.status, 503, "{}", near_the_missing.body);
}
