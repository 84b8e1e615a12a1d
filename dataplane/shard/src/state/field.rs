//! A payload index of a shard, whole or being filled, and what it is declared as.

use std::collections::BTreeMap;
use std::sync::Arc;

use vane_filter::PayloadIndex;
use vane_types::{FieldSchema, JsonPath, LogIndex, Slot};

/// A payload index and the number its keys are stored under.
pub(crate) struct Field {
    pub(crate) number: u16,
    pub(crate) index: PayloadIndex,
    /// The last entry that made or changed it; what is filled in before it is whole counts not.
    pub(crate) changed: LogIndex,
    /// The least slot whose point may be missing; `None` once the index is whole. Points that
    /// are written meanwhile are in it, wherever they lie.
    pub(crate) next: Option<Slot>,
}

impl Field {
    /// Whether the index has all points up to and including this slot.
    pub(crate) fn holds(&self, slot: Slot) -> bool {
        self.next.is_none_or(|next| slot < next)
    }

    /// Whether filters may be looked up in it.
    pub(crate) fn is_whole(&self) -> bool {
        self.next.is_none()
    }
}

/// What payload indexes are declared as. Conditions on a field mean the same while its index is
/// being filled as when it is whole.
pub(crate) trait Schemas {
    /// That on exactly this path.
    fn schema(&self, field: &JsonPath) -> Option<&FieldSchema>;
}

impl Schemas for BTreeMap<Arc<JsonPath>, Field> {
    fn schema(&self, field: &JsonPath) -> Option<&FieldSchema> {
        self.get(field).map(|field| &**field.index.schema())
    }
}

/// Declarations of text indexes, of one moment.
pub(crate) type TextSchemas = BTreeMap<Arc<JsonPath>, Arc<FieldSchema>>;

impl Schemas for TextSchemas {
    fn schema(&self, field: &JsonPath) -> Option<&FieldSchema> {
        self.get(field).map(|schema| &**schema)
    }
}

/// Declarations that say what conditions on their fields mean: those of text indexes.
pub(crate) fn text_schemas(fields: &BTreeMap<Arc<JsonPath>, Field>) -> TextSchemas {
    let schemas = fields.iter().map(|(path, field)| (path, field.index.schema()));
    schemas
        .filter(|(_, schema)| matches!(***schema, FieldSchema::Text(_)))
        .map(|(path, schema)| (Arc::clone(path), Arc::clone(schema)))
        .collect()
}
