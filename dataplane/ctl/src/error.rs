//! What can go wrong, in words for the person at the terminal: what was being done to
//! which object, whether it may have happened nevertheless, and what to do.

use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use thiserror::Error;

use crate::args::values::Endpoint;
use crate::exit::Exit;

mod refusal;

pub(crate) use refusal::Refusal;

/// A call, as its error names it.
#[derive(Debug, Clone)]
pub(crate) struct Doing {
    /// What and to which object, such as "delete collection docs".
    what: String,
    /// Whether it changes the cluster when it succeeds.
    pub(crate) changes: bool,
}

impl Doing {
    pub(crate) fn read(what: impl Into<String>) -> Self {
        Self { what: what.into(), changes: false }
    }

    pub(crate) fn change(what: impl Into<String>) -> Self {
        Self { what: what.into(), changes: true }
    }
}

/// An endpoint that was of no use, and why.
#[derive(Debug)]
pub(crate) struct Tried {
    pub(crate) endpoint: Endpoint,
    pub(crate) reason: String,
}

/// Why a command did not do what it was told.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// The command line, or a file it names, is wrong. Nothing was sent.
    #[error("{0}")]
    Usage(String),
    /// No endpoint took the call. Nothing has changed.
    #[error("failed to {}: no node answered", doing.what)]
    Unreachable { doing: Doing, tried: Vec<Tried> },
    /// The call went out and no answer came back.
    #[error("failed to {}: {endpoint} did not answer within {limit:?}", doing.what)]
    Timeout { doing: Doing, endpoint: Endpoint, limit: Duration },
    /// The connection broke after the call went out.
    #[error("failed to {}: the connection to {endpoint} broke: {reason}", doing.what)]
    Broken { doing: Doing, endpoint: Endpoint, reason: String },
    /// A node refused the call.
    #[error("failed to {}: {refusal}", doing.what)]
    Refused { doing: Doing, refusal: Box<Refusal> },
    /// The cluster does not have what the command names. Nothing was sent.
    #[error("{0}")]
    NotFound(String),
    /// What was waited for did not come, or the person at the terminal said no.
    #[error("{0}")]
    Unmet(String),
    /// Stdout or stdin failed.
    #[error("failed to {what}: {source}")]
    Terminal { what: &'static str, source: io::Error },
}

impl Error {
    /// What the process tells its caller.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Unmet(_) | Self::Terminal { .. } => Exit::Unmet,
            Self::Unreachable { .. }
            | Self::Timeout { .. }
            | Self::Broken { .. }
            | Self::Refused { .. }
            | Self::NotFound(_) => Exit::Failed,
        }
    }

    /// Whether asking again later may go better without anybody doing something here.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            // A node that is just starting answers later.
            Self::Unreachable { .. } | Self::Timeout { .. } | Self::Broken { .. } => true,
            Self::Refused { refusal, .. } => refusal.may_pass(),
            Self::Usage(_) | Self::NotFound(_) | Self::Unmet(_) | Self::Terminal { .. } => false,
        }
    }

    /// The message and the lines below it, for stderr.
    pub(crate) fn report(&self) -> String {
        let mut text = format!("vanectl: {self}\n");
        // Each has its own reason, and one of them is the mistake to find.
        if let Self::Unreachable { tried, .. } = self {
            for Tried { endpoint, reason } in tried {
                line(&mut text, "tried", &format!("{endpoint}: {reason}"));
            }
        }
        let (doing, changed, retry, advice) = match self {
            Self::Unreachable { doing, .. } => (doing, "nothing", None, Some(NAME_A_NODE)),
            // Creations carry a key and moves a revision; the other changes set what they name.
            Self::Timeout { doing, .. } => (doing, UNKNOWN, Some(SAFE), Some(SEE_STATUS)),
            Self::Broken { doing, .. } => (doing, UNKNOWN, Some(SAFE), Some(CHECK_PORT)),
            Self::Refused { doing, refusal } => {
                (doing, refusal.changed(), Some(refusal.retry()), refusal.advice())
            }
            Self::Usage(_) | Self::NotFound(_) | Self::Unmet(_) | Self::Terminal { .. } => {
                return text;
            }
        };
        // Of a call that only reads there is no change to tell of.
        let changed = doing.changes.then_some(changed);
        for (name, value) in [("changed", changed), ("retry", retry), ("to do", advice)] {
            value.iter().for_each(|value| line(&mut text, name, value));
        }
        text
    }
}

const UNKNOWN: &str = "unknown; it may still happen";
const SAFE: &str = "yes; repeating the same call is safe";
const NAME_A_NODE: &str = "name the admin address of a running node with --endpoint HOST:PORT \
    (or VANECTL_ENDPOINT); the admin port is 6335 unless configured otherwise; \
    in Kubernetes, `kubectl port-forward POD 6335` brings it here";
const SEE_STATUS: &str = "see how the cluster is with `vanectl status`; --timeout allows more time";
const CHECK_PORT: &str = "check that this is the admin port of a node, and that the node runs";

fn line(text: &mut String, name: &str, value: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "  {name}: {value}");
}

#[cfg(test)]
mod tests {
    use super::{Doing, Error, Exit, Tried};
    use crate::args::values::endpoint;
    use std::time::Duration;

    #[test]
    fn exit_codes_tell_whose_turn_it_is() {
        let doing = || Doing::read("list nodes");
        let at = || endpoint("a:1").unwrap();
        for (error, exit) in [
            (Error::Usage("x".into()), Exit::Usage),
            (Error::Unmet("x".into()), Exit::Unmet),
            (Error::NotFound("x".into()), Exit::Failed),
            (Error::Unreachable { doing: doing(), tried: Vec::new() }, Exit::Failed),
            (
                Error::Timeout { doing: doing(), endpoint: at(), limit: Duration::from_secs(1) },
                Exit::Failed,
            ),
            (
                Error::Broken { doing: doing(), endpoint: at(), reason: "reset".into() },
                Exit::Failed,
            ),
        ] {
            assert_eq!(error.exit(), exit, "{error}");
        }
    }

    #[test]
    fn a_call_that_never_left_changed_nothing() {
        let tried =
            vec![Tried { endpoint: endpoint("a:1").unwrap(), reason: "connection refused".into() }];
        let report =
            Error::Unreachable { doing: Doing::change("delete collection docs"), tried }.report();
        assert!(
            report.starts_with("vanectl: failed to delete collection docs: no node answered\n"),
            "{report}"
        );
        assert!(
            report.contains("  tried: a:1: connection refused\n  changed: nothing\n"),
            "{report}"
        );
        assert!(report.contains("--endpoint"), "{report}");
    }

    #[test]
    fn a_lost_answer_leaves_the_change_open() {
        let at = endpoint("a:1").unwrap();
        let limit = Duration::from_secs(10);
        let report =
            Error::Timeout { doing: Doing::change("delete collection docs"), endpoint: at, limit }
                .report();
        assert!(report.contains("did not answer within 10s\n  changed: unknown"), "{report}");
        assert!(report.contains("retry: yes"), "{report}");
    }
}
