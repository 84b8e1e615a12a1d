//! Shard keys of a collection: made, and deleted with all of their points.

use std::sync::Arc;
use std::time::Duration;

use vane_catalog::MetaCommand;
use vane_commands::{Selection, Write};
use vane_shard::Scroll;
use vane_transport::Freshness;
use vane_types::{Error, ErrorKind, ShardKey};

use crate::collection::Collection;
use crate::options::{AskedOf, RequestOptions};
use crate::scope::ShardKeys;
use crate::shards::Shards;

/// Points that are deleted at a time.
const DELETED_AT_ONCE: usize = 10_000;

impl<S: Shards> Collection<S> {
    /// Makes a shard key. Points can be written under it when this returns.
    ///
    /// # Errors
    /// `BadInput` where the collection has no tenants, the key is there already or cannot be;
    /// `Unavailable`; `Timeout` where it may have been made.
    pub async fn create_shard_key(&self, key: ShardKey, timeout: Duration) -> Result<(), Error> {
        let deadline = self.coordinator.shards.now() + timeout;
        let create = MetaCommand::CreateTenant { collection: self.name().to_owned(), key };
        self.coordinator.change(create, deadline).await
    }

    /// Deletes a shard key and all of its points. Where it fails on the way the key is still
    /// listed, and the call can be repeated.
    ///
    /// # Errors
    /// `NotFound`; that of a shard that does not answer; `Timeout`.
    pub async fn delete_shard_key(
        self: &Arc<Self>,
        key: ShardKey,
        timeout: Duration,
    ) -> Result<(), Error> {
        let deadline = self.coordinator.shards.now() + timeout;
        let keys = ShardKeys { keys: vec![key], fallback: None };
        let scoped = self.among(Some(&keys), deadline).await?;
        let Some(tenant) = scoped.scope.one() else { return Ok(()) };
        let options = RequestOptions {
            freshness: Freshness::Linearizable,
            asked_of: AskedOf::Leader,
            ..RequestOptions::new(deadline)
        };
        // First: what another node sends meanwhile, by a catalog of before, comes behind this and
        // is refused, so that nothing is left of it.
        scoped.write(Write::CloseTenant(tenant), options.clone()).await?;
        loop {
            let page = Scroll { limit: DELETED_AT_ONCE, ..Scroll::default() };
            let page = scoped.scroll(page, options.clone()).await?;
            if page.records.is_empty() {
                break;
            }
            let ids = page.records.iter().map(|record| record.id).collect();
            scoped.write(Write::Delete(Selection::Ids(ids)), options.clone()).await?;
        }
        let delete = MetaCommand::DeleteTenant { collection: self.name().to_owned(), tenant };
        match self.coordinator.change(delete, deadline).await {
            // Another call was faster.
            Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }
}
