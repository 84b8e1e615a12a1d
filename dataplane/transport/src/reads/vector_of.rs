//! The vector of a point.

use std::time::Instant;

use vane_types::{Error, PointId};

use crate::{Read, Replica};

/// The vector of a point, for a query that starts from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VectorOf {
    /// The point.
    pub id: PointId,
    /// Name of the vector; `""` for the unnamed one.
    pub using: String,
}

impl Read for VectorOf {
    type Answer = Vec<f32>;

    async fn answer<R: Replica>(
        self,
        replica: &R,
        deadline: Instant,
    ) -> Result<Vec<f32>, Error> {
        replica.vector_of(self, deadline).await
    }
}
