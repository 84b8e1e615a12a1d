//! A cluster of three nodes, as the far end tells it.

use vane_proto::admin::{
    Balance, Cluster, Collection, CollectionMemory, Disk, Group, MeasuredRecall, Move, Node,
    NodeMemory, Policy, Rebalance, Replica, ReplicaTarget, Role, Safety, Shard, balance, disk,
    r#move,
};

pub(crate) const CLUSTER: &str = "8f3ad2f6-3c4e-4a39-9d51-0b2f3c1f7a10";

pub(crate) fn disk(cluster_id: &str) -> Disk {
    let cluster_id = if cluster_id.is_empty() { CLUSTER } else { cluster_id };
    Disk {
        state: disk::State::Member.into(),
        format: 1,
        cluster_id: cluster_id.into(),
        node_id: 1,
        disk_id: "1c5e7f0a-5d02-4f0e-8f57-7c1f2f6f9b21".into(),
    }
}

fn replica(node_id: u64, role: Role, lag: u64) -> Replica {
    Replica {
        node_id,
        peer_id: node_id << 32 | 1,
        role: role.into(),
        applied: 120 - lag,
        lag,
        active: true,
        snapshot: false,
        known: true,
        copy: None,
        installing: false,
    }
}

fn group(id: u64, leader_node: u64) -> Group {
    let replicas =
        vec![replica(1, Role::Voter, 0), replica(2, Role::Voter, 2), replica(3, Role::Learner, 40)];
    Group { id, term: 4, leader_node, committed: 120, replicas, joint: false }
}

pub(crate) fn cluster(healthy: bool) -> Cluster {
    Cluster {
        cluster_id: CLUSTER.into(),
        version: "0.1.0".into(),
        node_id: 2,
        meta: Some(group(0, 1)),
        nodes: 3,
        nodes_alive: if healthy { 3 } else { 2 },
        collections: 1,
        shards: 2,
        shards_without_leader: u32::from(!healthy),
        shards_degraded: 0,
        feature_level: 10,
        feature_level_spoken: 11,
        feature_level_held: true,
        settings: [("LOG__LEVEL".to_owned(), "warn".to_owned())].into(),
        problems: if healthy { Vec::new() } else { vec!["node 3 has been silent for 12 s".into()] },
    }
}

pub(crate) fn nodes() -> Vec<Node> {
    let node = |id: u64| Node {
        id,
        name: format!("vane-{}", id - 1),
        address: format!("10.0.0.{id}:6335"),
        rest_address: format!("10.0.0.{id}:6333"),
        zone: if id == 3 { String::new() } else { "a".into() },
        version: "0.1.0".into(),
        alive: id != 3,
        silent_ms: if id == 3 { 12_000 } else { 0 },
        meta_voter: id != 3,
        replicas: 2,
        leaders: u32::from(id == 1),
        disk_free_bytes: 20 << 30,
        disk_total_bytes: 40 << 30,
        follows_only: false,
        leaving: false,
        disk_id: format!("00000000-0000-0000-0000-00000000000{id}"),
        displaced: if id == 3 { "this is node 4, not node 3".into() } else { String::new() },
        scrubbed_ms_ago: (id != 3).then_some(7_200_000),
        scrub_permille: 250,
    };
    (1..=3).map(node).collect()
}

/// Node 1 holds a collection; node 3 does not answer.
pub(crate) fn memory() -> Vec<NodeMemory> {
    let docs = CollectionMemory {
        collection: "docs".into(),
        ids: 12 << 20,
        places: 10 << 20,
        rows: 0,
        payload_indexes: 2 << 20,
        graphs: 1024,
    };
    let there = NodeMemory {
        node_id: 1,
        name: "vane-0".into(),
        answered: true,
        resident_bytes: 900 << 20,
        anonymous_bytes: 200 << 20,
        pinned_bytes: 0,
        memtable_bytes: 20 << 20,
        block_cache_bytes: 30 << 20,
        collections: vec![docs],
    };
    let silent = NodeMemory { node_id: 3, name: "vane-2".into(), ..NodeMemory::default() };
    vec![there, silent]
}

pub(crate) fn collection(name: &str) -> Collection {
    Collection {
        name: name.into(),
        shards: 2,
        replication_factor: 2,
        write_consistency_factor: 1,
        config: "{\"vectors\":{\"size\":4,\"distance\":\"Cosine\"}}".into(),
        aliases: vec!["current".into()],
        points: 5_000_000_000,
        indexed_vectors: 10,
        unreached_nodes: 2,
        idempotency_key: "k1".into(),
        payload_indexes: [("tag".to_owned(), "keyword".to_owned())].into(),
        text_indexes: Default::default(),
        recall: vec![MeasuredRecall {
            filter: "none".into(),
            searches: 400,
            recall: 0.985,
            low: 0.97,
            high: 0.9933,
            ef_percent: 125,
        }],
        min_recall: Some(0.97),
        tenant_field: Some("tag".into()),
        shard_keys: None,
        vectors_revision: Some(0),
    }
}

/// Shard 0 is well; shard 1 has no leader and moves; one is of another collection.
pub(crate) fn shards() -> Vec<Shard> {
    let shard = |collection: &str, ordinal, group| Shard {
        collection: collection.into(),
        ordinal,
        group: Some(group),
        points: 10,
        vector_bytes: 3 << 20,
        target: Vec::new(),
        step: String::new(),
        revision: 5,
        moves: Vec::new(),
        pinned: false,
        rebalancing: false,
    };
    let voter = |node_id| ReplicaTarget { node_id, role: Role::Voter.into() };
    let mut moving = shard("docs", 1, group(8, 0));
    moving.target = vec![voter(1), voter(3)];
    moving.step = "node 3 receives a snapshot".into();
    moving.moves = vec![Move {
        phase: r#move::Phase::Copying.into(),
        from_node: 2,
        to_node: 3,
        role: Role::Voter.into(),
        bytes_total: 4 << 20,
        bytes_done: 1 << 20,
        bytes_per_second: 1 << 20,
        seconds_left: Some(3),
        attempts: 1,
        reason: "node 3 receives a snapshot".into(),
    }];
    vec![shard("docs", 0, group(7, 1)), moving, shard("images", 0, group(9, 2))]
}

/// Data stays where it is, leaders are spread.
pub(crate) fn balance() -> Balance {
    let policy = Policy {
        moves_at_once: Some(2),
        per_node: Some(1),
        bytes_per_second: Some(128 << 20),
        rebalance: Some(Rebalance::Off.into()),
        threshold_percent: Some(20),
        leaders: Some(true),
    };
    Balance {
        policy: Some(policy),
        standing: balance::Standing::OffByPolicy.into(),
        message: "node 3 has half of the mean".into(),
        worst_percent: 50,
        moves: 0,
    }
}

/// Node 3 has lost its disk: of the others none may go, and of the shard of two copies neither.
pub(crate) fn safety(without: &[u64]) -> Vec<Safety> {
    let why = "shard 0 of collection `docs`: 1 of its 3 voters would be up and caught up, and 2 are \
               needed";
    let verdict = |without: Vec<u64>| {
        let ok = without == [3];
        let why = if ok { Vec::new() } else { vec![why.to_owned()] };
        Safety { without, ok, pauses: 1, harmed: why.len() as u32, why }
    };
    match without {
        [] => (1..=3).map(|node| verdict(vec![node])).collect(),
        named => vec![verdict(named.to_vec())],
    }
}
