//! Searches whose view is kept until the winners' records are fetched.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use vane_shard::HeldSearch;

/// Views kept at a time; the oldest makes room.
const HELD_MAX: usize = 1024;
/// Time that a view is kept.
const HELD_FOR: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(crate) struct Held {
    inner: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    next: u64,
    views: HashMap<u64, (Instant, Arc<HeldSearch>)>,
}

impl Held {
    /// Keeps a search; the token to fetch from it with.
    pub(crate) fn keep(&self, search: HeldSearch) -> u64 {
        let mut kept = self.inner.lock();
        let now = Instant::now();
        kept.views.retain(|_, (since, _)| now.duration_since(*since) < HELD_FOR);
        if kept.views.len() >= HELD_MAX {
            let oldest =
                kept.views.iter().min_by_key(|(_, (since, _))| *since).map(|(token, _)| *token);
            oldest.map(|it| kept.views.remove(&it));
        }
        kept.next += 1;
        let token = kept.next;
        kept.views.insert(token, (now, Arc::new(search)));
        token
    }

    /// A kept search, which is let go; `None` when it was too long ago.
    pub(crate) fn take(&self, token: u64) -> Option<Arc<HeldSearch>> {
        self.inner.lock().views.remove(&token).map(|(_, it)| it)
    }
}
