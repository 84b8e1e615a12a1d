//! What a client is told when a request fails: the status code beside the text.

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use vane_api::{Error, Kind};

/// A failed request. `layers::render_errors` makes the body of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError(pub(crate) Error);

impl ApiError {
    pub(crate) fn status(&self) -> StatusCode {
        match self.0.kind {
            Kind::Malformed
            | Kind::MalformedParameter
            | Kind::BadRequest
            | Kind::Unsupported
            | Kind::BadInput => StatusCode::BAD_REQUEST,
            Kind::Invalid | Kind::InvalidParameter => StatusCode::UNPROCESSABLE_ENTITY,
            Kind::NotFound => StatusCode::NOT_FOUND,
            Kind::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Kind::UnsupportedEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Kind::AlreadyExists | Kind::Conflict => StatusCode::CONFLICT,
            Kind::Overloaded | Kind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Kind::OutOfSpace => StatusCode::INSUFFICIENT_STORAGE,
            Kind::Timeout => StatusCode::REQUEST_TIMEOUT,
            Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        let mut response = status.into_response();
        if let Some(seconds) = self.0.retry_after_s() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        // For the layer that writes bodies, which knows when the request began.
        response.extensions_mut().insert(self);
        response
    }
}
