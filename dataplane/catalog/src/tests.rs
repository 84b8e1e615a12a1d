//! Changes of the catalog, and what a node reads back.

use std::collections::BTreeMap;

use proptest::prelude::*;
use uuid::Uuid;
use vane_raft::{Conf, Entry, INITIAL_INDEX, StateMachine};
use vane_storage::{MemoryKv, ShardStore};
use vane_types::{GroupId, LogIndex, NodeId, PeerId, PointId, Refusal, Term};

use super::*;

fn node(n: u128) -> NodeEntry {
    let address = format!("127.0.0.1:{n}");
    NodeEntry {
        disk_id: Uuid::from_u128(n),
        name: format!("n{n}"),
        rest_address: address.clone(),
        address,
        version: "1".into(),
        start: 1,
    }
}

fn create(name: &str, placement: &[&[u64]], key: &str) -> MetaCommand {
    MetaCommand::Create(Create {
        name: name.into(),
        config: config(),
        replication_factor: 3,
        write_consistency_factor: 2,
        placement: placement.iter().map(|nodes| numbered(nodes)).collect(),
        key: key.into(),
    })
}

fn config() -> vane_types::CollectionConfig {
    vane_types::CollectionConfig {
        vectors: BTreeMap::new(),
        hnsw: vane_types::HnswConfig::default(),
        optimizer: vane_types::OptimizerConfig::default(),
        payload_schema: BTreeMap::new(),
        metadata: serde_json::Map::new(),
    }
}

fn numbered(nodes: &[u64]) -> Vec<NodeId> {
    nodes.iter().copied().map(NodeId).collect()
}

fn founded() -> State {
    let mut state = State { next_group: 1, ..State::default() };
    for n in 1..=4 {
        state.apply(MetaCommand::PutNode(node(n))).unwrap();
    }
    state.apply(create("c", &[&[1, 2, 3], &[2, 3, 4]], "key")).unwrap();
    state
}

#[test]
fn a_disk_is_one_node_for_ever() {
    let mut state = founded();
    let moved = NodeEntry { address: "elsewhere:1".into(), ..node(2) };
    state.apply(MetaCommand::PutNode(moved.clone())).unwrap();
    assert_eq!(state.nodes.len(), 4);
    assert_eq!(state.nodes[&NodeId(2)].entry, moved);
    state.apply(MetaCommand::PutNode(node(99))).unwrap();
    assert_eq!(state.nodes[&NodeId(5)].entry.disk_id, Uuid::from_u128(99));
}

#[test]
fn a_second_creation_with_the_same_key_changes_nothing() {
    let mut state = founded();
    let before = state.clone();
    assert!(state.apply(create("c", &[&[1]], "key")).is_ok());
    assert!(state.apply(create("c", &[&[1]], "other")).is_err());
    assert!(state.apply(create("d", &[&[77]], "")).is_err(), "there is no such node");
    assert_eq!(state, before);
    let wrong_key = MetaCommand::Delete { name: "c".into(), key: "other".into() };
    assert!(state.apply(wrong_key).is_err());
    state.apply(MetaCommand::Delete { name: "c".into(), key: "key".into() }).unwrap();
    assert!(state.shards.is_empty() && state.collections.is_empty());
}

#[test]
fn a_node_that_gets_a_replica_again_gets_another_peer_id() {
    let mut state = founded();
    let group = state.collections["c"].shards[0];
    let to = |nodes: &[u64]| MetaCommand::Reconfigure {
        group,
        replicas: nodes
            .iter()
            .map(|node| WantedReplica { node: NodeId(*node), learner: false })
            .collect(),
        if_revision: None,
    };
    let settle = |state: &mut State| {
        let voters =
            state.shards[&group].target.iter().flatten().map(|it| it.peer).collect::<Vec<_>>();
        let conf = Conf::founding(&voters);
        state.apply(MetaCommand::Settle { group, conf }).unwrap();
        assert_eq!(state.shards[&group].target, None);
    };
    let first = state.shards[&group].peer_on(NodeId(3)).unwrap();
    state.apply(to(&[1, 2, 4])).unwrap();
    assert_eq!(
        state.shards[&group].peer_on(NodeId(3)),
        Some(first),
        "it stays until the change is recorded"
    );
    settle(&mut state);
    assert_eq!(state.shards[&group].peer_on(NodeId(3)), None);
    state.apply(to(&[1, 2, 3])).unwrap();
    let second = state.shards[&group].peer_on(NodeId(3)).unwrap();
    assert!(second != first && second.node() == NodeId(3));
    assert!(state.apply(to(&[1, 1, 2])).is_err(), "one node cannot have two");
    assert!(state.apply(to(&[])).is_err(), "somebody must vote");
}

#[test]
fn of_two_that_look_at_the_same_shard_the_second_is_refused() {
    let mut state = founded();
    let group = state.collections["c"].shards[0];
    let revision = |state: &State| state.shards[&group].revision;
    let ask = |state: &mut State, nodes: &[u64], if_revision| {
        let replicas = nodes
            .iter()
            .map(|node| WantedReplica { node: NodeId(*node), learner: *node == 4 })
            .collect();
        state.apply(MetaCommand::Reconfigure { group, replicas, if_revision })
    };
    let seen = revision(&state);
    ask(&mut state, &[1, 2, 3, 4], Some(seen)).unwrap();
    let before = state.clone();
    let refused = ask(&mut state, &[1, 2], Some(seen)).unwrap_err();
    assert!(
        matches!(&refused, Refusal::Conflict(text) if text.contains("nodes 1,2,3,4:learner by now")),
        "{refused}"
    );
    ask(&mut state, &[4, 3, 2, 1], Some(seen)).expect("a repeated call finds its own work done");
    assert_eq!(state, before);
    // What was seen of a change under way is old when it is done.
    let under_way = revision(&state);
    let target = state.shards[&group].target.clone().unwrap_or_default();
    let peers = |learner: bool| {
        target.iter().filter(|it| it.learner == learner).map(|it| it.peer).collect()
    };
    let conf = Conf { voters: peers(false), learners: peers(true), ..Conf::default() };
    state.apply(MetaCommand::Settle { group, conf }).unwrap();
    assert!(ask(&mut state, &[1, 2], Some(under_way)).is_err());
    assert_eq!(ask(&mut state, &[1, 2, 3, 4], Some(under_way)), Ok(Vec::new()), "they are there");
    let now = revision(&state);
    ask(&mut state, &[1, 2], Some(now)).unwrap();
    ask(&mut state, &[1, 3], None).unwrap();
    assert_eq!(revision(&state), now + 2);
}

#[test]
fn what_a_node_said_before_its_last_start_comes_too_late() {
    let mut state = founded();
    let of_start = |start, address: &str| NodeEntry { address: address.into(), start, ..node(2) };
    state.apply(MetaCommand::PutNode(of_start(3, "new:1"))).unwrap();
    let before = state.clone();
    let late = state.apply(MetaCommand::PutNode(of_start(2, "old:1")));
    assert!(matches!(late, Err(Refusal::Conflict(_))));
    state.apply(MetaCommand::PutNode(of_start(3, "new:1"))).expect("the same word again");
    assert_eq!(state, before);
}

#[test]
fn aliases_change_together_or_not_at_all() {
    let mut state = founded();
    let make = |alias: &str| AliasChange::Create { collection: "c".into(), alias: alias.into() };
    state.apply(MetaCommand::Aliases(vec![make("a")])).unwrap();
    let bad = AliasChange::Create { collection: "none".into(), alias: "x".into() };
    assert!(
        state
            .apply(MetaCommand::Aliases(vec![AliasChange::Delete { alias: "a".into() }, bad]))
            .is_err()
    );
    assert_eq!(state.collection("a").map(|it| it.0), Some("c"));
}

#[test]
fn what_is_applied_is_read_back_and_installed_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let store = |kv: &MemoryKv| ShardStore::new(kv.clone(), GroupId::META, dir.path().join("meta"));
    let (here, there) = (MemoryKv::default(), MemoryKv::default());
    let conf = Conf::founding(&[PeerId::new(NodeId(1), 1)]);
    Catalog::create(&store(&here), Uuid::from_u128(7), INITIAL_INDEX, &conf, Some(node(1)))
        .unwrap();
    let meta = Catalog::open(store(&here)).unwrap();
    let commands =
        [MetaCommand::PutNode(node(2)), create("c", &[&[1, 2]], ""), create("c", &[&[1]], "")];
    for (behind, command) in (1..).zip(commands) {
        let (index, refused) = (INITIAL_INDEX + behind, behind == 3);
        let entry = Entry { index, term: Term(1), data: command.encode_stored(), conf: None };
        assert_eq!(meta.apply(&entry).unwrap().is_err(), refused);
    }
    let state = meta.read(Clone::clone);
    // Everything but the last entry is on disk: the refused one changed nothing but the index.
    let again = Catalog::open(store(&here.crash(0))).unwrap();
    assert_eq!(again.read(Clone::clone), state);
    let exported = meta.snapshot(dir.path()).unwrap();
    assert_eq!((exported.index, &exported.conf), (INITIAL_INDEX + 3, &conf));
    Catalog::create(&store(&there), Uuid::from_u128(7), LogIndex::ZERO, &Conf::default(), None)
        .unwrap();
    let other = Catalog::open(store(&there)).unwrap();
    other.install(dir.path()).unwrap();
    assert_eq!(
        (other.read(Clone::clone), other.applied(), other.conf()),
        (state, INITIAL_INDEX + 3, conf)
    );
}

proptest! {
    /// Every point is in one shard, and shards halve: a point of shard k of n is in 2k or 2k+1 of 2n.
    #[test]
    fn shards_are_ranges_that_halve(id in any::<u64>(), shards in 1_usize..500) {
        let shard = shard_of(PointId::Num(id), shards);
        prop_assert!(shard < shards);
        prop_assert_eq!(shard_of(PointId::Num(id), shards * 2) / 2, shard);
    }
}
