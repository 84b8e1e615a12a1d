//! What a client sends beyond what is asked for: read and forgotten, up to a bound.
//!
//! A route that has no use for a body answers at once. If the body comes a moment later, as a
//! packet of its own, nobody would read it, and the connection could only be closed: the client's
//! next request on it would fail, and for no reason that it sees.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http_body::{Frame, SizeHint};
use parking_lot::Mutex;

/// Bytes that are read for nothing.
const BYTES_MAX: usize = 64 << 10;
/// Time that a client has to send them. The answer waits for it.
const TIME_MAX: Duration = Duration::from_millis(500);

/// A body of which a part may be left when whoever reads it is done.
struct Shared(Arc<Mutex<Body>>);

impl HttpBody for Shared {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut *self.0.lock()).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().size_hint()
    }
}

/// Reads what is left of a request's body when it is answered.
pub(super) async fn read_rest(request: Request, next: Next) -> Response {
    // Most of those that are not read have none.
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let body = Arc::new(Mutex::new(body));
    let shared = Body::new(Shared(Arc::clone(&body)));
    let answer = next.run(Request::from_parts(parts, shared)).await;
    let rest = std::mem::take(&mut *body.lock());
    if !rest.is_end_stream() {
        // Late, or too much: the connection is closed then.
        let _read = tokio::time::timeout(TIME_MAX, drain(rest)).await;
    }
    answer
}

async fn drain(mut body: Body) {
    let mut bytes = 0;
    while let Some(Ok(frame)) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        bytes += frame.data_ref().map_or(0, Bytes::len);
        if bytes > BYTES_MAX {
            return;
        }
    }
}
