//! What clients do with points and numbers, as requests of a collection.

use std::sync::OnceLock;

use serde_json::json;
use vane_filter::Filter;
use vane_shard::{NewPoint, Record, Selection, Write as ShardWrite};
use vane_types::{
    CollectionConfig, FieldType, JsonPath, KeyRange, OwnId, Payload, PointId, TenantId,
};

use super::vectors;
use crate::write::{Write, class_of};

/// Name of a point's number in its payload.
const NUMBER: &str = "number";
/// Name of the number's class, which filters ask for.
pub(super) const CLASS: &str = "class";

/// Tenants of a collection by tenant.
const TENANTS: u64 = 5;

/// The tenants, each with its places in a part of its own of the hash space, so that as few points
/// as there are reach every shard.
fn tenants() -> &'static [TenantId] {
    static FOUND: OnceLock<Vec<TenantId>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let in_part = |part| {
            let keys = KeyRange::equal_part(part, TENANTS as usize);
            let mut numbered = (1..).filter_map(TenantId::from_number);
            numbered.find(|tenant| keys.contains(tenant.places().first))
        };
        (0..TENANTS as usize).filter_map(in_part).collect()
    })
}

/// What a point is called: points of a collection by tenant are of each by turns, and of each are
/// numbered from 0.
pub(crate) fn id_of(point: u64, by_tenant: bool) -> PointId {
    match by_tenant {
        true => PointId::num(point / TENANTS).of(tenants()[(point % TENANTS) as usize]),
        false => PointId::num(point),
    }
}

/// Passes what the filter does, by the index of tenants where there are some.
pub(crate) fn among_tenants(filter: Option<Filter>, by_tenant: bool) -> Option<Filter> {
    match by_tenant {
        true => Some(Filter::of_tenants(filter, tenants())),
        false => filter,
    }
}

fn selection(points: &[u64], by_tenant: bool) -> Selection {
    Selection::Ids(points.iter().map(|point| id_of(*point, by_tenant)).collect())
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

fn point(config: &CollectionConfig, point: u64, number: u64) -> NewPoint {
    let (id, vectors) = (id_of(point, config.by_tenant), vectors::of(config, point, number));
    NewPoint { id, vectors, payload: payload_of(number) }
}

/// The write as a request of a client, of a collection that is as `config` says.
pub(crate) fn shard_write(write: &Write, config: &CollectionConfig) -> ShardWrite {
    let by_tenant = config.by_tenant;
    match write {
        Write::Put(points) => ShardWrite::Upsert(
            points.iter().map(|(id, number)| point(config, *id, *number)).collect(),
        ),
        Write::Remove(points) => ShardWrite::Delete(selection(points, by_tenant)),
        Write::RemoveClass(class) => ShardWrite::Delete(Selection::Filter(class_filter(*class))),
        Write::Merge(points, number) => ShardWrite::SetPayload {
            points: selection(points, by_tenant),
            payload: payload_of(*number),
            key: None,
        },
        Write::Replace(points, number) => ShardWrite::OverwritePayload {
            points: selection(points, by_tenant),
            payload: payload_of(*number),
        },
        Write::Erase(points) => ShardWrite::DeletePayload {
            points: selection(points, by_tenant),
            keys: vec![path(NUMBER), path(CLASS)],
        },
        Write::Clear(points) => ShardWrite::ClearPayload(selection(points, by_tenant)),
        Write::Turn(points) => {
            let turned = |id: &u64| {
                let NewPoint { id, vectors, .. } = point(config, *id, *id);
                (id, vectors)
            };
            ShardWrite::UpdateVectors(points.iter().map(turned).collect())
        }
        Write::Strip(points) => ShardWrite::DeleteVectors {
            points: selection(points, by_tenant),
            names: vectors::stripped(config, points),
        },
        Write::MakeIndex => {
            ShardWrite::CreateIndex { field: path(CLASS), field_type: FieldType::Integer }
        }
        Write::DropIndex => ShardWrite::DropIndex { field: path(CLASS) },
    }
}

/// A point, by its id.
pub(crate) fn number_of_id(id: PointId) -> Option<u64> {
    let OwnId::Num(number) = id.own else { return None };
    let Some(tenant) = id.tenant else { return Some(number) };
    let place = tenants().iter().position(|known| *known == tenant)?;
    Some(number * TENANTS + place as u64)
}

/// A point and its number.
pub(crate) fn number_of(record: &Record) -> Result<(u64, u64), String> {
    let wrong = || format!("it was never written: {record:?}");
    let point = number_of_id(record.id).ok_or_else(wrong)?;
    let number = record.payload.as_ref().and_then(|payload| payload.get(NUMBER));
    let number = number.map_or(Some(0), serde_json::Value::as_u64);
    Ok((point, number.ok_or_else(wrong)?))
}
