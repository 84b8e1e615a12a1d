//! What conditions on a field with a text index mean.

use std::ops::ControlFlow;

use serde_json::Value;
use vane_types::limits::TOKENS_PER_POINT_MAX;
use vane_types::schema::text::TextParams;

use super::{phrase, sought, tokens};
use crate::filter::Match;

/// Visits the tokens of all strings among the values, up to as many as an index takes, each with
/// the number of its string.
pub(crate) fn tokens_of(
    params: &TextParams,
    values: &mut dyn Iterator<Item = &Value>,
    visit: &mut dyn FnMut(usize, &str) -> ControlFlow<()>,
) {
    let mut left = TOKENS_PER_POINT_MAX;
    let mut texts = values.filter_map(Value::as_str).enumerate();
    // That it was broken off says nothing more.
    let _: ControlFlow<()> = texts.try_for_each(|(number, text)| {
        tokens(params, text, &mut |token| {
            if left == 0 {
                return ControlFlow::Break(());
            }
            left -= 1;
            visit(number, token)
        })
    });
}

/// Whether the values are such as `matching` asks, by tokens; only of one that asks for a text.
pub(crate) fn holds_by_tokens(
    matching: &Match,
    params: &TextParams,
    values: &mut dyn Iterator<Item = &Value>,
) -> bool {
    match matching {
        Match::Text(text) => has_all(params, &sought(params, text), values),
        Match::TextAny(text) => has_any(params, &sought(params, text), values),
        Match::Phrase(text) => {
            params.phrase_matching && has_phrase(params, &phrase(params, text), values)
        }
        Match::Value(_)
        | Match::Any(_)
        | Match::Except(_)
        | Match::Prefix(_)
        | Match::Substring(_) => false,
    }
}

/// `sought` is ascending, each token once.
fn has_all(
    params: &TextParams,
    sought: &[String],
    values: &mut dyn Iterator<Item = &Value>,
) -> bool {
    let (mut seen, mut missing) = (vec![false; sought.len()], sought.len());
    // An empty list would be found whole in anything.
    if missing == 0 {
        return false;
    }
    tokens_of(params, values, &mut |_, token| {
        if let Ok(at) = place(sought, token)
            && !std::mem::replace(&mut seen[at], true)
        {
            missing -= 1;
        }
        go_on(missing > 0)
    });
    missing == 0
}

fn has_any(
    params: &TextParams,
    sought: &[String],
    values: &mut dyn Iterator<Item = &Value>,
) -> bool {
    let mut found = false;
    // Where none is looked for no text need be read.
    if !sought.is_empty() {
        tokens_of(params, values, &mut |_, token| {
            found = place(sought, token).is_ok();
            go_on(!found)
        });
    }
    found
}

/// Whether one string has the tokens one behind the other.
fn has_phrase(
    params: &TextParams,
    phrase: &[String],
    values: &mut dyn Iterator<Item = &Value>,
) -> bool {
    if phrase.is_empty() {
        return false;
    }
    let overlaps = overlaps(phrase);
    // So many of the phrase's tokens are the last ones of the string.
    let (mut string, mut met) = (0, 0);
    tokens_of(params, values, &mut |number, token| {
        if number != string {
            (string, met) = (number, 0);
        }
        while met > 0 && phrase[met] != token {
            met = overlaps[met - 1];
        }
        met += usize::from(phrase[met] == token);
        go_on(met < phrase.len())
    });
    met == phrase.len()
}

/// For each beginning of a phrase: how much of its end the phrase begins with again (the table of
/// Knuth, Morris and Pratt). With it no token of a text is looked at twice, whatever repeats.
fn overlaps(phrase: &[String]) -> Vec<usize> {
    let mut overlaps = vec![0; phrase.len()];
    let mut met = 0;
    for at in 1..phrase.len() {
        while met > 0 && phrase[met] != phrase[at] {
            met = overlaps[met - 1];
        }
        met += usize::from(phrase[met] == phrase[at]);
        overlaps[at] = met;
    }
    overlaps
}

fn place(sought: &[String], token: &str) -> Result<usize, usize> {
    sought.binary_search_by(|known| known.as_str().cmp(token))
}

fn go_on(more: bool) -> ControlFlow<()> {
    if more { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    proptest! {
        #[test]
        fn a_phrase_is_found_where_its_tokens_stand_in_a_row(
            texts in prop::collection::vec("[ab]( [ab]){0,8}", 0..3),
            words in "[ab]( [ab]){0,3}",
        ) {
            let params = TextParams { phrase_matching: true, ..TextParams::default() };
            let values: Vec<Value> = texts.iter().map(|text| json!(text)).collect();
            let found = holds_by_tokens(&Match::Phrase(words.clone()), &params, &mut values.iter());
            let words: Vec<&str> = words.split(' ').collect();
            let in_a_row = |text: &String| {
                text.split(' ').collect::<Vec<_>>().windows(words.len()).any(|run| run == words)
            };
            prop_assert_eq!(found, texts.iter().any(in_a_row));
        }
    }

    #[test]
    fn tokens_behind_the_limit_are_not_found() {
        let params = TextParams::default();
        let values = [json!("a ".repeat(TOKENS_PER_POINT_MAX - 1)), json!("last beyond")];
        let finds = |text: &str| {
            holds_by_tokens(&Match::Text(text.to_owned()), &params, &mut values.iter())
        };
        assert!(finds("last a") && !finds("beyond"));
    }
}
