//! The index of a read, and nothing else.

use std::time::Instant;

use vane_types::{Error, LogIndex};

use crate::{Read, Replica};

/// Asks only for an index that the leader has applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Basis;

impl Read for Basis {
    type Answer = LogIndex;

    async fn answer<R: Replica>(
        self,
        replica: &R,
        deadline: Instant,
    ) -> Result<LogIndex, Error> {
        replica.basis(self, deadline).await
    }
}
