//! What clients were told against the one log: each answer names its place in it.
//!
//! A write takes effect at the first copy of it in the log; a read sees the log up to the
//! index it was answered with. In that order every read must find what it was told, and
//! whatever was answered before something else began must come before it.

use std::collections::BTreeMap;

use vane_types::{GroupId, LogIndex};

use crate::checks::TrueLog;
use crate::env::Env;
use crate::event::Office;
use crate::history::{Kind, Operation, Outcome};
use crate::linearizable::{Call, Effect};
use crate::machine::Write;

/// What each point's writes left behind, by index.
type Values = BTreeMap<u64, BTreeMap<LogIndex, Option<u64>>>;

/// A place in a group's order: reads at an index come after the write there.
type Place = (LogIndex, bool);

/// Index at which a write took effect.
fn effect_of(log: &TrueLog, operation: &Operation) -> Option<LogIndex> {
    log.requests.get(&operation.request?).copied()
}

fn values(env: &Env, group: GroupId) -> Values {
    let log = &env.checks.logs[&group];
    let mut values = Values::new();
    for operation in env.history.operations.iter().filter(|it| it.group == group) {
        if let (Kind::Write(Write { point, value }), Some(index)) =
            (operation.kind, effect_of(log, operation))
        {
            values.entry(point).or_default().insert(index, value);
        }
    }
    values
}

/// What each point of a group is in the end.
pub(crate) fn final_values(env: &Env, group: GroupId) -> BTreeMap<u64, Option<u64>> {
    let last = |(point, writes): (u64, BTreeMap<LogIndex, Option<u64>>)| {
        (point, writes.last_key_value().and_then(|(_, value)| *value))
    };
    values(env, group).into_iter().map(last).collect()
}

/// Compares everything that was told with the log; an error says what does not fit.
pub(crate) fn check(env: &Env) -> Result<(), String> {
    env.groups.iter().try_for_each(|group| check_group(env, group.id))
}

fn check_group(env: &Env, group: GroupId) -> Result<(), String> {
    let (log, values) = (&env.checks.logs[&group], values(env, group));
    let operations = env.history.operations.iter().enumerate().filter(|(_, it)| it.group == group);
    let mut placed: Vec<(usize, &Operation, Place)> = Vec::new();
    let mut told: Vec<(usize, &Operation, Office, Place)> = Vec::new();
    for (number, operation) in operations {
        let wrong =
            |what: String| Err(format!("group {group}: request {number} {what}: {operation:?}"));
        match (operation.kind, operation.outcome) {
            (Kind::Write(_), Outcome::Applied { index, office }) => match effect_of(log, operation)
            {
                Some(effect) if effect <= index => {
                    placed.push((number, operation, (effect, false)));
                    told.push((number, operation, office, (effect, false)));
                }
                effect => {
                    return wrong(format!(
                        "was acknowledged at {index} and took effect at {effect:?}"
                    ));
                }
            },
            (Kind::Write(_), Outcome::Nothing) => {
                if let Some(effect) = effect_of(log, operation) {
                    return wrong(format!(
                        "was said to have done nothing and took effect at {effect}"
                    ));
                }
            }
            (Kind::Read { point, linearizable }, Outcome::Value { value, index, office }) => {
                let last = values.get(&point).and_then(|it| it.range(..=index).next_back());
                let expected = last.and_then(|(_, value)| *value);
                if value != expected {
                    return wrong(format!("found {value:?}, the log says {expected:?}"));
                }
                told.push((number, operation, office, (index, true)));
                if linearizable {
                    placed.push((number, operation, (index, true)));
                }
            }
            _ => {}
        }
    }
    in_order(placed, "").map_err(|e| format!("group {group}: {e}"))?;
    let mut offices: BTreeMap<Office, Vec<(usize, &Operation, Place)>> = BTreeMap::new();
    for (number, operation, office, place) in told {
        offices.entry(office).or_default().push((number, operation, place));
    }
    for told in offices.into_values() {
        in_order(told, " by the same leader").map_err(|e| format!("group {group}: {e}"))?;
    }
    Ok(())
}

/// Whether what was answered before something else began has an earlier place.
fn in_order(mut by_begin: Vec<(usize, &Operation, Place)>, whose: &str) -> Result<(), String> {
    let mut by_end = by_begin.clone();
    by_begin.sort_unstable_by_key(|(_, it, _)| it.invoked);
    by_end.sort_unstable_by_key(|(_, it, _)| it.returned);
    let mut ended = by_end.into_iter().peekable();
    let mut latest: Option<(usize, Place)> = None;
    for (number, operation, place) in by_begin {
        while let Some((number, _, place)) =
            ended.next_if(|(_, it, _)| it.returned < operation.invoked)
        {
            if latest.is_none_or(|it| it.1 < place) {
                latest = Some((number, place));
            }
        }
        // Two reads may share a place, two writes cannot.
        if let Some((before, at)) = latest.filter(|it| it.1 > place || (it.1 == place && !place.1))
        {
            return Err(format!(
                "request {number} at {place:?} began after request {before} at {at:?} was answered{whose}: {operation:?}"
            ));
        }
    }
    Ok(())
}

/// The linearizable requests for each point, as the search wants them.
pub(crate) fn calls(env: &Env) -> BTreeMap<(GroupId, u64), Vec<Call>> {
    let mut calls: BTreeMap<(GroupId, u64), Vec<Call>> = BTreeMap::new();
    for operation in &env.history.operations {
        let Operation { group, invoked, returned, .. } = *operation;
        let effect = match (operation.kind, operation.outcome) {
            (Kind::Write(Write { value, .. }), Outcome::Applied { .. }) => Effect::Write(value),
            // What is in no log in the end will never be.
            (Kind::Write(Write { value, .. }), Outcome::Unknown)
                if effect_of(&env.checks.logs[&group], operation).is_some() =>
            {
                Effect::Write(value)
            }
            (Kind::Read { linearizable: true, .. }, Outcome::Value { value, .. }) => {
                Effect::Read(value)
            }
            _ => continue,
        };
        calls.entry((group, operation.point())).or_default().push(Call {
            invoked,
            returned,
            effect,
        });
    }
    calls
}
