//! From bytes to the shapes of the API, saying which field is wrong.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::NOT_SUPPORTED;
use crate::error::{Error, Kind};

/// Parses a body.
///
/// # Errors
///
/// [`Kind::Malformed`] with the path of the field, or [`Kind::Unsupported`] where the field is one
/// that this version refuses.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    // To keep track of the path costs time, which only a body that is wrong has to pay.
    if let Ok(parsed) = serde_json::from_slice(body) {
        return Ok(parsed);
    }
    // By itself: serde says only that the input ended.
    if body.trim_ascii().is_empty() {
        return Err(Error::malformed("the body is empty, a JSON object is expected"));
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    match serde_path_to_error::deserialize::<_, T>(&mut json) {
        Err(error) => {
            let path = error.path().to_string();
            Err(describe(&path, &error.into_inner().to_string()))
        }
        // The value is fine, so something follows it.
        Ok(_) => match json.end() {
            Err(error) => Err(Error::malformed(error)),
            // Not to be reached: the first attempt would have read it.
            Ok(()) => Err(Error::malformed("the body is not a JSON object")),
        },
    }
}

/// Reads a part of a body that was kept as it came; `field` is its place.
///
/// # Errors
///
/// As those of [`parse`].
pub fn read_value<T: DeserializeOwned>(json: Value, field: &str) -> Result<T, Error> {
    serde_path_to_error::deserialize(json).map_err(|error| {
        let path = match error.path().to_string().as_str() {
            // The part as a whole, whose place is known here alone.
            "." => field.to_owned(),
            path => format!("{field}.{path}"),
        };
        describe(&path, &error.into_inner().to_string())
    })
}

/// An error of serde, which knows texts only: what is missing here it marks by [`NOT_SUPPORTED`].
fn describe(path: &str, error: &str) -> Error {
    // What follows are serde's line and column; the path says it better.
    if let Some((what, _place)) = error.split_once(NOT_SUPPORTED) {
        let subject = match what.trim_end() {
            "" => format!("`{path}`"),
            what => format!("{path}: {what}"),
        };
        return Error::new(Kind::Unsupported, subject, "");
    }
    match path {
        "." | "" => Error::malformed(error),
        path => Error::new(Kind::Malformed, path, error),
    }
}
