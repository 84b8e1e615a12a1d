//! A whole node without its HTTP server: what was acknowledged is there after a restart,
//! however segments are sealed, indexed and merged meanwhile.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use vane_catalog::AliasChange;
use vane_coordinator::{By, Coordinator, Layout, Query, RequestOptions};
use vane_filter::Filter;
use vane_node::{Member, Node, NodeSettings, NodeShards, Problem, ScrubSettings, Settings};
use vane_shard::{
    NewPoint, Scroll, SearchParams, Selection, Want, WantPayload, WantVectors, Write,
};
use vane_storage::{DataDb, LogDb, ShardStore};
use vane_transport::{Outcome, PeerMember, Proposal};
use vane_types::{
    CollectionConfig, Distance, ErrorKind, FieldType, GroupId, HnswConfig, OptimizerConfig,
    PointId, Subject, Vector, VectorParams,
};

const TIMEOUT: Duration = Duration::from_secs(30);
const DIM: usize = 16;

fn settings(dir: &Path) -> Settings {
    let node = NodeSettings {
        name: "vane".into(),
        address: "127.0.0.1:6335".into(),
        rest_address: "127.0.0.1:6333".into(),
        version: "0".into(),
        dial_from: None,
        token: "none".into(),
        seeds: None,
    };
    Settings {
        node,
        data_dir: dir.to_owned(),
        search_threads: 2,
        build_threads: 2,
        build_bytes_max: None,
        pending_searches_max: 1024,
        pending_write_bytes_max: 256 << 20,
        min_free_bytes: 1 << 20,
        ballast_bytes: 0,
        flush_interval: Duration::from_secs(1),
        idle_seal_after: Duration::from_millis(20),
        lost_after: Duration::from_secs(600),
        growing_bytes_max: 64 << 20,
        growing_rows_max: 300,
        scrub: ScrubSettings { bytes_per_second: 64 << 20, interval: Duration::from_millis(50) },
        compare_interval: Duration::from_millis(50),
    }
}

fn options() -> RequestOptions {
    RequestOptions::new(Instant::now() + TIMEOUT)
}

fn config(indexing_threshold: usize) -> CollectionConfig {
    let vector = VectorParams::new(DIM, Distance::Euclid);
    CollectionConfig {
        vectors: BTreeMap::from([(String::new(), vector)]),
        hnsw: HnswConfig { full_scan_threshold: 0, ..HnswConfig::default() },
        optimizer: OptimizerConfig {
            indexing_threshold,
            vacuum_min_vector_number: 50,
            ..OptimizerConfig::default()
        },
        payload_schema: BTreeMap::new(),
        metadata: serde_json::Map::new(),
        ..CollectionConfig::default()
    }
}

/// A vector that is its number's own: no two are alike.
fn vector(n: u64) -> Vector {
    let mut state = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 24) as f32
    };
    let values: Vec<f32> = (0..DIM).map(|_| next()).collect();
    values.into()
}

fn point(n: u64) -> NewPoint {
    let payload = json!({"n": n, "color": if n.is_multiple_of(3) { "red" } else { "blue" }});
    NewPoint {
        id: PointId::num(n),
        vectors: BTreeMap::from([(String::new(), vector(n))]),
        payload: payload.as_object().unwrap().clone(),
    }
}

fn nearest(n: u64, filter: Option<Filter>) -> Query {
    Query {
        by: By::Vector(vector(n)),
        using: String::new(),
        filter,
        params: SearchParams::default(),
        corpus: None,
        score_threshold: None,
        limit: 3,
        offset: 0,
        want: Want { payload: WantPayload::All, vectors: WantVectors::All },
        prefetch: Vec::new(),
        lookup: None,
    }
}

fn red() -> Filter {
    Filter::parse(json!({"must": [{"key": "color", "match": {"value": "red"}}]})).unwrap()
}

async fn load(cluster: &Arc<Coordinator<NodeShards>>, from: u64, to: u64) {
    let collection = cluster.known_collection("c").unwrap();
    for start in (from..to).step_by(100) {
        let points = (start..to.min(start + 100)).map(point).collect();
        collection.write(Write::Upsert(points), options()).await.unwrap();
    }
}

/// Looks again and again until there is something, but not for ever.
async fn wait_for<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until nothing is left to do; with `all` also for rows that are in no file, which are no
/// job until they are idle.
async fn settle(cluster: &Arc<Coordinator<NodeShards>>, all: bool) {
    let collection = cluster.known_collection("c").unwrap();
    wait_for("background jobs to end", async || {
        let info = collection.info(options()).await.unwrap();
        (!info.optimizing && (!all || info.growing_rows == 0)).then_some(())
    })
    .await;
}

async fn check_all(cluster: &Arc<Coordinator<NodeShards>>, alive: impl Fn(u64) -> bool, to: u64) {
    let collection = cluster.known_collection("c").unwrap();
    let expected: Vec<u64> = (0..to).filter(|n| alive(*n)).collect();
    assert_eq!(collection.count(None, options()).await.unwrap(), expected.len());
    let page =
        collection.scroll(Scroll { limit: 100_000, ..Scroll::default() }, options()).await.unwrap();
    assert!(page.records.iter().map(|it| it.id).eq(expected.iter().map(|n| PointId::num(*n))));
    let reds = expected.iter().filter(|n| *n % 3 == 0).count();
    assert_eq!(collection.count(Some(red()), options()).await.unwrap(), reds);
    for n in (0..to).step_by(37) {
        let found = collection.query(nearest(n, None), options()).await.unwrap();
        assert_eq!(found.len(), 3);
        let itself = found[0].record.id == PointId::num(n) && found[0].score == 0.0;
        assert_eq!(itself, alive(n), "point {n}");
        if itself {
            assert_eq!(found[0].record.vectors.as_ref().unwrap()[""], vector(n));
        }
        let found = collection.query(nearest(n, Some(red())), options()).await.unwrap();
        assert!(found.iter().all(|it| it.record.payload.as_ref().unwrap()["color"] == "red"));
        assert_eq!(found.len(), 3);
    }
}

/// A node that is shut down before its directory goes: one whose disk is taken away ends the
/// process.
struct Opened(Node);

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.shutdown();
    }
}

impl std::ops::Deref for Opened {
    type Target = Node;

    fn deref(&self) -> &Node {
        &self.0
    }
}

async fn open(dir: &Path) -> Opened {
    let node = Opened(Node::new(settings(dir)).unwrap());
    node.begin().await.unwrap();
    node
}

#[tokio::test(flavor = "multi_thread")]
async fn points_survive_sealing_indexing_merging_and_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let node = open(dir.path()).await;
    let cluster = Arc::clone(node.member().unwrap().coordinator());
    cluster.create_collection("c", config(10), Layout::default(), "", TIMEOUT).await.unwrap();
    let collection = cluster.known_collection("c").unwrap();
    load(&cluster, 0, 1000).await;
    let field = "color".parse().unwrap();
    collection
        .write(Write::CreateIndex { field, field_type: FieldType::Keyword }, options())
        .await
        .unwrap();
    check_all(&cluster, |_| true, 1000).await;
    settle(&cluster, true).await;
    assert_eq!(collection.info(options()).await.unwrap().indexed_vectors, 1000);
    check_all(&cluster, |_| true, 1000).await;
    load(&cluster, 1000, 2000).await;
    // Rows die in sealed, frozen and growing segments alike, some while jobs run.
    let gone = (0..2000).filter(|n| n % 4 == 1).map(PointId::num).collect();
    collection.write(Write::Delete(Selection::Ids(gone)), options()).await.unwrap();
    load(&cluster, 0, 40).await;
    let alive = |n: u64| n % 4 != 1 || n < 40;
    check_all(&cluster, alive, 2000).await;
    settle(&cluster, true).await;
    check_all(&cluster, alive, 2000).await;
    let built = collection.info(options()).await.unwrap();
    drop(collection);
    drop((cluster, node));

    let node = open(dir.path()).await;
    let cluster = Arc::clone(node.member().unwrap().coordinator());
    check_all(&cluster, alive, 2000).await;
    let info = cluster.known_collection("c").unwrap().info(options()).await.unwrap();
    assert_eq!(
        (info.indexes_built, info.indexed_vectors),
        (0, built.indexed_vectors),
        "nothing is rebuilt"
    );
    assert_eq!(info.payload_index_points, built.payload_index_points);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_collection_leaves_nothing_for_its_successor() {
    let dir = tempfile::tempdir().unwrap();
    let node = open(dir.path()).await;
    let cluster = Arc::clone(node.member().unwrap().coordinator());
    cluster.create_collection("c", config(0), Layout::default(), "", TIMEOUT).await.unwrap();
    load(&cluster, 0, 500).await;
    let alias = AliasChange::Create { collection: "c".into(), alias: "a".into() };
    cluster.change_aliases(vec![alias], TIMEOUT).await.unwrap();
    assert!(cluster.known_collection("a").is_some());
    let old = cluster.known_collection("c").unwrap();
    let again = cluster.create_collection("c", config(0), Layout::default(), "", TIMEOUT).await;
    assert_eq!(again.unwrap_err().kind, ErrorKind::AlreadyExists);
    assert!(cluster.delete_collection("c", "", TIMEOUT).await.unwrap());
    assert!(!cluster.delete_collection("c", "", TIMEOUT).await.unwrap());
    let unknown = cluster.collection("a", Instant::now() + TIMEOUT).await;
    assert!(unknown.is_err_and(|error| error.kind == ErrorKind::NotFound));
    assert!(old.write(Write::Upsert(vec![point(1)]), options()).await.is_err());
    cluster.create_collection("c", config(0), Layout::default(), "", TIMEOUT).await.unwrap();
    assert_eq!(cluster.known_collection("c").unwrap().count(None, options()).await.unwrap(), 0);
    drop((cluster, old, node));
    let node = open(dir.path()).await;
    let cluster = Arc::clone(node.member().unwrap().coordinator());
    assert_eq!(cluster.collection_names(), ["c"]);
    assert_eq!(cluster.known_collection("c").unwrap().count(None, options()).await.unwrap(), 0);
}

/// Files and directories below the shards' directory that are no directories of groups.
fn segment_dirs(dir: &Path) -> usize {
    let groups = std::fs::read_dir(dir.join("shards")).unwrap();
    groups.map(|it| std::fs::read_dir(it.unwrap().path()).unwrap().count()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_needs_leaves_no_files() {
    let dir = tempfile::tempdir().unwrap();
    let node = open(dir.path()).await;
    let cluster = Arc::clone(node.member().unwrap().coordinator());
    cluster.create_collection("c", config(10), Layout::default(), "", TIMEOUT).await.unwrap();
    load(&cluster, 0, 1500).await;
    settle(&cluster, false).await;
    assert!(segment_dirs(dir.path()) > 0);
    let collection = cluster.known_collection("c").unwrap();
    let all = Filter::parse(json!({})).unwrap();
    collection.write(Write::Delete(Selection::Filter(all)), options()).await.unwrap();
    settle(&cluster, false).await;
    assert_eq!(collection.count(None, options()).await.unwrap(), 0);
    // Files go after the batch that stopped naming them is synced: a moment later.
    wait_for("all segments to go", async || (segment_dirs(dir.path()) == 0).then_some(())).await;
    drop(collection);
    drop((cluster, node));
    // A job that was writing while its collection was deleted.
    std::fs::create_dir_all(dir.path().join("shards/77/v0-s3")).unwrap();
    let node = open(dir.path()).await;
    let cluster = Arc::clone(node.member().unwrap().coordinator());
    assert!(!dir.path().join("shards/77").exists());
    check_all(&cluster, |_| true, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_stays_ready_while_collections_are_made() {
    let dir = tempfile::tempdir().unwrap();
    let node = open(dir.path()).await;
    let cluster = Arc::clone(node.member().unwrap().coordinator());
    assert_eq!(node.check_ready(), Ok(()));
    for name in ["a", "b", "c"] {
        cluster.create_collection(name, config(0), Layout::default(), "", TIMEOUT).await.unwrap();
        assert_eq!(node.check_ready(), Ok(()), "after `{name}`");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_cannot_be_applied_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let node = open(dir.path()).await;
    let cluster = Arc::clone(node.member().unwrap().coordinator());
    cluster.create_collection("c", config(0), Layout::default(), "", TIMEOUT).await.unwrap();
    load(&cluster, 0, 10).await;
    let collection = cluster.known_collection("c").unwrap();
    let missing = Selection::Ids(vec![PointId::num(3), PointId::num(77)]);
    let payload = json!({"color": "red"}).as_object().unwrap().clone();
    let refused =
        collection.write(Write::OverwritePayload { points: missing, payload }, options()).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::NotFound);
    assert_eq!(refused.detail, "No point with id 77 found");
    let mut wrong = point(3);
    wrong.vectors.insert(String::new(), vec![1.0; DIM - 1].into());
    let refused =
        collection.write(Write::Upsert(vec![point(50), wrong]), options()).await.unwrap_err();
    assert!(refused.to_string().contains("expected dim: 16, got 15"), "{refused}");
    check_all(&cluster, |_| true, 10).await;
}

/// Something that no version has logged yet, put into a group's log as its leader would.
async fn log_from_a_later_version(node: &Node, group: GroupId) {
    let member = node.member().unwrap();
    let command = b"\xff a later version's".to_vec();
    let proposal = Proposal { group, command, replicas: 0, basis: None, grows: false };
    let outcome = PeerMember::propose(&*member, proposal, Instant::now() + TIMEOUT).await;
    assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_that_cannot_read_its_log_stands_still_and_the_others_go_on() {
    let dir = tempfile::tempdir().unwrap();
    for is_new in [true, false] {
        let node = open(dir.path()).await;
        let member = node.member().unwrap();
        let cluster = Arc::clone(member.coordinator());
        if is_new {
            for name in ["c", "odd"] {
                cluster
                    .create_collection(name, config(0), Layout::default(), "", TIMEOUT)
                    .await
                    .unwrap();
            }
            load(&cluster, 0, 10).await;
            let odd = cluster.known_collection("odd").unwrap().groups()[0];
            log_from_a_later_version(&node, odd).await;
        }
        load(&cluster, 10, 20).await;
        check_all(&cluster, |_| true, 20).await;
        let odd = cluster.known_collection("odd").unwrap();
        let refused = odd.count(None, options()).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Unavailable, "{refused}");
        let (_, broken) = broken_replica(&member).await.expect("it is shown");
        assert!(
            broken.contains("cannot apply: ") && broken.contains("unknown format 255"),
            "{broken}"
        );
        assert!(node.check_ready().is_ok(), "the node serves all others");
    }
}

async fn broken_replica(member: &Member) -> Option<(Subject, String)> {
    member.summary().await.problems.into_iter().find_map(|problem| match problem {
        Problem::ReplicaBroken { subject, why, .. } => Some((subject, why)),
        _ => None,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_that_cannot_read_its_log_stands_still_and_the_shards_go_on() {
    let dir = tempfile::tempdir().unwrap();
    for is_new in [true, false] {
        let node = open(dir.path()).await;
        let member = node.member().unwrap();
        let cluster = Arc::clone(member.coordinator());
        let create =
            |name| cluster.create_collection(name, config(0), Layout::default(), "", TIMEOUT);
        if is_new {
            create("c").await.unwrap();
            load(&cluster, 0, 10).await;
            log_from_a_later_version(&node, GroupId::META).await;
        }
        load(&cluster, 10, 20).await;
        check_all(&cluster, |_| true, 20).await;
        let refused = create("d").await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Unavailable, "{refused}");
        let (subject, why) = broken_replica(&member).await.expect("it is shown");
        assert_eq!(subject, Subject::MetaGroup);
        assert!(why.contains("stands still") && why.contains("format 255"), "{why}");
    }
}

/// Why a replica of the node is out of use, once it is known that it is the only copy.
async fn broken_for(node: &Node) -> String {
    let member = node.member().unwrap();
    wait_for("a word of the broken replica", async || {
        member.summary().await.problems.into_iter().find_map(|problem| match problem {
            Problem::ReplicaBroken { why, .. } if why.contains("only copy") => Some(why),
            _ => None,
        })
    })
    .await
}

/// Segments of all shards below a data directory.
fn segments(dir: &Path) -> usize {
    // Nothing is there before the first is sealed.
    let shards = std::fs::read_dir(dir.join("shards")).into_iter().flatten().map(Result::unwrap);
    shards.map(|shard| std::fs::read_dir(shard.path()).unwrap().count()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn half_of_a_replica_is_kept_and_not_opened() {
    for what in ["log", "state"] {
        let dir = tempfile::tempdir().unwrap();
        let node = open(dir.path()).await;
        let cluster = Arc::clone(node.member().unwrap().coordinator());
        cluster.create_collection("c", config(0), Layout::default(), "", TIMEOUT).await.unwrap();
        load(&cluster, 0, 700).await;
        let group = cluster.known_collection("c").unwrap().groups()[0];
        wait_for("two segments", async || (segments(dir.path()) >= 2).then_some(())).await;
        drop((cluster, node));
        let before = segments(dir.path());
        if what == "log" {
            LogDb::open(&dir.path().join("raft.db")).unwrap().remove(group).unwrap();
        } else {
            let db = DataDb::open(&dir.path().join("data.db")).unwrap();
            ShardStore::new(db.clone(), group, dir.path().join("shards")).destroy().unwrap();
            db.sync().unwrap();
        }
        for _ in 0..2 {
            let node = open(dir.path()).await;
            let why = broken_for(&node).await;
            let expected =
                if what == "log" { "its votes are lost" } else { "the state ends at index 0" };
            assert!(why.contains(expected), "{why}");
            let cluster = Arc::clone(node.member().unwrap().coordinator());
            let refused = cluster.known_collection("c").unwrap().count(None, options()).await;
            assert_eq!(refused.unwrap_err().kind, ErrorKind::Unavailable);
            assert_eq!(segments(dir.path()), before, "nothing was thrown away");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scrub_says_when_all_was_whole_and_takes_what_is_not_out_of_use() {
    let dir = tempfile::tempdir().unwrap();
    let node = open(dir.path()).await;
    let member = node.member().unwrap();
    let cluster = Arc::clone(member.coordinator());
    cluster.create_collection("c", config(0), Layout::default(), "", TIMEOUT).await.unwrap();
    load(&cluster, 0, 700).await;
    wait_for("two segments and a pass of the scrub", async || {
        let is_there = segments(dir.path()) >= 2 && member.scrub_progress().whole_at() > 0;
        is_there.then_some(())
    })
    .await;
    assert_eq!(member.broken_replicas(), 0);
    // Nothing is merged any more: the file is one that stays.
    settle(&cluster, false).await;
    let shard = std::fs::read_dir(dir.path().join("shards")).unwrap().next().unwrap().unwrap();
    let segment = std::fs::read_dir(shard.path()).unwrap().next().unwrap().unwrap();
    let file = segment.path().join("vec.f32");
    let file = std::fs::File::options().read(true).write(true).open(file).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, 67).unwrap();
    file.write_all_at(&[byte[0] ^ 1], 67).unwrap();
    let why = broken_for(&node).await;
    // The pass under way may have read the file before, and meet the row at its point.
    let is_told = ["vec.f32 is damaged", "is not the one that was written"];
    assert!(is_told.iter().any(|text| why.contains(text)), "{why}");
    assert_eq!((member.broken_replicas(), member.scrub_progress().damaged()), (1, 1));
    let refused = cluster.known_collection("c").unwrap().count(None, options()).await;
    assert_eq!(refused.unwrap_err().kind, ErrorKind::Unavailable);
    assert!(node.check_ready().is_ok(), "the node serves all others");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bootstrap_may_come_before_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let node = Opened(Node::new(settings(dir.path())).unwrap());
    node.bootstrap(None).await.unwrap();
    node.begin().await.unwrap();
}
