//! The feature level: raised by all together, and a bound for what is written.

use std::collections::BTreeMap;

use vane_types::{Error, ErrorKind, NodeId, Refusal};

use super::*;

const SECOND: FeatureLevel = FeatureLevel(2);

/// Says of a member that it speaks a level, from its next start on.
fn speak(state: &mut State, member: u64, level: FeatureLevel) {
    let start = state.nodes[&NodeId(member)].entry.start + 1;
    let entry = NodeEntry { start, level, ..node(member.into()) };
    state.apply(MetaCommand::PutNode(entry)).unwrap();
}

/// Four members, all of this version.
fn upgraded() -> State {
    let mut state = founded();
    (1..=4).for_each(|member| speak(&mut state, member, FeatureLevel::SPOKEN));
    state
}

#[test]
fn a_cluster_begins_at_the_first_level_whatever_its_members_speak() {
    assert_eq!(founded().level, FeatureLevel::FIRST);
    assert_eq!(upgraded().level, FeatureLevel::FIRST);
    assert_eq!(State::default().spoken_by_all(), FeatureLevel::FIRST);
}

#[test]
fn the_level_is_raised_when_the_last_member_speaks_it() {
    let mut state = founded();
    for member in 1..=4 {
        assert_eq!(state.spoken_by_all(), FeatureLevel::FIRST);
        let raise = state.raise_to(SECOND);
        let too_low = LevelTooLow { needed: SECOND, active: FeatureLevel::FIRST };
        assert_eq!(state.encode(&raise.into()), Err(too_low.into()));
        speak(&mut state, member, SECOND);
    }
    let raise = state.raise_to(SECOND);
    let stored = state.encode(&raise.clone().into()).unwrap();
    state.apply(Logged::decode_stored(&stored).unwrap().command).unwrap();
    assert_eq!(state.level, SECOND);
    let before = state.clone();
    assert_eq!(state.apply(raise), Ok(Vec::new()), "a repeated call finds its work done");
    assert_eq!(state, before);
}

#[test]
fn a_member_that_was_lost_at_a_lower_level_is_removed_and_holds_nobody_down() {
    let mut state = founded();
    state.apply(MetaCommand::PutNode(node(5))).unwrap();
    (1..=4).for_each(|member| speak(&mut state, member, FeatureLevel::SPOKEN));
    assert_eq!(state.raise_due(), None);
    let node = NodeId(5);
    for command in [
        MetaCommand::SetLeaving { node, leaving: true },
        MetaCommand::RemoveNode { node, disk_id: Uuid::from_u128(5) },
    ] {
        let stored = state.encode(&command.into()).unwrap();
        state.apply(Logged::decode_stored(&stored).unwrap().command).unwrap();
    }
    let raise = state.raise_due().expect("all that are left speak more");
    state.apply(raise).unwrap();
    assert_eq!(state.level, FeatureLevel::SPOKEN);
}

#[test]
fn a_level_that_somebody_does_not_speak_is_not_proposed() {
    let (state, later) = (upgraded(), FeatureLevel(FeatureLevel::SPOKEN.0 + 1));
    let refused = state.encode(&state.raise_to(later).into()).unwrap_err();
    assert_eq!(refused, LevelTooLow { needed: later, active: FeatureLevel::SPOKEN }.into());
    let error = Error::from(refused);
    assert_eq!(error.kind, ErrorKind::Unsupported);
    let levels = (later.0, FeatureLevel::SPOKEN.0);
    let text = format!("needs feature level {}, and the cluster is at {}", levels.0, levels.1);
    assert!(error.detail.contains(&text), "{error}");
}

#[test]
fn a_raise_is_due_where_the_slowest_member_speaks_more_than_holds() {
    let (first, newest, later) = (FeatureLevel::FIRST, FeatureLevel::SPOKEN, FeatureLevel(99));
    let cases = [
        ("nobody speaks more", first, [first; 4], None),
        ("one is behind", first, [newest, newest, first, newest], None),
        ("the slowest counts", first, [newest, SECOND, later, newest], Some(SECOND)),
        ("all speak the newest", SECOND, [newest; 4], Some(newest)),
        ("it is there already", newest, [newest; 4], None),
        ("never above this version", first, [later; 4], Some(newest)),
        ("nor above what it was raised to", newest, [later; 4], None),
        ("never down", newest, [SECOND; 4], None),
    ];
    for (what, level, spoken, due) in cases {
        let mut state = founded();
        for (member, level) in (1..).zip(spoken) {
            speak(&mut state, member, level);
        }
        state.level = level;
        assert_eq!(state.raise_due(), due.map(|to| state.raise_to(to)), "{what}");
    }
    assert_eq!(State::default().raise_due(), None, "a cluster without members");
}

#[test]
fn a_level_that_is_held_is_raised_by_who_says_so_alone() {
    let mut state = upgraded();
    state.apply(MetaCommand::HoldFeatureLevel(true)).unwrap();
    assert_eq!(state.raise_due(), None);
    let raise = state.raise_possible().expect("all speak more");
    state.apply(raise).unwrap();
    assert_eq!((state.level, state.raise_possible()), (FeatureLevel::SPOKEN, None));
    let mut state = upgraded();
    state.apply(MetaCommand::HoldFeatureLevel(true)).unwrap();
    state.apply(MetaCommand::HoldFeatureLevel(false)).unwrap();
    assert!(state.raise_due().is_some());
}

#[test]
fn a_member_that_comes_or_starts_again_meanwhile_has_the_level_asked_for_anew() {
    let comes: fn(&mut State) = |state| drop(state.apply(MetaCommand::PutNode(node(99))));
    let starts_again: fn(&mut State) = |state| speak(state, 3, FeatureLevel::FIRST);
    for meanwhile in [comes, starts_again] {
        let mut state = upgraded();
        let raise = state.raise_to(SECOND);
        meanwhile(&mut state);
        let before = state.clone();
        assert!(matches!(state.apply(raise), Err(Refusal::Conflict(_))));
        assert_eq!(state, before);
    }
}

/// A member of an older version applies the announcements of the newer ones without their
/// levels. It must come to the same level as the others all the same.
#[test]
fn who_did_not_keep_the_levels_comes_to_the_same() {
    let mut forgetful = founded();
    for member in 1..=4 {
        speak(&mut forgetful, member, FeatureLevel::FIRST);
    }
    let mut state = upgraded();
    let raise = state.raise_to(SECOND);
    state.apply(raise.clone()).unwrap();
    forgetful.apply(raise).unwrap();
    assert_eq!(forgetful.level, state.level);
    assert_eq!(forgetful.spoken_by_all(), FeatureLevel::FIRST, "it never thinks more than is so");
}

#[test]
fn a_raised_level_is_never_lowered_and_keeps_older_versions_out() {
    let mut state = upgraded();
    state.apply(state.raise_to(SECOND)).unwrap();
    let before = state.clone();
    for entry in [node(99), NodeEntry { start: 9, ..node(2) }] {
        let refused = state.apply(MetaCommand::PutNode(entry)).unwrap_err();
        assert!(refused.to_string().contains("speaks feature level 1"), "{refused}");
    }
    let lower = MetaCommand::RaiseFeatureLevel { to: FeatureLevel(1), spoken_by: BTreeMap::new() };
    assert!(state.apply(lower).is_err());
    assert_eq!(state, before);
}

#[test]
fn what_was_there_before_levels_needs_none() {
    let state = founded();
    let commands = [create("d", &[&[1]], ""), MetaCommand::Aliases(Vec::new())];
    for command in commands {
        assert_eq!(command.level(), FeatureLevel::FIRST);
        let stored = command.encode_stored();
        assert_eq!(state.encode(&command.into()), Ok(stored));
    }
}

#[test]
fn a_change_is_not_named_where_a_member_would_not_read_the_name() {
    let command = MetaCommand::SetZone { node: NodeId(1), zone: None };
    let logged = Logged { request: Some(request(1, 2)), command };
    for level in (1..=FeatureLevel::SPOKEN.0).map(FeatureLevel) {
        let state = State { level, ..founded() };
        assert_eq!(state.encode(&logged).is_ok(), level >= FeatureLevel::PROVEN, "{level:?}");
    }
    let mut state = State { level: FeatureLevel(3), ..upgraded() };
    let raise = state.raise_due().unwrap();
    // By the level that holds, not by the one that it raises to.
    let raise = Logged { request: Some(request(1, 2)), command: raise };
    assert!(state.encode(&raise).is_err());
    state.level = FeatureLevel::PROVEN;
    assert_eq!(Logged::decode_stored(&state.encode(&raise).unwrap()), Ok(raise));
}

#[test]
fn hints_are_not_written_where_a_member_would_not_keep_them() {
    let configure = |config| Configure { name: "c".into(), config, write_consistency_factor: None };
    let level = |config| MetaCommand::Configure(configure(config)).level();
    assert_eq!(level(config()), FeatureLevel::FIRST);
    let mut hinted = config();
    hinted.hints.config.insert("wal_config".into(), serde_json::json!({"wal_capacity_mb": 1}));
    assert_eq!(level(hinted), FeatureLevel::PROVEN);
}
