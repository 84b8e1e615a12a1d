//! Collections: list, look at, make, change, delete.

use serde::Deserialize;
use serde_json::json;
use vane_api::rest::cluster::collection_cluster;
use vane_api::rest::collection::{CreateCollection, UpdateCollection};
use vane_api::rest::info::collection_info;
use vane_api::rest::memory::memory;
use vane_api::rest::optimizations::{Parts, optimizations};

use super::answer::Answered;
use super::body::To;
use super::call::{Asked, Call, In};

/// `GET /collections`.
pub(super) async fn list(call: Call) -> Answered {
    let names = call.service.collection_names(&call.context).await?;
    let collections: Vec<_> = names.into_iter().map(|name| json!({ "name": name })).collect();
    Ok(call.answer(json!({ "collections": collections })))
}

/// `GET /collections/{collection}`.
pub(super) async fn info(call: Call, In(name): In<String>) -> Answered {
    let collection = call.collection(&name).await?;
    let info = call.service.collection_info(&call.context, &collection).await?;
    Ok(call.answer(collection_info(collection.config(), collection.layout(), &info)))
}

/// `GET /collections/{collection}/exists`.
pub(super) async fn exists(call: Call, In(name): In<String>) -> Answered {
    let exists = call.service.collection_exists(&call.context, &name).await?;
    Ok(call.answer(json!({ "exists": exists })))
}

/// `PUT /collections/{collection}`.
pub(super) async fn create(call: Call, To(name, body): To<CreateCollection>) -> Answered {
    let wanted = body.into_parts()?;
    // No key: REST has no way to tell a repeated call from a second one.
    call.service.create_collection(&call.context, name, wanted, String::new()).await?;
    Ok(call.answer(true))
}

/// `PATCH /collections/{collection}`.
pub(super) async fn update(call: Call, To(name, body): To<UpdateCollection>) -> Answered {
    let collection = call.collection(&name).await?;
    let layout = body.layout_change(collection.layout())?;
    let change = body.into_change(collection.config())?;
    call.service.update_collection(&call.context, collection, change, layout).await?;
    Ok(call.answer(true))
}

/// `DELETE /collections/{collection}`; `false` when there was none.
pub(super) async fn delete(call: Call, In(name): In<String>) -> Answered {
    let existed = call.service.delete_collection(&call.context, name, String::new()).await?;
    Ok(call.answer(existed))
}

/// What is wanted beside the jobs that run.
#[derive(Debug, Default, Deserialize)]
pub(super) struct JobParts {
    with: Option<String>,
    completed_limit: Option<usize>,
}

/// `GET /collections/{collection}/optimizations`: what its background jobs are at.
pub(super) async fn jobs(
    Asked(parts): Asked<JobParts>,
    call: Call,
    In(name): In<String>,
) -> Answered {
    let parts = Parts::of(parts.with.as_deref(), parts.completed_limit)?;
    let collection = call.collection(&name).await?;
    let ended = parts.ended.unwrap_or_default();
    let jobs = call.service.jobs(&call.context, &collection, ended).await?;
    Ok(call.answer(optimizations(&jobs, parts)))
}

/// `GET /collections/{collection}/memory`: what it takes on this node.
pub(super) async fn usage(call: Call, In(name): In<String>) -> Answered {
    let collection = call.collection(&name).await?;
    let usage = call.service.usage(&call.context, &collection).await?;
    Ok(call.answer(memory(&usage)))
}

/// `GET /collections/{collection}/cluster`: where its shards are.
pub(super) async fn cluster(call: Call, In(name): In<String>) -> Answered {
    let collection = call.collection(&name).await?;
    let node = call.service.member()?.node_id();
    let places = call.service.replica_places(&call.context, collection).await?;
    let is_silent = |node| places.silent.contains(&node);
    Ok(call.answer(collection_cluster(node, &places.shards, &places.points, is_silent)))
}
