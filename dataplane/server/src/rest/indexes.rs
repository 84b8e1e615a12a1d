//! Payload indexes: make and drop.

use vane_api::rest::index::{CreateIndex, drop_index};

use super::answer::Answer;
use super::body::Json;
use super::call::{Call, In};
use super::error::ApiError;
use super::updates::write;

/// `PUT /collections/{collection}/index`.
pub(super) async fn create(
    call: Call,
    In(name): In<String>,
    Json(body): Json<CreateIndex>,
) -> Result<Answer, ApiError> {
    let change = body.into_write()?;
    let collection = call.collection(&name).await?;
    write(&call, collection, change).await
}

/// `DELETE /collections/{collection}/index/{field}`.
pub(super) async fn delete(
    call: Call,
    In((name, field)): In<(String, String)>,
) -> Result<Answer, ApiError> {
    let change = drop_index(&field)?;
    let collection = call.collection(&name).await?;
    write(&call, collection, change).await
}
