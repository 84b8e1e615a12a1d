//! Orders by values, counts of values, and matrices of points.

use serde_json::Value;
use vane_filter::FacetValue as Counted;
use vane_wire::qdrant::facet_value::Variant;
use vane_wire::qdrant::start_from::Value as Start;
use vane_wire::qdrant::{
    Direction, FacetCounts, FacetHit as HitMessage, FacetValue, OrderBy, SearchMatrixOffsets,
    SearchMatrixPair, SearchMatrixPairs, SearchMatrixPoints, StartFrom,
};

use super::config::word;
use super::filter::maybe;
use super::record::id;
use super::select::among;
use super::value::number;
use super::{Fields, Form, Lists, needed, put};
use crate::engine::{FacetHit, MatrixRow};
use crate::error::Error;
use crate::rest::facet::FacetRequest;
use crate::rest::matrix::{MatrixRequest, Offsets, pairs};

/// The order of a scroll or of a query.
pub(super) fn order_by(order: OrderBy) -> Result<Value, Error> {
    let OrderBy { key, direction, start_from } = order;
    let mut fields = Fields::new();
    put(&mut fields, "key", Some(key));
    if let Some(direction) = direction {
        let word = word(direction, "order_by.direction", Direction::as_str_name)?;
        put(&mut fields, "direction", Some(word.to_lowercase()));
    }
    if let Some(StartFrom { value }) = start_from {
        let start = match needed(value, "order_by.start_from.value")? {
            Start::Float(start) => number(start)?,
            Start::Integer(start) => start.into(),
            Start::Timestamp(time) => time.to_string().into(),
            Start::Datetime(text) => text.into(),
        };
        put(&mut fields, "start_from", Some(start));
    }
    Ok(fields.into())
}

impl Form for FacetCounts {
    type Body = FacetRequest;

    fn form(self, _: &mut Lists) -> Result<Value, Error> {
        let mut fields = Fields::new();
        put(&mut fields, "key", Some(self.key));
        put(&mut fields, "limit", self.limit);
        put(&mut fields, "exact", self.exact);
        maybe(&mut fields, self.filter)?;
        among(&mut fields, self.shard_key_selector)?;
        Ok(fields.into())
    }
}

impl Form for SearchMatrixPoints {
    type Body = MatrixRequest;

    fn form(self, _: &mut Lists) -> Result<Value, Error> {
        let mut fields = Fields::new();
        put(&mut fields, "sample", self.sample);
        put(&mut fields, "limit", self.limit);
        put(&mut fields, "using", self.using);
        maybe(&mut fields, self.filter)?;
        among(&mut fields, self.shard_key_selector)?;
        Ok(fields.into())
    }
}

/// Values that were counted.
pub fn counted(hits: &[FacetHit]) -> Vec<HitMessage> {
    let hit = |FacetHit { value, count }: &FacetHit| {
        let variant = match value {
            Counted::Bool(value) => Variant::BoolValue(*value),
            Counted::Integer(integer) => Variant::IntegerValue(*integer),
            Counted::Text(text) => Variant::StringValue(text.clone()),
        };
        HitMessage { value: Some(FacetValue { variant: Some(variant) }), count: *count }
    };
    hits.iter().map(hit).collect()
}

/// A matrix by pairs of points.
pub fn matrix_pairs(rows: &[MatrixRow]) -> SearchMatrixPairs {
    let pairs = pairs(rows).map(|pair| SearchMatrixPair {
        a: Some(id(pair.a)),
        b: Some(id(pair.b)),
        score: pair.score,
    });
    SearchMatrixPairs { pairs: pairs.collect() }
}

/// A matrix by places in a list of points.
pub fn matrix_offsets(rows: &[MatrixRow]) -> SearchMatrixOffsets {
    let Offsets { offsets_row, offsets_col, scores, ids } = Offsets::of(rows);
    let ids = ids.into_iter().map(id).collect();
    SearchMatrixOffsets { offsets_row, offsets_col, scores, ids }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn orders_are_written_as_rest_has_them() {
        let order = OrderBy {
            key: "n".into(),
            direction: Some(Direction::Desc.into()),
            start_from: Some(StartFrom { value: Some(Start::Integer(1 << 60)) }),
        };
        let expected = json!({ "key": "n", "direction": "desc", "start_from": 1_i64 << 60 });
        assert_eq!(order_by(order).unwrap(), expected);
        let nothing = OrderBy { start_from: Some(StartFrom { value: None }), ..OrderBy::default() };
        assert!(order_by(nothing).is_err());
    }
}
