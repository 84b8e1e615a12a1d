use std::collections::BTreeSet;

use vane_types::{CollectionConfig, GroupId, LogIndex, SparseParams, VectorSpec};

use super::*;
use crate::engine::{GroupStatus, Info, InfoOfVector, Job, Layout, Optimizer, Outlook};
use crate::engine::{ReplicaHere, SegmentOf, ShardHere};
use crate::rest::collection::CreateCollection;
use crate::rest::fixture::parse_text;

fn created() -> (CollectionConfig, Layout) {
    let json = r#"{"vectors": {"secret": {"size": 4, "distance": "Dot"}},
        "metadata": {"owner": "me"}}"#;
    let created = parse_text::<CreateCollection>(json).and_then(CreateCollection::into_parts);
    created.unwrap()
}

/// On nodes 1, which tells, 2, which does not answer, and 3, which follows.
fn collection() -> CollectionTelemetry {
    let replica = |node, answers, votes| ReplicaHere {
        node: NodeId(node),
        is_here: node == 1,
        answers,
        votes,
        will_vote: node == 3,
    };
    let of_vector = InfoOfVector { vectors: 9, left_out: 2 };
    let info = Info {
        points: 10,
        vectors: 9,
        payload_bytes: 30,
        optimized: 40,
        waiting: 3,
        by_vector: BTreeMap::from([("secret".into(), of_vector)]),
        ..Info::default()
    };
    let shard = ShardHere {
        ordinal: 0,
        group: GroupId(5),
        replicas: vec![replica(1, true, true), replica(2, false, true), replica(3, true, false)],
        leader: Some(NodeId(1)),
        incoming: vec![NodeId(3)],
        is_move: false,
        info: Some(info),
    };
    let (config, layout) = created();
    let here = CollectionHere { name: "mine".into(), config, layout, shards: vec![shard] };
    let job = Job {
        number: 1,
        optimizer: Optimizer::Indexing,
        segments: Vec::new(),
        started_ms: 1_000,
        took_us: 500_000,
        ended: true,
        cancelled: false,
        failure: None,
        done: 9,
        total: 9,
    };
    let outlook = Outlook { ended: vec![job], ..Outlook::default() };
    let mut durations = Durations::default();
    durations.note(500_000, 1_500);
    let dense = SegmentFigures {
        of: SegmentOf { vector: 1, segment: 7, points: 9 },
        vector: "secret".into(),
        spec: here.config.vector("secret").unwrap(),
        dead: 3,
        row_bytes: 192,
        index_bytes: 8,
        in_memory: false,
        takes_rows: false,
        is_indexed: true,
    };
    let sparse = SegmentFigures {
        spec: VectorSpec::Sparse(SparseParams { idf: true, ..SparseParams::default() }),
        in_memory: true,
        takes_rows: true,
        is_indexed: false,
        ..dense.clone()
    };
    let jobs = BTreeMap::from([(0, JobsHere { outlook, durations })]);
    CollectionTelemetry { here, jobs, segments: BTreeMap::from([(0, vec![dense, sparse])]) }
}

fn told(level: usize, anonymize: bool) -> Value {
    let collections = [collection()];
    let mut durations = Durations::default();
    durations.note(1_500, 2_000);
    let asked = "PUT /collections/{collection_name}/points".to_owned();
    let responses = Responses::from([(asked, BTreeMap::from([(200, durations)]))]);
    let of_collections = BTreeMap::from([("mine".to_owned(), responses.clone())]);
    let members = vec![MemberState { node: NodeId(1), address: "n1:6335".into(), failed: None }];
    let cluster = ClusterTelemetry {
        node: NodeId(1),
        members,
        thread: ConsensusThread::Working(Box::new(GroupStatus {
            committed: LogIndex(8),
            ..GroupStatus::default()
        })),
    };
    let of = Telemetry {
        id: "id".into(),
        started: "2026-01-01T00:00:00Z".into(),
        moment: |_| "2026-01-01T00:00:01Z".into(),
        environment: Environment { cores: 2, ..Environment::default() },
        cluster: Some(cluster),
        collections: &collections,
        rest: DoorTelemetry { responses, of_collections },
        grpc: DoorTelemetry::default(),
        memory: NodeMemory { resident: 7, ..NodeMemory::default() },
        mapped_bytes: 70,
    };
    telemetry(&of, Wanted { level, anonymize, per_collection: true })
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn each_level_tells_more() {
    let least = told(0, false);
    assert_eq!(keys(&least), ["id", "app", "collections", "cluster", "requests"].into());
    assert_eq!(least["collections"], json!({"number_of_collections": 1}));
    let upserts = |told: &Value| {
        told["requests"]["rest"]["responses"]["PUT /collections/{collection_name}/points"]["200"]
            .clone()
    };
    assert_eq!(keys(&upserts(&least)), ["count", "avg_duration_micros"].into());
    let first = told(1, false);
    assert_eq!(first["memory"]["resident_bytes"], 7);
    assert_eq!(upserts(&first)["last_responded"], "1970-01-01T00:00:02Z");
    let aggregated = &first["collections"]["collections"][0];
    assert_eq!(keys(aggregated), ["vectors", "optimizers_status", "params"].into());
    assert_eq!(
        (&aggregated["vectors"], &aggregated["optimizers_status"]),
        (&json!(9), &json!("ok"))
    );
    assert_eq!(first["cluster"]["status"]["commit"], 8);
    assert_eq!(
        keys(&first),
        ["id", "app", "collections", "cluster", "requests", "memory", "hardware"].into()
    );
    let of_collections = ["number_of_collections", "collections", "snapshots"];
    assert_eq!(keys(&first["collections"]), of_collections.into());
    let second = told(2, false);
    let of_one = keys(&second["collections"]["collections"][0]);
    assert_eq!(of_one, ["id", "init_time_ms", "config"].into());
    assert_eq!(second["cluster"]["peers"]["1"]["uri"], "http://n1:6335");
}

#[test]
fn shards_tell_of_their_replicas_jobs_and_transfers() {
    let told = told(3, false);
    let collection = &told["collections"]["collections"][0];
    let shard = &collection["shards"][0];
    assert_eq!(shard["replicate_states"], json!({"1": "Active", "2": "Dead", "3": "Partial"}));
    assert_eq!(shard["remote"].as_array().unwrap().len(), 2);
    let local = &shard["local"];
    assert_eq!((&local["num_points"], &local["num_vectors"]), (&json!(10), &json!(9)));
    assert_eq!(local["num_vectors_by_name"], json!({"secret": 9}));
    assert_eq!(local["payloads_size_bytes"], 30);
    assert_eq!((local.get("segments"), local.get("indexed_only_excluded_vectors")), (None, None));
    assert_eq!(shard["partial_snapshot"]["is_recovering"], false);
    assert_eq!(local["update_queue"]["length"], 3);
    assert_eq!(local["optimizations"]["optimizations"]["count"], 1);
    let log = &local["optimizations"]["log"][0];
    assert_eq!((&log["name"], &log["status"]), (&json!("indexing"), &json!("done")));
    assert_eq!(log["end_at"], "1970-01-01T00:00:01.5Z");
    let transfer = json!({"shard_id": 0, "from": 1, "to": 3, "sync": true});
    assert_eq!(collection["transfers"], json!([transfer]));
}

#[test]
fn segments_are_told_of_one_by_one() {
    let told = told(4, false);
    let local = &told["collections"]["collections"][0]["shards"][0]["local"];
    assert_eq!(local["indexed_only_excluded_vectors"], json!({"secret": 2}));
    let parts = ["info", "config", "vector_index_searches", "payload_field_indices"];
    let [dense, sparse] = &local["segments"].as_array().unwrap()[..] else { panic!("{local}") };
    assert_eq!(keys(dense), parts.into());
    let info = &dense["info"];
    assert_eq!((&info["segment_type"], &info["is_appendable"]), (&json!("indexed"), &json!(false)));
    assert_eq!((&info["num_points"], &info["num_deleted_vectors"]), (&json!(9), &json!(3)));
    assert_eq!((&info["ram_usage_bytes"], &info["disk_usage_bytes"]), (&json!(0), &json!(200)));
    assert_eq!(info["vector_data"]["secret"]["num_indexed_vectors"], 9);
    let config = &dense["config"]["vector_data"]["secret"];
    assert_eq!((&config["size"], &config["index"]["type"]), (&json!(4), &json!("hnsw")));
    assert_eq!(config["index"]["options"]["m"], 16);
    assert_eq!(sparse["info"]["segment_type"], "plain");
    assert_eq!(
        (&sparse["info"]["ram_usage_bytes"], &sparse["info"]["num_indexed_vectors"]),
        (&json!(200), &json!(0))
    );
    let of_sparse = json!({"index": {"index_type": "MutableRam"}, "modifier": "idf"});
    assert_eq!(sparse["config"]["sparse_vector_data"], json!({"secret": of_sparse}));
}

#[test]
fn anonymous_figures_have_no_name_of_a_users() {
    let text = told(9, true).to_string();
    for name in ["mine", "secret", "owner", "n1:6335"] {
        assert!(!text.contains(name), "{name} in {text}");
    }
    let open = told(9, false);
    let of_collections = &open["requests"]["rest"]["per_collection_responses"];
    assert_eq!(
        of_collections["PUT /collections/{collection_name}/points"]["mine"]["200"]["count"],
        1
    );
}

#[test]
fn a_replica_that_did_not_answer_has_a_state_and_no_figures() {
    let CollectionTelemetry { here, .. } = collection();
    let info = here.shards[0].info.clone().unwrap();
    let said = ReplicaTelemetry::from([((0, NodeId(1)), info)]);
    let node = |node, alive| NodeTelemetry {
        node: NodeId(node),
        address: format!("n{node}:1"),
        alive,
        votes: true,
        leads: node == 1,
        applied: 6,
    };
    let meta = GroupStatus { committed: LogIndex(8), ..GroupStatus::default() };
    let nodes = [node(1, true), node(2, false)];
    let told = cluster_telemetry(&nodes, Some(&meta), &[(here, said)], "now");
    let replicas = &told["collections"]["mine"]["shards"][0]["replicas"];
    assert_eq!((&replicas[0]["num_points"], &replicas[0]["status"]), (&json!(10), &json!("green")));
    assert_eq!(replicas[1], json!({"peer_id": 2, "state": "Dead"}));
    let peers = &told["cluster"]["peers"];
    assert_eq!(peers["1"]["details"]["num_pending_operations"], 2);
    assert_eq!((&peers["2"]["responsive"], peers["2"].get("details")), (&json!(false), None));
}
