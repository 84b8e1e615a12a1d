//! Reads JSON bodies: within a size, within a time, and saying which field is wrong.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_ENCODING;
use axum::http::{HeaderMap, HeaderValue};
use serde::de::DeserializeOwned;
use vane_api::rest::parse::parse;
use vane_api::{Error, Kind};
use vane_service::Limits;

use super::call::In;
use super::error::ApiError;
use crate::bodies;
use crate::state::AppState;

/// Bodies above this size are parsed on a thread that may block.
pub(crate) const PARSED_IN_PLACE_BYTES_MAX: usize = 256 << 10;

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
    let (parts, body) = request.into_parts();
    check_encoding(&parts.headers)?;
    // Until it is parsed: the text and what is made of it are in memory together.
    let mut room = limits.body();
    let body = bodies::read(&parts.headers, body, "JSON body", limits, &mut room).await?;
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
