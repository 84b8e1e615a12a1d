//! Reads bodies: within a size, within a time, and within the room that there is for all.

use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use tokio_stream::StreamExt;
use vane_api::{Error, Kind};
use vane_service::{BodyRoom, Limits};

/// Of a body that is too large, so many times the limit is read and dropped: a client that
/// is still sending when the connection closes may never see the answer.
const DROPPED_LIMITS_MAX: usize = 4;
/// Time that a client may be silent in the middle of a body.
const STALLED_MAX: Duration = Duration::from_secs(10);
/// Memory taken for a body before any of it is there.
const RESERVED_BYTES_MAX: usize = 64 << 10;
/// So many times what is there of a body is taken for what is still to come: whoever announces
/// much has to send some of it.
const AHEAD_MAX: usize = 16;

/// Reads a body, which is called `what`.
///
/// # Errors
/// `TooLarge`, `Timeout` where it stands still, or a bad request where it ends too early.
pub(crate) async fn read(
    headers: &HeaderMap,
    body: Body,
    what: &str,
    limits: &Limits,
    room: &mut BodyRoom<'_>,
) -> Result<Vec<u8>, Error> {
    let limit = limits.body_bytes_max();
    let announced =
        headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let mut read = Vec::with_capacity(announced.unwrap_or(0).min(RESERVED_BYTES_MAX));
    let (mut total, mut chunks) = (0usize, body.into_data_stream());
    while let Some(chunk) = next(&mut chunks).await? {
        let data = chunk
            .map_err(|error| Error::bad_request(format!("the body could not be read: {error}")))?;
        total = total.saturating_add(data.len());
        if total <= limit {
            room.grow(data.len()).await?;
            if read.capacity() < total {
                // At once, where the whole is known: what grows by and by is moved again and again.
                let whole = announced.unwrap_or(0).min(total.saturating_mul(AHEAD_MAX)).min(limit);
                read.reserve_exact(whole.saturating_sub(read.len()));
            }
            read.extend_from_slice(&data);
        } else if total > limit.saturating_mul(DROPPED_LIMITS_MAX) {
            break;
        }
    }
    if total > limit { Err(too_large(what, limit)) } else { Ok(read) }
}

/// The next piece of a body. One that stands still is given up long before the request's time is:
/// it holds memory that others wait for.
async fn next<S: tokio_stream::Stream + Unpin>(chunks: &mut S) -> Result<Option<S::Item>, Error> {
    tokio::time::timeout(STALLED_MAX, chunks.next()).await.map_err(|_| {
        let detail = format!("no byte of the body came for {STALLED_MAX:?}; nothing was changed");
        Error::new(Kind::Timeout, "", detail)
    })
}

fn too_large(what: &str, limit: usize) -> Error {
    let detail = format!(
        "the {what} is larger than allowed (limit: {limit} bytes); split the request, or raise \
         max_request_bytes"
    );
    Error::new(Kind::TooLarge, "", detail)
}
