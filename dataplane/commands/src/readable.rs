//! Parts of a command that have a language of their own, as they are read where it is applied;
//! and whether all of a command can be read, which is found out before it is logged.

use thiserror::Error;
use vane_filter::Filter;
use vane_types::{FieldSchema, JsonPath, PathError, Payload, PointId, TenantId, json, payload};

use crate::command::{Change, Command, Logged};
use crate::kinds::payload::{DeletePayload, SetPayload};
use crate::kinds::upsert::{Point, Upsert};
use crate::targets::Targets;

/// A part of a command that this version does not know, or that is damaged.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Unreadable(String);

impl Unreadable {
    /// With what cannot be read, and why.
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl Targets {
    /// The filter that its points matched; `None` where the client named them.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn read_filter(&self) -> Result<Option<Filter>, Unreadable> {
        if self.filter.is_empty() {
            return Ok(None);
        }
        let filter = json::read(self.filter.as_bytes());
        Ok(Some(filter.map_err(|e| Unreadable(format!("its filter: {e}")))?))
    }

    fn check(&self) -> Result<(), Unreadable> {
        self.read_filter()?;
        self.ids.iter().try_for_each(|id| read_id(id).map(drop))
    }
}

impl SetPayload {
    /// Path of the object to merge into; `None` for the payload itself.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn read_key(&self) -> Result<Option<JsonPath>, Unreadable> {
        if self.key.is_empty() { Ok(None) } else { read_path(&self.key).map(Some) }
    }
}

/// Reads a payload.
///
/// # Errors
/// [`Unreadable`].
pub fn read_payload(bytes: &[u8]) -> Result<Payload, Unreadable> {
    payload::decode(bytes).map_err(|e| Unreadable(format!("a payload: {e}")))
}

/// Reads the id of a point.
///
/// # Errors
/// [`Unreadable`].
pub fn read_id(key: &[u8]) -> Result<PointId, Unreadable> {
    PointId::from_key(key).ok_or_else(|| Unreadable("the id of a point".into()))
}

/// Reads the number of a tenant.
///
/// # Errors
/// [`Unreadable`].
pub fn read_tenant(number: u32) -> Result<TenantId, Unreadable> {
    TenantId::from_number(number).ok_or_else(|| Unreadable("the number of a tenant".into()))
}

/// Reads a path into payloads.
///
/// # Errors
/// [`Unreadable`].
pub fn read_path(text: &str) -> Result<JsonPath, Unreadable> {
    text.parse().map_err(|error: PathError| Unreadable(format!("a path: {error}")))
}

/// Reads the type of a payload index.
///
/// # Errors
/// [`Unreadable`].
pub fn read_schema(text: &str) -> Result<FieldSchema, Unreadable> {
    FieldSchema::from_logged(text).map_err(|_| Unreadable(format!("the index type {text}")))
}

impl Command {
    /// Reads the stored form with all its parts, as whoever applies it will.
    ///
    /// # Errors
    /// [`Unreadable`]: it must not be logged, since no replica could go past it.
    pub fn check_readable(stored: &[u8]) -> Result<(), Unreadable> {
        let Logged { change, .. } =
            Self::decode_stored(stored).map_err(|error| Unreadable(error.to_string()))?;
        check_change(change)
    }
}

fn check_change(change: Change) -> Result<(), Unreadable> {
    match change {
        Change::Upsert(upsert) | Change::UpdateVectors(upsert) => {
            let Upsert { points, condition } = upsert;
            condition.map_or(Ok(()), |condition| condition.read().map(drop))?;
            points.into_iter().try_for_each(check_point)
        }
        Change::Delete(targets) | Change::ClearPayload(targets) => targets.check(),
        Change::DeleteVectors(delete) => check_targets(delete.targets.as_ref()),
        Change::SetPayload(set) | Change::OverwritePayload(set) => {
            read_payload(&set.payload)?;
            set.read_key()?;
            check_targets(set.targets.as_ref())
        }
        Change::DeletePayload(DeletePayload { targets, keys }) => {
            keys.iter().try_for_each(|key| read_path(key).map(drop))?;
            check_targets(targets.as_ref())
        }
        Change::CreateIndex(create) => {
            read_schema(&create.field_type)?;
            read_path(&create.field).map(drop)
        }
        Change::DropIndex(drop) => read_path(&drop.field).map(|_| ()),
        Change::CloseTenant(close) => read_tenant(close.tenant).map(drop),
        Change::Configure(configure) => {
            let config = configure.config();
            config.map(drop).map_err(|e| Unreadable(format!("the configuration: {e}")))
        }
    }
}

fn check_targets(targets: Option<&Targets>) -> Result<(), Unreadable> {
    targets.map_or(Ok(()), Targets::check)
}

fn check_point(point: Point) -> Result<(), Unreadable> {
    let Point { id, vectors, payload } = point;
    read_id(&id)?;
    read_payload(&payload)?;
    for vector in vectors {
        vector.into_parts().map_err(|error| Unreadable(format!("a vector: {error}")))?;
    }
    Ok(())
}
