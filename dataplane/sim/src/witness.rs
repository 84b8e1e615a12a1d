//! What clients were told against the one log: each answer names its place in it.
//!
//! A write takes effect at the first copy of it in a group's log; a read sees the log up to the
//! index it was answered with. In that order every read must find what it was told, every refusal
//! must have its reason, and whatever was answered before something else began must come before it.

mod present;

use std::collections::BTreeMap;

use vane_types::{GroupId, LogIndex};

use crate::checks::{RequestKey, TrueLog};
use crate::env::Env;
use crate::event::Office;
use crate::history::{Kind, Operation, Outcome, ReadOf, Request};
use crate::linearizable::Call;
use crate::machine::{Mention, collection_config, names};
use crate::write::{Effect, Model, Write, class_of};

use present::Present;
pub(crate) use present::Vectors;

/// What each point was after which entries.
type Values = BTreeMap<u64, BTreeMap<LogIndex, Option<u64>>>;

/// A place in a group's order: reads at an index come after the write there.
type Place = (LogIndex, bool);

/// A group's log, replayed.
#[derive(Default)]
struct Replayed {
    values: Values,
    /// Vectors of points, in the end.
    vectors: Vectors,
    /// What is wrong with it by itself.
    wrong: Option<String>,
}

/// Index at which a write first took effect.
fn effect_of(log: &TrueLog, operation: &Operation) -> Option<LogIndex> {
    log.requests.get(&operation.named?).copied()
}

/// Operations of a group by their requests.
fn by_request(env: &Env, group: GroupId) -> BTreeMap<RequestKey, (usize, &Operation)> {
    let operations = env.history.operations.iter().enumerate();
    let of_group = operations.filter(|(_, operation)| operation.group == group);
    of_group.filter_map(|(at, operation)| Some((operation.named?, (at, operation)))).collect()
}

/// Entries that took effect: first copies.
fn effective(log: &TrueLog) -> impl Iterator<Item = (LogIndex, RequestKey, bool)> {
    log.entries.iter().filter_map(move |(index, truth)| {
        let request = truth.request?;
        let is_first = log.requests.get(&request) == Some(index);
        is_first.then_some((*index, request, truth.is_refused))
    })
}

fn replay(env: &Env, group: GroupId) -> Replayed {
    let Some(log) = env.checks.log(group) else { return Replayed::default() };
    let requests = by_request(env, group);
    let (mut model, mut replayed) = (Model::default(), Replayed::default());
    let mut present = Present::new(names(&collection_config(env.by_tenant)));
    // Look-ups of filters, by the index that they saw.
    let mut lookups: BTreeMap<LogIndex, Vec<usize>> = BTreeMap::new();
    for (at, operation) in requests.values() {
        if let Some((index, _)) = &operation.resolved {
            lookups.entry(*index).or_default().push(*at);
        }
    }
    let mut lookups = lookups.into_iter().peekable();
    for (index, request, is_refused) in effective(log) {
        // A look-up at an index saw the write there, so it is compared before the next one.
        while let Some((_, asked)) = lookups.next_if(|(seen, _)| *seen < index) {
            check_lookups(env, &model, &asked, &mut replayed);
        }
        let mention = log.mentions.get(&index);
        if let Some(Mention::Set { revision, names }) = mention {
            present.set(*revision, names);
        }
        // Not a client's: the reconciler and administrators write there as well.
        let Some((at, operation)) = requests.get(&request) else { continue };
        let Kind::Write(write) = &operation.kind else { continue };
        let is_gone = |point: u64| log.removed.get(&point).is_some_and(|gone| *gone < index);
        let changed = match write.points().into_iter().any(is_gone) {
            // A node that was removed takes no zone any more.
            true => None,
            // Nor points a vector that is gone.
            false if !present.takes(mention) => None,
            false => model.apply(write, operation.resolved()),
        };
        if changed.is_none() != is_refused {
            let what = if is_refused { "refused" } else { "taken" };
            let wrong = || format!("request {at} was {what} at {index}: {operation:?}");
            replayed.wrong.get_or_insert_with(wrong);
        }
        let Some(changed) = changed else { continue };
        present.written(write, mention, &changed);
        for (point, number) in changed {
            replayed.values.entry(point).or_default().insert(index, number);
        }
    }
    for (point, index) in &log.removed {
        replayed.values.entry(*point).or_default().insert(*index, None);
    }
    for (_, asked) in lookups {
        check_lookups(env, &model, &asked, &mut replayed);
    }
    replayed.vectors = present.into_vectors();
    replayed
}

fn check_lookups(env: &Env, model: &Model, asked: &[usize], replayed: &mut Replayed) {
    for at in asked {
        let operation = &env.history.operations[*at];
        let (Kind::Write(Write::RemoveClass(class)), Some((index, found))) =
            (&operation.kind, &operation.resolved)
        else {
            continue;
        };
        let expected = model.of_class(*class);
        if *found != expected {
            let wrong = || {
                format!(
                    "request {at} matched {found:?} at {index}, the log says {expected:?}: \
                     {operation:?}"
                )
            };
            replayed.wrong.get_or_insert_with(wrong);
        }
    }
}

/// What each point of a group is in the end, and which vectors it has.
pub(crate) fn final_state(env: &Env, group: GroupId) -> (BTreeMap<u64, Option<u64>>, Vectors) {
    let last = |(point, writes): (u64, BTreeMap<LogIndex, Option<u64>>)| {
        (point, writes.last_key_value().and_then(|(_, number)| *number))
    };
    let Replayed { values, vectors, .. } = replay(env, group);
    (values.into_iter().map(last).collect(), vectors)
}

/// Compares everything that was told with the logs; an error says what does not fit.
pub(crate) fn check(env: &Env) -> Result<(), String> {
    let replays: BTreeMap<GroupId, Replayed> =
        env.checks.logs.keys().map(|group| (*group, replay(env, *group))).collect();
    for (group, replayed) in &replays {
        let checked = check_group(env, *group, replayed);
        checked.map_err(|wrong| format!("group {group}: {wrong}"))?;
    }
    let mut requests = env.history.requests.iter().enumerate();
    requests.try_for_each(|(number, request)| check_count(env, &replays, number, request))
}

/// A count is the sum of what its shards had, each at the index that it was counted at.
fn check_count(
    env: &Env,
    replays: &BTreeMap<GroupId, Replayed>,
    number: usize,
    request: &Request,
) -> Result<(), String> {
    let Kind::Read { of: ReadOf::Count(class), .. } = request.kind else { return Ok(()) };
    let Some(counted) = request.count else { return Ok(()) };
    let on_shard = |operation: &Operation| match (&operation.outcome, replays.get(&operation.group))
    {
        (Outcome::Seen { index, .. }, Some(replayed)) => {
            expected(&replayed.values, ReadOf::Class(class), *index).len()
        }
        _ => 0,
    };
    // One index for each shard: no single moment needs to have had that many.
    let parts = request.operations.values();
    let sum: usize = parts.map(|part| on_shard(&env.history.operations[*part])).sum();
    match sum == counted {
        true => Ok(()),
        false => {
            Err(format!("request {number} counted {counted}, the logs say {sum}: {request:?}"))
        }
    }
}

/// What a read of a group finds at an index.
fn expected(values: &Values, of: ReadOf, index: LogIndex) -> BTreeMap<u64, u64> {
    let is_asked = |point: u64, number: u64| match of {
        ReadOf::Point(asked) => asked == point,
        ReadOf::All | ReadOf::Nearest | ReadOf::Count(_) => true,
        ReadOf::Class(class) => class_of(number) == Some(class),
    };
    let then = |(point, writes): (&u64, &BTreeMap<LogIndex, Option<u64>>)| {
        let (_, number) = writes.range(..=index).next_back()?;
        number.filter(|number| is_asked(*point, *number)).map(|number| (*point, number))
    };
    values.iter().filter_map(then).collect()
}

/// An answer that has a place: its number, the request, who answered.
struct Told<'a> {
    number: usize,
    operation: &'a Operation,
    office: Office,
    place: Place,
    /// Whether all others are bound by it, or only those of the same leader.
    is_linear: bool,
    /// Whether the leader itself said it. Another replica may have applied what that one has
    /// committed and not applied yet, so that the leader's next answer is older.
    at_leader: bool,
}

fn check_group(env: &Env, group: GroupId, replayed: &Replayed) -> Result<(), String> {
    let Some(log) = env.checks.log(group) else { return Ok(()) };
    let Replayed { values, wrong, .. } = replayed;
    wrong.clone().map_or(Ok(()), Err)?;
    let mut all = Vec::new();
    let operations = env.history.operations.iter().enumerate();
    for (number, operation) in operations.filter(|(_, operation)| operation.group == group) {
        let place = place_of(log, values, operation);
        let place = place.map_err(|what| format!("request {number} {what}: {operation:?}"))?;
        all.extend(place.map(|(office, place)| {
            let is_linear = !matches!(operation.kind, Kind::Read { linearizable: false, .. });
            let elsewhere = matches!(operation.outcome, Outcome::Seen { at_leader: false, .. });
            Told { number, operation, office, place, is_linear, at_leader: !elsewhere }
        }));
    }
    in_order(all.iter().filter(|told| told.is_linear), |_| true, "")?;
    let mut offices: BTreeMap<Office, Vec<&Told<'_>>> = BTreeMap::new();
    for told in &all {
        offices.entry(told.office).or_default().push(told);
    }
    let by_leader = |told: &Told<'_>| told.at_leader;
    offices.into_values().try_for_each(|told| in_order(told, by_leader, " by the same leader"))
}

/// Where a request has its place by what its client was told; an error says why it cannot.
fn place_of(
    log: &TrueLog,
    values: &Values,
    operation: &Operation,
) -> Result<Option<(Office, Place)>, String> {
    let effect = effect_of(log, operation);
    match (&operation.kind, &operation.outcome) {
        (
            Kind::Write(_),
            Outcome::Applied { index, office } | Outcome::Refused { index, office },
        ) => {
            let is_refused = matches!(operation.outcome, Outcome::Refused { .. });
            // Acknowledged at an index, it must have taken effect there or before.
            let first = effect.filter(|first| first <= index);
            let truth = first.and_then(|first| log.entries.get(&first));
            match (first, truth) {
                (Some(first), Some(truth)) if truth.is_refused == is_refused => {
                    Ok(Some((*office, (first, false))))
                }
                _ => Err(format!("was acknowledged at {index} and took effect at {effect:?}")),
            }
        }
        (Kind::Write(_), Outcome::Nothing) => match effect {
            Some(index) => Err(format!("was said to have done nothing and took effect at {index}")),
            None => Ok(None),
        },
        (Kind::Read { of, .. }, Outcome::Seen { numbers, index, office, .. }) => {
            let expected = expected(values, *of, *index);
            let is_right = match of {
                // Points without a vector are not near to anything, and nobody counts here
                // which those are: what is found must be there.
                ReadOf::Nearest => numbers.iter().all(|(at, it)| expected.get(at) == Some(it)),
                ReadOf::Count(_) => true,
                ReadOf::Point(_) | ReadOf::All | ReadOf::Class(_) => *numbers == expected,
            };
            match is_right {
                true => Ok(Some((*office, (*index, true)))),
                false => Err(format!("found {numbers:?}, the log says {expected:?}")),
            }
        }
        _ => Ok(None),
    }
}

/// Whether what was answered before something else began has an earlier place; `binds` says of
/// which answers that is asked.
fn in_order<'a>(
    told: impl IntoIterator<Item = &'a Told<'a>>,
    binds: impl Fn(&Told<'_>) -> bool,
    whose: &str,
) -> Result<(), String> {
    let mut by_begin: Vec<&Told<'_>> = told.into_iter().collect();
    let mut by_end = by_begin.clone();
    by_begin.sort_unstable_by_key(|told| told.operation.invoked);
    by_end.sort_unstable_by_key(|told| told.operation.returned);
    let mut ended = by_end.into_iter().peekable();
    let mut latest: Option<&Told<'_>> = None;
    for Told { number, operation, place, .. } in by_begin {
        while let Some(before) =
            ended.next_if(|before| before.operation.returned < operation.invoked)
        {
            // Whatever comes next has to come behind the latest of all that ended before.
            if binds(before) && latest.is_none_or(|known| known.place < before.place) {
                latest = Some(before);
            }
        }
        // Two reads may share a place, two writes cannot.
        let is_late =
            |before: &&Told<'_>| before.place > *place || (before.place == *place && !place.1);
        if let Some(before) = latest.filter(is_late) {
            return Err(format!(
                "request {number} at {place:?} began after request {} at {:?} was \
                 answered{whose}: {operation:?}",
                before.number, before.place
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
        for (point, effect) in effects_on_points(env, operation) {
            calls.entry((group, point)).or_default().push(Call { invoked, returned, effect });
        }
    }
    // Removals are nobody's requests: when they were asked for is not known.
    for (group, log) in &env.checks.logs {
        for point in log.removed.keys() {
            let call = Call { invoked: 0, returned: u64::MAX, effect: Effect::Write(None) };
            calls.entry((*group, *point)).or_default().push(call);
        }
    }
    calls
}

/// What a request did to each of its points, or saw of them, as far as that is known.
fn effects_on_points(env: &Env, operation: &Operation) -> Vec<(u64, Effect)> {
    let truth = || {
        let log = env.checks.log(operation.group)?;
        log.entries.get(&effect_of(log, operation)?)
    };
    match (&operation.kind, &operation.outcome) {
        (
            Kind::Read { of: ReadOf::Point(point), linearizable: true },
            Outcome::Seen { numbers, .. },
        ) => vec![(*point, Effect::Read(numbers.get(point).copied()))],
        // It may be for a vector that was gone.
        (Kind::Write(Write::Put(_) | Write::Turn(_)), Outcome::Refused { .. }) => Vec::new(),
        (Kind::Write(write), Outcome::Refused { .. }) => match write.points().as_slice() {
            // Of several nobody was told which is not there.
            [point] => vec![(*point, Effect::Read(None))],
            _ => Vec::new(),
        },
        (Kind::Write(write), Outcome::Applied { .. }) => write.effects(operation.resolved()),
        // What is in no log in the end will never be.
        (Kind::Write(write), Outcome::Unknown)
            if truth().is_some_and(|truth| !truth.is_refused) =>
        {
            write.effects(operation.resolved())
        }
        _ => Vec::new(),
    }
}
