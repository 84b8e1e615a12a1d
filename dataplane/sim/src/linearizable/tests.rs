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
    let left = |it: &usize| placed & (1 << it) == 0;
    let open: Vec<usize> = (0..calls.len()).filter(left).collect();
    if open.iter().all(|it| calls[*it].returned == NEVER) {
        return true;
    }
    let first_end = open.iter().map(|it| calls[*it].returned).min().unwrap_or(NEVER);
    open.into_iter().filter(|it| calls[*it].invoked < first_end).any(|it| match calls[it].effect {
        Effect::Write(written) => by_trying(calls, placed | 1 << it, written),
        Effect::Read(found) => found == value && by_trying(calls, placed | 1 << it, value),
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
                let value = Some(random.below(4)).filter(|it| *it > 0);
                let effect =
                    if random.chance(500_000) { Effect::Read(value) } else { Effect::Write(value) };
                // No two things happen at one moment.
                let spread = |it: u64| if it == NEVER { NEVER } else { it * 32 + number * 2 };
                call(spread(invoked), spread(returned).saturating_add(1), effect)
            })
            .collect();
        let expected = by_trying(&calls, 0, None);
        found[usize::from(expected)] += 1;
        assert_eq!(check(&calls), if expected { Verdict::Yes } else { Verdict::No }, "{calls:?}");
    }
    assert!(found.iter().all(|it| *it > 400), "both happen: {found:?}");
}
