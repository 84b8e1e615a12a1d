//! What a collection holds, as limits are compared with it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use vane_types::Error;

use crate::collection::Collection;
use crate::options::RequestOptions;
use crate::shards::Shards;
use crate::watched::{Figures, Watch};

/// Time for the leaders to tell them. Where one does not, older figures do.
const ASKING_MAX: Duration = Duration::from_secs(1);

impl<S: Shards> Collection<S> {
    /// What is remembered of it.
    pub(super) fn watch(&self) -> Arc<Watch> {
        let coordinator = &self.coordinator;
        let mut watches = coordinator.watches.0.lock();
        let first = self.groups().first().copied();
        if let Some(watch) = watches.get(self.name()).filter(|watch| watch.first == first) {
            return Arc::clone(watch);
        }
        // Only here, which is rare: those of collections that are gone.
        coordinator.catalog.read(|state| {
            watches.retain(|name, _| state.collections.contains_key(name));
        });
        let watch = Watch::new(first);
        watches.insert(self.name().to_owned(), Arc::clone(&watch));
        watch
    }

    /// Figures of all shards, as their leaders tell them: a moment old, or of after `since`.
    ///
    /// # Errors
    /// That of a shard whose leader does not answer, where there are no older ones either.
    pub(super) async fn figures(
        &self,
        since: Option<Instant>,
        options: &RequestOptions,
    ) -> Result<Arc<Figures>, Error> {
        let watch = self.watch();
        let now = self.coordinator.shards.now();
        if let Some(figures) = watch.fresh(since, now) {
            return Ok(figures);
        }
        let _one_at_a_time = watch.asking.lock().await;
        // Whoever was before may have asked after this request began.
        let now = self.coordinator.shards.now();
        if let Some(figures) = watch.fresh(since, now) {
            return Ok(figures);
        }
        let deadline = options.deadline.min(now + ASKING_MAX);
        match self.info(RequestOptions::new(deadline)).await {
            Ok(info) => {
                let figures = Arc::new(Figures::of(info));
                watch.keep(&figures, now);
                Ok(figures)
            }
            // A limit that cannot be looked at does not become one of nothing.
            Err(error) => watch.last().ok_or(error),
        }
    }
}
