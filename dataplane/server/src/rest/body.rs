//! Reads JSON bodies: within a size, within a time, and saying which field is wrong.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::{FromRef, FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_ENCODING;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use serde::de::DeserializeOwned;
use vane_api::rest::ignored::Ignored;
use vane_api::rest::parse::{parse, parse_read, parse_write};
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
        let timeout = state.live.request_timeout();
        let parsed = read_and_parse(state.service.limits(), request, parse);
        within(timeout, parsed).await.map(Self)
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
        let (name, body) = body_for(request, state, parse_write).await?;
        Ok(Self(name, body))
    }
}

/// The collection that the path names, and the JSON body of a read: what is not known there is
/// passed over, and the answer says so.
pub(crate) struct Ask<T>(pub(crate) String, pub(crate) T);

impl<S, T> FromRequest<S> for Ask<T>
where
    S: Send + Sync,
    Arc<AppState>: FromRef<S>,
    T: DeserializeOwned + Send + 'static,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (name, body) = body_for(request, state, parse_read).await?;
        Ok(Self(name, body))
    }
}

/// Reads a body, and says which of its fields are passed over.
type Parse<T> = fn(&[u8]) -> Result<(T, Ignored), Error>;

/// The collection that the path names, and the body. Fields that `parse` passes over are noted for
/// the answer.
async fn body_for<S, T>(
    request: Request,
    state: &S,
    parse: Parse<T>,
) -> Result<(String, T), ApiError>
where
    S: Send + Sync,
    Arc<AppState>: FromRef<S>,
    T: Send + 'static,
{
    let (mut parts, body) = request.into_parts();
    // First: what is wrong with it is known before the body is there.
    let In(name) = In::from_request_parts(&mut parts, state).await?;
    let passed_over = parts.extensions.get::<PassedOver>().cloned();
    let request = Request::from_parts(parts, body);
    let state = Arc::<AppState>::from_ref(state);
    // A time of its own: a slow upload must not take from that of the work.
    let timeout = state.live.request_timeout();
    let parsed = read_and_parse(state.service.limits(), request, parse);
    let (body, ignored) = within(timeout, parsed).await?;
    if let Some(PassedOver(noted)) = passed_over {
        // Empty until now: a request has one body.
        let _ = noted.set(ignored);
    }
    Ok((name, body))
}

/// Header of an answer: the fields of the request that were passed over.
const IGNORED: HeaderName = HeaderName::from_static("x-vane-ignored");

/// What was passed over of a body, on its way to the answer.
#[derive(Clone, Default)]
struct PassedOver(Arc<OnceLock<Ignored>>);

/// Has answers name the fields that were passed over.
pub(super) async fn name_ignored(mut request: Request, next: Next) -> Response {
    let passed_over = PassedOver::default();
    request.extensions_mut().insert(passed_over.clone());
    let mut response = next.run(request).await;
    if let Some(ignored) = passed_over.0.get()
        && let Some(names) = header_of(ignored.names())
    {
        response.headers_mut().insert(IGNORED, names);
    }
    response
}

/// Names in a header, of letters that fit there and do not part names.
fn header_of(names: &[String]) -> Option<HeaderValue> {
    if names.is_empty() {
        return None;
    }
    let fits = |letter: char| if letter.is_ascii_graphic() && letter != ',' { letter } else { '?' };
    let names: Vec<String> = names.iter().map(|name| name.chars().map(fits).collect()).collect();
    HeaderValue::try_from(names.join(", ")).ok()
}

async fn within<T>(
    timeout: Duration,
    parsed: impl Future<Output = Result<T, Error>>,
) -> Result<T, ApiError> {
    match tokio::time::timeout(timeout, parsed).await {
        Ok(parsed) => Ok(parsed?),
        Err(_) => {
            let detail = format!("the body was not there within {timeout:?}; nothing was changed");
            Err(Error::new(Kind::Timeout, "", detail).into())
        }
    }
}

async fn read_and_parse<T: Send + 'static>(
    limits: &Limits,
    request: Request,
    parse: fn(&[u8]) -> Result<T, Error>,
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

#[cfg(test)]
mod tests {
    use super::header_of;

    #[test]
    fn names_fit_into_a_header_whatever_they_are() {
        assert_eq!(header_of(&[]), None);
        let names = ["limt", "a,b\r\nx: y", "é\u{0}", ""].map(String::from);
        assert_eq!(header_of(&names).unwrap(), "limt, a?b??x:?y, ??, ");
    }
}
