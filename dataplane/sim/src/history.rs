//! What clients asked for and what they were told.

use vane_types::{GroupId, LogIndex};

use crate::event::Office;
use crate::write::Write;

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) client: usize,
    pub(crate) group: GroupId,
    pub(crate) kind: Kind,
    /// Moments are numbers of events: no two things that follow from each other share one.
    pub(crate) invoked: u64,
    /// Never for what nobody was told of.
    pub(crate) returned: u64,
    pub(crate) outcome: Outcome,
    /// Session and sequence of a write.
    pub(crate) request: Option<(u64, u64)>,
    /// What the filter of a write matched, and the index at which it was looked up.
    pub(crate) resolved: Option<(LogIndex, Vec<u64>)>,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Write(Write),
    Read { point: u64, linearizable: bool },
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Not told, or told that nobody knows.
    Unknown,
    /// Told that nothing happened.
    Nothing,
    Applied {
        index: LogIndex,
        office: Office,
    },
    /// Applied, and refused: a point that it names was not there.
    Refused {
        index: LogIndex,
        office: Office,
    },
    Value {
        value: Option<u64>,
        index: LogIndex,
        office: Office,
    },
}

/// The moment after all others.
pub(crate) const NEVER: u64 = u64::MAX;

impl Operation {
    /// Points that its filter matched; empty without one.
    pub(crate) fn resolved(&self) -> &[u64] {
        self.resolved.as_ref().map_or(&[], |(_, points)| points)
    }

    pub(crate) fn is_write(&self) -> bool {
        matches!(self.kind, Kind::Write(_))
    }

    pub(crate) fn is_acknowledged(&self) -> bool {
        !matches!(self.outcome, Outcome::Unknown | Outcome::Nothing)
    }
}

/// All requests of a run.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) operations: Vec<Operation>,
}

impl History {
    /// A request begins; its number.
    pub(crate) fn begin(&mut self, client: usize, group: GroupId, kind: Kind, now: u64) -> usize {
        let outcome = Outcome::Unknown;
        self.operations.push(Operation {
            client,
            group,
            kind,
            invoked: now,
            returned: NEVER,
            outcome,
            request: None,
            resolved: None,
        });
        self.operations.len() - 1
    }

    /// A client is told what became of its request.
    pub(crate) fn end(&mut self, operation: usize, outcome: Outcome, now: u64) {
        let told = &mut self.operations[operation];
        told.outcome = outcome;
        if outcome != Outcome::Unknown {
            told.returned = now;
        }
    }

    pub(crate) fn acknowledged(&self) -> usize {
        self.operations.iter().filter(|operation| operation.is_acknowledged()).count()
    }
}
