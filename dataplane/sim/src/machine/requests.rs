//! What clients do with points and numbers, as requests of a collection.

use serde_json::json;
use vane_filter::Filter;
use vane_shard::{NewPoint, Record, Selection, Write as ShardWrite};
use vane_types::{FieldType, JsonPath, Payload, PointId};

use crate::write::{Write, class_of};

/// Name of a point's number in its payload.
const NUMBER: &str = "number";
/// Name of the number's class, which filters ask for.
pub(super) const CLASS: &str = "class";

fn selection(points: &[u64]) -> Selection {
    Selection::Ids(points.iter().copied().map(PointId::Num).collect())
}

fn payload_of(number: u64) -> Payload {
    let class = class_of(number);
    [(NUMBER.to_owned(), json!(number)), (CLASS.to_owned(), json!(class))].into_iter().collect()
}

/// Passes the points of a class.
pub(crate) fn class_filter(class: u64) -> Filter {
    let filter = json!({"must": [{"key": CLASS, "match": {"value": class}}]});
    Filter::parse(filter).expect("the filter is valid")
}

pub(super) fn path(name: &str) -> JsonPath {
    name.parse().expect("a plain name is a path")
}

fn point(point: u64, number: u64) -> NewPoint {
    let vector = vec![number as f32, point as f32].into();
    let vectors = [(String::new(), vector)].into();
    NewPoint { id: PointId::Num(point), vectors, payload: payload_of(number) }
}

/// The write as a request of a client.
pub(crate) fn shard_write(write: &Write) -> ShardWrite {
    match write {
        Write::Put(points) => {
            ShardWrite::Upsert(points.iter().map(|(id, number)| point(*id, *number)).collect())
        }
        Write::Remove(points) => ShardWrite::Delete(selection(points)),
        Write::RemoveClass(class) => ShardWrite::Delete(Selection::Filter(class_filter(*class))),
        Write::Merge(points, number) => ShardWrite::SetPayload {
            points: selection(points),
            payload: payload_of(*number),
            key: None,
        },
        Write::Replace(points, number) => {
            ShardWrite::OverwritePayload { points: selection(points), payload: payload_of(*number) }
        }
        Write::Erase(points) => ShardWrite::DeletePayload {
            points: selection(points),
            keys: vec![path(NUMBER), path(CLASS)],
        },
        Write::Clear(points) => ShardWrite::ClearPayload(selection(points)),
        Write::Turn(points) => {
            let turned = |id: &u64| (PointId::Num(*id), point(*id, *id).vectors);
            ShardWrite::UpdateVectors(points.iter().map(turned).collect())
        }
        Write::Strip(points) => {
            ShardWrite::DeleteVectors { points: selection(points), names: vec![String::new()] }
        }
        Write::MakeIndex => {
            ShardWrite::CreateIndex { field: path(CLASS), field_type: FieldType::Integer }
        }
        Write::DropIndex => ShardWrite::DropIndex { field: path(CLASS) },
    }
}

/// A point, by its id.
pub(crate) fn number_of_id(id: PointId) -> Option<u64> {
    match id {
        PointId::Num(point) => Some(point),
        PointId::Uuid(_) => None,
    }
}

/// A point and its number.
pub(crate) fn number_of(record: &Record) -> Result<(u64, u64), String> {
    let wrong = || format!("it was never written: {record:?}");
    let point = number_of_id(record.id).ok_or_else(wrong)?;
    let number = record.payload.as_ref().and_then(|payload| payload.get(NUMBER));
    let number = number.map_or(Some(0), serde_json::Value::as_u64);
    Ok((point, number.ok_or_else(wrong)?))
}
