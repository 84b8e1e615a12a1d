//! Collections: list, look at, make, change, delete.

use serde_json::json;
use vane_cluster::Error;

use super::answer::Answer;
use super::body::Json;
use super::call::{Call, In};
use super::error::ApiError;
use super::wire::collection::{CreateCollection, UpdateCollection};
use super::wire::info::collection_info;

/// `GET /collections`.
pub(super) async fn list(call: Call) -> Answer {
    let names = call.node.cluster.collection_names();
    let collections: Vec<_> = names.into_iter().map(|name| json!({ "name": name })).collect();
    call.answer(json!({ "collections": collections }))
}

/// `GET /collections/{collection}`.
pub(super) async fn info(call: Call, In(name): In<String>) -> Result<Answer, ApiError> {
    let collection = call.collection(&name)?;
    // It counts vectors, which takes a while in a large collection.
    let looked = tokio::task::spawn_blocking(move || collection_info(&collection.config(), &collection.info())).await;
    let info = looked.map_err(|e| ApiError::internal(format!("the collection could not be looked at: {e}")))?;
    Ok(call.answer(info))
}

/// `GET /collections/{collection}/exists`.
pub(super) async fn exists(call: Call, In(name): In<String>) -> Answer {
    // One that cannot be opened at the moment is there all the same.
    let exists = !matches!(call.node.cluster.collection(&name), Err(Error::NotFound(_)));
    call.answer(json!({ "exists": exists }))
}

/// `PUT /collections/{collection}`.
pub(super) async fn create(
    call: Call,
    In(name): In<String>,
    Json(body): Json<CreateCollection>,
) -> Result<Answer, ApiError> {
    let config = body.into_config()?;
    let (cluster, timeout) = (call.node.cluster.clone(), call.timeout);
    Call::to_the_end(async move { Ok(cluster.create_collection(&name, config, timeout).await?) }).await?;
    Ok(call.answer(true))
}

/// `PATCH /collections/{collection}`.
pub(super) async fn update(
    call: Call,
    In(name): In<String>,
    Json(body): Json<UpdateCollection>,
) -> Result<Answer, ApiError> {
    let collection = call.collection(&name)?;
    let change = body.into_change(&collection.config())?;
    let (cluster, timeout) = (call.node.cluster.clone(), call.timeout);
    let update = async move { Ok(cluster.update_collection(collection.name(), change, timeout).await?) };
    Call::to_the_end(update).await?;
    Ok(call.answer(true))
}

/// `DELETE /collections/{collection}`; `false` when there was none.
pub(super) async fn delete(call: Call, In(name): In<String>) -> Result<Answer, ApiError> {
    let (cluster, timeout) = (call.node.cluster.clone(), call.timeout);
    let delete = async move { Ok(cluster.delete_collection(&name, timeout).await?) };
    let existed = Call::to_the_end(delete).await?;
    Ok(call.answer(existed))
}
