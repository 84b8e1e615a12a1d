//! Any commands in any order: what holds after each of them, in memory and on disk.

use std::collections::BTreeSet;

use proptest::prelude::*;
use vane_raft::{Entry, INITIAL_INDEX, StateMachine};
use vane_storage::{MemoryKv, ShardStore};
use vane_types::{Distance, LogIndex, ShardKey, TenantId, Term, VectorParams, VectorSpec};

use super::*;

fn any_name() -> BoxedStrategy<String> {
    prop::sample::select(vec!["a", "b", "c", "x", "y"]).prop_map(str::to_owned).boxed()
}

fn any_nodes() -> BoxedStrategy<Vec<NodeId>> {
    prop::sample::subsequence(vec![1, 2, 3, 4, 5, 9], 1..=3)
        .prop_map(|nodes| numbered(&nodes))
        .boxed()
}

fn any_entry() -> BoxedStrategy<NodeEntry> {
    (1_u128..=6, 0_u64..4, 1_u32..=2)
        .prop_map(|(disk, start, level)| NodeEntry {
            start,
            level: FeatureLevel(level),
            ..node(disk)
        })
        .boxed()
}

fn any_create() -> BoxedStrategy<MetaCommand> {
    let placement = prop::collection::vec(any_nodes(), 1..4);
    (any_name(), placement, prop::sample::select(vec!["", "k"]), any::<bool>())
        .prop_map(|(name, placement, key, by_tenant)| {
            MetaCommand::Create(Create {
                name,
                config: vane_types::CollectionConfig { by_tenant, ..config() },
                replication_factor: 3,
                write_consistency_factor: 2,
                placement,
                key: key.into(),
            })
        })
        .boxed()
}

fn any_tenant() -> BoxedStrategy<MetaCommand> {
    let key = prop_oneof![
        (0_u64..3).prop_map(ShardKey::Number),
        prop::sample::select(vec!["", "0", "t"]).prop_map(|text| ShardKey::Text(text.into())),
    ];
    prop_oneof![
        2 => (any_name(), key)
            .prop_map(|(collection, key)| MetaCommand::CreateTenant { collection, key }),
        1 => (any_name(), 1_u32..6).prop_map(|(collection, number)| MetaCommand::DeleteTenant {
            collection,
            tenant: TenantId::from_number(number).unwrap(),
        }),
    ]
    .boxed()
}

fn any_alias_change() -> BoxedStrategy<AliasChange> {
    prop_oneof![
        (any_name(), any_name())
            .prop_map(|(collection, alias)| AliasChange::Create { collection, alias }),
        any_name().prop_map(|alias| AliasChange::Delete { alias }),
        (any_name(), any_name()).prop_map(|(old, new)| AliasChange::Rename { old, new }),
    ]
    .boxed()
}

fn any_reconfigure() -> BoxedStrategy<MetaCommand> {
    let replicas = prop::collection::vec((1_u64..=5, prop::bool::weighted(0.3)), 0..4);
    (1_u64..8, replicas, prop::option::of(0_u64..4))
        .prop_map(|(group, replicas, if_revision)| {
            let replicas = replicas
                .into_iter()
                .map(|(node, learner)| WantedReplica { node: NodeId(node), learner })
                .collect();
            MetaCommand::Reconfigure { group: GroupId(group), replicas, if_revision }
        })
        .boxed()
}

fn any_settle() -> BoxedStrategy<MetaCommand> {
    let voters = prop::collection::btree_set((1_u64..=5, 1_u32..=2), 1..4);
    let seen = prop::option::of((0_u64..3, 0_u64..3, 0_u64..9));
    (1_u64..8, voters, seen)
        .prop_map(|(group, voters, seen)| {
            let seen = seen.map(|(epoch, term, index)| Seen {
                epoch,
                term: Term(term),
                index: LogIndex(index),
            });
            let voters: Vec<PeerId> = voters.into_iter().map(|(node, n)| peer(node, n)).collect();
            MetaCommand::Settle { group: GroupId(group), conf: Conf::founding(&voters), seen }
        })
        .boxed()
}

fn any_raise() -> BoxedStrategy<MetaCommand> {
    let starts = prop::collection::btree_map((1_u64..=6).prop_map(NodeId), 0_u64..4, 0..6);
    (1_u32..=3, starts)
        .prop_map(|(to, spoken_by)| MetaCommand::RaiseFeatureLevel {
            to: FeatureLevel(to),
            spoken_by,
        })
        .boxed()
}

fn any_command() -> BoxedStrategy<MetaCommand> {
    prop_oneof![
        3 => any_entry().prop_map(MetaCommand::PutNode),
        1 => (1_u64..=6, prop::option::of(any_name()))
            .prop_map(|(node, zone)| MetaCommand::SetZone { node: NodeId(node), zone }),
        1 => (1_u64..=6, prop::bool::ANY)
            .prop_map(|(node, leaving)| MetaCommand::SetLeaving { node: NodeId(node), leaving }),
        1 => (1_u64..=6, prop::option::of(0_u32..9)).prop_map(|(node, seconds)| {
            MetaCommand::SetFollowsOnly { node: NodeId(node), seconds }
        }),
        1 => prop::bool::ANY.prop_map(MetaCommand::HoldFeatureLevel),
        1 => prop::collection::btree_map(any_name(), any_name(), 0..3)
            .prop_map(MetaCommand::SetSettings),
        1 => (1_u64..=6, 1_u128..=6).prop_map(|(node, disk)| MetaCommand::RemoveNode {
            node: NodeId(node),
            disk_id: Uuid::from_u128(disk),
        }),
        4 => any_create(),
        1 => (any_name(), prop::option::of(1_u32..3)).prop_map(|(name, factor)| {
            let configure =
                Configure { name, config: config(), write_consistency_factor: factor };
            MetaCommand::Configure(configure)
        }),
        2 => (any_name(), "[ab]?", 2_usize..4).prop_map(|(collection, vector, size)| {
            let spec = VectorSpec::of(VectorParams::new(size, Distance::Dot));
            MetaCommand::AddVector { collection, vector, spec, hints: serde_json::Map::new() }
        }),
        2 => (any_name(), "[ab]?", prop::option::of(0_u64..3)).prop_map(
            |(collection, vector, if_revision)| MetaCommand::RemoveVector {
                collection,
                vector,
                if_revision,
            }
        ),
        1 => (any_name(), 0_u64..4)
            .prop_map(|(collection, revision)| MetaCommand::VectorsTold { collection, revision }),
        1 => (any_name(), prop::sample::select(vec!["", "k"]))
            .prop_map(|(name, key)| MetaCommand::Delete { name, key: key.into() }),
        2 => prop::collection::vec(any_alias_change(), 0..3).prop_map(MetaCommand::Aliases),
        4 => any_tenant(),
        2 => (any_name(), prop::option::of(0_u64..3)).prop_map(|(key, value)| {
            MetaCommand::SetMetadata { key, value: value.into() }
        }),
        3 => any_reconfigure(),
        2 => any_settle(),
        1 => (1_u64..8, 1_u64..=5, 1_u32..=2).prop_map(|(group, node, n)| MetaCommand::Refill {
            group: GroupId(group),
            peer: peer(node, n),
        }),
        1 => any_raise(),
    ]
    .boxed()
}

fn check(state: &State) -> Result<(), TestCaseError> {
    check_names(state)?;
    let disks: BTreeSet<Uuid> = state.nodes.values().map(|it| it.entry.disk_id).collect();
    prop_assert_eq!(disks.len(), state.nodes.len(), "one disk is one member");
    for (id, member) in &state.nodes {
        prop_assert_eq!(*id, member.id);
        prop_assert!(id.0 <= state.next_node);
    }
    for (group, shard) in &state.shards {
        prop_assert!(*group != GroupId::META && group.0 < state.next_group);
        let collection = &state.collections[&shard.collection];
        prop_assert_eq!(collection.shards.get(shard.ordinal), Some(group));
        if let Some(target) = &shard.target {
            let nodes: BTreeSet<NodeId> = target.iter().map(|it| it.peer.node()).collect();
            prop_assert_eq!(nodes.len(), target.len(), "a node has one replica of a shard");
            prop_assert!(target.iter().any(|it| !it.learner), "somebody votes");
            let leaves = shard.refill.as_ref().map(|refill| refill.leaving);
            prop_assert!(target.iter().all(|it| Some(it.peer) != leaves), "it comes as another");
        }
    }
    check_tenants(state)?;
    let placed: usize = state.collections.values().map(|it| it.shards.len()).sum();
    prop_assert_eq!(placed, state.shards.len());
    Ok(())
}

fn check_tenants(state: &State) -> Result<(), TestCaseError> {
    let (mut keys, mut numbers) = (0, BTreeSet::new());
    for name in ["a", "b", "c", "x", "y"] {
        let by_tenant = state.collections.get(name).is_some_and(|entry| entry.config.by_tenant);
        for key in state.tenants.keys(name) {
            let tenant = state.tenants.by_key(name, key).unwrap();
            prop_assert!(by_tenant && tenant.number() <= state.tenants.last);
            prop_assert_eq!(state.tenants.key_of(tenant), Some(key));
            numbers.insert(tenant);
            keys += 1;
        }
    }
    prop_assert_eq!(numbers.len(), keys, "a number is one tenant's");
    Ok(())
}

fn check_names(state: &State) -> Result<(), TestCaseError> {
    for (alias, collection) in &state.aliases {
        prop_assert!(state.collections.contains_key(collection), "{alias} leads nowhere");
        prop_assert!(!state.collections.contains_key(alias), "{alias} means two things");
        prop_assert_eq!(state.collection(alias).map(|found| found.0), Some(collection.as_str()));
    }
    for name in state.collections.keys() {
        prop_assert_eq!(state.collection(name).map(|found| found.0), Some(name.as_str()));
    }
    Ok(())
}

/// The catalog of a node on a disk that loses what is not synced.
struct Disk {
    kv: MemoryKv,
    dir: tempfile::TempDir,
}

impl Disk {
    fn new() -> Self {
        let disk = Self { kv: MemoryKv::default(), dir: tempfile::tempdir().unwrap() };
        let conf = Conf::founding(&[peer(1, 1)]);
        Catalog::create(&disk.store(), Uuid::nil(), INITIAL_INDEX, &conf, None).unwrap();
        disk
    }

    fn store(&self) -> ShardStore {
        ShardStore::new(self.kv.clone(), GroupId::META, self.dir.path().join("meta"))
    }
}

proptest! {
    #[test]
    fn the_catalog_is_whole_after_every_command(
        commands in prop::collection::vec(any_command(), 0..40),
    ) {
        let mut state = State { next_group: 1, ..State::default() };
        for member in 1..=3 {
            state.apply(MetaCommand::PutNode(node(member))).unwrap();
        }
        for command in commands {
            let before = state.clone();
            if state.apply(command.clone()).is_err() {
                prop_assert_eq!(&state, &before, "{:?} was refused", command);
            }
            prop_assert!(state.level >= before.level);
            prop_assert!(state.next_group >= before.next_group, "a group never returns");
            prop_assert!(state.tenants.last >= before.tenants.last, "nor does a tenant");
            check(&state)?;
        }
    }

    #[test]
    fn a_command_is_read_back_as_it_was_written(command in any_command()) {
        let unnamed = command.encode_stored();
        prop_assert_eq!(Logged::decode_stored(&unnamed), Ok(command.clone().into()));
        let named = Logged { request: Some(request(u64::MAX, u64::MAX)), command };
        prop_assert_eq!(Logged::decode_stored(&named.encode_stored()), Ok(named));
    }

    /// Of a request that is there several times only the first copy is applied, whatever is between
    /// the copies: the model applies it alone, and answers as it did then.
    #[test]
    fn the_disk_has_what_memory_has_after_every_command(
        commands in prop::collection::vec(any_command(), 1..12),
        entries in prop::collection::vec((0_usize..12, prop::bool::weighted(0.2)), 0..30),
        is_named in any::<bool>(),
    ) {
        let mut disk = Disk::new();
        let mut catalog = Catalog::open(disk.store()).unwrap();
        let mut state = State { next_group: 1, ..State::default() };
        let mut answers = BTreeMap::new();
        for (behind, (number, crashes)) in (1..).zip(entries) {
            let (index, number) = (INITIAL_INDEX + behind, number % commands.len());
            let command = commands[number].clone();
            let name = is_named.then(|| request(number as u64, INITIAL_INDEX.0));
            let data = Logged { request: name, command: command.clone() }.encode_stored();
            let answer = catalog.apply(&Entry { index, term: Term(1), data, conf: None }).unwrap();
            let known = answers.get(&number).filter(|_| is_named).cloned();
            let expected = known.unwrap_or_else(|| state.apply(command).map(drop));
            prop_assert_eq!(&answer, &expected);
            answers.insert(number, expected);
            if crashes {
                disk.kv = disk.kv.crash(0);
                catalog = Catalog::open(disk.store()).unwrap();
            }
            prop_assert_eq!(catalog.applied(), index);
            catalog.read(|read| {
                let requests = read.requests.clone();
                prop_assert_eq!(requests.len(), if is_named { answers.len() } else { 0 });
                prop_assert_eq!(read, &State { requests, ..state.clone() });
                Ok(())
            })?;
        }
    }
}
