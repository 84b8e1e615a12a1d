//! Vectors that a collection gets and loses.

use std::collections::BTreeMap;

use vane_types::{CollectionConfig, Distance, Refusal, SparseParams, VectorParams, VectorSpec};

use super::*;

fn dense(size: usize) -> VectorSpec {
    VectorSpec::of(VectorParams::new(size, Distance::Dot))
}

fn add(vector: &str, spec: VectorSpec) -> MetaCommand {
    let (collection, vector) = ("c".to_owned(), vector.to_owned());
    MetaCommand::AddVector { collection, vector, spec, hints: serde_json::Map::new() }
}

fn remove(vector: &str) -> MetaCommand {
    MetaCommand::RemoveVector { collection: "c".into(), vector: vector.into(), if_revision: None }
}

fn remove_at(vector: &str, revision: u64) -> MetaCommand {
    let (collection, vector) = ("c".to_owned(), vector.to_owned());
    MetaCommand::RemoveVector { collection, vector, if_revision: Some(revision) }
}

fn told(revision: u64) -> MetaCommand {
    MetaCommand::VectorsTold { collection: "c".into(), revision }
}

/// A collection with the vectors `a` and `b`.
fn with_two() -> State {
    let mut state = founded();
    let known = state.collections.get_mut("c").unwrap();
    let params = VectorParams::new(2, Distance::Dot);
    known.config.vectors = ["a", "b"].map(|name| (name.to_owned(), params)).into();
    state
}

#[test]
fn shards_that_are_made_late_begin_with_the_vectors_of_the_beginning() {
    let mut state = with_two();
    let made_with = state.collections["c"].config.clone();
    assert_eq!(state.collections["c"].first_config(), made_with);
    for command in [add("c", dense(3)), remove("a"), add("a", dense(5))] {
        assert!(!state.apply(command).unwrap().is_empty());
    }
    let known = &state.collections["c"];
    assert_eq!((known.config.ids.revision(), known.is_untold), (3, true));
    assert_eq!(known.first_config(), made_with);
    let plan = replica_plan(&state, NodeId(1), &BTreeMap::new());
    assert!(plan.iter().any(|action| matches!(
        action,
        ReplicaAction::Open { config, .. } if **config == made_with
    )));
}

#[test]
fn what_changes_nothing_leaves_everything_and_what_cannot_be_is_refused() {
    let mut state = with_two();
    let before = state.clone();
    for command in [add("a", dense(2)), remove("x"), told(0), told(7)] {
        assert_eq!(state.apply(command), Ok(Vec::new()));
    }
    let differs = "Vector `a` already exists with a different configuration".to_owned();
    assert_eq!(state.apply(add("a", dense(3))), Err(Refusal::Invalid(differs)));
    let (collection, vector) = ("none".to_owned(), String::new());
    let unknown = MetaCommand::RemoveVector { collection, vector, if_revision: None };
    assert_eq!(state.apply(unknown), Err(collection_not_found("none")));
    assert_eq!(state, before);
}

#[test]
fn a_vector_goes_by_a_revision_only_while_the_vectors_are_at_it() {
    let mut state = with_two();
    state.apply(remove_at("b", 0)).unwrap();
    assert_eq!(state.apply(remove_at("b", 0)), Ok(Vec::new()), "it is gone already");
    state.apply(add("b", dense(7))).unwrap();
    let before = state.clone();
    let Err(Refusal::Conflict(why)) = state.apply(remove_at("b", 1)) else { panic!("it is new") };
    assert!(why.contains("are at revision 2, not 1"), "{why}");
    assert_eq!(state, before);
    state.apply(remove_at("b", 2)).unwrap();
    assert_eq!(state.collections["c"].config.vector("b"), None);
}

#[test]
fn a_change_is_told_once_all_shards_have_the_last_one() {
    let mut state = with_two();
    state.apply(add("c", dense(3))).unwrap();
    state.apply(remove("b")).unwrap();
    assert_eq!(state.apply(told(1)), Ok(Vec::new()), "another came meanwhile");
    assert!(state.collections["c"].is_untold);
    state.apply(told(2)).unwrap();
    assert!(!state.collections["c"].is_untold);
}

#[test]
fn new_parameters_take_no_vector_away_and_bring_none() {
    let mut state = with_two();
    let mut config = state.collections["c"].config.clone();
    state.apply(remove("a")).unwrap();
    state.apply(add("d", VectorSpec::Sparse(SparseParams::default()))).unwrap();
    config.hnsw.m = 40;
    let configure = Configure { name: "c".into(), config, write_consistency_factor: None };
    state.apply(MetaCommand::Configure(configure)).unwrap();
    let known = &state.collections["c"].config;
    let names: Vec<&str> = known.all_vectors().map(|(name, _)| name.as_str()).collect();
    assert_eq!((known.hnsw.m, names), (40, vec!["b", "d"]));
}

#[test]
fn members_that_would_take_vectors_by_their_places_hear_of_no_change() {
    let mut changed = CollectionConfig { vectors: BTreeMap::new(), ..config() };
    changed.add_vector("a", dense(2)).unwrap();
    let configure = |config| Configure { name: "c".into(), config, write_consistency_factor: None };
    for command in
        [add("a", dense(2)), remove("a"), told(1), MetaCommand::Configure(configure(changed))]
    {
        for level in (1..=FeatureLevel::SPOKEN.0).map(FeatureLevel) {
            let state = State { level, ..founded() };
            let encoded = state.encode(&command.clone().into());
            assert_eq!(encoded.is_ok(), level >= FeatureLevel::CHANGING);
        }
    }
}

/// Bytes of the level that they came with.
#[test]
fn changes_of_vectors_are_written_and_read_back() {
    let sparse = VectorSpec::Sparse(SparseParams { idf: true, ..SparseParams::default() });
    let cases = [
        (
            add("v", dense(2)),
            concat!(
                r#"{"add_vector":{"collection":"c","vector":"v","#,
                r#""spec":{"dense":{"size":2,"distance":"Dot"}}}}"#
            ),
        ),
        (
            add("", sparse),
            r#"{"add_vector":{"collection":"c","vector":"","spec":{"sparse":{"idf":true}}}}"#,
        ),
        (remove("v"), r#"{"remove_vector":{"collection":"c","vector":"v"}}"#),
        (remove_at("v", 4), r#"{"remove_vector":{"collection":"c","vector":"v","if_revision":4}}"#),
        (told(3), r#"{"vectors_told":{"collection":"c","revision":3}}"#),
    ];
    for (command, json) in cases {
        let stored = [&[1], json.as_bytes()].concat();
        assert_eq!(command.encode_stored(), stored);
        assert_eq!(Logged::decode_stored(&stored), Ok(command.into()));
    }
    let mut state = with_two();
    state.apply(remove("a")).unwrap();
    let entry = &state.collections["c"];
    let json = serde_json::to_string(entry).unwrap();
    let added = concat!(
        r#","key":"key","first_vectors":{"vectors":{"a":{"size":2,"distance":"Dot"},"#,
        r#""b":{"size":2,"distance":"Dot"}}},"is_untold":true}"#
    );
    assert!(json.ends_with(added), "{json}");
    assert_eq!(&serde_json::from_str::<CollectionEntry>(&json).unwrap(), entry);
}
