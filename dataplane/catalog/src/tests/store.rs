//! What is applied is on disk, and goes to other nodes as a snapshot.

use uuid::Uuid;
use vane_raft::{ApplyError, Conf, Entry, INITIAL_INDEX, StateMachine};
use vane_storage::{MemoryKv, ShardStore};
use vane_types::{GroupId, LogIndex, NodeId, PeerId, Policy, Quotas, Rebalance, Term};

use super::*;

#[test]
fn what_is_applied_is_read_back_and_installed_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let store = |kv: &MemoryKv| ShardStore::new(kv.clone(), GroupId::META, dir.path().join("meta"));
    let (here, there) = (MemoryKv::default(), MemoryKv::default());
    let conf = Conf::founding(&[PeerId::new(NodeId(1), 1)]);
    Catalog::create(&store(&here), Uuid::from_u128(7), INITIAL_INDEX, &conf, Some(node(1)))
        .unwrap();
    let meta = Catalog::open(store(&here)).unwrap();
    let quotas = Quotas { enabled: true, ..Quotas::default() };
    let policy = Policy { rebalance: Rebalance::Bytes, ..Policy::default() };
    let commands = [
        MetaCommand::PutNode(node(2)),
        MetaCommand::SetQuotas(quotas),
        MetaCommand::SetPolicy(policy),
        MetaCommand::SetFollowsOnly { node: NodeId(2), seconds: Some(9) },
        MetaCommand::HoldFeatureLevel(true),
        MetaCommand::SetSettings([("A".into(), "b".into())].into()),
        create("c", &[&[1, 2]], ""),
        create("c", &[&[1]], ""),
    ];
    for (behind, command) in (1..).zip(commands) {
        let (index, refused) = (INITIAL_INDEX + behind, behind == 8);
        let entry = Entry { index, term: Term(1), data: command.encode_stored(), conf: None };
        assert_eq!(meta.apply(&entry).unwrap().is_err(), refused);
    }
    let state = meta.read(Clone::clone);
    assert_eq!((state.quotas, state.policy, state.level_is_held), (quotas, policy, true));
    assert_eq!(state.settings, [("A".to_owned(), "b".to_owned())].into());
    assert_eq!(state.following_nodes().collect::<Vec<_>>(), [(NodeId(2), 9)]);
    // Everything but the last entry is on disk: the refused one changed nothing but the index.
    let again = Catalog::open(store(&here.crash(0))).unwrap();
    assert_eq!(again.read(Clone::clone), state);
    let exported = meta.snapshot(dir.path()).unwrap();
    assert_eq!((exported.index, &exported.conf), (INITIAL_INDEX + 8, &conf));
    Catalog::create(&store(&there), Uuid::from_u128(7), LogIndex::ZERO, &Conf::default(), None)
        .unwrap();
    let other = Catalog::open(store(&there)).unwrap();
    other.install(dir.path()).unwrap();
    assert_eq!(
        (other.read(Clone::clone), other.applied(), other.conf()),
        (state, INITIAL_INDEX + 8, conf)
    );
}

#[test]
fn a_raised_level_is_there_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let kv = MemoryKv::default();
    let store = |kv: &MemoryKv| ShardStore::new(kv.clone(), GroupId::META, dir.path().join("meta"));
    let conf = Conf::founding(&[peer(1, 1)]);
    // As a cluster was founded before levels, and then upgraded.
    Catalog::create(&store(&kv), Uuid::from_u128(7), INITIAL_INDEX, &conf, Some(node(1))).unwrap();
    let catalog = Catalog::open(store(&kv)).unwrap();
    assert_eq!(catalog.level(), FeatureLevel::FIRST);
    let upgraded = NodeEntry { level: FeatureLevel::SPOKEN, start: 2, ..node(1) };
    let announced = MetaCommand::PutNode(upgraded);
    let steps: [fn(&State) -> Option<MetaCommand>; 2] = [|_| None, State::raise_due];
    for step in steps {
        let command = catalog.read(step).unwrap_or_else(|| announced.clone());
        let data = catalog.encode(&command.into()).unwrap();
        let index = catalog.applied().next();
        let entry = Entry { index, term: Term(1), data, conf: None };
        assert_eq!(catalog.apply(&entry).unwrap(), Ok(()));
    }
    let again = Catalog::open(store(&kv.crash(0))).unwrap();
    assert_eq!((again.level(), again.applied()), (FeatureLevel::SPOKEN, INITIAL_INDEX + 2));
}

#[test]
fn a_cluster_is_founded_at_the_level_that_its_founder_speaks() {
    let dir = tempfile::tempdir().unwrap();
    for level in [FeatureLevel::FIRST, FeatureLevel(2), FeatureLevel::SPOKEN] {
        let kv = MemoryKv::default();
        let store =
            |kv: &MemoryKv| ShardStore::new(kv.clone(), GroupId::META, dir.path().join("meta"));
        let founder = NodeEntry { level, ..node(1) };
        let conf = Conf::founding(&[peer(1, 1)]);
        Catalog::create(&store(&kv), Uuid::nil(), INITIAL_INDEX, &conf, Some(founder)).unwrap();
        assert_eq!(Catalog::open(store(&kv.crash(0))).unwrap().level(), level);
    }
}

#[test]
fn an_entry_that_cannot_be_read_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = ShardStore::new(MemoryKv::default(), GroupId::META, dir.path().join("meta"));
    let conf = Conf::founding(&[peer(1, 1)]);
    Catalog::create(&store, Uuid::nil(), INITIAL_INDEX, &conf, Some(node(1))).unwrap();
    let catalog = Catalog::open(store).unwrap();
    let before = (catalog.read(Clone::clone), catalog.conf(), catalog.applied());
    assert_eq!(catalog.standing_still(), None);
    for data in
        [b"\x03".to_vec(), b"\x02{}".to_vec(), b"\x01{\"split\":1}".to_vec(), b"\x01{".to_vec()]
    {
        let conf = Some(Conf::founding(&[peer(2, 1)]));
        let entry = Entry { index: INITIAL_INDEX.next(), term: Term(1), data, conf };
        assert!(matches!(catalog.apply(&entry), Err(ApplyError::Unreadable(_))));
        assert_eq!((catalog.read(Clone::clone), catalog.conf(), catalog.applied()), before);
        let why = catalog.standing_still().unwrap();
        assert!(why.contains(&format!("before entry {}", INITIAL_INDEX.next())), "{why}");
    }
}

#[test]
fn a_disk_of_a_level_that_this_version_does_not_speak_is_not_opened() {
    let store = || ShardStore::new(MemoryKv::default(), GroupId::META, "meta".into());
    for (level, opens) in [(FeatureLevel::SPOKEN, true), (FeatureLevel(99), false)] {
        let (store, founder) = (store(), NodeEntry { level, ..node(1) });
        let conf = Conf::founding(&[peer(1, 1)]);
        Catalog::create(&store, Uuid::nil(), INITIAL_INDEX, &conf, Some(founder)).unwrap();
        match Catalog::open(store) {
            Ok(catalog) => assert!(opens && catalog.level() == level),
            Err(error) => {
                assert!(!opens && matches!(error, OpenError::TooNew { .. }), "{error}");
                assert!(error.to_string().contains("feature level 99"), "{error}");
            }
        }
    }
}
