//! Vectors in requests. Dense ones are most of what is read, so they go into their final form
//! without a detour; long ones are mostly there already (`lists.rs`).

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{
    Deserialize, Deserializer, Error, Expected, IgnoredAny, MapAccess, SeqAccess, Unexpected,
    Visitor,
};
use vane_types::limits::VECTOR_DIM_MAX;
use vane_types::{MultiVector, NamedVectors, SparseVector, Vector, VectorError};

use super::document::{Document, TextAs};
use super::{IN_VECTOR, NOT_SUPPORTED, lists};

/// A vector of any kind: a list of numbers, a list of such lists, or an object with `indices` and
/// `values`. Whether a collection takes it is not known here.
#[derive(Debug, PartialEq)]
pub(super) struct AnyVector(pub(super) Vector);

/// The same to search by.
pub(super) struct SoughtVector(pub(super) Vector);

/// A list of numbers. Numbers beyond f32 become infinite, which the collection refuses.
pub(super) struct Numbers(Vec<f32>);

impl AsRef<[f32]> for Numbers {
    fn as_ref(&self) -> &[f32] {
        &self.0
    }
}

/// The vectors of a point: a list for the unnamed one, or an object by name.
#[derive(Debug, PartialEq)]
pub(super) struct PointVectors(pub(super) NamedVectors);

/// One column of vectors per name; the unnamed one is a bare list of vectors.
#[derive(Debug, PartialEq)]
pub(super) struct Columns(pub(super) BTreeMap<String, Vec<Option<AnyVector>>>);

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
}

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(NumbersVisitor)
    }
}

struct NumbersVisitor;

impl<'de> Visitor<'de> for NumbersVisitor {
    type Value = Numbers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of numbers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Numbers, A::Error> {
        numbers(None, seq).map(Numbers)
    }
}

/// The numbers of a list, of which the first may have been read already.
fn numbers<'de, A: SeqAccess<'de>>(first: Option<f32>, mut seq: A) -> Result<Vec<f32>, A::Error> {
    // Bounded: the hint comes from whoever sends the body.
    let mut values = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(VECTOR_DIM_MAX));
    values.extend(first);
    while let Some(Component(value)) = seq.next_element()? {
        values.push(value);
    }
    Ok(values)
}

/// What a vector's list begins with, which says what it is a list of.
enum First {
    Number(f32),
    Row(Numbers),
}

impl<'de> Deserialize<'de> for First {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FirstVisitor)
    }
}

struct FirstVisitor;

impl<'de> Visitor<'de> for FirstVisitor {
    type Value = First;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ComponentVisitor.expecting(f)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<First, E> {
        ComponentVisitor.visit_f64(number).map(First::Number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<First, E> {
        ComponentVisitor.visit_u64(number).map(First::Number)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<First, E> {
        ComponentVisitor.visit_i64(number).map(First::Number)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<First, A::Error> {
        NumbersVisitor.visit_seq(seq).map(First::Row)
    }
}

impl<'de> Deserialize<'de> for AnyVector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(VectorVisitor(TextAs::Stored)).map(Self)
    }
}

impl<'de> Deserialize<'de> for SoughtVector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(VectorVisitor(TextAs::Sought)).map(Self)
    }
}

/// Whether a vector is stored or searched by, it is told: texts become other vectors then, and
/// fields that are not known are refused or passed over.
pub(super) struct VectorVisitor(pub(super) TextAs);

impl<'de> Visitor<'de> for VectorVisitor {
    type Value = Vector;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a vector: a list of numbers")
    }

    fn visit_i64<E: Error>(self, mark: i64) -> Result<Vector, E> {
        vector_at(mark, &self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vector, A::Error> {
        // The first is read apart, so that the many behind it need no look at what they are.
        match seq.next_element()? {
            None => Ok(Vec::new().into()),
            Some(First::Number(first)) => numbers(Some(first), seq).map(Vector::from),
            Some(First::Row(first)) => {
                let mut rows = vec![first];
                while let Some(row) = seq.next_element()? {
                    rows.push(row);
                }
                MultiVector::of_rows(&rows)
                    .map(Vector::from)
                    .map_err(no_vector)
                    .map_err(A::Error::custom)
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vector, A::Error> {
        let (mut indices, mut values, mut unknown) = (None, None, None);
        let (mut text, mut model, mut options) = (None, None, None);
        while let Some(field) = map.next_key::<String>()? {
            match field.as_str() {
                "indices" => indices = Some(map.next_value()?),
                "values" => values = Some(map.next_value()?),
                "text" => text = Some(map.next_value()?),
                "model" => model = Some(map.next_value()?),
                "options" => options = map.next_value()?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    // In a read it is passed over.
                    unknown = (self.0 == TextAs::Stored).then_some(field).or(unknown);
                }
            }
        }
        if let (Some(text), Some(model), None) = (text, model, &unknown) {
            let document = Document { text, model, options };
            return document.into_vector(self.0).map_err(A::Error::custom);
        }
        match (indices, values, unknown) {
            // Images and objects to make vectors from are in the API, and missing here.
            (None, None, _) => Err(A::Error::custom(format!(
                "an object in place of a vector (inference) {NOT_SUPPORTED}"
            ))),
            (Some(indices), Some(values), None) => {
                sparse(indices, values).map_err(A::Error::custom)
            }
            _ => Err(A::Error::custom("a sparse vector has `indices` and `values` and no more")),
        }
    }
}

/// The vector that was taken out of the text here.
pub(super) fn vector_at<E: Error>(mark: i64, expected: &dyn Expected) -> Result<Vector, E> {
    let taken = lists::taken(mark).map(Vector::from);
    taken.ok_or_else(|| E::invalid_type(Unexpected::Signed(mark), expected))
}

/// A sparse vector of what was read.
pub(super) fn sparse(indices: Vec<u32>, values: Numbers) -> Result<Vector, String> {
    SparseVector::new(indices, values.0).map(Vector::from).map_err(no_vector)
}

/// What is wrong with numbers that make no vector, in Qdrant's words, and where in it.
fn no_vector(error: VectorError) -> String {
    let (place, what) = match error {
        VectorError::Unpaired { .. } => {
            ("values", "Validation error: must be the same length as indices [{}]".to_owned())
        }
        VectorError::RepeatedIndex(_) => {
            ("indices", "Validation error: must be unique [{}]".to_owned())
        }
        VectorError::Empty
        | VectorError::UnequalRows { first: 0, .. }
        | VectorError::UnequalRows { other: 0, .. } => {
            ("data", "all vectors must be non-empty".to_owned())
        }
        VectorError::UnequalRows { other, .. } => (
            "data",
            format!(
                "all vectors must have the same dimension, found vector with dimension {other}"
            ),
        ),
        VectorError::TooLong { .. } => return error.to_string(),
    };
    format!("{IN_VECTOR}{place}: {what}")
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

    fn visit_i64<E: Error>(self, mark: i64) -> Result<PointVectors, E> {
        let vector = vector_at(mark, &self)?;
        Ok(PointVectors(NamedVectors::from([(String::new(), vector)])))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<PointVectors, A::Error> {
        let vector = VectorVisitor(TextAs::Stored).visit_seq(seq)?;
        Ok(PointVectors(NamedVectors::from([(String::new(), vector)])))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PointVectors, A::Error> {
        let mut vectors = NamedVectors::new();
        while let Some((name, AnyVector(vector))) = map.next_entry()? {
            // A map would keep the last one in silence.
            if let Some(_earlier) = vectors.insert(name, vector) {
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
mod tests;
