//! The threads that serve requests.

use std::cell::Cell;
use std::io;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

/// Time between looks for memory that a thread keeps and does not use.
const TRIM_INTERVAL: Duration = Duration::from_secs(1);

thread_local! {
    static TRIMMED: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// A runtime whose threads give back what they freed.
///
/// # Errors
/// When a thread cannot be started.
pub(crate) fn start() -> io::Result<Runtime> {
    Builder::new_multi_thread().enable_all().on_thread_park(trim).build()
}

/// Of a thread that has nothing to do: a body of a megabyte leaves pages of several, which it
/// would keep until the next. Timers wake an idle node's threads, so this comes to each of them.
fn trim() {
    TRIMMED.with(|trimmed| {
        let now = Instant::now();
        if trimmed.get().is_none_or(|at| now.duration_since(at) >= TRIM_INTERVAL) {
            trimmed.set(Some(now));
            vane_index::trim_thread();
        }
    });
}
