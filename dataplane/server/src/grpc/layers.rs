//! What happens around every call: limits, logs, metrics, and whose fault a failure is.

use std::any::Any;
use std::collections::HashSet;
use std::error::Error as _;
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::metrics::gauge::Gauge;
use tonic::{Code, Status};
use vane_api::{Error, Kind};

use super::call::{Arrived, Named};
use super::compression;
use super::error::Failed;
use crate::bodies;
use crate::connections::Activity;
use crate::metrics::{Method, MethodAnswered};
use crate::rest::{REQUEST_ID, request_id};
use crate::state::AppState;

/// Names of the methods that are told apart; clients may invent others.
static METHODS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let others = ["/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"];
    vane_wire::methods().into_iter().chain(others.map(str::to_owned)).collect()
});

/// What other methods count as.
const UNKNOWN: &str = "unknown";

/// A failed answer.
fn failure(error: Error) -> Response {
    Status::from(Failed(error)).into_http()
}

/// Counts a call as one that its connection is in use for.
pub(super) async fn count(request: Request, next: Next) -> Response {
    let in_use = request.extensions().get::<Activity>().map(Activity::in_use);
    let response = next.run(request).await;
    drop(in_use);
    response
}

/// Counts, times and logs a call.
pub(super) async fn observe(
    State(state): State<Arc<AppState>>,
    mut request: Request,
    next: Next,
) -> Response {
    let arrived = Arrived { at: Instant::now(), bytes: 0 };
    let named = Named::default();
    request.extensions_mut().insert(arrived);
    request.extensions_mut().insert(named.clone());
    let id = request_id(request.headers());
    let path = request.uri().path().to_owned();
    let method = if METHODS.contains(&path) { path } else { UNKNOWN.to_owned() };
    let metrics = &state.metrics.grpc;
    let in_flight = InFlight::enter(&metrics.in_flight);
    let mut response = next.run(request).await;
    drop(in_flight);
    let (code, error) = outcome(&response);
    let elapsed = arrived.at.elapsed();
    let time_ms = elapsed.as_micros() as f64 / 1e3;
    let id_text = id.to_str().unwrap_or("");
    // As over REST: mistakes of clients would fill the log of a node that is well.
    if matches!(code, Code::Internal | Code::Unavailable | Code::Unknown | Code::DataLoss) {
        tracing::warn!(request = id_text, method, ?code, time_ms, error, "failed");
    } else {
        tracing::debug!(request = id_text, method, ?code, time_ms, error, "answered");
    }
    let answered = MethodAnswered { method: method.clone(), code: format!("{code:?}") };
    metrics.answered.get_or_create(&answered).inc();
    if method != UNKNOWN {
        metrics.answers.note(&method, code as i32, elapsed);
        if code == Code::Ok
            && let Some(collection) = named.name()
        {
            metrics.answers.note_of(collection, &method, code as i32, elapsed);
        }
    }
    metrics.latency.get_or_create(&Method { method }).observe(elapsed.as_secs_f64());
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// A call in the gauge of those being worked on, also when its client goes away.
struct InFlight<'a>(&'a Gauge);

impl<'a> InFlight<'a> {
    fn enter(gauge: &'a Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// The code of an answer and its text. One that went well says so behind its message only.
fn outcome(response: &Response) -> (Code, String) {
    match Status::from_header_map(response.headers()) {
        Some(status) => (status.code(), status.message().to_owned()),
        None => (Code::Ok, String::new()),
    }
}

/// Says whose fault it is where no method failed. What the transport takes for a defect of its own
/// are bytes that are none of its form.
pub(super) async fn blame(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let response = next.run(request).await;
    let (code, text) = outcome(&response);
    let status = response.extensions().get::<Status>();
    if status.and_then(|status| status.source()).is_some_and(|source| source.is::<Failed>()) {
        return response;
    }
    match code {
        Code::Internal | Code::Unknown => failure(Error::bad_request(text)),
        Code::Unimplemented if text.is_empty() => {
            failure(Error::new(Kind::Unsupported, format!("`{path}`"), ""))
        }
        _ => response,
    }
}

/// Lets a bounded number of calls work at a time and sends the others away.
pub(super) async fn limit(
    State(state): State<Arc<AppState>>,
    request: Request,
    next: Next,
) -> Response {
    match state.service.limits().admit() {
        Ok(_permit) => next.run(request).await,
        Err(error) => failure(error),
    }
}

/// Reads the message of a call as bodies of REST are read: within a size, a time, and the room
/// that there is for all. The room is held until the call is answered.
pub(super) async fn read_message(
    State(state): State<Arc<AppState>>,
    request: Request,
    next: Next,
) -> Response {
    let limits = state.service.limits();
    let mut room = limits.body();
    let timeout = state.live.request_timeout();
    let (mut parts, body) = request.into_parts();
    let reading = async {
        let body = bodies::read(&parts.headers, body, "message", limits, &mut room).await?;
        let max = limits.body_bytes_max();
        compression::taken_away(body, &mut parts.headers, max, &mut room).await
    };
    let bytes = match tokio::time::timeout(timeout, reading).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(error)) => return failure(error),
        Err(_) => {
            let detail =
                format!("the message was not there within {timeout:?}; nothing was changed");
            return failure(Error::new(Kind::Timeout, "", detail));
        }
    };
    if let Some(arrived) = parts.extensions.get_mut::<Arrived>() {
        arrived.bytes = bytes.len();
    }
    next.run(Request::from_parts(parts, Body::from(bytes))).await
}

/// A method panicked: a defect, but of this call only.
pub(super) fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let message = panic.downcast_ref::<&str>().map(ToString::to_string);
    let message = message.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    tracing::error!(panic = message, "a call ended in a panic; this is a defect of vane");
    // The write may have been through before the method panicked.
    failure(Error::internal("the call ended in a panic; its outcome is unknown"))
}
