//! Payload indexes: make and drop.

use std::sync::Arc;

use vane_api::rest::index::{CreateIndex, IndexOptions, drop_index};

use super::answer::Answered;
use super::body::To;
use super::call::{Call, In};
use super::updates::write;
use crate::engine::Write;

/// `PUT /collections/{collection}/index`.
pub(super) async fn create(call: Call, To(name, body): To<CreateIndex>) -> Answered {
    let (change, options) = body.into_parts()?;
    apply(&call, &name, change, options).await
}

/// `DELETE /collections/{collection}/index/{field}`.
pub(super) async fn delete(call: Call, In((name, field)): In<(String, String)>) -> Answered {
    let (change, options) = drop_index(&field)?;
    apply(&call, &name, change, options).await
}

async fn apply(call: &Call, name: &str, change: Write, options: IndexOptions) -> Answered {
    let collection = call.collection(name).await?;
    let answer = write(call, Arc::clone(&collection), change).await?;
    // After the index, which is what was asked for: options are only told about.
    if let Some(change) = options.into_change(collection.config()) {
        call.service.update_collection(&call.context, collection, change, None).await?;
    }
    Ok(answer)
}
