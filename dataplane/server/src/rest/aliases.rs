//! Aliases: other names of collections.

use super::answer::Answer;
use super::body::Json;
use super::call::{Call, In};
use super::error::ApiError;
use vane_api::rest::alias::{Changes, alias_list};

/// `POST /collections/aliases`: all of the changes or none.
pub(super) async fn change(call: Call, Json(body): Json<Changes>) -> Result<Answer, ApiError> {
    let changes = body.into_changes()?;
    let (cluster, timeout) = (call.cluster()?, call.timeout);
    call.to_the_end(async move { Ok(cluster.change_aliases(changes, timeout).await?) }).await?;
    Ok(call.answer(true))
}

/// `GET /aliases`.
pub(super) async fn list(call: Call) -> Result<Answer, ApiError> {
    Ok(call.answer(alias_list(call.cluster()?.aliases())))
}

/// `GET /collections/{collection}/aliases`.
pub(super) async fn of_collection(call: Call, In(name): In<String>) -> Result<Answer, ApiError> {
    let collection = call.collection(&name)?;
    let aliases = call.cluster()?.aliases().into_iter();
    Ok(call.answer(alias_list(aliases.filter(|(_, named)| named == collection.name()))))
}
