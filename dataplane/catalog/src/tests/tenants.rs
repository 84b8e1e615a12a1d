//! Tenants of collections.

use vane_types::{Refusal, ShardKey};

use super::*;

fn by_tenant() -> State {
    let mut state = founded();
    let MetaCommand::Create(mut of_tenants) = create("t", &[&[1, 2, 3]], "") else { panic!() };
    of_tenants.config.by_tenant = true;
    state.apply(MetaCommand::Create(of_tenants)).unwrap();
    state
}

fn make(collection: &str, key: impl Into<String>) -> MetaCommand {
    MetaCommand::CreateTenant { collection: collection.into(), key: ShardKey::Text(key.into()) }
}

fn refusal(state: &mut State, command: MetaCommand) -> String {
    match state.apply(command) {
        Err(Refusal::Invalid(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_key_has_one_number_and_no_number_comes_twice() {
    let mut state = by_tenant();
    state.apply(make("t", "a")).unwrap();
    assert!(refusal(&mut state, make("t", "a")).contains("already exists"));
    let key = ShardKey::Text("a".into());
    let first = state.tenants.by_key("t", &key).unwrap();
    let delete = MetaCommand::DeleteTenant { collection: "t".into(), tenant: first };
    state.apply(delete.clone()).unwrap();
    assert!(matches!(state.apply(delete), Err(Refusal::NotFound(_))));
    state.apply(make("t", "a")).unwrap();
    assert_ne!(state.tenants.by_key("t", &key), Some(first));
    // The digits of a number are another key than the number.
    let number = MetaCommand::CreateTenant { collection: "t".into(), key: ShardKey::Number(7) };
    state.apply(number).unwrap();
    state.apply(make("t", "7")).unwrap();
    assert_eq!(state.tenants.keys("t").count(), 3);
    state.apply(MetaCommand::Delete { name: "t".into(), key: String::new() }).unwrap();
    assert_eq!((state.tenants.keys("t").count(), state.tenants.last), (0, 4));
}

#[test]
fn only_collections_by_tenant_have_tenants_with_keys_that_can_be() {
    let mut state = by_tenant();
    assert!(refusal(&mut state, make("c", "a")).contains("Auto sharding"));
    assert!(refusal(&mut state, make("t", "")).contains("characters"));
    assert!(refusal(&mut state, make("t", "x".repeat(256))).contains("characters"));
    assert!(matches!(state.apply(make("none", "a")), Err(Refusal::NotFound(_))));
}

#[test]
fn a_collection_stays_by_tenant_whatever_is_configured() {
    let mut state = by_tenant();
    let configure =
        Configure { name: "t".into(), config: config(), write_consistency_factor: None };
    state.apply(MetaCommand::Configure(configure)).unwrap();
    assert!(state.collections["t"].config.by_tenant);
}
