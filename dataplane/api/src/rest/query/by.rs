//! `query`: a vector, an id, or an object that says how to rank.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use vane_types::PointId;

use super::super::Unsupported;
use super::super::vector::{Numbers, VectorVisitor, sparse, vector_at};
use crate::engine::By;

/// `k` of reciprocal rank fusion when the request does not say.
const RRF_K: usize = 2;

/// What decides the order of a result.
#[derive(Debug)]
pub(super) struct Ranking(pub(super) By);

impl<'de> Deserialize<'de> for Ranking {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RankingVisitor { nearest: false }).map(Self)
    }
}

/// The value of `nearest`: like a query, without the objects that say how to rank.
struct Nearest(By);

impl<'de> Deserialize<'de> for Nearest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RankingVisitor { nearest: true }).map(Self)
    }
}

struct RankingVisitor {
    nearest: bool,
}

impl<'de> Visitor<'de> for RankingVisitor {
    type Value = By;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.nearest {
            true => "a vector or a point id",
            false => "a vector, a point id, or an object with `nearest`, `fusion` or `rrf`",
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<By, A::Error> {
        VectorVisitor.visit_seq(seq).map(By::Vector)
    }

    fn visit_u64<E>(self, number: u64) -> Result<By, E> {
        Ok(By::Point(PointId::num(number)))
    }

    fn visit_i64<E: Error>(self, mark: i64) -> Result<By, E> {
        vector_at(mark, &self).map(By::Vector)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<By, E> {
        // By the same rule as everywhere else: a number in quotes is no id.
        PointId::deserialize(serde::de::value::StrDeserializer::new(text)).map(By::Point)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<By, A::Error> {
        if self.nearest {
            return VectorVisitor.visit_map(map).map(By::Vector);
        }
        Object::deserialize(MapAccessDeserializer::new(map))?.into_by().map_err(A::Error::custom)
    }
}

/// All the objects that a query may be, those of later versions included.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Object {
    nearest: Option<Nearest>,
    fusion: Option<Fusion>,
    rrf: Option<Rrf>,
    indices: Option<Vec<u32>>,
    values: Option<Numbers>,
    #[serde(default, rename = "mmr")]
    _mmr: Unsupported,
    #[serde(default, rename = "recommend")]
    _recommend: Unsupported,
    #[serde(default, rename = "discover")]
    _discover: Unsupported,
    #[serde(default, rename = "context")]
    _context: Unsupported,
    #[serde(default, rename = "order_by")]
    _order_by: Unsupported,
    #[serde(default, rename = "formula")]
    _formula: Unsupported,
    #[serde(default, rename = "defaults")]
    _defaults: Unsupported,
    #[serde(default, rename = "sample")]
    _sample: Unsupported,
    #[serde(default, rename = "relevance_feedback")]
    _relevance_feedback: Unsupported,
    #[serde(default, rename = "text")]
    _text: Unsupported,
    #[serde(default, rename = "image")]
    _image: Unsupported,
    #[serde(default, rename = "object")]
    _object: Unsupported,
    #[serde(default, rename = "model")]
    _model: Unsupported,
    #[serde(default, rename = "options")]
    _options: Unsupported,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Fusion {
    Rrf,
    Dbsf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rrf {
    k: Option<usize>,
    weights: Option<Vec<f32>>,
}

impl Object {
    fn into_by(self) -> Result<By, String> {
        let sparse = match (self.indices, self.values) {
            (None, None) => None,
            (Some(indices), Some(values)) => Some(sparse(indices, values)?),
            _ => return Err("a sparse vector has `indices` and `values`".into()),
        };
        match (self.nearest, self.fusion, self.rrf, sparse) {
            (Some(Nearest(by)), None, None, None) => Ok(by),
            (None, Some(Fusion::Rrf), None, None) => Ok(By::Rrf { k: RRF_K, weights: None }),
            (None, Some(Fusion::Dbsf), None, None) => Ok(By::Dbsf),
            (None, None, Some(Rrf { k, weights }), None) => {
                Ok(By::Rrf { k: k.unwrap_or(RRF_K), weights })
            }
            (None, None, None, Some(vector)) => Ok(By::Vector(vector)),
            (None, None, None, None) => Err("one of `nearest`, `fusion`, `rrf` is needed".into()),
            _ => Err("`nearest`, `fusion`, `rrf` and vectors exclude each other".into()),
        }
    }
}
