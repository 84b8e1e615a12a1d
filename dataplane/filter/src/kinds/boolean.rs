//! `true` and `false`: one byte.

use serde_json::Value;

use super::{Kind, exactly};
use crate::filter::{Match, Scalar};
use crate::payload_index::PayloadIndex;
use crate::resolve::Resolved;
use crate::stored_value::Stored;

pub(super) struct Boolean;

impl Kind for Boolean {
    fn key(&self, value: &Value) -> Option<Vec<u8>> {
        value.as_bool().map(|value| key(value).to_vec())
    }

    fn stored(&self, key: &[u8]) -> Stored {
        match key {
            [0] => Stored::Bool(false),
            [1] => Stored::Bool(true),
            _ => Stored::Untold,
        }
    }

    fn matching(&self, matching: &Match, index: &PayloadIndex) -> Option<Resolved> {
        match matching {
            Match::Value(Scalar::Bool(value)) => exactly(index.any_of([key(*value)])),
            // Values of other types are not in the index: only the evaluator sees them.
            Match::Value(_)
            | Match::Any(_)
            | Match::Except(_)
            | Match::Text(_)
            | Match::TextAny(_)
            | Match::Phrase(_)
            | Match::Prefix(_)
            | Match::Substring(_) => None,
        }
    }
}

fn key(value: bool) -> [u8; 1] {
    [u8::from(value)]
}
