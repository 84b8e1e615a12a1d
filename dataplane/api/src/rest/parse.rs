//! From bytes to the shapes of the API, saying which field is wrong.

use serde::de::{DeserializeOwned, Deserializer};
use serde_json::Value;

use super::ignored::{self, Ignored};
use super::{IN_VECTOR, INVALID, NOT_SUPPORTED, lists};
use crate::error::{Error, Kind};

/// Parses the body of a write: its shape refuses what it does not know.
///
/// # Errors
///
/// [`Kind::Malformed`] with the path of the field, or [`Kind::Unsupported`] where the field is one
/// that this version refuses.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    parse_by(body, |text| serde_json::from_slice(text))
}

/// As [`parse`], with the fields that are passed over nevertheless: those which official clients
/// send and which change nothing.
///
/// # Errors
///
/// As those of [`parse`].
pub fn parse_write<T: DeserializeOwned>(body: &[u8]) -> Result<(T, Ignored), Error> {
    let (parsed, ignored) = ignored::noting(|| parse(body));
    Ok((parsed?, ignored))
}

/// Parses the body of a read, and says which of its fields were passed over.
///
/// # Errors
///
/// As those of [`parse`].
pub fn parse_read<T: DeserializeOwned>(body: &[u8]) -> Result<(T, Ignored), Error> {
    let (parsed, ignored) = ignored::noting(|| {
        parse_by(body, |text| {
            ignored::begin_again();
            let mut json = serde_json::Deserializer::from_slice(text);
            let parsed = ignored::read(&mut json, "")?;
            json.end()?;
            Ok(parsed)
        })
    });
    Ok((parsed?, ignored))
}

fn parse_by<T: DeserializeOwned>(
    body: &[u8],
    read: impl Fn(&[u8]) -> serde_json::Result<T>,
) -> Result<T, Error> {
    if let Some(parsed) = lists::read(body, &read) {
        return Ok(parsed);
    }
    // To keep track of the path costs time, which only a body that is wrong has to pay.
    if let Ok(parsed) = read(body) {
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

/// Reads a part of a body that was kept as it came; `field` is its place, empty for a whole body.
///
/// # Errors
///
/// As those of [`parse`].
pub fn read_value<T: DeserializeOwned>(json: Value, field: &str) -> Result<T, Error> {
    read_from(json, field)
}

/// Reads a body that was made here: all of it has to be known.
///
/// # Errors
///
/// As those of [`parse`], for reads as well.
pub(crate) fn read_strictly<T: DeserializeOwned>(json: Value) -> Result<T, Error> {
    let (read, ignored) = ignored::noting(|| {
        let mut note = |path: serde_ignored::Path<'_>| ignored::note("", &path);
        read_from(serde_ignored::Deserializer::new(json, &mut note), "")
    });
    match ignored.names() {
        // What cannot be read may not have been looked at to its end.
        [name, ..] if read.is_ok() => Err(Error::malformed(format_args!("unknown field `{name}`"))),
        _ => read,
    }
}

fn read_from<'de, T, D>(json: D, field: &str) -> Result<T, Error>
where
    T: DeserializeOwned,
    D: Deserializer<'de>,
{
    serde_path_to_error::deserialize(json).map_err(|error: serde_path_to_error::Error<D::Error>| {
        let path = match error.path().to_string().as_str() {
            // The part as a whole, whose place is known here alone.
            "." => field.to_owned(),
            path if field.is_empty() => path.to_owned(),
            path => format!("{field}.{path}"),
        };
        describe(&path, &error.into_inner().to_string())
    })
}

/// Words of serde for types of Rust, with those for types of JSON.
const WORDS: [(&str, &str); 12] = [
    ("expected usize", "expected a whole number"),
    ("expected u64", "expected a whole number"),
    ("expected u32", "expected a whole number below 4294967296"),
    ("expected i64", "expected a whole number"),
    ("expected f64", "expected a number"),
    ("expected f32", "expected a number"),
    ("expected a sequence", "expected a list"),
    ("expected a map", "expected an object"),
    ("expected struct ", "expected an object, a "),
    ("invalid type: sequence,", "invalid type: a list,"),
    ("invalid type: map,", "invalid type: an object,"),
    ("invalid type: unit value,", "invalid type: null,"),
];

/// The text of an error without names that only Rust has.
fn in_words_of_json(error: &str) -> String {
    WORDS.iter().fold(error.to_owned(), |text, (rust, json)| text.replace(rust, json))
}

/// An error of serde, which knows texts only: what is missing here it marks by [`NOT_SUPPORTED`].
fn describe(path: &str, error: &str) -> Error {
    let error = &*in_words_of_json(error);
    // It marks a part whose name was not read yet: broken JSON has no place but line and column.
    let path = path.trim_end_matches('?').trim_end_matches('.');
    // What follows are serde's line and column; the path says it better.
    if let Some((what, _place)) = error.split_once(NOT_SUPPORTED) {
        let subject = match what.trim_end() {
            "" => format!("`{path}`"),
            what => format!("{path}: {what}"),
        };
        return Error::new(Kind::Unsupported, subject, "");
    }
    if error.starts_with(INVALID) {
        // Here too line and column follow.
        let what = error.rsplit_once(" at line ").map_or(error, |(what, _place)| what);
        return Error::new(Kind::BadInput, "", what);
    }
    if let Some((place, what)) =
        error.strip_prefix(IN_VECTOR).and_then(|what| what.split_once(": "))
    {
        let what = what.rsplit_once(" at line ").map_or(what, |(what, _place)| what);
        // The vectors of a point have the place of any of them there.
        let path = path
            .split_once(".vector.")
            .map_or_else(|| path.to_owned(), |(point, _name)| format!("{point}.vector"));
        return Error::new(Kind::Invalid, format!("{path}.?.{place}"), what);
    }
    match path {
        "" => Error::malformed(error),
        path => Error::new(Kind::Malformed, path, error),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use vane_types::Payload;

    use super::super::read::Count;
    use super::super::text::text;
    use super::{parse, parse_read, read_strictly};

    #[derive(Debug, Deserialize)]
    struct Body {
        #[serde(rename = "limit")]
        _limit: Option<usize>,
        #[serde(rename = "payload")]
        _payload: Option<Payload>,
        #[serde(rename = "list")]
        _list: Option<Vec<u32>>,
    }

    #[test]
    fn texts_name_the_place_and_types_of_json() {
        let cases = [
            (
                r#"{"limit": "3"}"#,
                "limit: invalid type: string \"3\", expected a whole number at line 1 column 13",
            ),
            (
                r#"{"payload": [1]}"#,
                "payload: invalid type: a list, expected an object at line 1 column 12",
            ),
            (
                r#"{"list": {}}"#,
                "list: invalid type: an object, expected a list at line 1 column 9",
            ),
            (r#"{"list": [1, }"#, "list[1]: expected value at line 1 column 14"),
            ("{", "EOF while parsing an object at line 1 column 1"),
            ("nonsense", "expected ident at line 1 column 2"),
        ];
        for (json, expected) in cases {
            let error = text(&parse::<Body>(json.as_bytes()).unwrap_err());
            assert_eq!(error, format!("Format error in JSON body: {expected}"), "{json}");
        }
    }

    #[test]
    fn what_a_read_passes_over_a_body_of_ours_may_not_have() {
        let body = serde_json::json!({ "filtr": {}, "exact": true });
        assert!(parse_read::<Count>(body.to_string().as_bytes()).is_ok());
        let error = text(&read_strictly::<Count>(body).unwrap_err());
        assert!(error.ends_with("unknown field `filtr`"), "{error}");
        assert!(read_strictly::<Count>(serde_json::json!({ "exact": true })).is_ok());
    }
}
