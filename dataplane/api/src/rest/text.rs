//! Texts of errors, as Qdrant words them. The only place where they are formed.

use super::NOT_SUPPORTED;
use crate::error::{Error, Kind};

/// What a client is told of a failed request.
pub fn text(error: &Error) -> String {
    let Error { kind, subject, detail } = error;
    let about = |prefix| with_subject(prefix, subject, detail);
    match kind {
        Kind::Malformed => about("Format error in JSON body"),
        Kind::MalformedParameter => about("Format error in query parameters"),
        Kind::Invalid => format!("Validation error in JSON body: [{subject}: {detail}]"),
        Kind::InvalidParameter => {
            format!("Validation error in query parameters: [{subject}: {detail}]")
        }
        Kind::BadRequest => about("Bad request"),
        Kind::Unsupported => format!("Bad request: {}", unsupported(subject, detail)),
        Kind::WrongMethod => format!("Method not allowed: `{subject}` does not take {detail}"),
        Kind::TooLarge => about("Payload error"),
        Kind::BadInput | Kind::AlreadyExists => about("Wrong input"),
        Kind::NotFound => about("Not found"),
        Kind::Conflict => about("Conflict"),
        Kind::Overloaded => about("Too many requests"),
        Kind::OutOfSpace => about("Insufficient storage"),
        Kind::Timeout => about("Timeout"),
        Kind::Unavailable => about("Service unavailable"),
        Kind::Internal => about("Service internal error"),
    }
}

fn with_subject(prefix: &str, subject: &str, detail: &str) -> String {
    match subject {
        "" => format!("{prefix}: {detail}"),
        subject => format!("{prefix}: {subject}: {detail}"),
    }
}

/// What is missing in this version, and what to do instead where there is something.
fn unsupported(subject: &str, instead: &str) -> String {
    match (subject, instead) {
        // The engine words its own.
        ("", detail) => detail.to_owned(),
        (subject, "") => format!("{subject} {NOT_SUPPORTED}"),
        (subject, instead) => format!("{subject} {NOT_SUPPORTED}; {instead}"),
    }
}

#[cfg(test)]
mod tests {
    use super::text;
    use crate::error::{Error, Kind};

    #[test]
    fn texts_begin_as_clients_know_them() {
        let cases = [
            (Error::malformed("x"), "Format error in JSON body: x"),
            (Error::new(Kind::Malformed, "a.b", "x"), "Format error in JSON body: a.b: x"),
            (
                Error::zero("a"),
                "Validation error in JSON body: [a: value 0 invalid, must be 1 or larger]",
            ),
            (Error::bad_request("x"), "Bad request: x"),
            (Error::unsupported("a"), "Bad request: `a` is not supported by this version of Vane"),
            (
                Error::new(Kind::Unsupported, "`a`", "use b"),
                "Bad request: `a` is not supported by this version of Vane; use b",
            ),
            (Error::new(Kind::Unsupported, "", "whole"), "Bad request: whole"),
            (
                Error::new(Kind::WrongMethod, "/a", "PUT"),
                "Method not allowed: `/a` does not take PUT",
            ),
            (Error::new(Kind::BadInput, "", "x"), "Wrong input: x"),
            (Error::new(Kind::NotFound, "", "x").with_remark("y"), "Not found: x (y)"),
        ];
        for (error, expected) in cases {
            assert_eq!(text(&error), expected);
        }
    }
}
