//! Clusters for the tests, and what is looked for in them.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};
use vane_proto::admin::Policy;
use vane_testbed::{Answer, Cluster, Error, Options, Rest, program, wait_until};

use crate::load::Written;

/// Length of the points' vectors.
pub(crate) const DIM: usize = 8;
/// Time for a cluster to be whole again.
pub(crate) const HEAL: Duration = Duration::from_secs(30);
/// Points read at a time.
const PAGE: usize = 5000;

/// Points of a request of [`fill`].
const FILL_BATCH: usize = 2_000;

/// One cluster at a time: they share addresses.
static ALONE: Mutex<()> = Mutex::new(());

/// A cluster in a folder of its own.
pub(crate) struct World {
    pub(crate) cluster: Cluster,
    _dir: tempfile::TempDir,
    _alone: MutexGuard<'static, ()>,
}

/// Waits for the clusters of other tests to be gone.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock()
}

/// A cluster with its data in `dir`.
pub(crate) fn options(
    dir: &Path,
    nodes: usize,
    relayed: bool,
    settings: &[(&str, &str)],
) -> Options {
    let settings =
        settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Options { binary: program::vane().unwrap(), dir: dir.to_owned(), nodes, settings, relayed }
}

/// Starts a cluster on empty disks.
pub(crate) fn start(nodes: usize, relayed: bool, settings: &[(&str, &str)]) -> World {
    let alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let cluster = Cluster::start(&options(dir.path(), nodes, relayed, settings)).unwrap();
    World { cluster, _dir: dir, _alone: alone }
}

/// Creates the collection `c`.
pub(crate) fn create(rest: &Rest, shards: u32, replicas: u32) {
    create_with(rest, shards, replicas, &json!({}));
}

/// The same with settings of the optimizer.
pub(crate) fn create_with(rest: &Rest, shards: u32, replicas: u32, optimizer: &Value) {
    let body = json!({
        "vectors": {"size": DIM, "distance": "Dot"},
        "shard_number": shards,
        "replication_factor": replicas,
        "optimizers_config": optimizer,
    });
    rest.send("PUT", "/collections/c", &body).unwrap();
}

/// A point that follows from its id.
pub(crate) fn point(id: u64) -> Value {
    json!({"id": id, "vector": vector(id), "payload": {"n": id}})
}

fn vector(id: u64) -> Vec<f64> {
    (0..DIM).map(|i| ((id * 31 + i as u64 * 7) % 101) as f64 / 101.0).collect()
}

/// Inserts a point into `c`.
pub(crate) fn upsert(rest: &Rest, id: u64) -> Result<Answer, Error> {
    upsert_into(rest, "c", id)
}

/// Inserts a point.
pub(crate) fn upsert_into(rest: &Rest, collection: &str, id: u64) -> Result<Answer, Error> {
    let path = format!("/collections/{collection}/points?wait=true&timeout=10");
    rest.call("PUT", &path, &json!({"points": [point(id)]}))
}

/// Inserts many points of successive ids into `c`.
pub(crate) fn fill(rest: &Rest, points: u64) {
    for first in (1..=points).step_by(FILL_BATCH) {
        let last = points.min(first + FILL_BATCH as u64 - 1);
        let points: Vec<_> = (first..=last).map(point).collect();
        rest.send("PUT", "/collections/c/points?wait=true", &json!({"points": points})).unwrap();
    }
}

/// How much a test does: what the variable of the environment says, for a long form.
pub(crate) fn amount(variable: &str, short: u64) -> u64 {
    let asked = std::env::var(variable).ok();
    asked.map_or(short, |it| it.parse().unwrap_or_else(|_| panic!("{variable}={it}: no number")))
}

/// All ids, by scroll.
pub(crate) fn scrolled(rest: &Rest) -> Result<BTreeSet<u64>, Error> {
    let (mut ids, mut offset) = (BTreeSet::new(), Value::Null);
    loop {
        let body = json!({"limit": PAGE, "offset": offset, "with_payload": false});
        let page = rest.send(
            "POST",
            "/collections/c/points/scroll?consistency=majority&timeout=5",
            &body,
        )?;
        ids.extend(
            page["points"].as_array().unwrap().iter().map(|entry| entry["id"].as_u64().unwrap()),
        );
        offset = page["next_page_offset"].clone();
        if offset.is_null() {
            return Ok(ids);
        }
    }
}

/// Every acknowledged point is there, whole, through every node that is up; the rest was
/// sent, and not said to have changed nothing. What is there.
pub(crate) fn check(cluster: &Cluster, written: &Written) -> BTreeSet<u64> {
    let mut all = BTreeSet::new();
    for node in cluster.nodes().iter().filter(|it| it.is_up()) {
        all = check_through(&node.rest(), node.number(), written);
    }
    all
}

/// The same with every node's own replicas: each node in turn leads all shards. Needs a
/// replica of each on every node.
pub(crate) fn check_replicas(cluster: &Cluster, written: &Written) {
    for node in cluster.nodes() {
        lead_all(cluster, node.number());
        check_through(&node.rest(), node.number(), written);
    }
}

fn check_through(rest: &Rest, number: usize, written: &Written) -> BTreeSet<u64> {
    let found = scrolled(rest).unwrap();
    let lost: Vec<&u64> = written.acknowledged.keys().filter(|key| !found.contains(key)).collect();
    assert!(lost.is_empty(), "through node {number}: {} points are lost: {lost:?}", lost.len());
    let strange: Vec<&u64> = found.range(written.next..).collect();
    assert!(
        strange.is_empty(),
        "through node {number}: points that nobody sent, up to {}: {strange:?}",
        written.next
    );
    let changed: Vec<&u64> = written.unchanged.iter().filter(|id| found.contains(id)).collect();
    assert!(
        changed.is_empty(),
        "through node {number}: refused points that are there all the same: {changed:?}"
    );
    let ids: Vec<&u64> = found.iter().collect();
    for some in ids.chunks(PAGE) {
        let body = json!({"ids": some, "with_payload": true, "with_vector": true});
        let got = rest.send("POST", "/collections/c/points", &body).unwrap();
        let got = got.as_array().unwrap();
        assert_eq!(
            got.len(),
            some.len(),
            "through node {number}: points are listed that are not there"
        );
        got.iter().for_each(|point| assert!(is_whole(point), "through node {number}: {point}"));
    }
    found
}

fn is_whole(point: &Value) -> bool {
    let id = point["id"].as_u64().unwrap();
    let found =
        point["vector"].as_array().unwrap().iter().map(|entry| entry.as_f64().unwrap() as f32);
    point["payload"]["n"] == id && found.eq(vector(id).into_iter().map(|value| value as f32))
}

/// Waits until reads through all nodes show the same points: which.
pub(crate) fn agreed(cluster: &Cluster) -> BTreeSet<u64> {
    let agree = || {
        let all: Vec<_> = cluster
            .nodes()
            .iter()
            .map(|node| scrolled(&node.rest()).ok())
            .collect::<Option<_>>()?;
        all.windows(2).all(|pair| pair[0] == pair[1]).then(|| all.into_iter().next())?
    };
    wait_until("all nodes to agree", HEAL, agree).unwrap()
}

/// Group of the only shard, and place of the node that leads it.
pub(crate) fn leader(cluster: &Cluster) -> (u64, usize) {
    let up = cluster.nodes().iter().find(|it| it.is_up()).unwrap().number();
    leader_seen_by(cluster, up)
}

/// The same as one node sees it.
pub(crate) fn leader_seen_by(cluster: &Cluster, number: usize) -> (u64, usize) {
    let found = wait_until("the shard to have a leader", HEAL, || {
        let group = cluster.admin(number).ok()?.shards("c").ok()?.first()?.group.clone()?;
        (group.leader_node != 0).then_some((group.id, group.leader_node))
    });
    let (group, node) = found.unwrap();
    (group, number_of(cluster, node))
}

/// Term of the only shard, as one node sees it.
pub(crate) fn term_seen_by(cluster: &Cluster, number: usize) -> u64 {
    let shards = cluster.admin(number).unwrap().shards("c").unwrap();
    shards[0].group.as_ref().unwrap().term
}

/// Has a node lead all shards, and go on doing so: leaderships are no longer spread.
pub(crate) fn lead_all(cluster: &Cluster, number: usize) {
    let admin = cluster.admin(number).unwrap();
    let stay = Policy { leaders: Some(false), ..Policy::default() };
    let id = admin.cluster().unwrap().node_id;
    let led = || {
        let groups: Vec<_> =
            admin.shards("c").ok()?.into_iter().filter_map(|it| it.group).collect();
        let others: Vec<_> = groups.iter().filter(|group| group.leader_node != id).collect();
        // Refused while a replica is behind or an election runs: asked again.
        drop(admin.set_policy(stay));
        others.iter().for_each(|other| drop(admin.transfer(other.id, id)));
        (others.is_empty() && !groups.is_empty()).then_some(())
    };
    wait_until(&format!("node {number} to lead all shards"), HEAL, led).unwrap();
}

fn number_of(cluster: &Cluster, node_id: u64) -> usize {
    cluster.number_of(node_id).unwrap()
}
