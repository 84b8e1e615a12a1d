//! Vectors in requests. They are most of what is read, so they go into their final form
//! without a detour.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use vane_types::NamedVectors;
use vane_types::limits::VECTOR_DIM_MAX;

use super::NOT_SUPPORTED;

/// A list of numbers. Numbers beyond f32 become infinite, which the collection refuses.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Dense(pub(super) Vec<f32>);

/// The vectors of a point: a list for the unnamed one, or an object by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct PointVectors(pub(super) NamedVectors);

/// One column of vectors per name; the unnamed one is a bare list of vectors.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Columns(pub(super) BTreeMap<String, Vec<Option<Dense>>>);

/// One number of a vector.
struct Component(f32);

impl<'de> Deserialize<'de> for Component {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ComponentVisitor).map(Self)
    }
}

struct ComponentVisitor;

impl<'de> Visitor<'de> for ComponentVisitor {
    type Value = f32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_f64<E>(self, number: f64) -> Result<f32, E> {
        Ok(number as f32)
    }

    fn visit_u64<E>(self, number: u64) -> Result<f32, E> {
        Ok(number as f32)
    }

    fn visit_i64<E>(self, number: i64) -> Result<f32, E> {
        Ok(number as f32)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<f32, A::Error> {
        // Not as a wrong number: multivectors are in the API, and missing here.
        Err(A::Error::custom(format!("a vector of vectors {NOT_SUPPORTED}")))
    }
}

impl<'de> Deserialize<'de> for Dense {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DenseVisitor)
    }
}

struct DenseVisitor;

impl<'de> Visitor<'de> for DenseVisitor {
    type Value = Dense;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a vector: a list of numbers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Dense, A::Error> {
        // Bounded: the hint comes from whoever sends the body.
        let mut values = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(VECTOR_DIM_MAX));
        while let Some(Component(value)) = seq.next_element()? {
            values.push(value);
        }
        Ok(Dense(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Dense, A::Error> {
        let mut fields = Vec::new();
        while let Some((field, IgnoredAny)) = map.next_entry::<String, IgnoredAny>()? {
            fields.push(field);
        }
        Err(A::Error::custom(not_dense(fields.iter().map(String::as_str))))
    }
}

/// What an object in place of a vector is, by its fields.
pub(super) fn not_dense<'a>(mut fields: impl Iterator<Item = &'a str>) -> String {
    if fields.any(|field| matches!(field, "indices" | "values")) {
        format!("a sparse vector {NOT_SUPPORTED}")
    } else {
        format!("an object in place of a vector (inference) {NOT_SUPPORTED}")
    }
}

impl<'de> Deserialize<'de> for PointVectors {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PointVectorsVisitor)
    }
}

struct PointVectorsVisitor;

impl<'de> Visitor<'de> for PointVectorsVisitor {
    type Value = PointVectors;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a vector: a list of numbers, or an object of such lists by name")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<PointVectors, A::Error> {
        let Dense(values) = Dense::deserialize(SeqAccessDeserializer::new(seq))?;
        Ok(PointVectors(NamedVectors::from([(String::new(), values)])))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PointVectors, A::Error> {
        let mut vectors = NamedVectors::new();
        while let Some((name, Dense(values))) = map.next_entry()? {
            // A map would keep the last one in silence.
            if let Some(_earlier) = vectors.insert(name, values) {
                return Err(A::Error::custom("a vector is named twice"));
            }
        }
        Ok(PointVectors(vectors))
    }
}

impl<'de> Deserialize<'de> for Columns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ColumnsVisitor)
    }
}

struct ColumnsVisitor;

impl<'de> Visitor<'de> for ColumnsVisitor {
    type Value = Columns;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of vectors, or an object of such lists by name")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Columns, A::Error> {
        let column = Vec::deserialize(SeqAccessDeserializer::new(seq))?;
        Ok(Columns(BTreeMap::from([(String::new(), column)])))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Columns, A::Error> {
        BTreeMap::deserialize(MapAccessDeserializer::new(map)).map(Columns)
    }
}

#[cfg(test)]
mod tests {
    use super::{Columns, Dense, NOT_SUPPORTED, PointVectors};

    #[test]
    fn both_forms_of_point_vectors_are_read() {
        let unnamed: PointVectors = serde_json::from_str("[1, -2, 0.5e0]").unwrap();
        assert_eq!(unnamed.0[""], [1.0, -2.0, 0.5]);
        let named: PointVectors = serde_json::from_str(r#"{"a": [1], "b": []}"#).unwrap();
        assert_eq!((named.0["a"].as_slice(), named.0["b"].len()), ([1.0].as_slice(), 0));
        assert!(serde_json::from_str::<PointVectors>(r#"{"a": [1], "a": [2]}"#).is_err());
        let columns: Columns = serde_json::from_str(r#"{"a": [[1], null]}"#).unwrap();
        assert_eq!(columns.0["a"], [Some(Dense(vec![1.0])), None]);
    }

    #[test]
    fn numbers_beyond_f32_are_infinite_and_beyond_f64_an_error() {
        let Dense(values) = serde_json::from_str("[1e39, -1e39]").unwrap();
        assert_eq!(values, [f32::INFINITY, f32::NEG_INFINITY]);
        assert!(serde_json::from_str::<Dense>("[1e999]").is_err());
    }

    #[test]
    fn what_is_no_dense_vector_is_named() {
        for (json, named) in [
            ("[[1, 2]]", "vector of vectors"),
            (r#"{"indices": [1], "values": [1]}"#, "sparse"),
            (r#"{"text": "x", "model": "m"}"#, "inference"),
        ] {
            let error = serde_json::from_str::<Dense>(json).unwrap_err().to_string();
            assert!(error.contains(named) && error.contains(NOT_SUPPORTED), "{json}: {error}");
        }
        for json in ["[null]", "[\"1\"]", "1", "null", "\"x\"", "[true]", "[NaN]"] {
            assert!(serde_json::from_str::<Dense>(json).is_err(), "{json}");
        }
    }
}
