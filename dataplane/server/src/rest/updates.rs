//! Changes of points: vectors, payloads, and points as a whole.

use std::sync::Arc;

use vane_api::Error;
use vane_api::rest::select::PointsSelector;
use vane_api::rest::shard_key::Keyed;
use vane_api::rest::update::{
    DeletePayload, DeleteVectors, Operations, SetPayload, UpdateVectors, Upsert,
};

use super::answer::Answered;
use super::body::To;
use super::call::Call;
use crate::engine::{Collection, Write};

/// `PUT /collections/{collection}/points`.
pub(super) async fn upsert(call: Call, asked: To<Upsert>) -> Answered {
    change(call, asked, Upsert::into_write).await
}

/// `POST /collections/{collection}/points/delete`.
pub(super) async fn delete(call: Call, asked: To<PointsSelector>) -> Answered {
    change(call, asked, |points| points.into_selection().map(Write::Delete)).await
}

/// `PUT /collections/{collection}/points/vectors`.
pub(super) async fn update_vectors(call: Call, asked: To<UpdateVectors>) -> Answered {
    change(call, asked, UpdateVectors::into_write).await
}

/// `POST /collections/{collection}/points/vectors/delete`.
pub(super) async fn delete_vectors(call: Call, asked: To<DeleteVectors>) -> Answered {
    change(call, asked, DeleteVectors::into_write).await
}

/// `POST /collections/{collection}/points/payload`.
pub(super) async fn set_payload(call: Call, asked: To<SetPayload>) -> Answered {
    change(call, asked, SetPayload::into_set).await
}

/// `PUT /collections/{collection}/points/payload`.
pub(super) async fn overwrite_payload(call: Call, asked: To<SetPayload>) -> Answered {
    change(call, asked, SetPayload::into_overwrite).await
}

/// `POST /collections/{collection}/points/payload/delete`.
pub(super) async fn delete_payload(call: Call, asked: To<DeletePayload>) -> Answered {
    change(call, asked, DeletePayload::into_write).await
}

/// `POST /collections/{collection}/points/payload/clear`.
pub(super) async fn clear_payload(call: Call, asked: To<PointsSelector>) -> Answered {
    change(call, asked, |points| points.into_selection().map(Write::ClearPayload)).await
}

/// `POST /collections/{collection}/points/batch`: each operation is applied before the
/// next one begins, and one that fails ends the batch.
pub(super) async fn batch(call: Call, To(name, body): To<Operations>) -> Answered {
    let writes = body.into_writes()?;
    let collection = call.collection(&name).await?;
    let writes = call.service.each_among(&call.context, &collection, writes).await?;
    let indexes = call.service.write_batch(&call.context, writes).await?;
    let results: Vec<_> = indexes.into_iter().map(|index| call.updated(index)).collect();
    Ok(call.answer(results))
}

/// Applies the change that `read` finds in a body.
async fn change<T: Keyed>(
    call: Call,
    To(name, mut body): To<T>,
    read: impl FnOnce(T) -> Result<Write, Error>,
) -> Answered {
    let collection = call.collection_of(&name, body.take_keys()).await?;
    write(&call, collection, read(body)?).await
}

/// Applies a change and answers with its place in the log.
pub(super) async fn write(call: &Call, collection: Arc<Collection>, write: Write) -> Answered {
    let index = call.service.write(&call.context, collection, write).await?;
    Ok(call.answer(call.updated(index)))
}
