//! Texts of errors, as Qdrant words them. The only place where they are formed.

use vane_types::{Changed, FailedShards, Retry};

use super::NOT_SUPPORTED;
use crate::error::{Error, Kind};

/// What a client is told of a failed request: what happened, whether anything was changed, and
/// what to do.
pub fn text(error: &Error) -> String {
    text_of("JSON body", error)
}

/// The same where a request is called `body`.
pub(crate) fn text_of(body: &str, error: &Error) -> String {
    let Error { kind, subject, detail, changed, .. } = error;
    let detail = &match changed {
        Changed::Unknown => {
            format!("the outcome of the write is unknown, it may still be applied: {detail}")
        }
        Changed::Done => format!("the change was made, but {detail}"),
        Changed::NotInQuestion | Changed::Nothing => detail.clone(),
    };
    let detail = &format!("{detail}{}", consequences(error));
    let about = |prefix: &str| with_subject(prefix, subject, detail);
    match kind {
        Kind::Malformed => about(&format!("Format error in {body}")),
        Kind::MalformedParameter => about("Format error in query parameters"),
        // Qdrant's form for a value out of its range.
        Kind::Invalid => format!("Validation error in {body}: [{subject}: {detail}]"),
        Kind::InvalidParameter => {
            format!("Validation error in query parameters: [{subject}: {detail}]")
        }
        Kind::BadRequest => about("Bad request"),
        Kind::Unsupported => format!("Bad request: {}", unsupported(subject, detail)),
        Kind::WrongMethod => format!("Method not allowed: `{subject}` does not take {detail}"),
        Kind::TooLarge | Kind::UnsupportedEncoding => about("Payload error"),
        Kind::BadInput | Kind::AlreadyExists => about("Wrong input"),
        Kind::NotFound => about("Not found"),
        Kind::Conflict => about("Conflict"),
        Kind::Overloaded => about("Too many requests"),
        Kind::RateLimited => about("Rate limiting exceeded"),
        Kind::OutOfSpace => about("Insufficient storage"),
        Kind::Timeout => about("Timeout"),
        Kind::Unavailable => about("Service unavailable"),
        Kind::Internal => about("Service internal error"),
    }
}

/// What follows for the client: whether something was changed, and when to try again.
fn consequences(error: &Error) -> String {
    let Error { changed, shards, retry, .. } = error;
    let is_part = shards.as_ref().is_some_and(FailedShards::is_part);
    let mut text = String::from(match (changed, is_part) {
        (Changed::Nothing, false) => "; nothing was changed",
        // Half of it is there: no error may say that nothing was changed.
        (Changed::Nothing, true) => "; nothing was changed there",
        _ => "",
    });
    text += match retry {
        Retry::Soon => ", try again in a moment",
        Retry::WhenMajorityIsUp => ", try again when a majority of its replicas is up",
        Retry::WhenThereIsRoom => {
            ". Delete points or make room; writes are taken again by themselves"
        }
        Retry::No | Retry::Later | Retry::AfterLooking => "",
    };
    if let Some(FailedShards { collection, failed, shards }) = shards {
        let applied = shards - failed.len();
        text += &format!(
            " (shards {failed:?} of `{collection}` failed, on the other {applied} of {shards} \
             the write was applied)"
        );
    }
    text
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
    fn texts_say_whether_anything_was_changed_and_what_to_do() {
        use vane_types::{Error as EngineError, FailedShards, Retry, Subject};
        let shard = Subject::Shard { collection: "c".into(), ordinal: 1 };
        let leaderless = EngineError::unavailable("has no leader that answers (none is known)")
            .about(shard)
            .nothing_changed()
            .retry(Retry::WhenMajorityIsUp);
        assert_eq!(
            text(&leaderless.into()),
            "Service unavailable: shard 1 of collection `c` has no leader that answers (none is \
             known); nothing was changed, try again when a majority of its replicas is up"
        );
        let full = EngineError::overloaded("too much is waiting").nothing_changed();
        let shards = FailedShards { collection: "c".into(), failed: vec![1], shards: 2 };
        let part = Error::from(EngineError { shards: Some(shards), ..full });
        assert_eq!(
            text(&part),
            "Too many requests: too much is waiting; nothing was changed there, try again in a \
             moment (shards [1] of `c` failed, on the other 1 of 2 the write was applied)"
        );
        assert!(part.may_have_changed());
        assert_eq!(
            text(&EngineError::unknown_outcome("the leader stopped").into()),
            "Timeout: the outcome of the write is unknown, it may still be applied: the leader \
             stopped"
        );
    }

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
