//! Reads JSON bodies: within a size, within a time, and saying which field is wrong.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRef, FromRequest, FromRequestParts, Request};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use axum::http::{HeaderMap, HeaderValue};
use serde::de::DeserializeOwned;
use tokio_stream::StreamExt;
use vane_api::rest::parse::parse;
use vane_api::{Error, Kind};
use vane_service::{BodyRoom, Limits};

use super::call::In;
use super::error::ApiError;
use crate::state::AppState;

/// Bodies above this size are parsed on a thread that may block.
const PARSED_IN_PLACE_BYTES_MAX: usize = 256 << 10;
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

/// A JSON body, whatever its content type says.
pub(crate) struct Json<T>(pub(crate) T);

impl<S, T> FromRequest<S> for Json<T>
where
    S: Send + Sync,
    Arc<AppState>: FromRef<S>,
    T: DeserializeOwned + Send + 'static,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let state = Arc::<AppState>::from_ref(state);
        // A time of its own: a slow upload must not take from that of the work.
        let timeout = state.settings.request_timeout();
        match tokio::time::timeout(timeout, read_and_parse(state.service.limits(), request)).await {
            Ok(parsed) => Ok(Self(parsed?)),
            Err(_) => {
                let detail =
                    format!("the body was not there within {timeout:?}; nothing was changed");
                Err(Error::new(Kind::Timeout, "", detail).into())
            }
        }
    }
}

/// The collection that the path names, and a JSON body.
pub(crate) struct To<T>(pub(crate) String, pub(crate) T);

impl<S, T> FromRequest<S> for To<T>
where
    S: Send + Sync,
    Arc<AppState>: FromRef<S>,
    T: DeserializeOwned + Send + 'static,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        // First: what is wrong with it is known before the body is there.
        let In(name) = In::from_request_parts(&mut parts, state).await?;
        let Json(body) = Json::from_request(Request::from_parts(parts, body), state).await?;
        Ok(Self(name, body))
    }
}

async fn read_and_parse<T: DeserializeOwned + Send + 'static>(
    limits: &Limits,
    request: Request,
) -> Result<T, Error> {
    check_encoding(request.headers())?;
    let limit = limits.body_bytes_max();
    let announced = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    // Until it is parsed: the text and what is made of it are in memory together.
    let mut room = limits.body();
    let body = read(request.into_body(), announced, limit, &mut room).await?;
    if body.len() <= PARSED_IN_PLACE_BYTES_MAX {
        return parse(&body);
    }
    let parsed = tokio::task::spawn_blocking(move || parse(&body)).await;
    parsed.map_err(|e| Error::internal(format!("the body could not be parsed: {e}")))?
}

/// Refuses a body that is still encoded: the layer before has taken gzip away.
fn check_encoding(headers: &HeaderMap) -> Result<(), Error> {
    match headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"identity") => Ok(()),
        Some(other) => {
            let other = String::from_utf8_lossy(other);
            let detail = format!("the body is encoded as `{other}`; send it as it is, or as gzip");
            Err(Error::new(Kind::UnsupportedEncoding, "", detail))
        }
    }
}

async fn read(
    body: Body,
    announced: Option<usize>,
    limit: usize,
    room: &mut BodyRoom<'_>,
) -> Result<Vec<u8>, Error> {
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
    if total > limit { Err(too_large(limit)) } else { Ok(read) }
}

/// The next piece of a body. One that stands still is given up long before the request's time is:
/// it holds memory that others wait for.
async fn next<S: tokio_stream::Stream + Unpin>(chunks: &mut S) -> Result<Option<S::Item>, Error> {
    tokio::time::timeout(STALLED_MAX, chunks.next()).await.map_err(|_| {
        let detail = format!("no byte of the body came for {STALLED_MAX:?}; nothing was changed");
        Error::new(Kind::Timeout, "", detail)
    })
}

fn too_large(limit: usize) -> Error {
    let detail = format!(
        "the JSON body is larger than allowed (limit: {limit} bytes); split the request, or raise \
         max_request_bytes"
    );
    Error::new(Kind::TooLarge, "", detail)
}
