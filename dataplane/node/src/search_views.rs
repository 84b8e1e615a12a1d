//! Searches whose view is kept until the winners' records are fetched.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use vane_shard::SearchContext;

/// Views kept at a time; the oldest makes room.
const VIEWS_MAX: usize = 1024;
/// Time that a view is kept. Its fetch follows within a round trip, or never.
const KEPT_FOR: Duration = Duration::from_secs(10);

/// The kept views, by token.
#[derive(Default)]
pub(crate) struct SearchViews {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    next_token: u64,
    views: HashMap<u64, (Instant, Arc<SearchContext>)>,
}

impl SearchViews {
    /// Keeps a search; the token to fetch from it with.
    pub(crate) fn keep(&self, search: SearchContext) -> u64 {
        let mut kept = self.kept.lock();
        let now = Instant::now();
        // Cleared when one comes in, so that it takes no timer.
        kept.views.retain(|_, (since, _)| now.duration_since(*since) < KEPT_FOR);
        // Each keeps its shard open and its points in memory, so time alone is no bound.
        if kept.views.len() >= VIEWS_MAX {
            let oldest = kept.views.iter().min_by_key(|(_, (since, _))| *since);
            if let Some(token) = oldest.map(|(token, _)| *token) {
                kept.views.remove(&token);
            }
        }
        // Counted, so that no token is given twice.
        kept.next_token += 1;
        let token = kept.next_token;
        kept.views.insert(token, (now, Arc::new(search)));
        token
    }

    /// A kept search, which is let go; `None` when it was too long ago.
    pub(crate) fn take(&self, token: u64) -> Option<Arc<SearchContext>> {
        // Taken out: who fetches does so once, and with the answer the view is let go.
        self.kept.lock().views.remove(&token).map(|(_, search)| search)
    }
}
