//! Records of a search whose view was kept.

use std::time::Instant;

use vane_shard::{Record, Want};
use vane_types::Error;

use crate::{Read, Replica};

/// Records of some points of an earlier [`super::Hold`], from the view that scored them. Lets
/// the view go.
#[derive(Debug, Clone)]
pub struct Fetch {
    /// Names the view; from [`crate::HeldHits`].
    pub token: u64,
    /// Places in the held result, from 0.
    pub places: Vec<usize>,
    /// What to return of each.
    pub want: Want,
}

impl Read for Fetch {
    type Answer = Vec<Record>;

    async fn answer<R: Replica>(
        self,
        replica: &R,
        deadline: Instant,
    ) -> Result<Vec<Record>, Error> {
        replica.fetch(self, deadline).await
    }
}
