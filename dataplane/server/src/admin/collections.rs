//! What collections have besides points: payload indexes and other names.

use std::time::Instant;

use tonic::Status;
use vane_api::admin::request;
use vane_cluster::{AliasChange, Freshness, Terms};
use vane_proto::admin::{
    AddAliasReply, AddAliasRequest, Collection, GetCollectionRequest, SetPayloadIndexReply,
    SetPayloadIndexRequest,
};
use vane_types::FieldType;

use super::{Service, TIMEOUT, failed};

/// One collection, with its indexes as its shards' leaders have them.
pub(super) async fn get(
    service: &Service,
    request: GetCollectionRequest,
) -> Result<Collection, Status> {
    let mut found = service.collection(&request.name).await?;
    let collection = service.cluster()?.collection(&request.name).map_err(failed)?;
    let info = collection.info(terms()).await.map_err(failed)?;
    let indexes = info.payload_index_points.into_iter();
    found.payload_indexes =
        indexes.map(|(field, (kind, _))| (field.to_string(), name_of(kind))).collect();
    Ok(found)
}

/// Makes an index; one of the same type that is there stays.
pub(super) async fn set_payload_index(
    service: &Service,
    request: SetPayloadIndexRequest,
) -> Result<SetPayloadIndexReply, Status> {
    let SetPayloadIndexRequest { collection, field, r#type } = request;
    let write = request::payload_index(&field, r#type).map_err(failed)?;
    let collection = service.cluster()?.collection(&collection).map_err(failed)?;
    collection.check(&write).map_err(failed)?;
    collection.write(write, terms()).await.map_err(failed)?;
    Ok(SetPayloadIndexReply {})
}

/// Gives a collection an alias, unless there is one of that name. An application may point
/// it elsewhere at any time: it is not taken back.
pub(super) async fn add_alias(
    service: &Service,
    request: AddAliasRequest,
) -> Result<AddAliasReply, Status> {
    let AddAliasRequest { collection, alias } = request;
    let cluster = service.cluster()?;
    let holder =
        |alias: &str| cluster.aliases().into_iter().find(|it| it.0 == alias).map(|it| it.1);
    if holder(&alias).is_none() {
        let change = AliasChange::Create { collection, alias: alias.clone() };
        cluster.change_aliases(vec![change], TIMEOUT).await.map_err(failed)?;
    }
    Ok(AddAliasReply { collection: holder(&alias).unwrap_or_default() })
}

fn terms() -> Terms {
    Terms { deadline: Instant::now() + TIMEOUT, freshness: Freshness::Leader, partial: None }
}

fn name_of(kind: FieldType) -> String {
    serde_json::to_value(kind)
        .ok()
        .and_then(|it| it.as_str().map(str::to_owned))
        .unwrap_or_default()
}
