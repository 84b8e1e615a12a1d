//! Collections: list, look at, make, change, delete.

use serde_json::json;

use super::answer::Answer;
use super::body::Json;
use super::call::{Call, In};
use super::error::ApiError;
use vane_api::Error;
use vane_api::rest::collection::{CreateCollection, UpdateCollection};
use vane_api::rest::info::collection_info;

/// `GET /collections`.
pub(super) async fn list(call: Call) -> Result<Answer, ApiError> {
    let names = call.cluster()?.collection_names();
    let collections: Vec<_> = names.into_iter().map(|name| json!({ "name": name })).collect();
    Ok(call.answer(json!({ "collections": collections })))
}

/// `GET /collections/{collection}`.
pub(super) async fn info(call: Call, In(name): In<String>) -> Result<Answer, ApiError> {
    let collection = call.collection(&name)?;
    let info = collection.info(call.terms()).await?;
    Ok(call.answer(collection_info(&collection.config(), collection.spread(), &info)))
}

/// `GET /collections/{collection}/exists`.
pub(super) async fn exists(call: Call, In(name): In<String>) -> Result<Answer, ApiError> {
    let exists =
        !matches!(call.cluster()?.collection(&name), Err(vane_cluster::Error::NotFound(_)));
    Ok(call.answer(json!({ "exists": exists })))
}

/// `PUT /collections/{collection}`.
pub(super) async fn create(
    call: Call,
    In(name): In<String>,
    Json(body): Json<CreateCollection>,
) -> Result<Answer, ApiError> {
    let (config, spread) = body.into_parts()?;
    let (cluster, timeout) = (call.cluster()?, call.timeout);
    call.to_the_end(async move {
        Ok(cluster.create_collection(&name, config, spread, "", timeout).await?)
    })
    .await?;
    Ok(call.answer(true))
}

/// `PATCH /collections/{collection}`.
pub(super) async fn update(
    call: Call,
    In(name): In<String>,
    Json(body): Json<UpdateCollection>,
) -> Result<Answer, ApiError> {
    let collection = call.collection(&name)?;
    let factor = body.write_consistency_factor(collection.spread())?;
    let change = body.into_change(&collection.config())?;
    let (cluster, timeout) = (call.cluster()?, call.timeout);
    let update = async move {
        Ok(cluster.update_collection(collection.name(), change, factor, timeout).await?)
    };
    call.to_the_end(update).await?;
    Ok(call.answer(true))
}

/// `DELETE /collections/{collection}`; `false` when there was none.
pub(super) async fn delete(call: Call, In(name): In<String>) -> Result<Answer, ApiError> {
    let (cluster, timeout) = (call.cluster()?, call.timeout);
    let delete = async move { Ok(cluster.delete_collection(&name, "", timeout).await?) };
    let existed = call.to_the_end(delete).await?;
    Ok(call.answer(existed))
}

/// `GET /collections/{collection}/cluster`: where its shards are.
pub(super) async fn cluster(call: Call, In(name): In<String>) -> Result<Answer, ApiError> {
    let collection = call.collection(&name)?;
    let me = collection.node_id();
    let (mut local, mut remote) = (Vec::new(), Vec::new());
    let looked =
        tokio::task::spawn_blocking(move || (collection.replicas(), collection.spread())).await;
    let (replicas, spread) =
        looked.map_err(|e| Error::internal(format!("the shards could not be looked at: {e}")))?;
    for (shard, node, points) in replicas {
        match points {
            Some(points) => {
                local.push(json!({ "shard_id": shard, "points_count": points, "state": "Active" }))
            }
            None => remote.push(json!({ "shard_id": shard, "peer_id": node, "state": "Active" })),
        }
    }
    Ok(call.answer(json!({
        "peer_id": me,
        "shard_count": spread.shards,
        "local_shards": local,
        "remote_shards": remote,
        "shard_transfers": [],
    })))
}
