//! Payload indexes: make and drop.

use std::sync::Arc;

use vane_api::rest::index::{CreateIndex, drop_index};
use vane_api::rest::update::UpdateResult;

use super::answer::Answered;
use super::body::To;
use super::call::{Call, In};
use super::updates::write;
use crate::engine::LayoutChange;

/// `PUT /collections/{collection}/index`. Who waits is answered once the leaders have all points
/// in it, or, before the time is up, that it is acknowledged: it is used as soon as it is whole.
pub(super) async fn create(call: Call, To(name, body): To<CreateIndex>) -> Answered {
    let (write, options) = body.into_parts()?;
    let collection = call.collection(&name).await?;
    let change = options.into_change(collection.config());
    let (index, is_whole) =
        call.service.make_index(&call.context, collection, write, change, call.wait).await?;
    Ok(call.answer(UpdateResult::new(index, is_whole)))
}

/// `DELETE /collections/{collection}/index/{field}`.
pub(super) async fn delete(call: Call, In((name, field)): In<(String, String)>) -> Answered {
    let (change, options) = drop_index(&field)?;
    let collection = call.collection(&name).await?;
    let answer = write(&call, Arc::clone(&collection), change).await?;
    // After the index, which is what was asked for: options are only told about.
    if let Some(change) = options.into_change(collection.config()) {
        let layout = LayoutChange::default();
        call.service.update_collection(&call.context, collection, change, layout).await?;
    }
    Ok(answer)
}
