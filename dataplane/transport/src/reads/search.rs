//! The nearest points, with their records.

use std::time::Instant;

use vane_shard::{Scored, Search};
use vane_types::Error;

use crate::{Read, Replica};

impl Read for Search {
    type Answer = Vec<Scored>;

    async fn answer<R: Replica>(
        self,
        replica: &R,
        deadline: Instant,
    ) -> Result<Vec<Scored>, Error> {
        replica.search(self, deadline).await
    }
}
