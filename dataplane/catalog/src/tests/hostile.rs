//! Whatever is proposed is read again, by those who apply it and by those who open its state.

use proptest::prelude::*;
use serde_json::{Value, json};
use vane_raft::{Conf, Entry, INITIAL_INDEX, StateMachine};
use vane_storage::{MemoryKv, ShardStore};
use vane_types::{CollectionConfig, GroupId, OptimizerConfig, Payload, Term};

use super::*;

fn text() -> impl Strategy<Value = String> {
    let odd = ["", "\0", "a/b", "collection/c", "\u{10ffff}", "\"\\", "c"].map(String::from);
    prop_oneof![
        3 => prop::sample::select(odd.to_vec()),
        1 => any::<String>(),
        1 => Just("x".repeat(70_000)),
    ]
}

/// Also deeper than anybody accepts: what older versions took has to be read too.
fn metadata() -> impl Strategy<Value = Payload> {
    let leaf = prop_oneof![
        text().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(json!([u64::MAX, i64::MIN, 5e-324, -0.0, null])),
    ];
    (leaf, prop::collection::vec((text(), any::<bool>()), 1..300)).prop_map(|(leaf, levels)| {
        let nest = |value, (name, is_list): (String, bool)| match is_list {
            true => json!([value]),
            false => json!({ name: value }),
        };
        let whole = levels.into_iter().take(200).fold(leaf, nest);
        json!({ "m": whole }).as_object().unwrap().clone()
    })
}

fn command() -> impl Strategy<Value = MetaCommand> {
    let with = |metadata| CollectionConfig { metadata, ..config() };
    prop_oneof![
        2 => (text(), metadata(), text()).prop_map(move |(name, metadata, key)| {
            let MetaCommand::Create(create) = create("c", &[&[1]], "") else { unreachable!() };
            MetaCommand::Create(Create { name, config: with(metadata), key, ..create })
        }),
        2 => (text(), metadata(), any::<f64>()).prop_map(move |(name, metadata, threshold)| {
            let optimizer =
                OptimizerConfig { deleted_threshold: threshold, ..OptimizerConfig::default() };
            let config = CollectionConfig { optimizer, ..with(metadata) };
            MetaCommand::Configure(Configure { name, config, write_consistency_factor: None })
        }),
        1 => (text(), text()).prop_map(|(name, key)| MetaCommand::Delete { name, key }),
        2 => (text(), text()).prop_map(|(collection, alias)| {
            MetaCommand::Aliases(vec![AliasChange::Create { collection, alias }])
        }),
        1 => (text(), text())
            .prop_map(|(old, new)| MetaCommand::Aliases(vec![AliasChange::Rename { old, new }])),
        1 => text().prop_map(|zone| MetaCommand::SetZone { node: NodeId(1), zone: Some(zone) }),
        1 => (text(), text()).prop_map(|(name, address)| {
            MetaCommand::PutNode(NodeEntry { name, address, start: 9, ..node(1) })
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64, max_shrink_iters: 200, ..ProptestConfig::default()
    })]

    #[test]
    fn what_is_proposed_is_applied_and_opened_again(
        commands in prop::collection::vec(command(), 1..20)
    ) {
        let kv = MemoryKv::default();
        let store = || ShardStore::new(kv.clone(), GroupId::META, "meta".into());
        let conf = Conf::founding(&[peer(1, 1)]);
        Catalog::create(&store(), Default::default(), INITIAL_INDEX, &conf, Some(node(1)))
            .unwrap();
        let catalog = Catalog::open(store()).unwrap();
        for command in commands {
            let is_json = !matches!(&command,
                MetaCommand::Configure(Configure { config, .. })
                    if !config.optimizer.deleted_threshold.is_finite());
            let encoded = catalog.encode(&command.into());
            prop_assert_eq!(encoded.is_ok(), is_json, "JSON has no infinity");
            let Ok(data) = encoded else { continue };
            let index = catalog.applied().next();
            let _ = catalog.apply(&Entry { index, term: Term(1), data, conf: None }).unwrap();
        }
        let again = Catalog::open(store()).unwrap();
        prop_assert_eq!(again.read(Clone::clone), catalog.read(Clone::clone));
    }
}
