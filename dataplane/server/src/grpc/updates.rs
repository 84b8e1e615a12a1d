//! Changes of points.

use std::sync::Arc;

use tonic::Request;
use vane_api::Error;
use vane_api::grpc::{Form, Termed};
use vane_api::rest::collection::check_vector_name;
use vane_api::rest::index::drop_index;
use vane_api::rest::shard_key::Keyed;
use vane_wire::qdrant::{
    CreateFieldIndexCollection, CreateVectorNameRequest, DeleteFieldIndexCollection,
    DeleteVectorNameRequest, PointsOperationResponse, UpdateBatchPoints, UpdateBatchResponse,
};

use super::call::{Answered, Call};
use crate::engine::{LayoutChange, Write};
use crate::state::AppState;

/// Applies the change that `read` finds in a message.
pub(super) async fn change<M>(
    state: &AppState,
    request: Request<M>,
    read: impl FnOnce(M::Body) -> Result<Write, Error>,
) -> Answered<PointsOperationResponse>
where
    M: Form + Termed + Send + 'static,
    M::Body: Keyed + Send + 'static,
{
    let (call, message) = Call::of(state, request)?;
    let mut body = call.read(message).await?;
    let collection = call.collection(body.take_keys().as_ref()).await?;
    let index = call.service.write(&call.context, collection, read(body)?).await?;
    call.updated(call.result(index))
}

/// Each operation is applied before the next one begins, and one that fails ends the batch.
pub(super) async fn batch(
    state: &AppState,
    request: Request<UpdateBatchPoints>,
) -> Answered<UpdateBatchResponse> {
    let (call, message) = Call::of(state, request)?;
    let writes = call.read(message).await?.into_writes()?;
    let collection = call.collection(None).await?;
    let writes = call.service.each_among(&call.context, &collection, writes).await?;
    let indexes = call.service.write_batch(&call.context, writes).await?;
    let result = indexes.into_iter().map(|index| call.result(index)).collect();
    call.answer(UpdateBatchResponse { result, time: call.seconds(), usage: None })
}

/// Makes a payload index. Who waits is answered once it is whole, as over REST.
pub(super) async fn create_index(
    state: &AppState,
    request: Request<CreateFieldIndexCollection>,
) -> Answered<PointsOperationResponse> {
    let (call, message) = Call::of(state, request)?;
    let (write, options) = call.read(message).await?.into_parts()?;
    let collection = call.collection(None).await?;
    let change = options.into_change(collection.config());
    let (index, is_whole) =
        call.service.make_index(&call.context, collection, write, change, call.wait).await?;
    call.updated(vane_api::grpc::updated(index, is_whole))
}

/// Drops a payload index.
pub(super) async fn drop_field_index(
    state: &AppState,
    request: Request<DeleteFieldIndexCollection>,
) -> Answered<PointsOperationResponse> {
    let (call, message) = Call::of(state, request)?;
    let (write, options) = drop_index(&message.field_name)?;
    let collection = call.collection(None).await?;
    let index = call.service.write(&call.context, Arc::clone(&collection), write).await?;
    // After the index, which is what was asked for: options are only told about.
    if let Some(change) = options.into_change(collection.config()) {
        let layout = LayoutChange::default();
        call.service.update_collection(&call.context, collection, change, layout).await?;
    }
    call.updated(call.result(index))
}

/// Gives a collection a vector.
pub(super) async fn add_vector(
    state: &AppState,
    request: Request<CreateVectorNameRequest>,
) -> Answered<PointsOperationResponse> {
    let (call, mut message) = Call::of(state, request)?;
    let vector = std::mem::take(&mut message.vector_name);
    check_vector_name(&vector)?;
    let wanted = call.read(message).await?.into_vector()?;
    let collection = call.collection(None).await?;
    let index = call.service.add_vector(&call.context, collection, vector, wanted).await?;
    call.updated(call.result(index))
}

/// Takes a vector of a collection away.
pub(super) async fn remove_vector(
    state: &AppState,
    request: Request<DeleteVectorNameRequest>,
) -> Answered<PointsOperationResponse> {
    let (call, message) = Call::of(state, request)?;
    check_vector_name(&message.vector_name)?;
    let collection = call.collection(None).await?;
    let vector = message.vector_name;
    let index = call.service.remove_vector(&call.context, collection, vector, None).await?;
    call.updated(call.result(index))
}
