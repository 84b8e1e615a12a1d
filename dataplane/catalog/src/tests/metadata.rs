//! What people keep for the cluster.

use serde_json::{Value, json};
use vane_raft::{Entry, INITIAL_INDEX, StateMachine};
use vane_storage::{MemoryKv, ShardStore};
use vane_types::limits::{CLUSTER_METADATA_BYTES_MAX, CLUSTER_METADATA_KEYS_MAX};
use vane_types::{Refusal, Term};

use super::*;

fn set(key: impl Into<String>, value: impl Into<Value>) -> MetaCommand {
    MetaCommand::SetMetadata { key: key.into(), value: value.into() }
}

fn refusal(state: &mut State, command: MetaCommand) -> String {
    let before = state.clone();
    match state.apply(command) {
        Err(Refusal::Invalid(text)) => {
            assert_eq!(*state, before);
            text
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_key_has_the_last_value_and_null_forgets_it() {
    let mut state = founded();
    state.apply(set("a", 1)).unwrap();
    state.apply(set("b/c", json!({"d": [null, 0.1, "e"]}))).unwrap();
    state.apply(set("a", "x")).unwrap();
    let kept: Vec<(&str, &Value)> = state.metadata.iter().map(|(key, it)| (&**key, it)).collect();
    assert_eq!(kept, [("a", &json!("x")), ("b/c", &json!({"d": [null, 0.1, "e"]}))]);
    state.apply(set("a", Value::Null)).unwrap();
    assert_eq!(state.apply(set("a", Value::Null)), Ok(Vec::new()), "it is forgotten already");
    assert_eq!(state.metadata.len(), 1);
}

#[test]
fn what_every_member_holds_is_bounded() {
    let mut state = founded();
    assert!(refusal(&mut state, set("", 1)).contains("1 to 255 characters"));
    assert!(refusal(&mut state, set("ä".repeat(256), 1)).contains("1 to 255 characters"));
    let deep = (0..100).fold(json!(1), |value, _| json!([value]));
    assert!(refusal(&mut state, set("a", deep)).contains("levels deep"));
    let half = "x".repeat(CLUSTER_METADATA_BYTES_MAX / 2);
    state.apply(set("a", half.clone())).unwrap();
    assert!(refusal(&mut state, set("b", half.clone())).contains("the limit is 1048576"));
    state.apply(set("a", half)).unwrap();
    state.apply(set("a", Value::Null)).unwrap();
    for key in 0..CLUSTER_METADATA_KEYS_MAX {
        state.apply(set(key.to_string(), 1)).unwrap();
    }
    assert!(refusal(&mut state, set("one more", 1)).contains("which is the most"));
    state.apply(set("7", 2)).unwrap();
}

#[test]
fn settings_are_bounded() {
    let mut state = founded();
    let set = |count: usize, chars: usize| {
        let named = (0..count).map(|at| (format!("S{at}"), "x".repeat(chars)));
        MetaCommand::SetSettings(named.collect())
    };
    assert!(refusal(&mut state, set(257, 1)).contains("256 of 1024 is the most"));
    assert!(refusal(&mut state, set(1, 1025)).contains("256 of 1024 is the most"));
    state.apply(set(2, 1)).unwrap();
    assert_eq!(state.apply(set(2, 1)), Ok(Vec::new()), "they are so already");
    state.apply(set(0, 0)).unwrap();
    assert!(state.settings.is_empty(), "these and no others");
}

#[test]
fn it_is_written_at_its_level_in_a_form_that_stays_and_there_after_a_crash() {
    let command = set("a/ b", json!({"c": 1.5}));
    let stored = b"\x01{\"set_metadata\":{\"key\":\"a/ b\",\"value\":{\"c\":1.5}}}";
    assert_eq!(command.encode_stored(), stored);
    assert_eq!(Logged::decode_stored(stored), Ok(command.clone().into()));
    assert!(founded().encode(&command.clone().into()).is_err(), "others cannot read it yet");
    let dir = tempfile::tempdir().unwrap();
    let kv = MemoryKv::default();
    let store = |kv: &MemoryKv| ShardStore::new(kv.clone(), GroupId::META, dir.path().join("meta"));
    let conf = Conf::founding(&[peer(1, 1)]);
    Catalog::create(&store(&kv), Uuid::from_u128(7), INITIAL_INDEX, &conf, Some(node(1))).unwrap();
    let catalog = Catalog::open(store(&kv)).unwrap();
    for (behind, command) in (1..).zip([command, set("gone", 1), set("gone", Value::Null)]) {
        let (index, data) = (INITIAL_INDEX + behind, command.encode_stored());
        catalog.apply(&Entry { index, term: Term(1), data, conf: None }).unwrap().unwrap();
    }
    let again = Catalog::open(store(&kv.crash(0))).unwrap();
    let kept = again.read(|state| state.metadata.clone());
    assert_eq!(kept, [("a/ b".to_owned(), json!({"c": 1.5}))].into());
}
