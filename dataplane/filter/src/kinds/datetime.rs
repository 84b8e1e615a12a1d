//! Datetimes: the key of their microseconds as an integer.

use serde_json::Value;

use super::{Kind, between, exactly, integer};
use crate::datetime::parse_micros;
use crate::filter::Range;
use crate::number::Number;
use crate::payload_index::PayloadIndex;
use crate::resolve::Resolved;
use crate::stored_value::Stored;

pub(super) struct Datetime;

impl Kind for Datetime {
    fn key(&self, value: &Value) -> Option<Vec<u8>> {
        let micros = parse_micros(value.as_str()?)?;
        Some(integer::key(micros).to_vec())
    }

    fn stored(&self, key: &[u8]) -> Stored {
        integer::read(key).map_or(Stored::Untold, Stored::Integer)
    }

    fn first_key(&self, from: Number, descending: bool) -> Option<Vec<u8>> {
        Some(integer::first_key(from, descending))
    }

    fn range(&self, range: &Range, index: &PayloadIndex) -> Option<Resolved> {
        match range {
            Range::Datetime(bounds) => {
                exactly(between(index, bounds, |bound| integer::key(bound.micros())))
            }
            // Numbers are not in the index: only the evaluator sees them.
            Range::Number(_) => None,
        }
    }
}
