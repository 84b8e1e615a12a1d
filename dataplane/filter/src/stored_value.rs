//! Values of payload indexes read back from their keys: in which order points stand by them, and
//! how many points have each.

use std::cmp::Ordering;
use std::ops::Bound;

use roaring::RoaringBitmap;
use serde_json::Value;
use vane_types::{FieldSchema, JsonPath, Payload, Slot};

use crate::kinds::{index_keys, key_of, keyed_values, stored};
use crate::number::Number;
use crate::payload_index::PayloadIndex;

/// What the key of a value tells of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stored {
    /// An integer, or the microseconds of a datetime.
    Integer(i64),
    /// A number of a float index.
    Float(f64),
    /// A text, or a UUID in its usual form.
    Text(String),
    /// A text that is too long for its key.
    Cut,
    /// A truth value.
    Bool(bool),
    /// Nothing: the value is not of the index's type, or its key says less than the value.
    Untold,
}

/// A value by which points are ordered.
#[derive(Debug, Clone, Copy)]
pub enum OrderValue {
    /// Of an integer index; microseconds since 1970 of one of datetimes.
    Integer(i64),
    /// Of a float index.
    Float(f64),
}

impl OrderValue {
    fn number(self) -> Number {
        match self {
            Self::Integer(integer) => Number::Whole(integer.into()),
            Self::Float(float) => Number::Float(float),
        }
    }
}

impl Ord for OrderValue {
    fn cmp(&self, other: &Self) -> Ordering {
        // Never NaN, which JSON does not have.
        self.number().partial_cmp(&other.number()).unwrap_or(Ordering::Equal)
    }
}

impl PartialOrd for OrderValue {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for OrderValue {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for OrderValue {}

/// An order of points by the values of a field; a point stands there once for each of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// The field.
    pub by: JsonPath,
    /// Whether the greatest value comes first.
    pub descending: bool,
    /// Values before this one are left out; datetimes are their microseconds.
    pub from: Option<Number>,
}

impl Order {
    /// Whether values of such an index have an order.
    pub fn fits(schema: &FieldSchema) -> bool {
        matches!(schema, FieldSchema::Integer | FieldSchema::Float | FieldSchema::Datetime)
    }

    /// How two entries stand; equal values by `tie`, which turns with them.
    pub fn compare<T: Ord>(&self, a: (OrderValue, T), b: (OrderValue, T)) -> Ordering {
        if self.descending { b.cmp(&a) } else { a.cmp(&b) }
    }

    fn admits(&self, value: OrderValue) -> bool {
        self.from.is_none_or(|from| match self.descending {
            false => value.number() >= from,
            true => value.number() <= from,
        })
    }

    /// The values of a payload that stand in the order, each once, as an index of this schema has
    /// them.
    pub fn values(&self, schema: &FieldSchema, payload: &Payload) -> Vec<OrderValue> {
        let keys = index_keys(&self.by, schema, payload);
        let values = keys.iter().filter_map(|key| order_value(stored(schema, key)));
        values.filter(|value| self.admits(*value)).collect()
    }
}

fn order_value(stored: Stored) -> Option<OrderValue> {
    match stored {
        Stored::Integer(integer) => Some(OrderValue::Integer(integer)),
        Stored::Float(float) => Some(OrderValue::Float(float)),
        Stored::Text(_) | Stored::Cut | Stored::Bool(_) | Stored::Untold => None,
    }
}

impl PayloadIndex {
    /// Visits values in their order with those of some slots that have them, where some do, until
    /// `visit` is false. Slots of a value come ascending.
    pub fn in_order(
        &self,
        order: &Order,
        among: &RoaringBitmap,
        visit: &mut impl FnMut(OrderValue, Vec<Slot>) -> bool,
    ) {
        let first = order.from.and_then(|from| key_of(self.schema(), from, order.descending));
        let bound = first.as_ref().map_or(Bound::Unbounded, |key| Bound::Included(&key[..]));
        let bounds = match order.descending {
            false => (bound, Bound::Unbounded),
            true => (Bound::Unbounded, bound),
        };
        self.walk(bounds, order.descending, &mut |key, posting| {
            let value = order_value(stored(self.schema(), key));
            // The key at which the walk begins is that of the nearest value, which is rounded.
            let Some(value) = value.filter(|value| order.admits(*value)) else { return true };
            let mut slots = Vec::new();
            posting.each(&mut |slot| slots.extend(among.contains(slot).then_some(slot)));
            slots.is_empty() || visit(value, slots)
        });
    }

    /// Visits each value that some slots have, with how many of them, until `visit` is false.
    pub fn counts(&self, among: &RoaringBitmap, visit: &mut impl FnMut(Counted<'_>, u64) -> bool) {
        let all = (Bound::Unbounded, Bound::Unbounded);
        self.walk(all, false, &mut |key, posting| {
            let stored = stored(self.schema(), key);
            let is_cut = stored == Stored::Cut;
            let value = facet_value(stored);
            if value.is_none() && !is_cut {
                return true;
            }
            posting.within(among).is_none_or(|(count, slot)| {
                visit(value.map_or(Counted::Cut { key, slot }, Counted::Value), count)
            })
        });
    }
}

/// A value of an index that was counted.
#[derive(Debug)]
pub enum Counted<'a> {
    /// The value.
    Value(FacetValue),
    /// A text that is too long for its key: [`FacetValue::of_key`] finds it in the payload of a
    /// slot that has it.
    Cut {
        /// The key.
        key: &'a [u8],
        /// The slot.
        slot: Slot,
    },
}

/// A value that points are counted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FacetValue {
    /// Of a bool index.
    Bool(bool),
    /// Of an integer index.
    Integer(i64),
    /// Of a keyword index, or the usual form of one of UUIDs.
    Text(String),
}

impl FacetValue {
    /// Whether values of such an index are counted.
    pub fn fits(schema: &FieldSchema) -> bool {
        matches!(
            schema,
            FieldSchema::Keyword | FieldSchema::Integer | FieldSchema::Bool | FieldSchema::Uuid
        )
    }

    /// The value of a payload that has this key.
    pub fn of_key(
        field: &JsonPath,
        schema: &FieldSchema,
        payload: &Payload,
        key: &[u8],
    ) -> Option<Self> {
        let mut keyed = keyed_values(field, schema, payload);
        keyed.find(|(_, known)| known == key).and_then(|(value, _)| text(value))
    }

    /// The values of a payload, each once, as an index of this schema has them.
    pub fn values(field: &JsonPath, schema: &FieldSchema, payload: &Payload) -> Vec<Self> {
        let value = |(value, key): (&Value, Vec<u8>)| match stored(schema, &key) {
            Stored::Cut => text(value),
            stored => facet_value(stored),
        };
        let mut found: Vec<Self> = keyed_values(field, schema, payload).filter_map(value).collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

fn text(value: &Value) -> Option<FacetValue> {
    value.as_str().map(|text| FacetValue::Text(text.to_owned()))
}

fn facet_value(stored: Stored) -> Option<FacetValue> {
    match stored {
        Stored::Integer(integer) => Some(FacetValue::Integer(integer)),
        Stored::Text(text) => Some(FacetValue::Text(text)),
        Stored::Bool(value) => Some(FacetValue::Bool(value)),
        Stored::Float(_) | Stored::Cut | Stored::Untold => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn value() -> BoxedStrategy<Value> {
        let texts = ["a", "b", "a\0b", "", "2024-05-01", "2023-01-01T00:00:00Z"];
        let uuid = "936DA01F-9ABD-4D9D-80C7-02AF85C822A8";
        let long = "x".repeat(400);
        prop_oneof![
            (-3i64..3).prop_map(Value::from),
            (-3.0..3.0).prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            prop::sample::select(texts.to_vec()).prop_map(Value::from),
            prop::sample::select(vec![json!(uuid), json!(uuid.to_lowercase())]),
            prop::sample::select(vec![json!(long.clone()), json!(long + "y"), json!(null)]),
        ]
        .boxed()
    }

    fn schema() -> impl Strategy<Value = FieldSchema> {
        prop::sample::select(vec![
            FieldSchema::Integer,
            FieldSchema::Float,
            FieldSchema::Datetime,
            FieldSchema::Keyword,
            FieldSchema::Bool,
            FieldSchema::Uuid,
        ])
    }

    proptest! {
        #[test]
        fn an_index_orders_and_counts_as_its_payloads_say(
            points in prop::collection::vec(prop::collection::vec(value(), 0..4), 0..40),
            without in prop::collection::btree_set(0u32..40, 0..9),
            schema in schema(), descending: bool, from in value(), most in 0usize..20,
        ) {
            let field: JsonPath = "f".parse().unwrap();
            let mut index = PayloadIndex::new(schema.clone());
            let payloads: Vec<Payload> = points
                .iter()
                .map(|values| json!({ "f": values }).as_object().unwrap().clone())
                .collect();
            for (slot, payload) in payloads.iter().enumerate() {
                for key in index_keys(&field, &schema, payload) {
                    index.insert(&key, slot as Slot);
                }
            }
            let among: RoaringBitmap =
                (0..points.len() as u32).filter(|slot| !without.contains(slot)).collect();
            let from = Number::of_value(&from);
            let order = Order { by: field.clone(), descending, from };
            let (mut expected, mut counts) = (Vec::new(), BTreeMap::new());
            for slot in &among {
                let payload = &payloads[slot as usize];
                let values = order.values(&schema, payload);
                expected.extend(values.into_iter().map(|value| (value, slot)));
                for value in FacetValue::values(&field, &schema, payload) {
                    *counts.entry(value).or_insert(0u64) += 1;
                }
            }
            expected.sort_by_key(|(value, slot)| (*value, *slot));
            let mut found = Vec::new();
            index.in_order(&order, &among, &mut |value, slots| {
                found.extend(slots.into_iter().map(|slot| (value, slot)));
                found.len() < most
            });
            prop_assert!(found.len() >= most.min(expected.len()));
            if descending {
                expected.reverse();
            }
            for pair in found.windows(2) {
                let (a, b) = (pair[0].0, pair[1].0);
                prop_assert!(a == b || (a > b) == descending);
            }
            let cut = found.len();
            let key = |(value, slot): &(OrderValue, Slot)| (*value, *slot);
            found.sort_by_key(key);
            expected.truncate(cut);
            expected.sort_by_key(key);
            prop_assert_eq!(found, expected);
            let mut seen = BTreeMap::new();
            index.counts(&among, &mut |counted, count| {
                let value = match counted {
                    Counted::Value(value) => value,
                    Counted::Cut { key, slot } => {
                        let payload = &payloads[slot as usize];
                        FacetValue::of_key(&field, &schema, payload, key).unwrap()
                    }
                };
                assert!(seen.insert(value, count).is_none(), "each once");
                true
            });
            if !FacetValue::fits(&schema) {
                return Ok(());
            }
            prop_assert_eq!(seen, counts);
        }
    }
}
