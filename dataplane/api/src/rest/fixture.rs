//! What the tests of the shapes share.

use serde::de::DeserializeOwned;

use super::parse::parse;
use super::text::text;
use crate::error::{Error, Kind};

pub(crate) fn parse_text<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    parse(text.as_bytes())
}

/// The status code that REST gives an error of a body.
pub(crate) fn code(error: &Error) -> u16 {
    match error.kind {
        Kind::Malformed | Kind::BadRequest | Kind::BadInput | Kind::Unsupported => 400,
        Kind::Invalid => 422,
        other => panic!("no error of a body: {other:?}"),
    }
}

/// Whether the error has this code and its text this part.
#[track_caller]
pub(crate) fn assert_refused(json: &str, error: &Error, expected: u16, named: &str) {
    let text = text(error);
    assert_eq!((code(error), text.contains(named)), (expected, true), "{json}: {text}");
}
