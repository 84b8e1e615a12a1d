//! Which points, and which parts of them.

use std::fmt;

use serde::Deserialize;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use vane_filter::Filter;
use vane_types::limits::POINTS_PER_REQUEST_MAX;
use vane_types::{JsonPath, PointId};

use super::shard_key::{NamedKeys, keyed};
use crate::engine::{Selection, Want, WantPayload, WantVectors};
use crate::error::Error;

/// A filter, not looked at yet: a bad one is to be told from a bad body.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct RawFilter(Value);

impl RawFilter {
    fn parse(self) -> Result<Filter, Error> {
        Ok(Filter::parse(self.0)?)
    }
}

/// Parses a filter that need not be there.
pub(super) fn filter(raw: Option<RawFilter>) -> Result<Option<Filter>, Error> {
    raw.map(RawFilter::parse).transpose()
}

/// `{"points": […]}` or `{"filter": {…}}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PointsSelector {
    points: Option<Vec<PointId>>,
    filter: Option<RawFilter>,
    shard_key: Option<NamedKeys>,
}

keyed!(PointsSelector);

impl PointsSelector {
    /// The points that it names.
    ///
    /// # Errors
    ///
    /// `Kind::Malformed` where they are named in both ways, in none, or by no filter;
    /// `Kind::BadRequest` where there are none, `Kind::Invalid` where there are too many.
    pub fn into_selection(self) -> Result<Selection, Error> {
        selection(self.points, self.filter)
    }
}

/// Points named in one of the two ways.
pub(super) fn selection(
    points: Option<Vec<PointId>>,
    filter: Option<RawFilter>,
) -> Result<Selection, Error> {
    match (points, filter) {
        (Some(points), None) => {
            check_some(points.len())?;
            check_points("points", points.len())?;
            Ok(Selection::Ids(points))
        }
        (None, Some(filter)) => Ok(Selection::Filter(filter.parse()?)),
        (None, None) => Err(Error::malformed("either `points` or `filter` is needed")),
        // They could mean either or both, and a delete must not guess.
        (Some(_), Some(_)) => Err(Error::malformed("`points` and `filter` exclude each other")),
    }
}

/// Refuses a change of nothing: whoever asked meant some points. In Qdrant's words.
pub(super) fn check_some(points: usize) -> Result<(), Error> {
    if points == 0 { Err(Error::bad_request("Empty update request")) } else { Ok(()) }
}

/// Checks how many points one request names.
pub(super) fn check_points(field: &str, points: usize) -> Result<(), Error> {
    if points > POINTS_PER_REQUEST_MAX {
        let text = format!(
            "{points} points in one request, must be at most {POINTS_PER_REQUEST_MAX}; split it"
        );
        return Err(Error::invalid(field, text));
    }
    Ok(())
}

/// `with_payload`: a bool, a list of keys, `{"include": […]}` or `{"exclude": […]}`.
#[derive(Debug, Clone)]
pub struct WithPayload(WantPayload);

/// `with_vector`: a bool or a list of names.
#[derive(Debug, Clone)]
pub struct WithVector(WantVectors);

/// All parts of a point.
pub fn everything() -> Want {
    Want { payload: WantPayload::All, vectors: WantVectors::All }
}

/// What to return of a point; a request that does not say gets its payload or does not.
pub(super) fn want(
    payload: Option<WithPayload>,
    vector: Option<WithVector>,
    payload_by_default: bool,
) -> Want {
    let default = if payload_by_default { WantPayload::All } else { WantPayload::Nothing };
    Want {
        payload: payload.map_or(default, |payload| payload.0),
        vectors: vector.map_or(WantVectors::Nothing, |vector| vector.0),
    }
}

impl<'de> Deserialize<'de> for WithPayload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WithPayloadVisitor).map(Self)
    }
}

struct WithPayloadVisitor;

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Selector {
    Include(Vec<JsonPath>),
    Exclude(Vec<JsonPath>),
}

impl<'de> Visitor<'de> for WithPayloadVisitor {
    type Value = WantPayload;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a bool, a list of payload keys, or an object with `include` or `exclude`")
    }

    fn visit_bool<E>(self, all: bool) -> Result<WantPayload, E> {
        Ok(if all { WantPayload::All } else { WantPayload::Nothing })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<WantPayload, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(seq)).map(WantPayload::Include)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<WantPayload, A::Error> {
        Ok(match Selector::deserialize(serde::de::value::MapAccessDeserializer::new(map))? {
            Selector::Include(keys) => WantPayload::Include(keys),
            Selector::Exclude(keys) => WantPayload::Exclude(keys),
        })
    }
}

impl<'de> Deserialize<'de> for WithVector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WithVectorVisitor).map(Self)
    }
}

struct WithVectorVisitor;

impl<'de> Visitor<'de> for WithVectorVisitor {
    type Value = WantVectors;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a bool or a list of vector names")
    }

    fn visit_bool<E>(self, all: bool) -> Result<WantVectors, E> {
        Ok(if all { WantVectors::All } else { WantVectors::Nothing })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<WantVectors, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(seq)).map(WantVectors::Named)
    }
}
