//! Texts of limits that a collection sets on its requests, as Qdrant words them.

use crate::engine::{Denied, Limited, User};
use crate::error::{Error, Kind};

impl From<Denied> for Error {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Limited(limited) => of(&limited),
            Denied::Failed(error) => error.into(),
        }
    }
}

fn of(limited: &Limited) -> Error {
    match limited {
        Limited::Rate { retry_after, .. } => {
            let seconds = whole_seconds(retry_after.as_secs_f64());
            let error = Error::new(Kind::RateLimited, "", detail(limited));
            Error { retry_after_s: Some(seconds.try_into().unwrap_or(u32::MAX)), ..error }
        }
        Limited::TooCostly { .. } => Error::new(Kind::RateLimited, "", detail(limited)),
        _ => match cure(limited) {
            None => Error::bad_request(detail(limited)),
            Some(cure) => Error::bad_request(format_args!("{}. Help: {cure}", detail(limited))),
        },
    }
}

/// What is wrong.
fn detail(limited: &Limited) -> String {
    match limited {
        Limited::Over { what, value, limit } => {
            format!("Limit exceeded {value} > {limit} for \"{what}\"")
        }
        Limited::Exact => "Exact search disabled!".to_owned(),
        Limited::Scan { vector, but_of_tenants } => scan(vector, *but_of_tenants),
        Limited::Unindexed { key, wanted, .. } => {
            let wanted = wanted.join(", ");
            format!(
                "Index required but not found for \"{key}\" of one of the following types: \
                 [{wanted}]"
            )
        }
        Limited::Ungrouped { key, found: None } => {
            format!("Index required but not found for \"{key}\"")
        }
        Limited::Ungrouped { key, found: Some(found) } => {
            format!("Index of type \"{}\" found for \"{key}\"", capitalized(found))
        }
        Limited::Conditions { found, limit } => {
            format!("Filter condition limit reached ({found} > {limit})")
        }
        Limited::ConditionSize { found, limit } => {
            format!("Condition size limit reached ({found} > {limit})")
        }
        Limited::Points(limit) => format!("Max points count limit of {limit} reached!"),
        Limited::VectorBytes(limit) => {
            format!("Max vector storage size limit of {}MB reached!", megabytes(*limit))
        }
        Limited::PayloadBytes(limit) => {
            format!("Max payload storage size limit of {}MB reached!", megabytes(*limit))
        }
        Limited::Indexes(limit) => {
            format!("Collection already has the maximum number of payload indices ({limit})")
        }
        Limited::Rows { vector, found, limit } => format!(
            "Multivector '{vector}' has a limit of {limit} vectors, but {found} were provided!"
        ),
        Limited::Numbers { vector, found, limit } => format!(
            "Sparse vector '{vector}' has a limit of {limit} indices, but {found} were provided!"
        ),
        Limited::Memory { used, limit } => format!(
            "Resident memory usage is at {used}% of total memory, exceeding the configured limit \
             of {limit}%"
        ),
        Limited::Rate { writes, cost, available, retry_after } => {
            let seconds = whole_seconds(retry_after.as_secs_f64());
            format!(
                "{} rate limit exceeded: Operation requires {cost} tokens but only \
                 {available:.1} were available. Retry after {seconds}s",
                kind_of(*writes)
            )
        }
        Limited::TooCostly { writes } => format!(
            "{} rate limit exceeded, request larger than rate limiter capacity, please try to \
             split your request",
            kind_of(*writes)
        ),
    }
}

fn scan(vector: &str, but_of_tenants: bool) -> String {
    let on = match vector {
        "" => String::new(),
        name => format!(" on '{name}'"),
    };
    let why = match but_of_tenants {
        true => "global vector indexing is disabled (hnsw_config.m = 0)",
        false => "vector indexing is disabled (hnsw_config.m = 0 and hnsw_config.payload_m = 0)",
    };
    format!("Request is forbidden{on} because {why}")
}

/// What helps; `None` where the limit says all.
fn cure(limited: &Limited) -> Option<String> {
    Some(match limited {
        Limited::Over { what, limit, .. } => {
            format!("Reduce the \"{what}\" parameter to or below {limit}.")
        }
        Limited::Exact => "Set exact=false.".to_owned(),
        Limited::Scan { but_of_tenants: true, .. } => {
            "Use tenant-specific filter, enable global vector indexing or enable strict mode \
             `search_allow_exact` option"
                .to_owned()
        }
        Limited::Scan { but_of_tenants: false, .. } => {
            "Enable vector indexing, use a prefetch query with indexed vectors or enable strict \
             mode `search_allow_exact` option"
                .to_owned()
        }
        Limited::Unindexed { user: User::Filter, .. } => {
            "Create an index for this key or use a different filter.".to_owned()
        }
        Limited::Unindexed { user: User::Formula, .. } => {
            "Create an index for this key or use a different formula expression.".to_owned()
        }
        Limited::Ungrouped { .. } => "Create an index supporting `match` for this key.".to_owned(),
        Limited::Conditions { .. } => "Reduce the amount of conditions of your filter.".to_owned(),
        Limited::ConditionSize { .. } => "Reduce the size of your condition.".to_owned(),
        Limited::Indexes(_) => {
            "Please delete an existing index before creating a new one.".to_owned()
        }
        Limited::Memory { .. } => {
            "Reduce memory usage (e.g. delete points or drop collections), or raise \
             `max_resident_memory_percent` in the strict mode config of this collection."
                .to_owned()
        }
        Limited::Points(_)
        | Limited::VectorBytes(_)
        | Limited::PayloadBytes(_)
        | Limited::Rows { .. }
        | Limited::Numbers { .. }
        | Limited::Rate { .. }
        | Limited::TooCostly { .. } => return None,
    })
}

fn kind_of(writes: bool) -> &'static str {
    if writes { "Write" } else { "Read" }
}

fn megabytes(bytes: u64) -> f32 {
    bytes as f32 / (1024.0 * 1024.0)
}

/// Rounded up, as a client that comes too early is sent away again.
fn whole_seconds(seconds: f64) -> u64 {
    seconds.ceil() as u64
}

fn capitalized(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::rest::text::text;

    #[test]
    fn texts_are_those_that_clients_know() {
        let key = || "city".parse().unwrap();
        let wanted = vec!["keyword", "uuid"];
        for (limited, expected) in [
            (
                Limited::Over { what: "limit", value: 4.0, limit: 3.0 },
                "Bad request: Limit exceeded 4 > 3 for \"limit\". Help: Reduce the \"limit\" \
                 parameter to or below 3.",
            ),
            (
                Limited::Over { what: "oversampling", value: 2.0, limit: 1.9 },
                "Bad request: Limit exceeded 2 > 1.9 for \"oversampling\". Help: Reduce the \
                 \"oversampling\" parameter to or below 1.9.",
            ),
            (
                Limited::Unindexed { key: key(), wanted, user: User::Filter },
                "Bad request: Index required but not found for \"city\" of one of the following \
                 types: [keyword, uuid]. Help: Create an index for this key or use a different \
                 filter.",
            ),
            (
                Limited::Ungrouped { key: key(), found: Some("float") },
                "Bad request: Index of type \"Float\" found for \"city\". Help: Create an index \
                 supporting `match` for this key.",
            ),
            (Limited::Points(10), "Bad request: Max points count limit of 10 reached!"),
            (
                Limited::VectorBytes(240),
                "Bad request: Max vector storage size limit of 0.00022888184MB reached!",
            ),
        ] {
            assert_eq!(text(&of(&limited)), expected);
        }
    }

    #[test]
    fn a_rate_says_when_to_come_back_unless_that_does_not_help() {
        let retry_after = Duration::from_millis(25_100);
        let rate = Limited::Rate { writes: true, cost: 5, available: 2.04, retry_after };
        let error = of(&rate);
        assert_eq!((error.retry_after_s(), error.may_succeed_later()), (Some(26), true));
        assert_eq!(
            text(&error),
            "Rate limiting exceeded: Write rate limit exceeded: Operation requires 5 tokens but \
             only 2.0 were available. Retry after 26s"
        );
        let never = of(&Limited::TooCostly { writes: false });
        assert_eq!((never.retry_after_s(), never.may_succeed_later()), (None, false));
        assert!(text(&never).contains("Read rate limit exceeded, request larger"));
    }
}
