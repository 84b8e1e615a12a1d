//! Puts points in place of any with the same ids.

use std::collections::HashMap;

use prost::Message;
use vane_types::{CollectionConfig, NamedVectors, Payload, PointId, VectorParams, payload};

use crate::checked::Checked;
use crate::command::Change;
use crate::error::Error;
use crate::targets::check_count;

/// A point to write.
#[derive(Debug, Clone)]
pub struct NewPoint {
    pub id: PointId,
    /// Its vectors by name; those left out are absent afterwards.
    pub vectors: NamedVectors,
    pub payload: Payload,
}

/// Points with what they carry. Ids are unique within one command.
#[derive(Clone, PartialEq, Message)]
pub struct Upsert {
    #[prost(message, repeated, tag = "1")]
    pub points: Vec<Point>,
}

/// A point in its stored form.
#[derive(Clone, PartialEq, Message)]
pub struct Point {
    /// [`PointId::to_key`].
    #[prost(bytes = "vec", tag = "1")]
    pub id: Vec<u8>,
    #[prost(message, repeated, tag = "2")]
    pub vectors: Vec<Vector>,
    /// JSON object; empty when the point has no payload.
    #[prost(bytes = "vec", tag = "3")]
    pub payload: Vec<u8>,
}

/// A vector in its stored form: normalised for cosine, checked for size and NaN.
#[derive(Clone, PartialEq, Message)]
pub struct Vector {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(float, repeated, tag = "2")]
    pub values: Vec<f32>,
}

pub(crate) fn check(config: &CollectionConfig, points: Vec<NewPoint>) -> Result<Checked, Error> {
    // First: the lists below are made as long as the request says.
    check_count(points.len())?;
    // Of two points with one id the later counts, in the place of the earlier.
    let mut places: HashMap<PointId, usize> = HashMap::with_capacity(points.len());
    let mut checked: Vec<(PointId, Point)> = Vec::with_capacity(points.len());
    for NewPoint { id, vectors, payload } in points {
        let vectors = stored_vectors(config, id, vectors)?;
        let point = Point { id: id.to_key(), vectors, payload: payload::encode(&payload) };
        match places.get(&id) {
            Some(place) => checked[*place].1 = point,
            None => {
                places.insert(id, checked.len());
                checked.push((id, point));
            }
        }
    }
    Ok(Checked::points(checked, Change::Upsert))
}

/// Checks a point's vectors and brings them into their stored form.
pub(crate) fn stored_vectors(
    config: &CollectionConfig,
    point: PointId,
    vectors: NamedVectors,
) -> Result<Vec<Vector>, Error> {
    let mut stored = Vec::with_capacity(vectors.len());
    for (name, mut values) in vectors {
        let params = known_vector(config, &name)?;
        check_values(&values, params.size, point)?;
        // Before it is logged: replicas on different processors may round differently.
        params.distance.prepare(&mut values);
        stored.push(Vector { name, values });
    }
    Ok(stored)
}

/// Parameters of a vector that the collection must have.
///
/// # Errors
/// [`Error::UnknownVector`].
pub fn known_vector<'a>(
    config: &'a CollectionConfig,
    name: &str,
) -> Result<&'a VectorParams, Error> {
    config.vectors.get(name).ok_or_else(|| Error::UnknownVector { name: name.to_owned() })
}

fn check_values(values: &[f32], size: usize, point: PointId) -> Result<(), Error> {
    if values.len() != size {
        return Err(Error::Dimension { expected: size, got: values.len(), point });
    }
    // A NaN has no place in any order of scores, and a graph built over one is broken.
    match values.iter().position(|value| !value.is_finite()) {
        Some(position) => Err(Error::NotFinite { point, value: values[position], position }),
        None => Ok(()),
    }
}
