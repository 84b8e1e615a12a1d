//! Aliases: several change together or not at all.

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
