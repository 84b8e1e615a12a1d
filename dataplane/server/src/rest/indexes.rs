//! Payload indexes: make and drop.

use vane_api::rest::index::{CreateIndex, drop_index};

use super::answer::Answered;
use super::body::To;
use super::call::{Call, In};
use super::updates::write;

/// `PUT /collections/{collection}/index`.
pub(super) async fn create(call: Call, To(name, body): To<CreateIndex>) -> Answered {
    let change = body.into_write()?;
    let collection = call.collection(&name).await?;
    write(&call, collection, change).await
}

/// `DELETE /collections/{collection}/index/{field}`.
pub(super) async fn delete(call: Call, In((name, field)): In<(String, String)>) -> Answered {
    let change = drop_index(&field)?;
    let collection = call.collection(&name).await?;
    write(&call, collection, change).await
}
