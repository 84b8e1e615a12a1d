//! What happens around every request: limits, logs, metrics, the form of errors.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use vane_api::Error;
use vane_api::rest::text::text;

use super::answer::Started;
use super::error::ApiError;
use crate::metrics::{Answered, Endpoint, RestMetrics, is_served, qdrant_name};
use crate::state::AppState;

/// Carries the id of a request, from the client or made here, into the answer and the log.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_ID_BYTES_MAX: usize = 128;
static NEXT_REQUEST: AtomicU64 = AtomicU64::new(1);

/// Lets a bounded number of requests work at a time and sends the others away.
pub(crate) async fn limit(
    State(state): State<Arc<AppState>>,
    request: Request,
    next: Next,
) -> Response {
    match state.service.limits().admit() {
        Ok(_permit) => next.run(request).await,
        Err(error) => ApiError(error).into_response(),
    }
}

/// Counts, times and logs a request.
pub(crate) async fn observe(
    State(state): State<Arc<AppState>>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Started(Instant::now());
    request.extensions_mut().insert(started);
    let id = request_id(request.headers());
    let method = request.method().clone();
    let matched = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let asked = matched.as_deref().map(qdrant_name);
    let collection = asked.as_ref().and_then(|it| collection_of(request.uri().path(), it));
    // Paths that are no routes are not kept apart: there is no end of them.
    let endpoint = matched.unwrap_or_else(|| "unknown".to_owned());
    // Copied only where a line of the log may name it.
    let path = tracing::enabled!(tracing::Level::WARN)
        .then(|| request.uri().path().to_owned())
        .unwrap_or_default();
    let in_flight = InFlight::enter(&state.metrics.rest);
    let mut response = next.run(request).await;
    drop(in_flight);
    let (status, elapsed) = (response.status(), started.0.elapsed());
    let error = response.extensions_mut().remove::<ApiError>();
    let error = error.map(|error| text(&error.0)).unwrap_or_default();
    let time_ms = elapsed.as_micros() as f64 / 1e3;
    let code = status.as_u16();
    let id_text = id.to_str().unwrap_or("");
    // Mistakes of clients would fill the log of a node that is well.
    if status.is_server_error() {
        tracing::warn!(request = id_text, %method, path, status = code, time_ms, error, "failed");
    } else {
        tracing::debug!(
            request = id_text, %method, path, status = code, time_ms, error, "answered"
        );
    }
    let method = method_name(&method);
    let metrics = &state.metrics.rest;
    if let Some(asked) = asked {
        let asked = format!("{method} {asked}");
        metrics.answers.note(&asked, code.into(), elapsed);
        // Only where there is one: clients may name others.
        if let Some(collection) = collection.filter(|_| status.is_success()) {
            metrics.answers.note_of(&collection, &asked, code.into(), elapsed);
        }
    }
    metrics
        .answered
        .get_or_create(&Answered { method, endpoint: endpoint.clone(), status: code })
        .inc();
    metrics.latency.get_or_create(&Endpoint { method, endpoint }).observe(elapsed.as_secs_f64());
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// The collection that a request serves points of.
fn collection_of(path: &str, asked: &str) -> Option<String> {
    is_served(asked).then_some(())?;
    // The routes of all of them begin so.
    let name = path.trim_start_matches('/').split('/').nth(1)?;
    Some(percent_decoded(name))
}

/// A part of a path as it was before it was made one.
fn percent_decoded(part: &str) -> String {
    let mut decoded = Vec::with_capacity(part.len());
    let mut bytes = part.as_bytes();
    while let [first, rest @ ..] = bytes {
        let digits = rest.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.filter(|_| *first == b'%').and_then(|it| u8::from_str_radix(it, 16).ok());
        decoded.push(byte.unwrap_or(*first));
        bytes = if byte.is_some() { &rest[2..] } else { rest };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// A request in the gauge of those being worked on, also when its client goes away.
struct InFlight<'a>(&'a RestMetrics);

impl<'a> InFlight<'a> {
    fn enter(metrics: &'a RestMetrics) -> Self {
        metrics.in_flight.inc();
        Self(metrics)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.dec();
    }
}

/// The client's id when it is harmless, else a number.
pub(crate) fn request_id(headers: &HeaderMap) -> HeaderValue {
    match headers.get(REQUEST_ID) {
        Some(id) if id.len() <= REQUEST_ID_BYTES_MAX && id.to_str().is_ok() => id.clone(),
        _ => HeaderValue::from(NEXT_REQUEST.fetch_add(1, Ordering::Relaxed)),
    }
}

/// Methods outside HTTP's own are one label: clients may invent them.
fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "PUT" => "PUT",
        "POST" => "POST",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// Gives failed answers their JSON body.
pub(crate) async fn render_errors(request: Request, next: Next) -> Response {
    let started = request.extensions().get::<Started>().copied().unwrap_or(Started(Instant::now()));
    let mut response = next.run(request).await;
    if let Some(error) = response.extensions().get::<ApiError>() {
        let body = started.error_body(&text(&error.0));
        // That of the empty body; the new one gets its own.
        response.headers_mut().remove(CONTENT_LENGTH);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *response.body_mut() = Body::from(body);
    }
    response
}

/// A handler panicked: a defect, but of this request only.
pub(crate) fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let message = panic.downcast_ref::<&str>().map(ToString::to_string);
    let message = message.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    tracing::error!(panic = message, "a request ended in a panic; this is a defect of vane");
    // The write may have been through before the handler panicked.
    let error = Error::internal("the request ended in a panic; its outcome is unknown");
    ApiError(error).into_response()
}

#[cfg(test)]
mod tests {
    use super::collection_of;

    #[test]
    fn a_request_that_serves_points_is_one_of_a_collection() {
        let query = "/collections/{collection_name}/points/query";
        let of = |path: &str| collection_of(path, query);
        assert_eq!(of("/collections/a%20b%C3%A9/points/query").as_deref(), Some("a bé"));
        assert_eq!(of("/collections/50%/points/query").as_deref(), Some("50%"));
        assert_eq!(collection_of("/collections/a", "/collections/{collection_name}"), None);
    }
}
