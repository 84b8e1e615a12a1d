//! Strings by their tokens; keys are those of keywords.

use std::ops::ControlFlow;

use roaring::RoaringBitmap;
use serde_json::Value;
use vane_types::schema::text::TextParams;

use super::keyword::{is_cut, key};
use super::{Kind, exactly};
use crate::filter::Match;
use crate::payload_index::PayloadIndex;
use crate::resolve::Resolved;
use crate::text::matching::tokens_of;
use crate::text::{phrase, sought};

impl Kind for TextParams {
    fn keys(&self, values: &mut dyn Iterator<Item = &Value>) -> Vec<Vec<u8>> {
        let mut keys = Vec::new();
        tokens_of(self, values, &mut |_, token| {
            keys.push(key(token));
            ControlFlow::Continue(())
        });
        keys
    }

    fn matching(&self, matching: &Match, index: &PayloadIndex) -> Option<Resolved> {
        match matching {
            Match::Text(text) => Some(with_all(&sought(self, text), index)),
            Match::TextAny(text) => {
                let tokens = sought(self, text);
                Some(Resolved { slots: index.any_of(keys(&tokens)), exact: are_told(&tokens) })
            }
            Match::Phrase(_) if !self.phrase_matching => exactly(RoaringBitmap::new()),
            Match::Phrase(text) => {
                let mut tokens = phrase(self, text);
                let is_one = tokens.len() <= 1;
                tokens.sort_unstable();
                tokens.dedup();
                let found = with_all(&tokens, index);
                // Where they stand in the text is not in the index.
                Some(Resolved { exact: found.exact && is_one, ..found })
            }
            // Whole strings are not in the index.
            Match::Value(_)
            | Match::Any(_)
            | Match::Except(_)
            | Match::Prefix(_)
            | Match::Substring(_) => None,
        }
    }
}

/// Slots with all of the tokens, each of which comes once; none without a token.
fn with_all(tokens: &[String], index: &PayloadIndex) -> Resolved {
    Resolved { slots: index.all_of(keys(tokens)), exact: are_told(tokens) }
}

fn keys(tokens: &[String]) -> impl Iterator<Item = Vec<u8>> {
    tokens.iter().map(|token| key(token))
}

/// Whether no other tokens can have these ones' keys.
fn are_told(tokens: &[String]) -> bool {
    !tokens.iter().any(|token| is_cut(token))
}
