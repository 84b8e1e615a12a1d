//! From a request to commands: everything that can be wrong is found here, before anything
//! is logged.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Instant;

use vane_types::command::{
    Change, CreateIndex, DeletePayload, DeleteVectors, DropIndex, FILTER_SEMANTICS, Point, SetPayload, Targets, Upsert,
    Vector,
};
use vane_types::limits::{COMMAND_BYTES_MAX, FILTERED_IDS_PER_ENTRY_MAX, PAYLOAD_INDEXES_MAX, POINTS_PER_REQUEST_MAX};
use vane_types::{CollectionConfig, Command, FieldType, NamedVectors, Payload, PointId};

use crate::apply::encode_payload;
use crate::error::Error;
use crate::request::{NewPoint, Selection, Write};
use crate::shard::Shard;

/// The commands a request comes to, in their stored form: mostly one. A filter that matches
/// very many points makes several, each of which is applied whole.
pub fn check(shard: &Shard, write: Write, deadline: Instant) -> Result<Vec<Vec<u8>>, Error> {
    let config = shard.config();
    let changes = match write {
        Write::Upsert(points) => vec![Change::Upsert(upsert(&config, points)?)],
        Write::UpdateVectors(points) => {
            vec![Change::UpdateVectors(upsert(&config, merged(&config, points)?)?)]
        }
        Write::Delete(points) => all(targets(shard, points, deadline)?, Change::Delete),
        Write::ClearPayload(points) => all(targets(shard, points, deadline)?, Change::ClearPayload),
        Write::DeleteVectors { points, names } => {
            names.iter().try_for_each(|it| known_vector(&config, it).map(|_| ()))?;
            let with = |it| Change::DeleteVectors(DeleteVectors { targets: Some(it), names: names.clone() });
            all(targets(shard, points, deadline)?, with)
        }
        Write::SetPayload { points, payload, key } => {
            let (payload, key) = (encode_payload(&payload), key.map(|it| it.to_string()).unwrap_or_default());
            let set = |it| SetPayload { targets: Some(it), payload: payload.clone(), key: key.clone() };
            all(targets(shard, points, deadline)?, |it| Change::SetPayload(set(it)))
        }
        Write::OverwritePayload { points, payload } => {
            let payload = encode_payload(&payload);
            let set = |it| SetPayload { targets: Some(it), payload: payload.clone(), key: String::new() };
            all(targets(shard, points, deadline)?, |it| Change::OverwritePayload(set(it)))
        }
        Write::DeletePayload { points, keys } => {
            let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
            let with = |it| Change::DeletePayload(DeletePayload { targets: Some(it), keys: keys.clone() });
            all(targets(shard, points, deadline)?, with)
        }
        Write::CreateIndex { field, field_type } => {
            if config.payload_schema.len() >= PAYLOAD_INDEXES_MAX && !config.payload_schema.contains_key(&field) {
                let text = format!("the collection has {PAYLOAD_INDEXES_MAX} payload indexes, which is the most");
                return Err(Error::BadInput(text));
            }
            let field_type = field_type_name(field_type);
            vec![Change::CreateIndex(CreateIndex { field: field.to_string(), field_type })]
        }
        Write::DropIndex { field } => vec![Change::DropIndex(DropIndex { field: field.to_string() })],
    };
    changes.into_iter().map(stored).collect()
}

fn stored(change: Change) -> Result<Vec<u8>, Error> {
    let bytes = Command::new(change).encode_stored();
    if bytes.len() > COMMAND_BYTES_MAX {
        let text =
            format!("the request takes {} bytes in the log, the limit is {COMMAND_BYTES_MAX}; split it", bytes.len());
        return Err(Error::BadInput(text));
    }
    Ok(bytes)
}

fn all(targets: Vec<Targets>, change: impl Fn(Targets) -> Change) -> Vec<Change> {
    targets.into_iter().map(change).collect()
}

fn targets(shard: &Shard, points: Selection, deadline: Instant) -> Result<Vec<Targets>, Error> {
    match points {
        Selection::Ids(ids) => {
            check_count(ids.len())?;
            let mut seen = HashSet::new();
            let ids = ids.into_iter().filter(|it| seen.insert(*it)).map(PointId::to_key).collect();
            Ok(vec![Targets { ids, ..Targets::default() }])
        }
        Selection::Filter(filter) => {
            let mut ids = shard.matching_ids(&filter, deadline)?;
            ids.sort_unstable();
            // An empty filter matches every point, then and now: it needs no second look.
            let filter = match filter.is_empty() {
                true => String::new(),
                false => serde_json::to_string(&filter).expect("a filter is plain data"),
            };
            let entry = |ids: &[PointId]| Targets {
                ids: ids.iter().map(|it| it.to_key()).collect(),
                filter: filter.clone(),
                semantics: FILTER_SEMANTICS,
            };
            // Without a match an entry is logged all the same: its index is the answer.
            if ids.is_empty() {
                return Ok(vec![entry(&[])]);
            }
            Ok(ids.chunks(FILTERED_IDS_PER_ENTRY_MAX).map(entry).collect())
        }
    }
}

fn check_count(points: usize) -> Result<(), Error> {
    if points > POINTS_PER_REQUEST_MAX {
        let text = format!("the request names {points} points, the limit is {POINTS_PER_REQUEST_MAX}; split it");
        return Err(Error::BadInput(text));
    }
    Ok(())
}

fn upsert(config: &CollectionConfig, points: Vec<NewPoint>) -> Result<Upsert, Error> {
    check_count(points.len())?;
    // Of two points with one id the later counts, in the place of the earlier.
    let mut places: HashMap<PointId, usize> = HashMap::with_capacity(points.len());
    let mut checked: Vec<Point> = Vec::with_capacity(points.len());
    for NewPoint { id, vectors, payload } in points {
        let vectors = prepared(config, id, vectors)?;
        let point = Point { id: id.to_key(), vectors, payload: encode_payload(&payload) };
        match places.get(&id) {
            Some(place) => checked[*place] = point,
            None => {
                places.insert(id, checked.len());
                checked.push(point);
            }
        }
    }
    Ok(Upsert { points: checked })
}

/// One point per id: an update leaves a point's other vectors alone, so of two updates of
/// one point both count, and only of one vector the later.
fn merged(config: &CollectionConfig, points: Vec<(PointId, NamedVectors)>) -> Result<Vec<NewPoint>, Error> {
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
fn prepared(config: &CollectionConfig, id: PointId, vectors: NamedVectors) -> Result<Vec<Vector>, Error> {
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
pub(crate) fn check_values(values: &[f32], size: usize, whose: &str) -> Result<(), Error> {
    if values.len() != size {
        let got = values.len();
        return Err(Error::BadInput(format!("Vector dimension error: expected dim: {size}, got {got} ({whose})")));
    }
    if let Some(at) = values.iter().position(|it| !it.is_finite()) {
        let value = values[at];
        return Err(Error::BadInput(format!("vector of {whose} has {value} at position {at}; values must be finite")));
    }
    Ok(())
}

fn known_vector<'a>(config: &'a CollectionConfig, name: &str) -> Result<&'a vane_types::VectorParams, Error> {
    config.vectors.get(name).ok_or_else(|| Error::BadInput(format!("Not existing vector name error: {name}")))
}

fn field_type_name(field_type: FieldType) -> String {
    match serde_json::to_value(field_type) {
        Ok(serde_json::Value::String(name)) => name,
        _ => unreachable!("a field type is written as a string"),
    }
}
