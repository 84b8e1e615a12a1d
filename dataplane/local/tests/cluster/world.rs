//! Clusters for the tests, and what is looked for in them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};
use vane_local::{Cluster, Error, Options, Rest, wait_until};

/// Length of the points' vectors.
pub(crate) const DIM: usize = 8;
/// Time for a cluster to be whole again.
pub(crate) const HEAL: Duration = Duration::from_secs(30);

/// One cluster at a time: they share addresses.
static ALONE: Mutex<()> = Mutex::new(());

/// A cluster in a folder of its own.
pub(crate) struct World {
    pub(crate) cluster: Cluster,
    _dir: tempfile::TempDir,
    _alone: MutexGuard<'static, ()>,
}

fn binary() -> PathBuf {
    let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".into());
    let path = std::env::var("VANE_BIN").unwrap_or_else(|_| format!("{target}/debug/vane"));
    assert!(PathBuf::from(&path).exists(), "{path} is not there: run `make build`");
    path.into()
}

/// Starts a cluster on empty disks.
pub(crate) fn start(nodes: usize, relayed: bool, settings: &[(&str, &str)]) -> World {
    let alone = ALONE.lock();
    let dir = tempfile::tempdir().unwrap();
    let settings = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let options = Options { binary: binary(), dir: dir.path().to_owned(), nodes, settings, relayed };
    World { cluster: Cluster::start(&options).unwrap(), _dir: dir, _alone: alone }
}

/// Creates the collection `c`.
pub(crate) fn create(rest: &Rest, shards: u32, replicas: u32) {
    let body =
        json!({"vectors": {"size": DIM, "distance": "Dot"}, "shard_number": shards, "replication_factor": replicas});
    rest.send("PUT", "/collections/c", &body).unwrap();
}

/// A point that follows from its id.
pub(crate) fn point(id: u64) -> Value {
    let vector: Vec<f64> = (0..DIM).map(|i| ((id * 31 + i as u64 * 7) % 101) as f64 / 101.0).collect();
    json!({"id": id, "vector": vector, "payload": {"n": id}})
}

/// Inserts a point; whether that was acknowledged.
pub(crate) fn upsert(rest: &Rest, id: u64) -> Result<bool, Error> {
    let path = "/collections/c/points?wait=true&timeout=10";
    Ok(rest.call("PUT", path, &json!({"points": [point(id)]}))?.is_ok())
}

/// All ids, by scroll.
pub(crate) fn scrolled(rest: &Rest) -> BTreeSet<u64> {
    let body = json!({"limit": 100_000, "with_payload": false});
    let page = rest.send("POST", "/collections/c/points/scroll?consistency=majority", &body).unwrap();
    page["points"].as_array().unwrap().iter().map(|it| it["id"].as_u64().unwrap()).collect()
}

/// Every acknowledged point is there through every node that is up; the rest was sent.
pub(crate) fn check(cluster: &Cluster, acknowledged: &BTreeMap<u64, Instant>, sent: u64) {
    for node in cluster.nodes().iter().filter(|it| it.is_up()) {
        let found = scrolled(&node.rest());
        let lost: Vec<&u64> = acknowledged.keys().filter(|it| !found.contains(it)).collect();
        assert!(lost.is_empty(), "through node {}: {} points are lost: {lost:?}", node.number(), lost.len());
        assert!(found.iter().all(|it| *it < sent), "points that nobody sent");
        let ids: Vec<&u64> = acknowledged.keys().collect();
        for some in ids.chunks(2000) {
            let body = json!({"ids": some, "with_payload": true});
            let got = node.rest().send("POST", "/collections/c/points", &body).unwrap();
            assert_eq!(got.as_array().unwrap().len(), some.len());
            assert!(got.as_array().unwrap().iter().all(|it| it["payload"]["n"] == it["id"]));
        }
    }
}

/// Place of the node that leads the only shard.
pub(crate) fn leader(cluster: &Cluster) -> (u64, usize) {
    let up = cluster.nodes().iter().find(|it| it.is_up()).unwrap().number();
    let found = wait_until("the shard to have a leader", HEAL, || {
        let shards = cluster.admin(up).ok()?.shards("c").ok()?;
        let group = shards.first()?.group.clone()?;
        (group.leader_node != 0).then_some((group.id, group.leader_node))
    });
    let (group, node) = found.unwrap();
    (group, cluster.number_of(node).unwrap())
}
