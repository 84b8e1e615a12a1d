//! What is written down about changes: who asked for what, and what became of it.

use vane_api::{Error, rest};

use crate::call::Call;
use crate::operation::Operation;

/// Writes one event. It is one of `debug`, as the line of every request is: a log of every upsert
/// is not for a node that was not asked for it.
pub(crate) fn record(
    call: &Call,
    operation: Operation,
    subject: &str,
    outcome: Result<(), &Error>,
) {
    // Before the texts are made, which cost more than this question.
    if !tracing::enabled!(target: "vane::audit", tracing::Level::DEBUG) {
        return;
    }
    let (outcome, error) = match outcome {
        Ok(()) => ("done", String::new()),
        // Not "refused": it must not be read as undone later.
        Err(error) if error.may_have_changed() => ("unknown", rest::text::text(error)),
        Err(error) => ("refused", rest::text::text(error)),
    };
    tracing::debug!(
        target: "vane::audit",
        principal = %call.principal,
        door = %call.door,
        operation = ?operation,
        subject,
        outcome,
        error,
        "change"
    );
}
