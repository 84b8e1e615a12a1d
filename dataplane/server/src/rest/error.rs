//! What a client is told when a request fails.

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use vane_cluster::Error;
use vane_filter::{Invalid, InvalidKind};

/// Seconds after which a client that was sent away should come back.
const RETRY_AFTER_S: &str = "1";

/// A failed request: status code and text. `layers::render_errors` makes the body of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) text: String,
}

impl ApiError {
    fn new(status: StatusCode, text: String) -> Self {
        Self { status, text }
    }

    /// The request makes no sense: 400.
    pub(crate) fn bad_request(text: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, format!("Bad request: {text}"))
    }

    /// The body is not of the form it should be: 400.
    pub(crate) fn malformed(text: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, format!("Format error in JSON body: {text}"))
    }

    /// A query parameter is not of the form it should be: 400.
    pub(crate) fn malformed_parameter(text: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, format!("Format error in query parameters: {text}"))
    }

    /// A value of the body is out of its range: 422.
    pub(crate) fn invalid(field: impl std::fmt::Display, text: impl std::fmt::Display) -> Self {
        let text = format!("Validation error in JSON body: [{field}: {text}]");
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, text)
    }

    /// A query parameter is out of its range: 422.
    pub(crate) fn invalid_parameter(text: impl std::fmt::Display) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("Validation error in query parameters: [{text}]"),
        )
    }

    /// `what` exists in the API but not here: 400.
    pub(crate) fn unsupported(what: impl std::fmt::Display) -> Self {
        Self::bad_request(format!("`{what}` is not supported by this version of Vane"))
    }

    /// 404.
    pub(crate) fn not_found(text: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("Not found: {text}"))
    }

    /// 405.
    pub(crate) fn method_not_allowed(method: &Method, path: &str) -> Self {
        let text = format!("Method not allowed: `{path}` does not take {method}");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, text)
    }

    /// 408.
    pub(crate) fn timeout(text: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, format!("Timeout: {text}"))
    }

    /// 413.
    pub(crate) fn too_large(limit: usize) -> Self {
        let text = format!(
            "Payload error: the JSON body is larger than allowed (limit: {limit} bytes); split the request, or raise \
             max_request_bytes"
        );
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, text)
    }

    /// 429; to be tried again.
    pub(crate) fn overloaded(text: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, format!("Too many requests: {text}"))
    }

    /// 500: a defect.
    pub(crate) fn internal(text: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, format!("Service internal error: {text}"))
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let status = match error {
            Error::NotFound(_) => StatusCode::NOT_FOUND,
            Error::AlreadyExists(_) | Error::Conflict(_) => StatusCode::CONFLICT,
            Error::BadInput(_) | Error::Unsupported(_) => StatusCode::BAD_REQUEST,
            Error::Overloaded(_) => StatusCode::TOO_MANY_REQUESTS,
            Error::Timeout(_) => StatusCode::REQUEST_TIMEOUT,
            Error::OutOfSpace(_) => StatusCode::INSUFFICIENT_STORAGE,
            Error::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }
}

impl From<Invalid> for ApiError {
    fn from(invalid: Invalid) -> Self {
        match invalid.kind {
            InvalidKind::Malformed => {
                Self::malformed(format!("{}: {}", invalid.field, invalid.message))
            }
            InvalidKind::Validation => Self::invalid(invalid.field, invalid.message),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S));
        }
        response.extensions_mut().insert(self);
        response
    }
}
