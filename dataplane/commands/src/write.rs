//! The kinds of write. Each has one line in every list of this file; the rest of a kind lies
//! in its own file.

use vane_filter::Filter;
use vane_types::{
    CollectionConfig, FieldSchema, JsonPath, NamedVectors, Payload, PointId, TenantId,
};

use crate::checked::Checked;
use crate::error::Error;
use crate::kinds::condition::{Condition, UpdateMode};
use crate::kinds::upsert::NewPoint;
use crate::kinds::{delete, index, payload, tenant, upsert, vectors};
use crate::targets::Selection;

/// Points of a small write.
const SMALL_POINTS_MAX: usize = 64;
/// Bytes of their vectors and payloads.
const SMALL_BYTES_MAX: usize = 32 << 10;

/// A change of points, as a caller states it.
#[derive(Debug, Clone)]
pub enum Write {
    /// Puts points in place of any with the same ids. Of two with one id the later counts.
    Upsert(Vec<NewPoint>),
    /// The same of those that are as a condition says; others are passed over.
    UpsertIf(Vec<NewPoint>, Condition),
    /// Removes points; ids that are not there are skipped.
    Delete(Selection),
    /// Sets vectors of points that exist; an entry is refused whole when one of its points does
    /// not.
    UpdateVectors(Vec<(PointId, NamedVectors)>),
    /// The same; of points that do not match a filter nothing is changed.
    UpdateVectorsIf(Vec<(PointId, NamedVectors)>, Filter),
    /// Removes vectors by name.
    DeleteVectors { points: Selection, names: Vec<String> },
    /// Merges members into the payload, or into the object at `key`.
    SetPayload { points: Selection, payload: Payload, key: Option<JsonPath> },
    /// Replaces the payload.
    OverwritePayload { points: Selection, payload: Payload },
    /// Removes what the paths lead to.
    DeletePayload { points: Selection, keys: Vec<JsonPath> },
    /// Removes the whole payload.
    ClearPayload(Selection),
    /// Makes a payload index, or changes the type of one.
    CreateIndex { field: JsonPath, field_type: FieldSchema },
    /// Removes a payload index; nothing happens when there is none.
    DropIndex { field: JsonPath },
    /// Takes no more points of a tenant.
    CloseTenant(TenantId),
}

impl Write {
    /// Whether the write takes room on the disk for good. Deletes make room in the end and
    /// must stay possible on a full disk.
    pub fn grows(&self) -> bool {
        // Each kind by its name: a new one must not slip through on a full disk.
        match self {
            Self::Upsert(_)
            | Self::UpsertIf(..)
            | Self::UpdateVectors(_)
            | Self::UpdateVectorsIf(..)
            | Self::SetPayload { .. }
            | Self::OverwritePayload { .. }
            | Self::CreateIndex { .. } => true,
            // Their log entries take room too, but it comes back when the log is truncated.
            Self::Delete(_)
            | Self::DeleteVectors { .. }
            | Self::DeletePayload { .. }
            | Self::ClearPayload(_)
            | Self::DropIndex { .. }
            | Self::CloseTenant(_) => false,
        }
    }

    /// Whether it is of points, and so of one tenant where there are tenants.
    pub fn is_of_points(&self) -> bool {
        match self {
            Self::Upsert(_)
            | Self::UpsertIf(..)
            | Self::UpdateVectors(_)
            | Self::UpdateVectorsIf(..)
            | Self::SetPayload { .. }
            | Self::OverwritePayload { .. }
            | Self::Delete(_)
            | Self::DeleteVectors { .. }
            | Self::DeletePayload { .. }
            | Self::ClearPayload(_) => true,
            Self::CreateIndex { .. } | Self::DropIndex { .. } | Self::CloseTenant(_) => false,
        }
    }

    /// The same of the points of a tenant. Which of them a filter matches is looked up later.
    #[must_use]
    pub fn of_tenant(mut self, tenant: TenantId) -> Self {
        match &mut self {
            Self::Upsert(points) | Self::UpsertIf(points, _) => {
                points.iter_mut().for_each(|point| {
                    point.id = point.id.of(tenant);
                })
            }
            Self::UpdateVectors(points) | Self::UpdateVectorsIf(points, _) => {
                points.iter_mut().for_each(|(id, _)| *id = id.of(tenant));
            }
            Self::Delete(points)
            | Self::ClearPayload(points)
            | Self::DeleteVectors { points, .. }
            | Self::SetPayload { points, .. }
            | Self::OverwritePayload { points, .. }
            | Self::DeletePayload { points, .. } => points.bind(tenant),
            Self::CreateIndex { .. } | Self::DropIndex { .. } | Self::CloseTenant(_) => {}
        }
        self
    }

    /// Whether it is of so few bytes that to check it takes less than to hand it to another
    /// thread.
    pub fn is_small(&self) -> bool {
        match self {
            Self::Upsert(points) | Self::UpsertIf(points, _) => {
                points.len() <= SMALL_POINTS_MAX && {
                    let bytes = points.iter().map(NewPoint::bytes);
                    bytes.sum::<usize>() <= SMALL_BYTES_MAX
                }
            }
            Self::Delete(Selection::Ids(ids)) => ids.len() <= SMALL_POINTS_MAX,
            // Filters and lists of paths, which say little about what is to be done.
            _ => false,
        }
    }
}

/// Checks a write against its collection, and brings it into the form it is logged in:
/// cosine vectors of unit length, each point once.
///
/// # Errors
/// Everything that can be wrong but the size of the log entries, which
/// [`Checked::commands`] knows. Nothing was logged.
pub fn check(config: &CollectionConfig, write: Write) -> Result<Checked, Error> {
    let grows = write.grows();
    let mut checked = match write {
        Write::Upsert(points) => upsert::check(config, points, None)?,
        Write::UpsertIf(points, condition) => upsert::check(config, points, Some(&condition))?,
        Write::Delete(points) => delete::check(points)?,
        Write::UpdateVectors(points) => vectors::check_update(config, points, None)?,
        Write::UpdateVectorsIf(points, filter) => {
            let condition = Condition { mode: UpdateMode::UpdateOnly, filter: Some(filter) };
            vectors::check_update(config, points, Some(&condition))?
        }
        Write::DeleteVectors { points, names } => vectors::check_delete(config, points, names)?,
        Write::SetPayload { points, payload, key } => {
            payload::check_set(points, &payload, key.as_ref())?
        }
        Write::OverwritePayload { points, payload } => payload::check_overwrite(points, &payload)?,
        Write::DeletePayload { points, keys } => payload::check_delete(points, &keys)?,
        Write::ClearPayload(points) => payload::check_clear(points)?,
        Write::CreateIndex { field, field_type } => {
            index::check_create(config, &field, &field_type)?
        }
        Write::DropIndex { field } => index::check_drop(&field),
        Write::CloseTenant(tenant) => tenant::check_close(tenant),
    };
    checked.grows = grows;
    Ok(checked)
}
