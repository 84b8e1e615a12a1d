//! Points counted by their values, and compared with each other.

use vane_api::rest::facet::{FacetRequest, Hits};
use vane_api::rest::matrix::{MatrixRequest, Offsets, Pairs};
use vane_api::rest::shard_key::Keyed;

use super::answer::Answered;
use super::body::Ask;
use super::call::Call;
use super::error::ApiError;
use crate::engine::MatrixRow;

/// `POST /collections/{collection}/facet`.
pub(super) async fn facet(call: Call, Ask(name, mut body): Ask<FacetRequest>) -> Answered {
    let named = body.take_keys();
    let asked = body.into_parts()?;
    let collection = call.collection_of(&name, named).await?;
    let hits = call.service.facet(&call.context, &collection, asked).await?;
    Ok(call.answer(Hits(&hits)))
}

/// `POST /collections/{collection}/points/search/matrix/pairs`.
pub(super) async fn pairs(call: Call, Ask(name, body): Ask<MatrixRequest>) -> Answered {
    let rows = matrix(&call, &name, body).await?;
    Ok(call.answer(Pairs::of(&rows)))
}

/// `POST /collections/{collection}/points/search/matrix/offsets`.
pub(super) async fn offsets(call: Call, Ask(name, body): Ask<MatrixRequest>) -> Answered {
    let rows = matrix(&call, &name, body).await?;
    Ok(call.answer(Offsets::of(&rows)))
}

async fn matrix(
    call: &Call,
    name: &str,
    mut body: MatrixRequest,
) -> Result<Vec<MatrixRow>, ApiError> {
    let named = body.take_keys();
    let asked = body.into_matrix()?;
    let collection = call.collection_of(name, named).await?;
    Ok(call.service.matrix(&call.context, &collection, asked).await?)
}
