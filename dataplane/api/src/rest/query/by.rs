//! `query`: a vector, an id, or an object that says how to rank.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::super::document::{Document, TextAs};
use super::super::order::OrderBy;
use super::super::vector::{Numbers, sparse, vector_at};
use super::super::{NOT_SUPPORTED, Unsupported};
use super::OneOrMany;
use super::example::{ExampleVisitor, Exemplar, near};
use super::examples::{ContextPair, Discover, Mmr, Recommend, RelevanceFeedback, discovered};
use super::formula::formula;
use crate::engine::By;

/// `k` of reciprocal rank fusion when the request does not say.
const RRF_K: usize = 2;

/// What an object that ranks has one of.
const KINDS: &str = "`nearest`, `fusion`, `rrf`, `recommend`, `discover`, `context`, \
                     `relevance_feedback`, `order_by`, `sample`, `formula`";

/// What decides the order of a result.
#[derive(Debug)]
pub(super) struct Ranking(pub(super) By);

impl<'de> Deserialize<'de> for Ranking {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RankingVisitor).map(Self)
    }
}

struct RankingVisitor;

impl<'de> Visitor<'de> for RankingVisitor {
    type Value = By;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a vector, a point id, or an object that says how to rank, such as `nearest`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<By, A::Error> {
        ExampleVisitor.visit_seq(seq).map(near)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<By, E> {
        ExampleVisitor.visit_u64(number).map(near)
    }

    fn visit_i64<E: Error>(self, mark: i64) -> Result<By, E> {
        vector_at(mark, &self).map(By::Vector)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<By, E> {
        ExampleVisitor.visit_str(text).map(near)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<By, A::Error> {
        Object::deserialize(MapAccessDeserializer::new(map))?.into_by().map_err(A::Error::custom)
    }
}

/// All the objects that a query may be, those of later versions included.
#[derive(Deserialize)]
struct Object {
    nearest: Option<Exemplar>,
    mmr: Option<Mmr>,
    recommend: Option<Recommend>,
    discover: Option<Discover>,
    context: Option<OneOrMany<ContextPair>>,
    relevance_feedback: Option<RelevanceFeedback>,
    fusion: Option<Fusion>,
    rrf: Option<Rrf>,
    indices: Option<Vec<u32>>,
    values: Option<Numbers>,
    order_by: Option<OrderBy>,
    formula: Option<Value>,
    defaults: Option<Map<String, Value>>,
    sample: Option<Sample>,
    text: Option<Value>,
    #[serde(default, rename = "image")]
    _image: Unsupported,
    #[serde(default, rename = "object")]
    _object: Unsupported,
    model: Option<String>,
    options: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Fusion {
    Rrf,
    Dbsf,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Sample {
    Random,
}

#[derive(Deserialize)]
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
        let nearest = match (self.nearest, self.mmr) {
            (None, None) => None,
            (Some(Exemplar(example)), None) => Some(near(example)),
            (Some(Exemplar(example)), Some(mmr)) => Some(By::Diverse(mmr.into_diverse(example))),
            (None, Some(_)) => return Err("`mmr` stands beside `nearest`".into()),
        };
        let fusion = match self.fusion {
            None => None,
            Some(Fusion::Rrf) => Some(By::Rrf { k: RRF_K, weights: None }),
            Some(Fusion::Dbsf) => Some(By::Dbsf),
        };
        let by_examples = [
            self.recommend.map(Recommend::into_by),
            self.discover.map(Discover::into_by),
            self.context.map(|pairs| discovered(None, pairs)),
            self.relevance_feedback.map(RelevanceFeedback::into_by),
        ];
        let text = match (self.text, self.model) {
            (None, None) => None,
            (Some(Value::String(text)), Some(model)) => {
                let document = Document { text, model, options: self.options };
                Some(By::Vector(document.into_vector(TextAs::Sought)?))
            }
            _ => return Err(format!("a text without its `model` {NOT_SUPPORTED}")),
        };
        let formula = match (self.formula, self.defaults) {
            (None, None) => None,
            (None, Some(_)) => return Err("`defaults` are of a `formula`".into()),
            (Some(json), defaults) => {
                Some(By::Formula(Box::new(formula(json, defaults.unwrap_or_default())?)))
            }
        };
        let others = [
            nearest,
            text,
            fusion,
            self.rrf.map(|Rrf { k, weights }| By::Rrf { k: k.unwrap_or(RRF_K), weights }),
            sparse.map(By::Vector),
            self.order_by.map(|order| By::Order(order.0)),
            self.sample.map(|Sample::Random| By::Sample),
            formula,
        ];
        let by_examples = by_examples.into_iter().flatten().map(By::Examples);
        let mut given = others.into_iter().flatten().chain(by_examples);
        match (given.next(), given.next()) {
            (Some(by), None) => Ok(by),
            (None, _) => Err(format!("one of {KINDS} is needed")),
            (Some(_), Some(_)) => Err(format!("{KINDS} and vectors exclude each other")),
        }
    }
}
