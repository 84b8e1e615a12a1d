//! An example: a vector, or the id of a point that has it.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use vane_types::PointId;

use super::super::document::TextAs;
use super::super::vector::{VectorVisitor, vector_at};
use crate::engine::{By, Example};

/// One that was read.
#[derive(Debug)]
pub(super) struct Exemplar(pub(super) Example);

/// Examples that were read.
pub(super) fn examples(read: Option<Vec<Exemplar>>) -> Vec<Example> {
    read.into_iter().flatten().map(|Exemplar(example)| example).collect()
}

/// Nearness to an example.
pub(super) fn near(example: Example) -> By {
    match example {
        Example::Vector(vector) => By::Vector(vector),
        Example::Point(id) => By::Point(id),
    }
}

impl<'de> Deserialize<'de> for Exemplar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ExampleVisitor).map(Self)
    }
}

pub(super) struct ExampleVisitor;

impl<'de> Visitor<'de> for ExampleVisitor {
    type Value = Example;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a vector or a point id")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Example, A::Error> {
        VectorVisitor(TextAs::Sought).visit_seq(seq).map(Example::Vector)
    }

    fn visit_u64<E>(self, number: u64) -> Result<Example, E> {
        Ok(Example::Point(PointId::num(number)))
    }

    fn visit_i64<E: Error>(self, mark: i64) -> Result<Example, E> {
        vector_at(mark, &self).map(Example::Vector)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Example, E> {
        // By the same rule as everywhere else: a number in quotes is no id.
        PointId::deserialize(serde::de::value::StrDeserializer::new(text)).map(Example::Point)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Example, A::Error> {
        VectorVisitor(TextAs::Sought).visit_map(map).map(Example::Vector)
    }
}
