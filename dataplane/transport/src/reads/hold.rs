//! A search that keeps its view.

use std::time::Instant;

use vane_shard::Search;
use vane_types::Error;

use crate::{HeldHits, Read, Replica};

/// A search whose records are fetched later, from the same view.
#[derive(Debug, Clone)]
pub struct Hold(pub Search);

impl Read for Hold {
    type Answer = HeldHits;

    async fn answer<R: Replica>(
        self,
        replica: &R,
        deadline: Instant,
    ) -> Result<HeldHits, Error> {
        replica.hold(self, deadline).await
    }
}
