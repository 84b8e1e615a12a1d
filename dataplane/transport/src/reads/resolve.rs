//! Ids behind a filter.

use std::time::Instant;

use vane_filter::Filter;
use vane_types::{Error, PointId};

use crate::{Read, Replica};

/// Ids that match, for a change by filter.
#[derive(Debug, Clone)]
pub struct Resolve {
    /// What the points must match.
    pub filter: Filter,
}

impl Read for Resolve {
    type Answer = Vec<PointId>;

    async fn answer<R: Replica>(
        self,
        replica: &R,
        deadline: Instant,
    ) -> Result<Vec<PointId>, Error> {
        replica.resolve(self, deadline).await
    }
}
