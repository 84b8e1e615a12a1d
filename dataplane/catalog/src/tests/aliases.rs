//! Aliases: several change together or not at all.

use vane_types::Refusal;

use super::*;

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

fn create_alias(alias: &str) -> AliasChange {
    AliasChange::Create { collection: "c".into(), alias: alias.into() }
}

fn rename(old: &str, new: &str) -> AliasChange {
    AliasChange::Rename { old: old.into(), new: new.into() }
}

/// The aliases after some changes of none, by name.
fn aliases_after(changes: Vec<AliasChange>) -> Result<Vec<String>, Refusal> {
    let mut state = founded();
    state.apply(MetaCommand::Aliases(changes))?;
    Ok(state.aliases.into_keys().collect())
}

#[test]
fn each_change_meets_what_those_before_it_did() {
    let swapped = vec![create_alias("a"), rename("a", "b"), create_alias("a")];
    assert_eq!(aliases_after(swapped).unwrap(), ["a", "b"]);
    let gone = vec![create_alias("a"), AliasChange::Delete { alias: "a".into() }];
    assert!(aliases_after(gone).unwrap().is_empty());
}

#[test]
fn an_alias_is_pointed_elsewhere_by_making_it_again() {
    let mut state = founded();
    state.apply(create("d", &[&[1]], "")).unwrap();
    state.apply(MetaCommand::Aliases(vec![create_alias("a")])).unwrap();
    let elsewhere = AliasChange::Create { collection: "d".into(), alias: "a".into() };
    state.apply(MetaCommand::Aliases(vec![elsewhere])).unwrap();
    assert_eq!(state.collection("a").map(|found| found.0), Some("d"));
}

#[test]
fn what_is_not_there_can_be_deleted_but_not_renamed() {
    let delete = vec![AliasChange::Delete { alias: "a".into() }];
    assert!(aliases_after(delete).unwrap().is_empty());
    let renamed = aliases_after(vec![rename("a", "b")]);
    assert_eq!(renamed, Err(Refusal::NotFound("Alias `a`".into())));
}

#[test]
fn a_collections_name_is_no_alias_and_an_alias_no_collection() {
    let taken = Err(Refusal::AlreadyExists("Collection `c`".into()));
    assert_eq!(aliases_after(vec![create_alias("c")]), taken);
    assert_eq!(aliases_after(vec![create_alias("a"), rename("a", "c")]), taken);
    let of_alias = AliasChange::Create { collection: "a".into(), alias: "b".into() };
    assert_eq!(aliases_after(vec![create_alias("a"), of_alias]), Err(collection_not_found("a")));
}
