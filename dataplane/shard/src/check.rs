//! Whether a request fits its collection: everything that can be wrong is found here, before
//! anything is logged. Pure: it asks no shard.

use std::collections::{BTreeMap, HashMap};

use vane_types::command::{CreateIndex, DropIndex, Point, Vector};
use vane_types::limits::{PAYLOAD_INDEXES_MAX, POINTS_PER_REQUEST_MAX};
use vane_types::{CollectionConfig, FieldType, NamedVectors, Payload, PointId, VectorParams};

use crate::apply::encode_payload;
use crate::checked::{Action, Checked, Work, distinct};
use crate::error::Error;
use crate::request::{NewPoint, Search, Selection, Want, WantVectors, Write};

/// Checks a write against its collection, and brings it into the form it is logged in:
/// cosine vectors of unit length, each point once.
pub fn check(config: &CollectionConfig, write: Write) -> Result<Checked, Error> {
    let work = match write {
        Write::Upsert(points) => Work::Upsert(upsert(config, points)?),
        Write::UpdateVectors(points) => {
            Work::UpdateVectors(upsert(config, merged(config, points)?)?)
        }
        Write::Delete(points) => Work::Each(selection(points)?, Action::Delete),
        Write::ClearPayload(points) => Work::Each(selection(points)?, Action::ClearPayload),
        Write::DeleteVectors { points, names } => {
            names.iter().try_for_each(|it| known_vector(config, it).map(drop))?;
            Work::Each(selection(points)?, Action::DeleteVectors(names))
        }
        Write::SetPayload { points, payload, key } => {
            let key = key.map(|it| it.to_string()).unwrap_or_default();
            Work::Each(
                selection(points)?,
                Action::SetPayload { payload: encode_payload(&payload), key },
            )
        }
        Write::OverwritePayload { points, payload } => {
            Work::Each(selection(points)?, Action::OverwritePayload(encode_payload(&payload)))
        }
        Write::DeletePayload { points, keys } => Work::Each(
            selection(points)?,
            Action::DeletePayload(keys.iter().map(ToString::to_string).collect()),
        ),
        Write::CreateIndex { field, field_type } => {
            if config.payload_schema.len() >= PAYLOAD_INDEXES_MAX
                && !config.payload_schema.contains_key(&field)
            {
                let text = format!(
                    "the collection has {PAYLOAD_INDEXES_MAX} payload indexes, which is the most"
                );
                return Err(Error::BadInput(text));
            }
            Work::CreateIndex(CreateIndex {
                field: field.to_string(),
                field_type: field_type_name(field_type),
            })
        }
        Write::DropIndex { field } => Work::DropIndex(DropIndex { field: field.to_string() }),
    };
    Ok(Checked(work))
}

/// Checks of a search what the configuration alone can tell.
pub fn check_search(config: &CollectionConfig, search: &Search) -> Result<(), Error> {
    check_want(config, &search.want)?;
    let expected = known_vector(config, &search.using)?.size;
    let got = search.vector.len();
    if got != expected {
        return Err(Error::BadInput(format!(
            "Vector dimension error: expected dim: {expected}, got {got}"
        )));
    }
    Ok(())
}

/// Refuses to return vectors that the collection does not have.
pub fn check_want(config: &CollectionConfig, want: &Want) -> Result<(), Error> {
    match &want.vectors {
        WantVectors::Named(names) => {
            names.iter().try_for_each(|it| known_vector(config, it).map(drop))
        }
        WantVectors::Nothing | WantVectors::All => Ok(()),
    }
}

fn selection(points: Selection) -> Result<Selection, Error> {
    match points {
        Selection::Ids(ids) => {
            check_count(ids.len())?;
            Ok(Selection::Ids(distinct(ids)))
        }
        Selection::Filter(filter) => Ok(Selection::Filter(filter)),
    }
}

fn check_count(points: usize) -> Result<(), Error> {
    if points > POINTS_PER_REQUEST_MAX {
        let text = format!(
            "the request names {points} points, the limit is {POINTS_PER_REQUEST_MAX}; split it"
        );
        return Err(Error::BadInput(text));
    }
    Ok(())
}

fn upsert(
    config: &CollectionConfig,
    points: Vec<NewPoint>,
) -> Result<Vec<(PointId, Point)>, Error> {
    check_count(points.len())?;
    // Of two points with one id the later counts, in the place of the earlier.
    let mut places: HashMap<PointId, usize> = HashMap::with_capacity(points.len());
    let mut checked: Vec<(PointId, Point)> = Vec::with_capacity(points.len());
    for NewPoint { id, vectors, payload } in points {
        let vectors = prepared(config, id, vectors)?;
        let point = Point { id: id.to_key(), vectors, payload: encode_payload(&payload) };
        match places.get(&id) {
            Some(place) => checked[*place].1 = point,
            None => {
                places.insert(id, checked.len());
                checked.push((id, point));
            }
        }
    }
    Ok(checked)
}

/// One point per id: an update leaves a point's other vectors alone, so of two updates of
/// one point both count, and only of one vector the later.
fn merged(
    config: &CollectionConfig,
    points: Vec<(PointId, NamedVectors)>,
) -> Result<Vec<NewPoint>, Error> {
    check_count(points.len())?;
    let mut by_id: BTreeMap<PointId, NamedVectors> = BTreeMap::new();
    for (id, vectors) in points {
        // Each is checked, also one that a later takes the place of.
        prepared(config, id, vectors.clone())?;
        by_id.entry(id).or_default().extend(vectors);
    }
    let point = |(id, vectors)| NewPoint { id, vectors, payload: Payload::new() };
    Ok(by_id.into_iter().map(point).collect())
}

/// Checks a point's vectors and brings them into their stored form.
fn prepared(
    config: &CollectionConfig,
    id: PointId,
    vectors: NamedVectors,
) -> Result<Vec<Vector>, Error> {
    let mut prepared = Vec::with_capacity(vectors.len());
    for (name, mut values) in vectors {
        let params = known_vector(config, &name)?;
        check_values(&values, params.size, &format!("point {id}"))?;
        params.distance.prepare(&mut values);
        prepared.push(Vector { name, values });
    }
    Ok(prepared)
}

/// Checks the values of a vector; `whose` says in the message where it stands.
fn check_values(values: &[f32], size: usize, whose: &str) -> Result<(), Error> {
    if values.len() != size {
        let got = values.len();
        return Err(Error::BadInput(format!(
            "Vector dimension error: expected dim: {size}, got {got} ({whose})"
        )));
    }
    if let Some(at) = values.iter().position(|it| !it.is_finite()) {
        let value = values[at];
        return Err(Error::BadInput(format!(
            "vector of {whose} has {value} at position {at}; values must be finite"
        )));
    }
    Ok(())
}

fn known_vector<'a>(config: &'a CollectionConfig, name: &str) -> Result<&'a VectorParams, Error> {
    config
        .vectors
        .get(name)
        .ok_or_else(|| Error::BadInput(format!("Not existing vector name error: {name}")))
}

fn field_type_name(field_type: FieldType) -> String {
    match serde_json::to_value(field_type) {
        Ok(serde_json::Value::String(name)) => name,
        _ => unreachable!("a field type is written as a string"),
    }
}
