//! Points by id.

use std::time::Instant;

use vane_shard::{Record, Want};
use vane_types::{Error, PointId};

use crate::{Read, Replica};

/// Those of some points that are there.
#[derive(Debug, Clone)]
pub struct Retrieve {
    /// Ids; those that are not there are left out of the answer.
    pub ids: Vec<PointId>,
    /// What to return of each.
    pub want: Want,
}

impl Read for Retrieve {
    type Answer = Vec<Record>;

    async fn answer<R: Replica>(
        self,
        replica: &R,
        deadline: Instant,
    ) -> Result<Vec<Record>, Error> {
        replica.retrieve(self, deadline).await
    }
}
