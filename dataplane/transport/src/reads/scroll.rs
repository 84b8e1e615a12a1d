//! A page of points in id order.

use std::time::Instant;

use vane_shard::{Page, Scroll};
use vane_types::Error;

use crate::{Read, Replica};

impl Read for Scroll {
    type Answer = Page;

    async fn answer<R: Replica>(
        self,
        replica: &R,
        deadline: Instant,
    ) -> Result<Page, Error> {
        replica.scroll(self, deadline).await
    }
}
