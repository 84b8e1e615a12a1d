//! Changes of points.

use serde_json::{Value, json};
use vane_types::LogIndex;
use vane_wire::qdrant::points_update_operation::{self as operation, Operation};
use vane_wire::qdrant::{
    ClearPayloadPoints, DeletePayloadPoints, DeletePointVectors, DeletePoints, Filter, PointStruct,
    PointVectors, PointsSelector, PointsUpdateOperation, SetPayloadPoints, ShardKeySelector,
    UpdateBatchPoints, UpdateMode, UpdatePointVectors, UpdateResult, UpdateStatus, UpsertPoints,
    VectorsSelector,
};

use super::config::word;
use super::filter::filter;
use super::select::{among, point_id, points};
use super::value::payload;
use super::vector::vectors;
use super::{Fields, Form, Lists, needed, put};
use crate::error::Error;
use crate::rest::select::PointsSelector as Selector;
use crate::rest::update::{
    DeletePayload, DeleteVectors, Operations, SetPayload, UpdateVectors, Upsert,
};

/// What a change that was applied as entry `index` answers; the words are those of REST.
pub fn updated(index: LogIndex, wait: bool) -> UpdateResult {
    let status = if wait { UpdateStatus::Completed } else { UpdateStatus::Acknowledged };
    UpdateResult { operation_id: Some(index.0), status: status.into() }
}

impl Form for UpsertPoints {
    type Body = Upsert;

    fn form(self, lists: &mut Lists) -> Result<Value, Error> {
        let list = operation::PointStructList {
            points: self.points,
            shard_key_selector: self.shard_key_selector,
            update_filter: self.update_filter,
            update_mode: self.update_mode,
        };
        upsert(list, lists)
    }
}

impl Form for DeletePoints {
    type Body = Selector;

    fn form(self, _: &mut Lists) -> Result<Value, Error> {
        selected(Fields::new(), self.points, self.shard_key_selector)
    }
}

impl Form for ClearPayloadPoints {
    type Body = Selector;

    fn form(self, _: &mut Lists) -> Result<Value, Error> {
        selected(Fields::new(), self.points, self.shard_key_selector)
    }
}

impl Form for UpdatePointVectors {
    type Body = UpdateVectors;

    fn form(self, lists: &mut Lists) -> Result<Value, Error> {
        update_vectors(self.points, self.update_filter, self.shard_key_selector, lists)
    }
}

impl Form for DeletePointVectors {
    type Body = DeleteVectors;

    fn form(self, _: &mut Lists) -> Result<Value, Error> {
        let fields = vector_names(self.vectors);
        selected(fields, self.points_selector, self.shard_key_selector)
    }
}

impl Form for SetPayloadPoints {
    type Body = SetPayload;

    fn form(self, _: &mut Lists) -> Result<Value, Error> {
        let fields = new_payload(payload(self.payload)?, self.key);
        selected(fields, self.points_selector, self.shard_key_selector)
    }
}

impl Form for DeletePayloadPoints {
    type Body = DeletePayload;

    fn form(self, _: &mut Lists) -> Result<Value, Error> {
        selected(payload_keys(self.keys), self.points_selector, self.shard_key_selector)
    }
}

impl Form for UpdateBatchPoints {
    type Body = Operations;

    fn form(self, lists: &mut Lists) -> Result<Value, Error> {
        let each = self.operations.into_iter().map(|operation| self::operation(operation, lists));
        let operations: Value = each.collect::<Result<_, _>>()?;
        Ok(json!({ "operations": operations }))
    }
}

#[expect(deprecated, reason = "old clients send them")]
fn operation(operation: PointsUpdateOperation, lists: &mut Lists) -> Result<Value, Error> {
    let (name, body) = match needed(operation.operation, "operation")? {
        Operation::Upsert(list) => ("upsert", upsert(list, lists)?),
        Operation::DeleteDeprecated(points) => {
            ("delete", selected(Fields::new(), Some(points), None)?)
        }
        Operation::DeletePoints(part) => {
            ("delete", selected(Fields::new(), part.points, part.shard_key_selector)?)
        }
        Operation::ClearPayloadDeprecated(points) => {
            ("clear_payload", selected(Fields::new(), Some(points), None)?)
        }
        Operation::ClearPayload(part) => {
            ("clear_payload", selected(Fields::new(), part.points, part.shard_key_selector)?)
        }
        Operation::SetPayload(part) => {
            let fields = new_payload(payload(part.payload)?, part.key);
            ("set_payload", selected(fields, part.points_selector, part.shard_key_selector)?)
        }
        Operation::OverwritePayload(part) => {
            let fields = new_payload(payload(part.payload)?, part.key);
            ("overwrite_payload", selected(fields, part.points_selector, part.shard_key_selector)?)
        }
        Operation::DeletePayload(part) => {
            let fields = payload_keys(part.keys);
            ("delete_payload", selected(fields, part.points_selector, part.shard_key_selector)?)
        }
        Operation::UpdateVectors(part) => {
            let keys = part.shard_key_selector;
            ("update_vectors", update_vectors(part.points, part.update_filter, keys, lists)?)
        }
        Operation::DeleteVectors(part) => {
            let fields = vector_names(part.vectors);
            ("delete_vectors", selected(fields, part.points_selector, part.shard_key_selector)?)
        }
    };
    Ok(json!({ name: body }))
}

fn upsert(list: operation::PointStructList, lists: &mut Lists) -> Result<Value, Error> {
    let points = list.points.into_iter().map(|point| new_point(point, lists));
    let mut fields = Fields::new();
    put(&mut fields, "points", Some(points.collect::<Result<Value, _>>()?));
    put(&mut fields, "update_filter", list.update_filter.map(filter).transpose()?);
    let mode = list.update_mode.map(|mode| word(mode, "update_mode", UpdateMode::as_str_name));
    put(&mut fields, "update_mode", mode.transpose()?.map(snake));
    among(&mut fields, list.shard_key_selector)?;
    Ok(fields.into())
}

/// `InsertOnly` as REST has it.
fn snake(name: &str) -> &'static str {
    match name {
        "InsertOnly" => "insert_only",
        "UpdateOnly" => "update_only",
        _ => "upsert",
    }
}

fn new_point(point: PointStruct, lists: &mut Lists) -> Result<Value, Error> {
    let mut fields = Fields::new();
    put(&mut fields, "id", Some(point_id(point.id)?));
    put(&mut fields, "payload", Some(payload(point.payload)?));
    put(&mut fields, "vector", point.vectors.map(|part| vectors(part, lists)).transpose()?);
    Ok(fields.into())
}

fn update_vectors(
    points: Vec<PointVectors>,
    update_filter: Option<Filter>,
    keys: Option<ShardKeySelector>,
    lists: &mut Lists,
) -> Result<Value, Error> {
    let points = points.into_iter().map(|point| {
        let mut fields = Fields::new();
        put(&mut fields, "id", Some(point_id(point.id)?));
        put(&mut fields, "vector", point.vectors.map(|part| vectors(part, lists)).transpose()?);
        Ok(Value::from(fields))
    });
    let mut fields = Fields::new();
    put(&mut fields, "points", Some(points.collect::<Result<Value, Error>>()?));
    put(&mut fields, "update_filter", update_filter.map(filter).transpose()?);
    among(&mut fields, keys)?;
    Ok(fields.into())
}

/// A change of the points that a selector names.
fn selected(
    mut fields: Fields,
    selector: Option<PointsSelector>,
    keys: Option<ShardKeySelector>,
) -> Result<Value, Error> {
    points(&mut fields, selector, keys)?;
    Ok(fields.into())
}

fn new_payload(payload: Fields, key: Option<String>) -> Fields {
    let mut fields = Fields::new();
    put(&mut fields, "payload", Some(payload));
    put(&mut fields, "key", key);
    fields
}

fn payload_keys(keys: Vec<String>) -> Fields {
    Fields::from_iter([("keys".to_owned(), keys.into())])
}

fn vector_names(names: Option<VectorsSelector>) -> Fields {
    Fields::from_iter([("vector".to_owned(), names.unwrap_or_default().names.into())])
}
