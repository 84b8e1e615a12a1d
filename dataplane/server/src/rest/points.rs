//! Points: read by id, by page, and counted.

use serde_json::json;
use vane_api::rest::read::{Count, Retrieve, ScrollRequest};
use vane_api::rest::record::{PageOut, RecordOut};
use vane_api::rest::select::everything;
use vane_api::{Error, Kind};
use vane_types::PointId;

use super::answer::Answered;
use super::body::To;
use super::call::{Call, In};

/// `GET /collections/{collection}/points/{id}`: all of one point.
pub(super) async fn one(call: Call, In((name, id)): In<(String, String)>) -> Answered {
    let id: PointId = id.parse().map_err(Error::bad_request)?;
    let records = call
        .service
        .retrieve(&call.context, &*call.collection(&name).await?, vec![id], everything())
        .await?;
    match records.first() {
        Some(record) => Ok(call.answer(RecordOut(record))),
        None => {
            // Qdrant's own words, its mistake among them, which clients may look for.
            let detail = format!("Point with id {id} does not exists!");
            Err(Error::new(Kind::NotFound, "", detail).into())
        }
    }
}

/// `POST /collections/{collection}/points`: those of the points that are there.
pub(super) async fn retrieve(call: Call, To(name, body): To<Retrieve>) -> Answered {
    let (ids, want) = body.into_parts()?;
    let records =
        call.service.retrieve(&call.context, &*call.collection(&name).await?, ids, want).await?;
    let records: Vec<_> = records.iter().map(RecordOut).collect();
    Ok(call.answer(records))
}

/// `POST /collections/{collection}/points/scroll`: a page in id order.
pub(super) async fn scroll(call: Call, To(name, body): To<ScrollRequest>) -> Answered {
    let scroll = body.into_scroll()?;
    let page = call.service.scroll(&call.context, &*call.collection(&name).await?, scroll).await?;
    Ok(call.answer(PageOut { records: &page.records, next: page.next }))
}

/// `POST /collections/{collection}/points/count`.
pub(super) async fn count(call: Call, To(name, body): To<Count>) -> Answered {
    let filter = body.into_filter()?;
    let count = call.service.count(&call.context, &*call.collection(&name).await?, filter).await?;
    Ok(call.answer(json!({ "count": count })))
}
