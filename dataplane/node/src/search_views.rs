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
pub(crate) struct SearchViews<V = SearchContext> {
    kept: Mutex<Kept<V>>,
}

struct Kept<V> {
    last_token: u64,
    views: HashMap<u64, (Instant, Arc<V>)>,
}

impl<V> SearchViews<V> {
    /// Tokens begin anywhere: a fetch may come after a restart, and must not get what another
    /// search found since.
    pub(crate) fn new() -> Self {
        let (last_token, _) = uuid::Uuid::new_v4().as_u64_pair();
        Self { kept: Mutex::new(Kept { last_token, views: HashMap::new() }) }
    }

    /// Keeps a search; the token to fetch from it with.
    pub(crate) fn keep(&self, search: V) -> u64 {
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
        kept.last_token = kept.last_token.wrapping_add(1);
        let token = kept.last_token;
        kept.views.insert(token, (now, Arc::new(search)));
        token
    }

    /// A kept search, which is let go; `None` when it was too long ago.
    pub(crate) fn take(&self, token: u64) -> Option<Arc<V>> {
        // Taken out: who fetches does so once, and with the answer the view is let go.
        self.kept.lock().views.remove(&token).map(|(_, search)| search)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_taken_once_and_by_nobody_who_asked_an_earlier_process() {
        let [before, after] = [(); 2].map(|()| SearchViews::new());
        let tokens: Vec<u64> = (0..10).map(|n| before.keep(n)).collect();
        let others: Vec<u64> = (0..10).map(|n| after.keep(100 + n)).collect();
        assert!(tokens.iter().all(|token| after.take(*token).is_none()));
        assert!(
            others.iter().zip(100..).all(|(token, n)| after.take(*token).as_deref() == Some(&n))
        );
        assert!(others.iter().all(|token| after.take(*token).is_none()));
    }

    #[test]
    fn the_oldest_makes_room() {
        let views = SearchViews::new();
        let tokens: Vec<u64> = (0..=VIEWS_MAX).map(|n| views.keep(n)).collect();
        assert_eq!(tokens.iter().filter(|token| views.take(**token).is_some()).count(), VIEWS_MAX);
    }
}
