//! The envelope that every answer comes in.

use std::time::Instant;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::error::ApiError;

/// When the head of a request was there; the `time` of its answer counts from it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Started(pub(crate) Instant);

impl Started {
    /// A successful answer.
    pub(crate) fn answer<T: Serialize>(self, result: T) -> Answer {
        // Serialised here, where `time` can cover it but for the last bytes.
        let mut body = Vec::with_capacity(256);
        body.extend_from_slice(b"{\"result\":");
        if let Err(error) = serde_json::to_writer(&mut body, &result) {
            return Answer(ApiError::internal(format!("the answer could not be written: {error}")).into_response());
        }
        let tail = format!(",\"status\":\"ok\",\"time\":{}}}", self.seconds());
        body.extend_from_slice(tail.as_bytes());
        Answer(json(body))
    }

    /// Body of a failed answer.
    pub(crate) fn error_body(self, text: &str) -> Vec<u8> {
        let body = serde_json::json!({ "status": { "error": text }, "time": self.seconds() });
        body.to_string().into_bytes()
    }

    /// Seconds until now, as a JSON number.
    fn seconds(self) -> f64 {
        self.0.elapsed().as_micros() as f64 / 1e6
    }
}

/// A finished answer.
pub(crate) struct Answer(Response);

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        self.0
    }
}

/// A body of JSON.
pub(crate) fn json(body: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}
