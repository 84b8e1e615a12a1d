//! Aliases: other names of collections.

use vane_api::rest::alias::{Changes, alias_list};

use super::answer::Answered;
use super::body::Json;
use super::call::{Call, In};

/// `POST /collections/aliases`: all of the changes or none.
pub(super) async fn change(call: Call, Json(body): Json<Changes>) -> Answered {
    call.service.change_aliases(&call.context, body.into_changes()?).await?;
    Ok(call.answer(true))
}

/// `GET /aliases`.
pub(super) async fn list(call: Call) -> Answered {
    let aliases = call.service.aliases(&call.context).await?;
    Ok(call.answer(alias_list(aliases)))
}

/// `GET /collections/{collection}/aliases`.
pub(super) async fn of_collection(call: Call, In(name): In<String>) -> Answered {
    let collection = call.collection(&name).await?;
    let aliases = call.service.aliases(&call.context).await?.into_iter();
    Ok(call.answer(alias_list(aliases.filter(|(_, named)| named == collection.name()))))
}
