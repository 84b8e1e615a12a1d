//! The bytes of what was ever written. They never change: logs, databases and snapshots of
//! every version have them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use vane_types::command::RequestId;
use vane_types::{Distance, LogIndex, NodeId, Refusal, ShardKey, TenantId, Term, VectorParams};

use super::*;
use crate::state::{Remembered, TenantEntry};

fn configured() -> vane_types::CollectionConfig {
    let params = VectorParams::new(2, Distance::Cosine);
    vane_types::CollectionConfig {
        vectors: BTreeMap::from([(String::new(), params)]),
        metadata: serde_json::Map::from_iter([("team".to_owned(), "a".into())]),
        ..config()
    }
}

const CONFIG: &str = concat!(
    r#"{"vectors":{"":{"size":2,"distance":"Cosine"}},"#,
    r#""hnsw":{"m":16,"ef_construct":100,"full_scan_threshold":10000},"#,
    r#""optimizer":{"indexing_threshold":10000,"deleted_threshold":0.2,"#,
    r#""vacuum_min_vector_number":1000,"max_segment_size":524288},"#,
    r#""payload_schema":{},"metadata":{"team":"a"}}"#
);

const NODE: &str = concat!(
    r#"{"disk_id":"00000000-0000-0000-0000-000000000007","name":"n7","address":"127.0.0.1:7","#,
    r#""rest_address":"127.0.0.1:7","version":"1","start":1}"#
);

const CONF: &str = concat!(
    r#"{"voters":[4294967297,8589934594],"learners":[12884901889],"#,
    r#""voters_outgoing":[],"learners_next":[]}"#
);

fn conf() -> Conf {
    Conf { voters: vec![peer(1, 1), peer(2, 2)], learners: vec![peer(3, 1)], ..Conf::default() }
}

/// Every command of level 1 with the JSON that versions before levels wrote.
fn commands_before_levels() -> Vec<(MetaCommand, String)> {
    [commands_of_nodes(), commands_of_collections(), commands_of_shards()].concat()
}

fn commands_of_nodes() -> Vec<(MetaCommand, String)> {
    let set_zone = |zone| MetaCommand::SetZone { node: NodeId(3), zone };
    vec![
        (MetaCommand::PutNode(node(7)), format!(r#"{{"put_node":{NODE}}}"#)),
        (set_zone(Some("west".into())), r#"{"set_zone":{"node":3,"zone":"west"}}"#.into()),
        (set_zone(None), r#"{"set_zone":{"node":3,"zone":null}}"#.into()),
    ]
}

fn commands_of_collections() -> Vec<(MetaCommand, String)> {
    let name = || "c".to_owned();
    let create = Create {
        name: name(),
        config: configured(),
        replication_factor: 2,
        write_consistency_factor: 1,
        placement: vec![vec![NodeId(1), NodeId(2)], vec![NodeId(2)]],
        key: "k".into(),
    };
    let created = [
        r#"{"create":{"name":"c","config":"#,
        CONFIG,
        r#","replication_factor":2,"write_consistency_factor":1,"#,
        r#""placement":[[1,2],[2]],"key":"k"}}"#,
    ];
    let configure =
        Configure { name: name(), config: configured(), write_consistency_factor: Some(2) };
    let configured =
        format!(r#"{{"configure":{{"name":"c","config":{CONFIG},"write_consistency_factor":2}}}}"#);
    let aliases = vec![
        AliasChange::Create { collection: name(), alias: "a".into() },
        AliasChange::Delete { alias: "b".into() },
        AliasChange::Rename { old: "x".into(), new: "y".into() },
    ];
    let aliased = concat!(
        r#"{"aliases":[{"create":{"collection":"c","alias":"a"}},"#,
        r#"{"delete":{"alias":"b"}},{"rename":{"old":"x","new":"y"}}]}"#
    );
    let delete = MetaCommand::Delete { name: name(), key: String::new() };
    vec![
        (MetaCommand::Create(create), created.concat()),
        (MetaCommand::Configure(configure), configured),
        (delete, r#"{"delete":{"name":"c","key":""}}"#.into()),
        (MetaCommand::Aliases(aliases), aliased.into()),
    ]
}

fn commands_of_shards() -> Vec<(MetaCommand, String)> {
    let group = GroupId(5);
    let replicas = vec![
        WantedReplica { node: NodeId(1), learner: false },
        WantedReplica { node: NodeId(4), learner: true },
    ];
    let reconfigured = concat!(
        r#"{"reconfigure":{"group":5,"replicas":[{"node":1,"learner":false},"#,
        r#"{"node":4,"learner":true}],"if_revision":3}}"#
    );
    let settled = format!(r#"{{"settle":{{"group":5,"conf":{CONF}}}}}"#);
    vec![
        (MetaCommand::Reconfigure { group, replicas, if_revision: Some(3) }, reconfigured.into()),
        (MetaCommand::Settle { group, conf: conf(), seen: None }, settled),
    ]
}

fn stored(json: &str) -> Vec<u8> {
    [&[1], json.as_bytes()].concat()
}

#[test]
fn commands_are_written_as_before_levels_and_read_back() {
    for (command, json) in commands_before_levels() {
        assert_eq!(command.level(), FeatureLevel::FIRST, "{json}");
        let written = command.encode_stored();
        assert_eq!(String::from_utf8_lossy(&written[1..]), json);
        assert_eq!(written, stored(&json));
        assert_eq!(Logged::decode_stored(&written), Ok(command.into()));
    }
}

#[test]
fn commands_of_later_levels_have_a_stored_form_too() {
    let spoken_by = BTreeMap::from([(NodeId(1), 4), (NodeId(20), 1)]);
    let raise = MetaCommand::RaiseFeatureLevel { to: FeatureLevel(2), spoken_by };
    let json = r#"{"raise_feature_level":{"to":2,"spoken_by":{"1":4,"20":1}}}"#;
    let announced = MetaCommand::PutNode(NodeEntry { level: FeatureLevel(2), ..node(7) });
    let announcement = NODE.replace(r#""start":1}"#, r#""start":1,"level":2}"#);
    let announcement = format!(r#"{{"put_node":{announcement}}}"#);
    let leave = MetaCommand::SetLeaving { node: NodeId(3), leaving: true };
    let leaving = r#"{"set_leaving":{"node":3,"leaving":true}}"#;
    let remove = MetaCommand::RemoveNode { node: NodeId(3), disk_id: Uuid::from_u128(3) };
    let removed = concat!(
        r#"{"remove_node":{"node":3,"#,
        r#""disk_id":"00000000-0000-0000-0000-000000000003"}}"#
    );
    let announced = (announced, announcement.as_str());
    let refill = MetaCommand::Refill { group: GroupId(5), peer: peer(3, 2) };
    let refilled = r#"{"refill":{"group":5,"peer":12884901890}}"#;
    let seen = Some(Seen { epoch: 2, term: Term(7), index: LogIndex(90) });
    let settle = MetaCommand::Settle { group: GroupId(5), conf: conf(), seen };
    assert_eq!(settle.level(), FeatureLevel::PROVEN);
    let settled = format!(
        r#"{{"settle":{{"group":5,"conf":{CONF},"seen":{{"epoch":2,"term":7,"index":90}}}}}}"#
    );
    let written = [
        (raise, json),
        announced,
        (refill, refilled),
        (settle, settled.as_str()),
        (leave, leaving),
        (remove, removed),
    ];
    for (command, json) in written {
        assert_eq!(command.encode_stored(), stored(json));
        assert_eq!(Logged::decode_stored(&stored(json)), Ok(command.into()));
    }
}

#[test]
fn what_the_first_versions_left_out_has_its_default() {
    let read = |json: &str| Logged::decode_stored(&stored(json)).unwrap().command;
    let early = NODE.replace(r#","start":1}"#, "}");
    let expected = NodeEntry { start: 0, level: FeatureLevel::FIRST, ..node(7) };
    let put_node = read(&format!(r#"{{"put_node":{early}}}"#));
    assert_eq!(put_node, MetaCommand::PutNode(expected));
    let reconfigure = read(r#"{"reconfigure":{"group":5,"replicas":[]}}"#);
    let (group, replicas) = (GroupId(5), Vec::new());
    assert_eq!(reconfigure, MetaCommand::Reconfigure { group, replicas, if_revision: None });
}

#[test]
fn damage_is_told_from_what_a_newer_version_wrote() {
    let read = |bytes: &[u8]| Logged::decode_stored(bytes).unwrap_err();
    for damaged in [&[][..], &[1], &[2], b"\x01{\"put_node\":", b"\x02{\"request\":", b"\x01\xff"] {
        let error = read(damaged);
        assert!(matches!(error, DecodeError::Damaged { .. }) && !error.is_newer(), "{error}");
    }
    let error = read(&[3, 9, 9]);
    assert_eq!(error, DecodeError::UnknownFormat { format: 3 });
    assert!(error.is_newer());
    for newer in [
        r#"{"split":{"group":5}}"#,
        r#""seal""#,
        r#"{"aliases":[{"swap":{"a":"x","b":"y"}}]}"#,
        r#"{"set_zone":{"node":"seven","zone":null}}"#,
    ] {
        let error = read(&stored(newer));
        assert!(matches!(error, DecodeError::UnknownCommand { .. }) && error.is_newer(), "{error}");
    }
    let field = r#"{"set_zone":{"node":3,"zone":null,"since":4}}"#;
    assert!(Logged::decode_stored(&stored(field)).is_ok(), "fields may be added");
}

#[test]
fn a_change_of_a_request_has_its_name_beside_it() {
    for (command, json) in commands_before_levels() {
        let request = Some(RequestId { session: u64::MAX, sequence: 7, basis: 90 });
        let named = Logged { request, command };
        let json = [
            r#"{"request":{"session":18446744073709551615,"sequence":7,"basis":90},"command":"#,
            &json,
            "}",
        ]
        .concat();
        let bytes = [&[2], json.as_bytes()].concat();
        assert_eq!(named.encode_stored(), bytes);
        assert_eq!(Logged::decode_stored(&bytes), Ok(named));
    }
}

#[test]
fn tenants_are_written_by_number_and_key() {
    let create = |key| MetaCommand::CreateTenant { collection: "c".into(), key };
    let tenant = TenantId::from_number(7).unwrap();
    for (command, json) in [
        (create(ShardKey::Number(7)), r#"{"create_tenant":{"collection":"c","key":7}}"#),
        (create(ShardKey::Text("7".into())), r#"{"create_tenant":{"collection":"c","key":"7"}}"#),
        (
            MetaCommand::DeleteTenant { collection: "c".into(), tenant },
            r#"{"delete_tenant":{"collection":"c","tenant":7}}"#,
        ),
    ] {
        assert_object(&command, json);
        assert_eq!(command.level(), FeatureLevel::TENANTS);
    }
    let entry = TenantEntry { collection: "c".into(), key: ShardKey::Text("acme".into()) };
    assert_object(&entry, r#"{"collection":"c","key":"acme"}"#);
    let by_tenant = vane_types::CollectionConfig { by_tenant: true, ..config() };
    let json = serde_json::to_string(&by_tenant).unwrap();
    assert!(json.contains(r#""by_tenant":true"#), "{json}");
    let configure =
        Configure { name: "c".into(), config: by_tenant, write_consistency_factor: None };
    assert_eq!(MetaCommand::Configure(configure).level(), FeatureLevel::TENANTS);
}

#[test]
fn limits_of_requests_are_a_field_that_older_versions_lack() {
    let older: vane_types::CollectionConfig = serde_json::from_str(CONFIG).unwrap();
    assert!(older.strict.is_unset());
    let mut strict = older.clone();
    strict.strict.enabled = Some(true);
    strict.strict.max_timeout = Some(3);
    let json = r#""strict":{"enabled":true,"max_timeout":3}}"#;
    assert_object(&strict, &format!("{},{json}", CONFIG.strip_suffix('}').unwrap()));
    let configure = |config| {
        let configure = Configure { name: "c".into(), config, write_consistency_factor: None };
        MetaCommand::Configure(configure).level()
    };
    assert_eq!(configure(older), FeatureLevel::FIRST);
    assert_eq!(configure(strict), FeatureLevel::CHANGING);
}

#[test]
fn quotas_are_a_command_and_an_object_that_older_versions_lack() {
    let quotas = vane_types::Quotas {
        enabled: true,
        max_disk_usage_percent: Some(90),
        ..vane_types::Quotas::default()
    };
    let set = MetaCommand::SetQuotas(quotas);
    assert_eq!(set.level(), FeatureLevel::CHANGING);
    assert_object(&set, r#"{"set_quotas":{"enabled":true,"max_disk_usage_percent":90}}"#);
}

#[test]
fn moves_by_the_cluster_itself_are_commands_that_older_versions_lack() {
    let policy = vane_types::Policy::default();
    let stored = concat!(
        r#"{"moves_at_once":2,"per_node":1,"bytes_per_second":134217728,"#,
        r#""rebalance":"off","threshold_percent":20,"leaders":true}"#
    );
    assert_object(&policy, stored);
    let group = GroupId(5);
    let (from, to) = (NodeId(1), NodeId(4));
    for (command, json) in [
        (MetaCommand::SetPolicy(policy), format!(r#"{{"set_policy":{stored}}}"#)),
        (
            MetaCommand::Rebalance { group, from, to, revision: 3, at: 90 },
            r#"{"rebalance":{"group":5,"from":1,"to":4,"revision":3,"at":90}}"#.to_owned(),
        ),
        (
            MetaCommand::SetPinned { group, pinned: true },
            r#"{"set_pinned":{"group":5,"pinned":true}}"#.to_owned(),
        ),
    ] {
        assert_eq!(command.level(), FeatureLevel::CHANGING);
        assert_object(&command, &json);
    }
}

#[test]
fn what_is_said_to_nodes_and_of_the_level_are_commands_that_older_versions_lack() {
    let command = |seconds| MetaCommand::SetFollowsOnly { node: NodeId(3), seconds };
    assert_object(&command(Some(600)), r#"{"set_follows_only":{"node":3,"seconds":600}}"#);
    assert_object(&command(None), r#"{"set_follows_only":{"node":3,"seconds":null}}"#);
    let hold = MetaCommand::HoldFeatureLevel(true);
    assert_object(&hold, r#"{"hold_feature_level":true}"#);
    let settings = [("LOG__LEVEL".into(), "debug".into())].into();
    let set = MetaCommand::SetSettings(settings);
    assert_object(&set, r#"{"set_settings":{"LOG__LEVEL":"debug"}}"#);
    for command in [command(None), hold, set] {
        assert_eq!(command.level(), FeatureLevel::CHANGING);
    }
    let follows_only = Some(600);
    let member = Member { id: NodeId(7), entry: node(7), zone: None, leaving: false, follows_only };
    let written = format!(r#"{{"id":7,"entry":{NODE},"zone":null,"follows_only":600}}"#);
    assert_object(&member, &written);
}

#[test]
fn what_became_of_a_request_is_an_object() {
    let made = Remembered { session: 3, sequence: 7, refusal: None };
    assert_object(&made, r#"{"session":3,"sequence":7}"#);
    let refused = Remembered { refusal: Some(Refusal::Conflict("no".into())), ..made };
    assert_object(&refused, r#"{"session":3,"sequence":7,"refusal":{"Conflict":"no"}}"#);
}

fn assert_object<T>(object: &T, json: &str)
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    assert_eq!(serde_json::to_string(object).unwrap(), json);
    assert_eq!(&serde_json::from_str::<T>(json).unwrap(), object);
}

#[test]
fn objects_on_disk_are_written_as_before_levels() {
    let mut state = founded();
    let member =
        Member { id: NodeId(7), entry: node(7), zone: None, leaving: false, follows_only: None };
    assert_object(&member, &format!(r#"{{"id":7,"entry":{NODE},"zone":null}}"#));
    let collection = CollectionEntry { config: configured(), ..state.collections["c"].clone() };
    assert_object(
        &collection,
        &[
            r#"{"config":"#,
            CONFIG,
            r#","shards":[1,2],"replication_factor":3,"write_consistency_factor":2,"key":"key"}"#,
        ]
        .concat(),
    );
    reconfigure(&mut state, GroupId(1), &[1, 4]);
    assert_object(
        &state.shards[&GroupId(1)],
        concat!(
            r#"{"collection":"c","ordinal":0,"first":[4294967297,8589934593,12884901889],"#,
            r#""conf":{"voters":[4294967297,8589934593,12884901889],"learners":[],"#,
            r#""voters_outgoing":[],"learners_next":[]},"epoch":0,"#,
            r#""target":[{"peer":4294967297,"learner":false},"#,
            r#"{"peer":17179869185,"learner":false}],"#,
            r#""revision":1,"incarnations":{"1":1,"2":1,"3":1,"4":1}}"#
        ),
    );
    state.apply(MetaCommand::Refill { group: GroupId(2), peer: peer(2, 1) }).unwrap();
    let written = serde_json::to_string(&state.shards[&GroupId(2)]).unwrap();
    let refill = concat!(
        r#""refill":{"leaving":8589934593,"then":[{"node":2,"learner":false},"#,
        r#"{"node":3,"learner":false},{"node":4,"learner":false}],"returning":false}"#
    );
    assert!(written.contains(refill), "{written}");
    // From the first record on that says when the members were looked at.
    let seen = Some(Seen { epoch: 0, term: Term(7), index: LogIndex(90) });
    let conf = Conf::founding(&[peer(1, 1), peer(4, 1)]);
    state.apply(MetaCommand::Settle { group: GroupId(1), conf, seen }).unwrap();
    let json = serde_json::to_string(&state.shards[&GroupId(1)]).unwrap();
    assert!(json.contains(r#""seen":{"epoch":0,"term":7,"index":90},"epoch":1"#), "{json}");
    assert_eq!(serde_json::from_str::<ShardEntry>(&json).unwrap(), state.shards[&GroupId(1)]);
}
