//! Bodies of requests that change points.

use serde::{Deserialize, Serialize};
use vane_types::limits::OPERATIONS_PER_BATCH_MAX;
use vane_types::{JsonPath, LogIndex, NamedVectors, Payload, PointId};

use super::Unsupported;
use super::select::{PointsSelector, RawFilter, check_points, selection};
use super::vector::{Columns, PointVectors};
use crate::engine::{NewPoint, Write};
use crate::error::{Error, Kind};

/// `{"points": […]}` or `{"batch": {…}}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upsert {
    points: Option<Vec<PointStruct>>,
    batch: Option<Batch>,
    update_mode: Option<UpdateMode>,
    #[serde(default, rename = "update_filter")]
    _update_filter: Unsupported,
    #[serde(default, rename = "shard_key")]
    _shard_key: Unsupported,
}

/// Only the mode that is the default is there.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum UpdateMode {
    Upsert,
    InsertOnly,
    UpdateOnly,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PointStruct {
    id: PointId,
    vector: PointVectors,
    payload: Option<Payload>,
}

/// Points by columns; all of them are as long as `ids`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    ids: Vec<PointId>,
    vectors: Columns,
    payloads: Option<Vec<Option<Payload>>>,
}

impl Upsert {
    pub fn into_write(self) -> Result<Write, Error> {
        match self.update_mode {
            None | Some(UpdateMode::Upsert) => {}
            Some(mode @ (UpdateMode::InsertOnly | UpdateMode::UpdateOnly)) => {
                let subject = format!("`update_mode` {mode:?}");
                return Err(Error::new(Kind::Unsupported, subject, ""));
            }
        }
        let points = match (self.points, self.batch) {
            (Some(points), None) => points
                .into_iter()
                .map(|it| NewPoint {
                    id: it.id,
                    vectors: it.vector.0,
                    payload: it.payload.unwrap_or_default(),
                })
                .collect(),
            (None, Some(batch)) => batch.into_points()?,
            (None, None) => {
                return Err(Error::malformed("either `points` or `batch` is needed"));
            }
            (Some(_), Some(_)) => {
                return Err(Error::malformed("`points` and `batch` exclude each other"));
            }
        };
        check_points("points", points.len())?;
        Ok(Write::Upsert(points))
    }
}

impl Batch {
    fn into_points(self) -> Result<Vec<NewPoint>, Error> {
        let Self { ids, vectors: Columns(columns), payloads } = self;
        let same_length = |field: &str, found: usize| {
            if found == ids.len() {
                return Ok(());
            }
            let text = format!(
                "has {found} entries, must have as many as there are ids, which is {}",
                ids.len()
            );
            Err(Error::invalid(field, text))
        };
        for (name, column) in &columns {
            let field = if name.is_empty() {
                "batch.vectors".into()
            } else {
                format!("batch.vectors.{name}")
            };
            same_length(&field, column.len())?;
        }
        payloads.as_ref().map_or(Ok(()), |it| same_length("batch.payloads", it.len()))?;
        let mut points: Vec<_> = ids
            .iter()
            .map(|id| NewPoint { id: *id, vectors: NamedVectors::new(), payload: Payload::new() })
            .collect();
        for (name, column) in columns {
            for (point, vector) in points.iter_mut().zip(column) {
                if let Some(vector) = vector {
                    point.vectors.insert(name.clone(), vector.0);
                }
            }
        }
        for (point, payload) in points.iter_mut().zip(payloads.into_iter().flatten()) {
            point.payload = payload.unwrap_or_default();
        }
        Ok(points)
    }
}

/// New vectors of points that exist.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateVectors {
    points: Vec<UpdatedVectors>,
    #[serde(default, rename = "update_filter")]
    _update_filter: Unsupported,
    #[serde(default, rename = "shard_key")]
    _shard_key: Unsupported,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UpdatedVectors {
    id: PointId,
    vector: PointVectors,
}

impl UpdateVectors {
    pub fn into_write(self) -> Result<Write, Error> {
        if self.points.is_empty() {
            return Err(Error::invalid("points", "must name at least one point"));
        }
        check_points("points", self.points.len())?;
        Ok(Write::UpdateVectors(self.points.into_iter().map(|it| (it.id, it.vector.0)).collect()))
    }
}

/// Names of vectors to remove.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteVectors {
    points: Option<Vec<PointId>>,
    filter: Option<RawFilter>,
    vector: Vec<String>,
    #[serde(default, rename = "shard_key")]
    _shard_key: Unsupported,
}

impl DeleteVectors {
    pub fn into_write(self) -> Result<Write, Error> {
        if self.vector.is_empty() {
            return Err(Error::invalid("vector", "must name at least one vector"));
        }
        Ok(Write::DeleteVectors {
            points: selection(self.points, self.filter)?,
            names: self.vector,
        })
    }
}

/// Payload to merge, or to put in place of what is there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetPayload {
    payload: Payload,
    points: Option<Vec<PointId>>,
    filter: Option<RawFilter>,
    key: Option<JsonPath>,
    #[serde(default, rename = "shard_key")]
    _shard_key: Unsupported,
}

impl SetPayload {
    pub fn into_set(self) -> Result<Write, Error> {
        let points = selection(self.points, self.filter)?;
        Ok(Write::SetPayload { points, payload: self.payload, key: self.key })
    }

    pub fn into_overwrite(self) -> Result<Write, Error> {
        if self.key.is_some() {
            let subject = "`key` of an overwrite";
            return Err(Error::new(Kind::Unsupported, subject, "set the payload"));
        }
        Ok(Write::OverwritePayload {
            points: selection(self.points, self.filter)?,
            payload: self.payload,
        })
    }
}

/// Payload keys to remove.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeletePayload {
    keys: Vec<JsonPath>,
    points: Option<Vec<PointId>>,
    filter: Option<RawFilter>,
    #[serde(default, rename = "shard_key")]
    _shard_key: Unsupported,
}

impl DeletePayload {
    pub fn into_write(self) -> Result<Write, Error> {
        Ok(Write::DeletePayload { points: selection(self.points, self.filter)?, keys: self.keys })
    }
}

/// `{"operations": […]}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operations {
    operations: Vec<Operation>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Operation {
    Upsert(Upsert),
    Delete(PointsSelector),
    SetPayload(SetPayload),
    OverwritePayload(SetPayload),
    DeletePayload(DeletePayload),
    ClearPayload(PointsSelector),
    UpdateVectors(UpdateVectors),
    DeleteVectors(DeleteVectors),
}

impl Operations {
    /// All the writes, in order: none begins before the form of every one is right.
    pub fn into_writes(self) -> Result<Vec<Write>, Error> {
        let operations = self.operations;
        if operations.len() > OPERATIONS_PER_BATCH_MAX {
            let found = operations.len();
            return Err(Error::too_many(
                "operations",
                found,
                "operations",
                OPERATIONS_PER_BATCH_MAX,
            ));
        }
        operations.into_iter().map(Operation::into_write).collect()
    }
}

impl Operation {
    fn into_write(self) -> Result<Write, Error> {
        match self {
            Self::Upsert(it) => it.into_write(),
            Self::Delete(it) => it.into_selection().map(Write::Delete),
            Self::SetPayload(it) => it.into_set(),
            Self::OverwritePayload(it) => it.into_overwrite(),
            Self::DeletePayload(it) => it.into_write(),
            Self::ClearPayload(it) => it.into_selection().map(Write::ClearPayload),
            Self::UpdateVectors(it) => it.into_write(),
            Self::DeleteVectors(it) => it.into_write(),
        }
    }
}

/// What a change of points answers.
#[derive(Debug, Serialize)]
pub struct UpdateResult {
    operation_id: u64,
    status: &'static str,
}

impl UpdateResult {
    /// Of a change that was applied as entry `index`. A client that did not ask to `wait` is told
    /// another word, though its change can be seen as well.
    pub fn new(index: LogIndex, wait: bool) -> Self {
        Self { operation_id: index, status: if wait { "completed" } else { "acknowledged" } }
    }
}
