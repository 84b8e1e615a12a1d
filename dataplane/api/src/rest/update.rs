//! Bodies of requests that change points.

use serde::{Deserialize, Deserializer, Serialize};
use vane_types::limits::OPERATIONS_PER_BATCH_MAX;
use vane_types::{JsonPath, LogIndex, NamedVectors, Payload, PointId};

use super::ignored;
use super::select::{PointsSelector, RawFilter, check_points, check_some, filter, selection};
use super::shard_key::{Keyed, NamedKeys, keyed};
use super::vector::{Columns, PointVectors};
use crate::engine::{Condition, NewPoint, ShardKeys, UpdateMode, Write};
use crate::error::{Error, Kind};

/// `{"points": […]}` or `{"batch": {…}}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upsert {
    points: Option<Vec<PointStruct>>,
    batch: Option<Batch>,
    update_mode: Option<Mode>,
    update_filter: Option<RawFilter>,
    shard_key: Option<NamedKeys>,
}

/// Which points are written.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Upsert,
    InsertOnly,
    UpdateOnly,
}

impl From<Mode> for UpdateMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Upsert => Self::Upsert,
            Mode::InsertOnly => Self::InsertOnly,
            Mode::UpdateOnly => Self::UpdateOnly,
        }
    }
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

keyed!(Upsert, UpdateVectors, DeleteVectors, SetPayload, DeletePayload);

impl Upsert {
    /// The change it asks for.
    ///
    /// # Errors
    ///
    /// [`Kind::Malformed`] without points or with them in both forms, [`Kind::BadRequest`] where
    /// their list is empty, [`Kind::Invalid`] where there are too many or columns differ in length,
    /// and that of a filter that is none.
    pub fn into_write(self) -> Result<Write, Error> {
        let mode = self.update_mode.map(UpdateMode::from).unwrap_or_default();
        let filter = filter(self.update_filter)?;
        let points = match (self.points, self.batch) {
            (Some(points), None) => points
                .into_iter()
                .map(|point| NewPoint {
                    id: point.id,
                    vectors: point.vector.0,
                    payload: point.payload.unwrap_or_default(),
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
        // After both forms, as each of them ends in a list of points.
        check_some(points.len())?;
        check_points("points", points.len())?;
        // Without a condition as it was before there were any.
        if mode == UpdateMode::Upsert && filter.is_none() {
            return Ok(Write::Upsert(points));
        }
        Ok(Write::UpsertIf(points, Condition { mode, filter }))
    }
}

impl Batch {
    fn into_points(self) -> Result<Vec<NewPoint>, Error> {
        let Self { ids, vectors: Columns(columns), payloads } = self;
        // Before any is taken apart: zipping drops what is too long without a word.
        for (name, column) in &columns {
            let field = if name.is_empty() {
                "batch.vectors".into()
            } else {
                format!("batch.vectors.{name}")
            };
            check_length(&field, column.len(), ids.len())?;
        }
        if let Some(payloads) = &payloads {
            check_length("batch.payloads", payloads.len(), ids.len())?;
        }
        let mut points: Vec<_> = ids
            .iter()
            .map(|id| NewPoint { id: *id, vectors: NamedVectors::new(), payload: Payload::new() })
            .collect();
        for (name, column) in columns {
            for (point, vector) in points.iter_mut().zip(column) {
                // Null is a point without this vector.
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

fn check_length(field: &str, found: usize, ids: usize) -> Result<(), Error> {
    if found == ids {
        return Ok(());
    }
    let detail = format!("has {found} entries, must have as many as there are ids, which is {ids}");
    Err(Error::invalid(field, detail))
}

/// New vectors of points that exist.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateVectors {
    points: Vec<UpdatedVectors>,
    update_filter: Option<RawFilter>,
    shard_key: Option<NamedKeys>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UpdatedVectors {
    id: PointId,
    vector: PointVectors,
    // Who has whole points sends them here as well; only vectors are asked for.
    #[serde(default, rename = "payload", deserialize_with = "passed_over")]
    _payload: (),
}

fn passed_over<'de, D: Deserializer<'de>>(json: D) -> Result<(), D::Error> {
    ignored::pass_over(json, "points[].payload")
}

impl UpdateVectors {
    /// The change it asks for.
    ///
    /// # Errors
    ///
    /// [`Kind::Invalid`] where there are no points or too many.
    pub fn into_write(self) -> Result<Write, Error> {
        // Nothing would follow from it, and whoever asked meant some.
        if self.points.is_empty() {
            return Err(Error::invalid("points", "must name at least one point"));
        }
        check_points("points", self.points.len())?;
        if let Some(place) = self.points.iter().position(|point| point.vector.0.is_empty()) {
            return Err(Error::invalid(
                format_args!("points[{place}].vector"),
                "must specify vectors to update for point",
            ));
        }
        let points = self.points.into_iter().map(|point| (point.id, point.vector.0));
        Ok(match filter(self.update_filter)? {
            None => Write::UpdateVectors(points.collect()),
            Some(filter) => Write::UpdateVectorsIf(points.collect(), filter),
        })
    }
}

/// Names of vectors to remove.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteVectors {
    points: Option<Vec<PointId>>,
    filter: Option<RawFilter>,
    vector: Vec<String>,
    shard_key: Option<NamedKeys>,
}

impl DeleteVectors {
    /// The change it asks for.
    ///
    /// # Errors
    ///
    /// As those of [`PointsSelector::into_selection`], and [`Kind::Invalid`] where no vector is
    /// named.
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
    shard_key: Option<NamedKeys>,
}

impl SetPayload {
    /// The change it asks for, as a merge.
    ///
    /// # Errors
    ///
    /// As those of [`PointsSelector::into_selection`].
    pub fn into_set(self) -> Result<Write, Error> {
        let points = selection(self.points, self.filter)?;
        Ok(Write::SetPayload { points, payload: self.payload, key: self.key })
    }

    /// The change it asks for, as a replacement.
    ///
    /// # Errors
    ///
    /// As those of [`PointsSelector::into_selection`], and [`Kind::Unsupported`] where a key is
    /// given.
    pub fn into_overwrite(self) -> Result<Write, Error> {
        // A key says where to merge, and a replacement merges nothing.
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
    shard_key: Option<NamedKeys>,
}

impl DeletePayload {
    /// The change it asks for.
    ///
    /// # Errors
    ///
    /// As those of [`PointsSelector::into_selection`].
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
    /// All the writes, in order, each with the shard keys that it names: none begins before the
    /// form of every one is right.
    ///
    /// # Errors
    ///
    /// Those of the first one that is wrong, or [`Kind::Invalid`] where there are too many.
    pub fn into_writes(self) -> Result<Vec<(Option<ShardKeys>, Write)>, Error> {
        let found = self.operations.len();
        Error::check_most("operations", found, "operations", OPERATIONS_PER_BATCH_MAX)?;
        let keyed = |mut operation: Operation| {
            let keys = operation.keyed().take_keys();
            Ok((keys, operation.into_write()?))
        };
        self.operations.into_iter().map(keyed).collect()
    }
}

impl Operation {
    fn keyed(&mut self) -> &mut dyn Keyed {
        match self {
            Self::Upsert(upsert) => upsert,
            Self::Delete(points) | Self::ClearPayload(points) => points,
            Self::SetPayload(payload) | Self::OverwritePayload(payload) => payload,
            Self::DeletePayload(keys) => keys,
            Self::UpdateVectors(vectors) => vectors,
            Self::DeleteVectors(names) => names,
        }
    }

    fn into_write(self) -> Result<Write, Error> {
        match self {
            Self::Upsert(upsert) => upsert.into_write(),
            Self::Delete(points) => points.into_selection().map(Write::Delete),
            Self::SetPayload(payload) => payload.into_set(),
            Self::OverwritePayload(payload) => payload.into_overwrite(),
            Self::DeletePayload(keys) => keys.into_write(),
            Self::ClearPayload(points) => points.into_selection().map(Write::ClearPayload),
            Self::UpdateVectors(vectors) => vectors.into_write(),
            Self::DeleteVectors(names) => names.into_write(),
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
        Self { operation_id: index.0, status: if wait { "completed" } else { "acknowledged" } }
    }
}
