use super::*;
use crate::random::Random;

fn call(invoked: u64, returned: u64, effect: Effect) -> Call {
    Call { invoked, returned, effect }
}

const NEVER: u64 = u64::MAX;

#[test]
fn a_read_after_a_write_must_see_it() {
    let write = call(0, 1, Effect::Write(Some(7)));
    assert_eq!(check(&[write, call(2, 3, Effect::Read(Some(7)))]), Verdict::Yes);
    assert_eq!(check(&[write, call(2, 3, Effect::Read(None))]), Verdict::No);
    assert_eq!(
        check(&[call(0, 4, Effect::Write(Some(7))), call(2, 3, Effect::Read(None))]),
        Verdict::Yes
    );
}

#[test]
fn what_was_seen_once_is_not_unseen() {
    let write = call(0, NEVER, Effect::Write(Some(7)));
    let (sees, does_not) = (call(1, 2, Effect::Read(Some(7))), call(3, 4, Effect::Read(None)));
    assert_eq!(check(&[write, sees, does_not]), Verdict::No);
    assert_eq!(
        check(&[write, call(1, 2, Effect::Read(None)), call(3, 4, Effect::Read(Some(7)))]),
        Verdict::Yes
    );
    assert_eq!(check(&[write]), Verdict::Yes, "it need never have happened");
}

#[test]
fn a_value_that_comes_back_by_itself_is_found() {
    let history = [
        call(0, 1, Effect::Write(Some(1))),
        call(2, 3, Effect::Write(Some(2))),
        call(4, 5, Effect::Read(Some(1))),
    ];
    assert_eq!(check(&history), Verdict::No);
    assert_eq!(check(&[call(2, 3, Effect::Read(Some(5)))]), Verdict::No, "nobody wrote it");
}

/// Every order of a few calls, tried out.
fn by_trying(calls: &[Call], placed: u32, value: Option<u64>) -> bool {
    let is_left = |number: &usize| placed & (1 << number) == 0;
    let open: Vec<usize> = (0..calls.len()).filter(is_left).collect();
    if open.iter().all(|number| calls[*number].returned == NEVER) {
        return true;
    }
    let first_end = open.iter().map(|number| calls[*number].returned).min().unwrap_or(NEVER);
    let mut next = open.into_iter().filter(|number| calls[*number].invoked < first_end);
    next.any(|number| match calls[number].effect {
        Effect::Write(written) => by_trying(calls, placed | 1 << number, written),
        Effect::Read(found) => found == value && by_trying(calls, placed | 1 << number, value),
        Effect::Update(written) => {
            value.is_some() && by_trying(calls, placed | 1 << number, Some(written))
        }
        other => unreachable!("{other:?} is not drawn"),
    })
}

#[test]
fn the_search_agrees_with_trying_every_order() {
    let mut random = Random::new(1);
    let mut found = [0; 2];
    for _ in 0..4000 {
        let calls: Vec<Call> = (0..7)
            .map(|number| {
                let invoked = random.below(40);
                let returned =
                    if random.chance(150_000) { NEVER } else { invoked + 1 + random.below(15) };
                let value = Some(random.below(4)).filter(|number| *number > 0);
                let effect = match (random.below(8), value) {
                    (0..4, value) => Effect::Read(value),
                    (4, Some(number)) => Effect::Update(number),
                    (_, value) => Effect::Write(value),
                };
                // No two things happen at one moment.
                let spread = |at: u64| if at == NEVER { NEVER } else { at * 32 + number * 2 };
                call(spread(invoked), spread(returned).saturating_add(1), effect)
            })
            .collect();
        let expected = by_trying(&calls, 0, None);
        found[usize::from(expected)] += 1;
        assert_eq!(check(&calls), if expected { Verdict::Yes } else { Verdict::No }, "{calls:?}");
    }
    assert!(found.iter().all(|count| *count > 400), "both happen: {found:?}");
}
