//! Makes and drops payload indexes: every shard of the collection has all of them.

use prost::Message;
use vane_types::limits::PAYLOAD_INDEXES_MAX;
use vane_types::{CollectionConfig, FieldSchema, JsonPath};

use crate::checked::Checked;
use crate::command::Change;
use crate::error::Error;
use crate::kinds::payload::check_steps;

/// A payload index to make.
#[derive(Clone, PartialEq, Message)]
pub struct CreateIndex {
    /// Path of the indexed values.
    #[prost(string, tag = "1")]
    pub field: String,
    /// [`FieldSchema::to_logged`]: for most the name of a type alone.
    #[prost(string, tag = "2")]
    pub field_type: String,
    /// Points that are there come in behind the entry, while writes go on: from
    /// [`FeatureLevel::PROVEN`](vane_types::FeatureLevel::PROVEN) on.
    #[prost(bool, tag = "3")]
    pub online: bool,
}

/// A payload index to remove.
#[derive(Clone, PartialEq, Message)]
pub struct DropIndex {
    /// Path of the indexed values.
    #[prost(string, tag = "1")]
    pub field: String,
}

pub(crate) fn check_create(
    config: &CollectionConfig,
    field: &JsonPath,
    schema: &FieldSchema,
) -> Result<Checked, Error> {
    check_steps(field)?;
    let is_full = config.payload_schema.len() >= PAYLOAD_INDEXES_MAX;
    // One that is there changes its type, which takes no room more.
    if is_full && !config.payload_schema.contains_key(field) {
        return Err(Error::TooManyIndexes);
    }
    // Also where no point has the field yet: later ones may.
    Ok(Checked::everywhere(Change::CreateIndex(CreateIndex {
        field: field.to_string(),
        field_type: schema.to_logged(),
        online: true,
    })))
}

pub(crate) fn check_drop(field: &JsonPath) -> Checked {
    Checked::everywhere(Change::DropIndex(DropIndex { field: field.to_string() }))
}
