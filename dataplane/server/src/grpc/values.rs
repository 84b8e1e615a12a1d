//! Points counted by their values, and compared with each other.

use tonic::Request;
use vane_api::grpc::counted;
use vane_api::rest::shard_key::Keyed;
use vane_wire::qdrant::{FacetCounts, FacetResponse, SearchMatrixPoints};

use super::call::{Answered, Call};
use super::error::Failed;
use crate::engine::MatrixRow;
use crate::state::AppState;

/// How many points have each value of a field.
pub(super) async fn facet(
    state: &AppState,
    request: Request<FacetCounts>,
) -> Answered<FacetResponse> {
    let (call, message) = Call::of(state, request)?;
    let mut body = call.read(message).await?;
    let named = body.take_keys();
    let asked = body.into_parts()?;
    let collection = call.collection(named.as_ref()).await?;
    let hits = counted(&call.service.facet(&call.context, &collection, asked).await?);
    call.answer(FacetResponse { hits, time: call.seconds(), usage: None })
}

/// How near some points are to each other.
pub(super) async fn matrix(
    state: &AppState,
    request: Request<SearchMatrixPoints>,
) -> Result<(Call, Vec<MatrixRow>), Failed> {
    let (call, message) = Call::of(state, request)?;
    let mut body = call.read(message).await?;
    let named = body.take_keys();
    let asked = body.into_matrix()?;
    let collection = call.collection(named.as_ref()).await?;
    let rows = call.service.matrix(&call.context, &collection, asked).await?;
    Ok((call, rows))
}
