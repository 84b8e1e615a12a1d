//! Changes of points: vectors, payloads, and points as a whole.

use std::sync::Arc;

use vane_api::rest::select::PointsSelector;
use vane_api::rest::update::{
    DeletePayload, DeleteVectors, Operations, SetPayload, UpdateVectors, Upsert,
};

use super::answer::Answer;
use super::body::Json;
use super::call::{Call, In};
use super::error::ApiError;
use crate::engine::{Collection, Write};

/// `PUT /collections/{collection}/points`.
pub(super) async fn upsert(
    call: Call,
    In(name): In<String>,
    Json(body): Json<Upsert>,
) -> Result<Answer, ApiError> {
    let collection = call.collection(&name).await?;
    write(&call, collection, body.into_write()?).await
}

/// `POST /collections/{collection}/points/delete`.
pub(super) async fn delete(
    call: Call,
    In(name): In<String>,
    Json(body): Json<PointsSelector>,
) -> Result<Answer, ApiError> {
    let collection = call.collection(&name).await?;
    write(&call, collection, Write::Delete(body.into_selection()?)).await
}

/// `PUT /collections/{collection}/points/vectors`.
pub(super) async fn update_vectors(
    call: Call,
    In(name): In<String>,
    Json(body): Json<UpdateVectors>,
) -> Result<Answer, ApiError> {
    let collection = call.collection(&name).await?;
    write(&call, collection, body.into_write()?).await
}

/// `POST /collections/{collection}/points/vectors/delete`.
pub(super) async fn delete_vectors(
    call: Call,
    In(name): In<String>,
    Json(body): Json<DeleteVectors>,
) -> Result<Answer, ApiError> {
    let collection = call.collection(&name).await?;
    write(&call, collection, body.into_write()?).await
}

/// `POST /collections/{collection}/points/payload`.
pub(super) async fn set_payload(
    call: Call,
    In(name): In<String>,
    Json(body): Json<SetPayload>,
) -> Result<Answer, ApiError> {
    let collection = call.collection(&name).await?;
    write(&call, collection, body.into_set()?).await
}

/// `PUT /collections/{collection}/points/payload`.
pub(super) async fn overwrite_payload(
    call: Call,
    In(name): In<String>,
    Json(body): Json<SetPayload>,
) -> Result<Answer, ApiError> {
    let collection = call.collection(&name).await?;
    write(&call, collection, body.into_overwrite()?).await
}

/// `POST /collections/{collection}/points/payload/delete`.
pub(super) async fn delete_payload(
    call: Call,
    In(name): In<String>,
    Json(body): Json<DeletePayload>,
) -> Result<Answer, ApiError> {
    let collection = call.collection(&name).await?;
    write(&call, collection, body.into_write()?).await
}

/// `POST /collections/{collection}/points/payload/clear`.
pub(super) async fn clear_payload(
    call: Call,
    In(name): In<String>,
    Json(body): Json<PointsSelector>,
) -> Result<Answer, ApiError> {
    let collection = call.collection(&name).await?;
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
    let collection = call.collection(&name).await?;
    let indexes = call.service.write_batch(&call.context, collection, writes).await?;
    let results: Vec<_> = indexes.into_iter().map(|index| call.updated(index)).collect();
    Ok(call.answer(results))
}

/// Applies a change and answers with its place in the log.
pub(super) async fn write(
    call: &Call,
    collection: Arc<Collection>,
    write: Write,
) -> Result<Answer, ApiError> {
    let index = call.service.write(&call.context, collection, write).await?;
    Ok(call.answer(call.updated(index)))
}
