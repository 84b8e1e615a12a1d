//! The cluster: replicas of a collection, members, and what is kept for the cluster as a whole.

use axum::extract::Query;
use axum::http::Uri;
use serde::Deserialize;
use serde_json::Value;
use vane_api::rest::cluster_operation::ClusterOperation;
use vane_api::{Error, Kind};
use vane_types::{LogIndex, NodeId, innermost};

use super::answer::Answered;
use super::body::To;
use super::call::{Call, In};
use super::error::ApiError;

/// `POST /collections/{collection}/cluster`.
pub(super) async fn change(call: Call, To(name, body): To<ClusterOperation>) -> Answered {
    call.service.change_cluster(&call.context, &name, body).await?;
    Ok(call.answer(true))
}

/// What the removal of a member says beside which one.
#[derive(Debug, Deserialize)]
struct Removal {
    #[serde(default)]
    force: bool,
}

/// `DELETE /cluster/peer/{peer}`.
pub(super) async fn remove_peer(call: Call, In(peer): In<u64>, uri: Uri) -> Answered {
    let removal: Removal = parameters(&uri)?;
    call.service.remove_peer(&call.context, NodeId(peer), removal.force).await?;
    Ok(call.answer(true))
}

fn parameters<T: for<'de> Deserialize<'de>>(uri: &Uri) -> Result<T, ApiError> {
    let malformed = |error| Error::new(Kind::MalformedParameter, "", innermost(&error));
    let Query(parameters) = Query::try_from_uri(uri).map_err(malformed)?;
    Ok(parameters)
}

/// `POST /cluster/recover`: answered once this node knows all that was agreed on.
pub(super) async fn recover(call: Call) -> Answered {
    call.service.recover_catalog(&call.context, LogIndex::ZERO).await?;
    Ok(call.answer(true))
}

/// `GET /cluster/metadata/keys`.
pub(super) async fn metadata_keys(call: Call) -> Answered {
    let keys = call.service.metadata_keys(&call.context).await?;
    Ok(call.answer(keys))
}

/// `GET /cluster/metadata/keys/{key}`; `null` where there is none.
pub(super) async fn metadata(call: Call, In(key): In<String>) -> Answered {
    let value = call.service.metadata(&call.context, &key).await?;
    Ok(call.answer(value))
}

/// `PUT /cluster/metadata/keys/{key}`.
pub(super) async fn set_metadata(call: Call, To(key, value): To<Value>) -> Answered {
    call.service.set_metadata(&call.context, key, value).await?;
    Ok(call.answer(true))
}

/// `DELETE /cluster/metadata/keys/{key}`.
pub(super) async fn delete_metadata(call: Call, In(key): In<String>) -> Answered {
    call.service.set_metadata(&call.context, key, Value::Null).await?;
    Ok(call.answer(true))
}
