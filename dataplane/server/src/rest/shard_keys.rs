//! Shard keys of a collection.

use vane_api::rest::shard_key::{CreateShardKey, DeleteShardKey, shard_keys};

use super::answer::Answered;
use super::body::To;
use super::call::{Call, In};

/// `GET /collections/{collection}/shards`.
pub(super) async fn list(call: Call, In(name): In<String>) -> Answered {
    let collection = call.collection(&name).await?;
    let keys = call.service.shard_keys(&call.context, &collection).await?;
    Ok(call.answer(shard_keys(&keys)))
}

/// `PUT /collections/{collection}/shards`.
pub(super) async fn create(call: Call, To(name, body): To<CreateShardKey>) -> Answered {
    let collection = call.collection(&name).await?;
    let key = body.into_key(collection.layout())?;
    call.service.create_shard_key(&call.context, collection, key).await?;
    Ok(call.answer(true))
}

/// `POST /collections/{collection}/shards/delete`.
pub(super) async fn delete(call: Call, To(name, body): To<DeleteShardKey>) -> Answered {
    let collection = call.collection(&name).await?;
    call.service.delete_shard_key(&call.context, collection, body.into_key()).await?;
    Ok(call.answer(true))
}
