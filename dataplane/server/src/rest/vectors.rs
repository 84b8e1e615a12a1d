//! Vectors of a collection: added and removed.

use vane_api::rest::collection::{CreateVector, check_vector_name};

use super::answer::Answered;
use super::body::Json;
use super::call::{Call, In};

/// `PUT /collections/{collection}/vectors/{vector}`.
pub(super) async fn add(
    call: Call,
    In((name, vector)): In<(String, String)>,
    Json(body): Json<CreateVector>,
) -> Answered {
    check_vector_name(&vector)?;
    let wanted = body.into_vector()?;
    let collection = call.collection(&name).await?;
    let index = call.service.add_vector(&call.context, collection, vector, wanted).await?;
    Ok(call.answer(call.updated(index)))
}

/// `DELETE /collections/{collection}/vectors/{vector}`.
pub(super) async fn remove(call: Call, In((name, vector)): In<(String, String)>) -> Answered {
    check_vector_name(&vector)?;
    let collection = call.collection(&name).await?;
    let index = call.service.remove_vector(&call.context, collection, vector, None).await?;
    Ok(call.answer(call.updated(index)))
}
