//! Figures of a shard.

use std::time::Instant;

use vane_shard::Info;
use vane_types::Error;

use crate::{Read, Replica};

/// Figures of the shard, for people and for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InfoOf;

impl Read for InfoOf {
    type Answer = Info;

    async fn answer<R: Replica>(
        self,
        replica: &R,
        deadline: Instant,
    ) -> Result<Info, Error> {
        replica.info(self, deadline).await
    }
}
