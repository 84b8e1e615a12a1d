use std::collections::BTreeSet;

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use vane_types::{CollectionConfig, GroupId};

use super::*;
use crate::engine::{Info, InfoOfVector, Layout, ReplicaHere};

fn exported(figures: QdrantFigures) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(figures));
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    text
}

/// Led from node 1, which tells; 2 does not answer, 3 is on its way.
fn collection(name: &str) -> CollectionHere {
    let replica = |node, answers, votes| ReplicaHere {
        node: NodeId(node),
        is_here: node == 1,
        answers,
        votes,
        will_vote: true,
    };
    let of_vector = InfoOfVector { vectors: 9, left_out: 4 };
    let info = Info {
        points: 10,
        vectors: 9,
        waiting: 2,
        jobs_running: 1,
        by_vector: BTreeMap::from([(String::new(), of_vector)]),
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
    let layout = Layout { shards: 1, replication_factor: 3, write_consistency_factor: 1 };
    let config = CollectionConfig::default();
    CollectionHere { name: name.into(), config, layout, shards: vec![shard] }
}

fn figures(collections: Vec<CollectionHere>) -> QdrantFigures {
    let mut durations = Durations::default();
    [1_500, 60_000_000].into_iter().for_each(|us| durations.note(us, 0));
    let by_status = BTreeMap::from([(200, durations), (404, durations)]);
    let responses = Responses::from([
        ("PUT /collections/{collection_name}/points".to_owned(), by_status.clone()),
        ("GET /collections".to_owned(), by_status),
    ]);
    QdrantFigures {
        node: Some(NodeId(1)),
        members: 3,
        meta: Some(Meta::default()),
        collections,
        memory: NodeMemory { resident: 7, ..NodeMemory::default() },
        process: Process::read(),
        rest: BTreeMap::from([(String::new(), responses)]),
        ..QdrantFigures::default()
    }
}

#[test]
fn figures_have_the_names_types_and_labels_that_dashboards_know() {
    let text = exported(figures(vec![collection("c")]));
    for line in [
        "# TYPE app_info gauge",
        "app_info{name=\"qdrant\",version=\"1.20.0\"} 1",
        "collections_total 1",
        "collections_vector_total 9",
        "collection_points{id=\"c\"} 10",
        "collection_vectors{collection=\"c\",vector=\"\"} 9",
        "collection_indexed_only_excluded_points{id=\"c\",vector=\"\"} 4",
        "collection_running_optimizations{id=\"c\"} 1",
        "collection_update_queue_length{id=\"c\"} 2",
        "collection_active_replicas_min 1",
        "collection_active_replicas_max 1",
        "collection_dead_replicas 2",
        "collection_shard_transfer_incoming{id=\"c\"} 0",
        "collection_shard_transfer_outgoing{id=\"c\"} 1",
        "cluster_enabled 1",
        "cluster_peers_total 3",
        "cluster_commit{peer_id=\"1\"} 0",
        "memory_resident_bytes 7",
        "# TYPE rest_responses counter",
        "# TYPE rest_responses_duration_seconds histogram",
    ] {
        assert!(text.lines().any(|found| found == line), "no {line} in\n{text}");
    }
    let failed = "method=\"PUT\",endpoint=\"/collections/{collection_name}/points\",status=\"404\"";
    assert!(text.contains(&format!("rest_responses_total{{{failed}}} 2\n")), "{text}");
    let labels = "method=\"PUT\",endpoint=\"/collections/{collection_name}/points\",status=\"200\"";
    let bucket = |le| format!("rest_responses_duration_seconds_bucket{{le=\"{le}\",{labels}}}");
    for (bucket, count) in [(bucket("0.001"), 0), (bucket("0.005"), 1), (bucket("+Inf"), 2)] {
        assert!(text.contains(&format!("{bucket} {count}\n")), "{bucket} in\n{text}");
    }
    // Only what serves points has metrics of its own, and only what went well has times.
    assert!(!text.contains("endpoint=\"/collections\""), "{text}");
    assert!(!text.contains("grpc_"), "{text}");
    let timed = text.lines().filter(|line| line.contains("_duration_seconds_count"));
    assert_eq!(timed.count(), 1);
}

#[test]
fn a_family_is_declared_once_and_no_more_collections_are_told_apart_than_may_be() {
    let many: Vec<_> =
        (0..COLLECTIONS_TOLD_APART + 9).map(|n| collection(&format!("c{n}"))).collect();
    let all = many.len();
    let text = exported(figures(many));
    let declared: Vec<&str> = text.lines().filter(|line| line.starts_with("# TYPE ")).collect();
    assert_eq!(declared.iter().collect::<BTreeSet<_>>().len(), declared.len());
    let of_each = text.lines().filter(|line| line.starts_with("collection_points{"));
    assert_eq!(of_each.count(), COLLECTIONS_TOLD_APART);
    assert!(text.contains(&format!("collections_total {all}\n")));
    assert!(text.contains(&format!("collections_vector_total {}\n", 9 * all)));
}

#[test]
fn names_have_the_prefix_and_anonymous_ones_say_nothing() {
    let mut told = figures(vec![collection("mine")]);
    (told.prefix, told.anonymize, told.per_collection) = ("qdrant_".into(), true, true);
    told.rest = BTreeMap::from([("mine".to_owned(), told.rest.remove("").unwrap())]);
    let text = exported(told);
    assert!(!text.contains("mine"), "{text}");
    assert!(text.contains("qdrant_collections_total 1\n"), "{text}");
    let id = anonymous("mine");
    assert!(text.contains(&format!("qdrant_collection_points{{id=\"{id}\"}} 10\n")), "{text}");
    assert!(text.contains(&format!("status=\"404\",collection=\"{id}\"}} 2\n")), "{text}");
    let named = text.lines().filter(|line| !line.starts_with('#'));
    assert!(named.clone().all(|line| line.starts_with("qdrant_")), "{text}");
}

#[test]
fn a_node_without_a_cluster_tells_of_itself() {
    let text = exported(QdrantFigures::default());
    assert!(text.contains("cluster_enabled 0\n") && text.contains("collections_total 0\n"));
    assert!(!text.contains("cluster_term") && !text.contains("collection_points"), "{text}");
}
