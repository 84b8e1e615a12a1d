//! How much of its memory and of its disk each node may use.

use vane_api::rest::quota::{QuotaConfig, quota_status};

use super::answer::Answered;
use super::body::Json;
use super::call::Call;

/// `GET /quotas`: the quotas, and how near the members are to them.
pub(super) async fn status(call: Call) -> Answered {
    let overview = call.service.quotas(&call.context).await?;
    Ok(call.answer(quota_status(&overview)))
}

/// `PUT /quotas`: in place of those that there were.
pub(super) async fn set(call: Call, Json(body): Json<QuotaConfig>) -> Answered {
    call.service.set_quotas(&call.context, body.into_quotas()?).await?;
    Ok(call.answer(true))
}
