//! The kinds of payload index: which keys a payload yields for each, and which operators it
//! answers. One file a kind.
//!
//! Bytes of keys order as the values do, and no key is the beginning of another, so a slot
//! can follow one in a stored key. Keys are stored: a kind must never change its own.

mod boolean;
mod datetime;
mod float;
mod geo;
mod integer;
mod keyword;
mod text;
mod uuid;

use std::ops::Bound;

use roaring::RoaringBitmap;
use serde_json::Value;
use vane_types::{FieldSchema, JsonPath, Payload};

use crate::bounds::Bounds;
use crate::filter::{FieldCondition, Match, Range};
use crate::geo::Area;
use crate::number::Number;
use crate::operator::elements;
use crate::payload_index::PayloadIndex;
use crate::resolve::Resolved;
use crate::stored_value::Stored;
use crate::text::sought;

/// What sets one kind of payload index apart. An operator that a kind cannot answer stays at
/// its default, which says that nothing is known.
trait Kind: Sync {
    /// Key of a value; `None` when it is not of the kind, or has keys by the kind's own way.
    fn key(&self, _value: &Value) -> Option<Vec<u8>> {
        None
    }

    /// Keys of the values, in any order.
    fn keys(&self, values: &mut dyn Iterator<Item = &Value>) -> Vec<Vec<u8>> {
        values.filter_map(|value| self.key(value)).collect()
    }

    /// What a key tells of its value.
    fn stored(&self, _key: &[u8]) -> Stored {
        Stored::Untold
    }

    /// The key of the first value in an order that begins at a number; `None` where the kind has no
    /// order, or all of it begins there.
    fn first_key(&self, _from: Number, _descending: bool) -> Option<Vec<u8>> {
        None
    }

    /// Slots that `match` may hold for.
    fn matching(&self, _matching: &Match, _index: &PayloadIndex) -> Option<Resolved> {
        None
    }

    /// Slots that `range` may hold for.
    fn range(&self, _range: &Range, _index: &PayloadIndex) -> Option<Resolved> {
        None
    }

    /// Slots with a value of the kind: what [`PayloadIndex::slots_with_value`] has beside them is
    /// left out.
    fn of_type(&self, index: &PayloadIndex) -> RoaringBitmap {
        index.slots_with_value().to_bitmap()
    }

    /// Slots with a point that may lie in one of the areas.
    fn inside(&self, _areas: &[Area], _index: &PayloadIndex) -> Option<Resolved> {
        None
    }
}

fn kind_of(schema: &FieldSchema) -> &dyn Kind {
    match schema {
        FieldSchema::Keyword => &keyword::Keyword,
        FieldSchema::Integer => &integer::Integer,
        FieldSchema::Float => &float::Float,
        FieldSchema::Bool => &boolean::Boolean,
        FieldSchema::Geo => &geo::Geo,
        FieldSchema::Datetime => &datetime::Datetime,
        FieldSchema::Uuid => &uuid::Uuid,
        FieldSchema::Text(params) => params,
    }
}

/// Keys that `payload` yields for an index on `field`: ascending, each once.
/// The elements of an array count as values, those of arrays within it do not. What is no
/// value of the schema's type yields no key.
pub fn index_keys(field: &JsonPath, schema: &FieldSchema, payload: &Payload) -> Vec<Vec<u8>> {
    let kind = kind_of(schema);
    let mut keys = kind.keys(&mut field.values(payload).into_iter().flat_map(elements));
    // A payload that changes is compared key by key: its order must not matter, nor repetitions.
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// Tokens that a text stands for; `None` where the index is not of texts.
pub(crate) fn text_lookups(text: &str, index: &PayloadIndex) -> Option<usize> {
    match &**index.schema() {
        FieldSchema::Text(params) => Some(sought(params, text).len()),
        _ => None,
    }
}

/// The values at a field that an index of this schema holds, each with its key.
pub(crate) fn keyed_values<'a>(
    field: &JsonPath,
    schema: &FieldSchema,
    payload: &'a Payload,
) -> impl Iterator<Item = (&'a Value, Vec<u8>)> {
    let kind = kind_of(schema);
    let elements = field.values(payload).into_iter().flat_map(elements);
    elements.filter_map(|value| Some((value, kind.key(value)?)))
}

/// What a key of an index of this schema tells of its value.
pub(crate) fn stored(schema: &FieldSchema, key: &[u8]) -> Stored {
    kind_of(schema).stored(key)
}

/// The key of the first value in an order that begins at a number.
pub(crate) fn key_of(schema: &FieldSchema, from: Number, descending: bool) -> Option<Vec<u8>> {
    kind_of(schema).first_key(from, descending)
}

/// Slots with a value of the type that the index was declared as.
pub fn slots_of_type(index: &PayloadIndex) -> RoaringBitmap {
    kind_of(index.schema()).of_type(index)
}

/// What the index tells about each operator that is set; `None` for one that its kind cannot
/// answer.
pub(crate) fn operators(condition: &FieldCondition, index: &PayloadIndex) -> Vec<Option<Resolved>> {
    // Taken apart whole: an operator that is added must be decided on here.
    let FieldCondition {
        key: _,
        matching,
        range,
        geo_bounding_box,
        geo_radius,
        geo_polygon,
        values_count: _,
        is_empty: _,
        is_null: _,
    } = condition;
    let kind = kind_of(index.schema());
    let mut found = Vec::new();
    found.extend(matching.as_ref().map(|matching| kind.matching(matching, index)));
    found.extend(range.as_ref().map(|range| kind.range(range, index)));
    found.extend(geo_bounding_box.map(|area| kind.inside(&area.areas(), index)));
    found.extend(geo_radius.map(|area| kind.inside(&area.areas(), index)));
    found.extend(geo_polygon.as_ref().map(|area| kind.inside(&area.areas(), index)));
    found
}

fn exactly(slots: RoaringBitmap) -> Option<Resolved> {
    Some(Resolved { slots, exact: true })
}

/// Slots with a key that keeps the bounds.
fn between<T>(
    index: &PayloadIndex,
    bounds: &Bounds<T>,
    key: impl Fn(&T) -> [u8; 8],
) -> RoaringBitmap {
    let Bounds { lt, gt, gte, lte } = bounds;
    let [lt, gt, gte, lte] = [lt, gt, gte, lte].map(|bound| bound.as_ref().map(&key));
    // Of two bounds on one side the narrower holds, at the same value the strict one.
    let from = match (&gt, &gte) {
        (Some(gt), gte) if gte.as_ref().is_none_or(|gte| gt >= gte) => Bound::Excluded(&gt[..]),
        (_, Some(gte)) => Bound::Included(&gte[..]),
        (_, None) => Bound::Unbounded,
    };
    let to = match (&lt, &lte) {
        (Some(lt), lte) if lte.as_ref().is_none_or(|lte| lt <= lte) => Bound::Excluded(&lt[..]),
        (_, Some(lte)) => Bound::Included(&lte[..]),
        (_, None) => Bound::Unbounded,
    };
    index.between(from, to)
}

#[cfg(test)]
mod tests;
