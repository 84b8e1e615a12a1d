//! Counting points.

use std::time::Instant;

use vane_filter::Filter;
use vane_types::Error;

use crate::{Read, Replica};

/// How many points match.
#[derive(Debug, Clone)]
pub struct Count {
    /// All points when absent.
    pub filter: Option<Filter>,
}

impl Read for Count {
    type Answer = usize;

    async fn answer<R: Replica>(
        self,
        replica: &R,
        deadline: Instant,
    ) -> Result<usize, Error> {
        replica.count(self, deadline).await
    }
}
