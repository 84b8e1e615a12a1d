//! Puts points in place of any with the same ids.

use std::collections::HashMap;

use prost::Message;
use vane_types::{CollectionConfig, FeatureLevel, NamedVectors, Payload, PointId, payload};

use crate::checked::Checked;
use crate::command::Change;
use crate::error::Error;
use crate::kinds::condition::{Condition, LoggedCondition};
use crate::kinds::payload::encoded;
use crate::targets::check_count;
use crate::vector::{LoggedVector, check_vectors, logged};

/// A point to write.
#[derive(Debug, Clone)]
pub struct NewPoint {
    pub id: PointId,
    /// Its vectors by name; those left out are absent afterwards.
    pub vectors: NamedVectors,
    pub payload: Payload,
}

impl NewPoint {
    /// About the bytes that its vectors and its payload take.
    pub(crate) fn bytes(&self) -> usize {
        let values = self.vectors.values().map(|vector| vector.values().len() * 4);
        values.sum::<usize>() + payload::bytes(&self.payload)
    }
}

/// Points with what they carry. Ids are unique within one command.
#[derive(Clone, PartialEq, Message)]
pub struct Upsert {
    #[prost(message, repeated, tag = "1")]
    pub points: Vec<Point>,
    /// What they have to be like to be written; all are where there is none.
    #[prost(message, optional, tag = "2")]
    pub condition: Option<LoggedCondition>,
}

impl Upsert {
    /// Points that are written whatever they are like.
    pub fn of(points: Vec<Point>) -> Self {
        Self { points, condition: None }
    }

    /// Makes upserts of some points each, all with this condition.
    pub(crate) fn all_if(condition: Option<&Condition>) -> impl Fn(Vec<Point>) -> Self + use<> {
        let condition = condition.map(LoggedCondition::new);
        move |points| Self { points, condition: condition.clone() }
    }

    /// The level from which on members can read it.
    pub(crate) fn level(&self) -> FeatureLevel {
        let mut vectors = self.points.iter().flat_map(|point| &point.vectors);
        if vectors.any(|vector| vector.id != 0) {
            return FeatureLevel::CHANGING;
        }
        self.condition.as_ref().map_or(FeatureLevel::FIRST, LoggedCondition::level)
    }
}

/// A point in its stored form.
#[derive(Clone, PartialEq, Message)]
pub struct Point {
    /// [`PointId::to_key`].
    #[prost(bytes = "vec", tag = "1")]
    pub id: Vec<u8>,
    #[prost(message, repeated, tag = "2")]
    pub vectors: Vec<LoggedVector>,
    /// JSON object; empty when the point has no payload.
    #[prost(bytes = "vec", tag = "3")]
    pub payload: Vec<u8>,
}

pub(crate) fn check(
    config: &CollectionConfig,
    points: Vec<NewPoint>,
    condition: Option<&Condition>,
) -> Result<Checked, Error> {
    // First: the lists below are made as long as the request says.
    check_count(points.len())?;
    // Of two points with one id the later counts, in the place of the earlier.
    let mut places: HashMap<PointId, usize> = HashMap::with_capacity(points.len());
    let mut checked: Vec<(PointId, Point)> = Vec::with_capacity(points.len());
    for NewPoint { id, mut vectors, payload } in points {
        check_vectors(config, id, &mut vectors)?;
        let (vectors, payload) = (logged(config, vectors), encoded(&payload, 0)?);
        let point = Point { id: id.to_key(), vectors, payload };
        match places.get(&id) {
            Some(place) => checked[*place].1 = point,
            None => {
                places.insert(id, checked.len());
                checked.push((id, point));
            }
        }
    }
    let upsert = Upsert::all_if(condition);
    Ok(Checked::points(checked, move |points| Change::Upsert(upsert(points))))
}
