//! How new an answer must be, and who may give it: the parameter `consistency`, which Qdrant's
//! clients send, and a header of ours.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use vane_api::{Error, Kind};

use crate::engine::{AskedOf, Assurance, Freshness};

/// Who may answer a read, and how old the answer may be.
const READ: HeaderName = HeaderName::from_static("x-vane-read");
/// Header of a request that takes what is left when shards do not answer, and of an answer that
/// went without some.
pub(crate) const PARTIAL: HeaderName = HeaderName::from_static(PARTIAL_NAME);
pub(crate) const PARTIAL_NAME: &str = "x-vane-partial";
/// What the header may say, for whoever said something else.
const KNOWN: &str = "`leader`, `nearest` and `nearest; max-staleness=2s` are";

/// How a read is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReadOptions {
    pub(crate) freshness: Freshness,
    pub(crate) asked_of: AskedOf,
}

impl ReadOptions {
    /// What a request asks for.
    ///
    /// # Errors
    /// `MalformedParameter` or a bad request for what is unknown or contradicts itself.
    pub(crate) fn of(consistency: Option<&str>, headers: &HeaderMap) -> Result<Self, Error> {
        let freshness = consistency.map_or(Ok(Freshness::Leader), freshness)?;
        let Some(header) = headers.get(READ) else {
            return Ok(Self { freshness, asked_of: AskedOf::Anyone });
        };
        let (asked_of, staleness) = asked_for(header)?;
        match (freshness, staleness) {
            (freshness, None) => Ok(Self { freshness, asked_of }),
            (Freshness::Linearizable, Some(_)) => Err(Error::bad_request(format!(
                "header {READ}: `max-staleness` asks for an answer that may be old, and \
                 `consistency` for one that is not; leave one of them out"
            ))),
            (_, Some(time)) => {
                Ok(Self { freshness: Freshness::Told(Assurance::Leader, time), asked_of })
            }
        }
    }
}

/// Whether a header asks for what the parameter `partial` does: official clients can set
/// headers, but no parameters of ours.
///
/// # Errors
/// `BadRequest` where it says something else.
pub(crate) fn allows_partial(headers: &HeaderMap) -> Result<bool, Error> {
    match headers.get(PARTIAL).map(HeaderValue::as_bytes) {
        None => Ok(false),
        Some(b"allow") => Ok(true),
        Some(other) => {
            let other = String::from_utf8_lossy(other);
            Err(Error::bad_request(format!(
                "header {PARTIAL}: `{other}` is not known, only `allow` is"
            )))
        }
    }
}

/// Reads of more than one replica are linearizable: a majority confirms that who leads still does,
/// and the replica that answers has all that is committed by then. Reads of one have what was
/// acknowledged under whoever leads, unconfirmed.
fn freshness(text: &str) -> Result<Freshness, Error> {
    match text {
        "majority" | "quorum" | "all" => Ok(Freshness::Linearizable),
        "1" => Ok(Freshness::Leader),
        number if number.parse::<u32>().is_ok_and(|replicas| replicas > 0) => {
            Ok(Freshness::Linearizable)
        }
        _ => Err(Error::new(
            Kind::MalformedParameter,
            "consistency",
            format!("`{text}` is neither a number from 1 nor one of majority, quorum, all"),
        )),
    }
}

/// Who may answer, and how old the answer may be.
fn asked_for(header: &HeaderValue) -> Result<(AskedOf, Option<Duration>), Error> {
    let text = String::from_utf8_lossy(header.as_bytes());
    let unknown = || Error::bad_request(format!("header {READ}: `{text}` is not known, {KNOWN}"));
    let mut parts = text.split(';').map(str::trim);
    match (parts.next(), parts.next(), parts.next()) {
        (Some("leader"), None, _) => Ok((AskedOf::Leader, None)),
        (Some("nearest"), None, _) => Ok((AskedOf::Anyone, None)),
        (Some("nearest"), Some(staleness), None) => {
            let time = staleness.strip_prefix("max-staleness=").and_then(duration);
            Ok((AskedOf::Anyone, Some(time.ok_or_else(unknown)?)))
        }
        _ => Err(unknown()),
    }
}

/// A time of whole seconds or milliseconds, as in `2s` or `500ms`.
fn duration(text: &str) -> Option<Duration> {
    let number = |text: &str| text.parse::<u32>().ok().map(u64::from);
    match text.strip_suffix("ms") {
        Some(millis) => number(millis).map(Duration::from_millis),
        None => number(text.strip_suffix('s')?).map(Duration::from_secs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(consistency: Option<&str>, header: Option<&'static str>) -> Result<ReadOptions, String> {
        let mut headers = HeaderMap::new();
        headers.extend(header.map(|text| (READ, HeaderValue::from_static(text))));
        ReadOptions::of(consistency, &headers).map_err(|error| error.detail)
    }

    fn options(freshness: Freshness, asked_of: AskedOf) -> Result<ReadOptions, String> {
        Ok(ReadOptions { freshness, asked_of })
    }

    #[test]
    fn any_replica_answers_what_is_acknowledged_unless_something_else_is_asked_for() {
        use AskedOf::{Anyone, Leader};
        assert_eq!(of(None, None), options(Freshness::Leader, Anyone));
        assert_eq!(of(Some("all"), None), options(Freshness::Linearizable, Anyone));
        assert_eq!(of(Some("all"), Some("leader")), options(Freshness::Linearizable, Leader));
        assert_eq!(of(None, Some("nearest")), options(Freshness::Leader, Anyone));
        for (text, millis) in
            [("nearest; max-staleness=2s", 2000), ("nearest;max-staleness=50ms", 50)]
        {
            let within = Freshness::Told(Assurance::Leader, Duration::from_millis(millis));
            assert_eq!(of(Some("1"), Some(text)), options(within, Anyone));
        }
    }

    #[test]
    fn what_is_not_known_is_refused_with_what_is() {
        for text in [
            "",
            "far",
            "leader; max-staleness=2s",
            "nearest; max-staleness=2",
            "nearest; max-staleness=-1s",
            "nearest; max-staleness=99999999999s",
            "nearest; max-staleness=2s; more",
        ] {
            let refused = of(None, Some(text)).unwrap_err();
            assert!(refused.contains("x-vane-read") && refused.contains(KNOWN), "{refused}");
        }
        let both = of(Some("majority"), Some("nearest; max-staleness=2s")).unwrap_err();
        assert!(both.contains("leave one of them out"), "{both}");
        assert!(of(Some("0"), None).unwrap_err().contains("majority, quorum, all"));
    }
}
