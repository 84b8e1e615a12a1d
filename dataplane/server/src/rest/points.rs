//! Points: read by id, by page, and counted.

use serde_json::json;
use vane_api::rest::read::{Count, Retrieve, ScrollRequest};
use vane_api::rest::record::{Next, PageOut, RecordOut};
use vane_api::rest::select::everything;
use vane_api::rest::shard_key::Keyed;
use vane_api::{Error, Kind};
use vane_types::PointId;

use super::answer::Answered;
use super::body::Ask;
use super::call::{Call, In, keys_of};

/// `GET /collections/{collection}/points/{id}`: all of one point.
pub(super) async fn one(call: Call, In((name, id)): In<(String, String)>) -> Answered {
    let id: PointId = id.parse().map_err(Error::bad_request)?;
    let collection = call.collection(&name).await?;
    let records = call.service.retrieve(&call.context, &collection, vec![id], everything()).await?;
    match records.first() {
        Some(record) => {
            let keys = keys_of(&collection, [record]);
            Ok(call.answer(RecordOut(record, &keys)))
        }
        None => {
            // Qdrant's own words, its mistake among them, which clients may look for.
            let detail = format!("Point with id {id} does not exists!");
            Err(Error::new(Kind::NotFound, "", detail).into())
        }
    }
}

/// `POST /collections/{collection}/points`: those of the points that are there.
pub(super) async fn retrieve(call: Call, Ask(name, mut body): Ask<Retrieve>) -> Answered {
    let named = body.take_keys();
    let (ids, want) = body.into_parts()?;
    let collection = call.collection_of(&name, named).await?;
    let records = call.service.retrieve(&call.context, &collection, ids, want).await?;
    let keys = keys_of(&collection, &records);
    let records: Vec<_> = records.iter().map(|record| RecordOut(record, &keys)).collect();
    Ok(call.answer(records))
}

/// `POST /collections/{collection}/points/scroll`: a page in id order, or in that of values.
pub(super) async fn scroll(call: Call, Ask(name, mut body): Ask<ScrollRequest>) -> Answered {
    let named = body.take_keys();
    let asked = body.into_page()?;
    let collection = call.collection_of(&name, named).await?;
    let page = call.service.scroll(&call.context, &collection, asked).await?;
    let keys = keys_of(&collection, &page.records);
    let next = if collection.has_plain_ids() { Next::Id } else { Next::OfTenant };
    Ok(call.answer(PageOut { records: &page.records, keys: &keys, next: page.next.map(next) }))
}

/// `POST /collections/{collection}/points/count`.
pub(super) async fn count(call: Call, Ask(name, mut body): Ask<Count>) -> Answered {
    let named = body.take_keys();
    let asked = body.into_parts()?;
    let collection = call.collection_of(&name, named).await?;
    let count = call.service.count(&call.context, &collection, asked).await?;
    Ok(call.answer(json!({ "count": count })))
}
