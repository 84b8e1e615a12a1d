//! Makes and drops payload indexes: every shard of the collection has all of them.

use prost::Message;
use vane_types::limits::{INDEX_PARAMS_BYTES_MAX, PAYLOAD_INDEXES_MAX};
use vane_types::{CollectionConfig, FeatureLevel, FieldSchema, JsonPath};

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

impl CreateIndex {
    /// The level from which on members can read it.
    pub(crate) fn level(&self) -> FeatureLevel {
        // What cannot be read here is refused where it is looked at whole.
        let of_schema = FieldSchema::from_logged(&self.field_type)
            .map_or(FeatureLevel::KINDS, |schema| schema.level());
        let of_filling = if self.online { FeatureLevel::PROVEN } else { FeatureLevel::FIRST };
        of_schema.max(of_filling)
    }
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
    let field_type = schema.to_logged();
    if field_type.len() > INDEX_PARAMS_BYTES_MAX {
        return Err(Error::IndexParamsTooLarge { bytes: field_type.len() });
    }
    // Also where no point has the field yet: later ones may.
    Ok(Checked::everywhere(Change::CreateIndex(CreateIndex {
        field: field.to_string(),
        field_type,
        online: true,
    })))
}

pub(crate) fn check_drop(field: &JsonPath) -> Checked {
    Checked::everywhere(Change::DropIndex(DropIndex { field: field.to_string() }))
}
