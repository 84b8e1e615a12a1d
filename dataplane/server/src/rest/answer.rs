//! The envelope that every answer comes in.

use std::time::Instant;

use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use vane_api::Error;
use vane_api::rest::text::text;

use super::error::ApiError;
use crate::read_options::PARTIAL;

/// When the head of a request was there; the `time` of its answer counts from it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Started(pub(crate) Instant);

impl Started {
    /// A successful answer, with the shards by ordinal that are not in it, and how its searches
    /// went.
    pub(crate) fn answer<T: Serialize>(
        self,
        result: T,
        failed_shards: &[(usize, Error)],
        explained: Option<&Value>,
    ) -> Answer {
        // Serialised here, where `time` can cover it but for the last bytes.
        let mut body = Vec::with_capacity(256);
        body.extend_from_slice(b"{\"result\":");
        if let Err(error) = serde_json::to_writer(&mut body, &result) {
            let error = Error::internal(format!("the answer could not be written: {error}"));
            return Answer(ApiError(error).into_response());
        }
        // Only then: Qdrant's clients know no such field.
        if !failed_shards.is_empty() {
            let shards: Vec<Value> = failed_shards
                .iter()
                .map(|(shard, error)| json!({ "shard": shard, "error": text(error) }))
                .collect();
            let partial = format!(",\"partial\":{}", json!({ "failed_shards": shards }));
            body.extend_from_slice(partial.as_bytes());
        }
        // The same: only where it was asked for.
        if let Some(explained) = explained {
            body.extend_from_slice(format!(",\"explain\":{explained}").as_bytes());
        }
        // Last: what was written before it counts into the time.
        let tail = format!(",\"status\":\"ok\",\"time\":{}}}", self.seconds());
        body.extend_from_slice(tail.as_bytes());
        let mut response = with_json(body);
        if !failed_shards.is_empty() {
            response.headers_mut().insert(PARTIAL, HeaderValue::from_static("true"));
        }
        Answer(response)
    }

    /// Body of a failed answer.
    pub(crate) fn error_body(self, text: &str) -> Vec<u8> {
        let body = json!({ "status": { "error": text }, "time": self.seconds() });
        body.to_string().into_bytes()
    }

    /// Seconds until now, as a JSON number.
    fn seconds(self) -> f64 {
        self.0.elapsed().as_micros() as f64 / 1e6
    }
}

/// A finished answer.
pub(crate) struct Answer(Response);

/// What a handler comes to.
pub(crate) type Answered = Result<Answer, ApiError>;

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        self.0
    }
}

/// A body of JSON.
fn with_json(body: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}
