//! Changes of points: vectors, payloads, and points as a whole.

use std::sync::Arc;
use std::time::Instant;

use vane_cluster::{Collection, Terms, Write};

use super::answer::Answer;
use super::body::Json;
use super::call::{Call, In};
use super::error::ApiError;
use super::queries::count;
use crate::metric_definitions::{Metrics, Work};
use crate::node::Node;
use vane_api::Error;
use vane_api::rest::select::PointsSelector;
use vane_api::rest::update::{
    DeletePayload, DeleteVectors, Operations, SetPayload, UpdateVectors, Upsert,
};

/// `PUT /collections/{collection}/points`.
pub(super) async fn upsert(
    call: Call,
    In(name): In<String>,
    Json(body): Json<Upsert>,
) -> Result<Answer, ApiError> {
    let collection = call.collection(&name)?;
    write(&call, collection, body.into_write()?).await
}

/// `POST /collections/{collection}/points/delete`.
pub(super) async fn delete(
    call: Call,
    In(name): In<String>,
    Json(body): Json<PointsSelector>,
) -> Result<Answer, ApiError> {
    let collection = call.collection(&name)?;
    write(&call, collection, Write::Delete(body.into_selection()?)).await
}

/// `PUT /collections/{collection}/points/vectors`.
pub(super) async fn update_vectors(
    call: Call,
    In(name): In<String>,
    Json(body): Json<UpdateVectors>,
) -> Result<Answer, ApiError> {
    let collection = call.collection(&name)?;
    write(&call, collection, body.into_write()?).await
}

/// `POST /collections/{collection}/points/vectors/delete`.
pub(super) async fn delete_vectors(
    call: Call,
    In(name): In<String>,
    Json(body): Json<DeleteVectors>,
) -> Result<Answer, ApiError> {
    let collection = call.collection(&name)?;
    write(&call, collection, body.into_write()?).await
}

/// `POST /collections/{collection}/points/payload`.
pub(super) async fn set_payload(
    call: Call,
    In(name): In<String>,
    Json(body): Json<SetPayload>,
) -> Result<Answer, ApiError> {
    let collection = call.collection(&name)?;
    write(&call, collection, body.into_set()?).await
}

/// `PUT /collections/{collection}/points/payload`.
pub(super) async fn overwrite_payload(
    call: Call,
    In(name): In<String>,
    Json(body): Json<SetPayload>,
) -> Result<Answer, ApiError> {
    let collection = call.collection(&name)?;
    write(&call, collection, body.into_overwrite()?).await
}

/// `POST /collections/{collection}/points/payload/delete`.
pub(super) async fn delete_payload(
    call: Call,
    In(name): In<String>,
    Json(body): Json<DeletePayload>,
) -> Result<Answer, ApiError> {
    let collection = call.collection(&name)?;
    write(&call, collection, body.into_write()?).await
}

/// `POST /collections/{collection}/points/payload/clear`.
pub(super) async fn clear_payload(
    call: Call,
    In(name): In<String>,
    Json(body): Json<PointsSelector>,
) -> Result<Answer, ApiError> {
    let collection = call.collection(&name)?;
    write(&call, collection, Write::ClearPayload(body.into_selection()?)).await
}

/// `POST /collections/{collection}/points/batch`: each operation is applied before the
/// next one begins, and one that fails ends the batch.
pub(super) async fn batch(
    call: Call,
    In(name): In<String>,
    Json(body): Json<Operations>,
) -> Result<Answer, ApiError> {
    let writes = body.into_writes()?;
    let collection = call.collection(&name)?;
    for (i, write) in writes.iter().enumerate() {
        let checked = collection.check(write).map_err(Error::from);
        checked.map_err(|error| {
            error.with_remark(format_args!("operations[{i}]; no operation was begun"))
        })?;
    }
    let (node, terms) = (Arc::clone(&call.node), call.terms());
    let indexes = call
        .to_the_end(async move {
            let mut indexes = Vec::with_capacity(writes.len());
            for (i, write) in writes.into_iter().enumerate() {
                let applied = run(&node, &collection, write, terms.clone()).await;
                indexes.push(applied.map_err(|error| in_batch(error.into(), i))?);
            }
            Ok(indexes)
        })
        .await?;
    let results: Vec<_> = indexes.into_iter().map(|it| call.updated(it)).collect();
    Ok(call.answer(results))
}

/// Says which operation failed and what became of the others.
fn in_batch(error: Error, i: usize) -> Error {
    let before = match i {
        0 => "no operation was applied before it".to_owned(),
        1 => "the operation before it was applied".to_owned(),
        _ => format!("the {i} operations before it were applied"),
    };
    error.with_remark(format_args!("operations[{i}]; {before}, those after it were not begun"))
}

/// Applies a change and answers with its place in the log.
pub(super) async fn write(
    call: &Call,
    collection: Arc<Collection>,
    write: Write,
) -> Result<Answer, ApiError> {
    let (node, terms) = (Arc::clone(&call.node), call.terms());
    let run = async move { Ok(run(&node, &collection, write, terms).await?) };
    let index = call.to_the_end(run).await?;
    Ok(call.answer(call.updated(index)))
}

async fn run(
    node: &Node,
    collection: &Collection,
    write: Write,
    terms: Terms,
) -> Result<u64, vane_cluster::Error> {
    let (started, kind) = (Instant::now(), kind(&write));
    let applied = collection.write(write, terms).await;
    if let Some(kind) = kind {
        count(kind(&node.metrics), started, applied.is_err());
    }
    applied
}

/// Which metrics a change belongs to, if any.
fn kind(write: &Write) -> Option<fn(&Metrics) -> &Work> {
    match write {
        Write::Upsert(_) | Write::UpdateVectors(_) => Some(|it| &it.inserts),
        Write::Delete(_) | Write::DeleteVectors { .. } => Some(|it| &it.deletes),
        Write::SetPayload { .. }
        | Write::OverwritePayload { .. }
        | Write::DeletePayload { .. }
        | Write::ClearPayload(_)
        | Write::CreateIndex { .. }
        | Write::DropIndex { .. } => None,
    }
}
