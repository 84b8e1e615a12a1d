//! Points in answers.

use std::collections::HashMap;

use vane_filter::OrderValue as Stands;
use vane_types::{OwnId, PointId};
use vane_wire::qdrant::group_id::Kind;
use vane_wire::qdrant::order_value::Variant;
use vane_wire::qdrant::point_id::PointIdOptions;
use vane_wire::qdrant::{
    GroupId, GroupsResult, OrderValue, PointGroup, PointId as IdMessage, RetrievedPoint,
    ScoredPoint, ShardKey, Value,
};

use super::select::shard_key;
use super::value::fields;
use super::vector::output;
use crate::engine::{Group, GroupValue, Record, Scored};
use crate::rest::record::{Keys, Next};

/// Points that were read.
pub fn retrieved(records: &[Record], keys: &Keys) -> Vec<RetrievedPoint> {
    let one = |record: &Record| RetrievedPoint {
        id: Some(id(record.id)),
        payload: payload(record),
        vectors: record.vectors.as_ref().map(output),
        shard_key: key(record, keys),
        order_value: record.order_value.map(order_value),
    };
    records.iter().map(one).collect()
}

/// Points that were found.
pub fn scored(found: &[Scored], keys: &Keys) -> Vec<ScoredPoint> {
    let one = |Scored { record, score }: &Scored| ScoredPoint {
        id: Some(id(record.id)),
        payload: payload(record),
        score: *score,
        version: record.version.0,
        vectors: record.vectors.as_ref().map(output),
        shard_key: key(record, keys),
        order_value: record.order_value.map(order_value),
    };
    found.iter().map(one).collect()
}

fn order_value(value: Stands) -> OrderValue {
    let variant = match value {
        Stands::Integer(integer) => Variant::Int(integer),
        Stands::Float(float) => Variant::Float(float),
    };
    OrderValue { variant: Some(variant) }
}

/// Points that were found, by groups.
pub fn grouped(groups: &[Group], keys: &Keys) -> GroupsResult {
    let one = |Group { value, hits, lookup }: &Group| {
        let kind = match value {
            GroupValue::Integer(integer) => match u64::try_from(*integer) {
                Ok(number) => Kind::UnsignedValue(number),
                Err(_) => Kind::IntegerValue(*integer),
            },
            GroupValue::Text(text) => Kind::StringValue(text.clone()),
        };
        PointGroup {
            id: Some(GroupId { kind: Some(kind) }),
            hits: scored(hits, keys),
            lookup: lookup.as_ref().and_then(|record| {
                // Of another collection, whose shard keys are its own.
                retrieved(std::slice::from_ref(record), &Keys::new()).pop()
            }),
        }
    };
    GroupsResult { groups: groups.iter().map(one).collect() }
}

/// Where the next page begins: an id, or a text that is sent back as it came.
pub fn next_page(next: Next) -> IdMessage {
    match next {
        Next::OfTenant(PointId { tenant: Some(tenant), own }) => text(format!("{tenant}:{own}")),
        Next::Id(point) | Next::OfTenant(point) => id(point),
    }
}

pub(super) fn id(id: PointId) -> IdMessage {
    match id.own {
        OwnId::Num(number) => IdMessage { point_id_options: Some(PointIdOptions::Num(number)) },
        OwnId::Uuid(uuid) => text(uuid.to_string()),
    }
}

fn text(text: String) -> IdMessage {
    IdMessage { point_id_options: Some(PointIdOptions::Uuid(text)) }
}

fn payload(record: &Record) -> HashMap<String, Value> {
    record.payload.as_ref().map(fields).unwrap_or_default()
}

fn key(record: &Record, keys: &Keys) -> Option<ShardKey> {
    record.id.tenant.and_then(|tenant| keys.get(&tenant)).map(shard_key)
}
