//! Whether a connection is in use, and since when it is not.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, Request};
use axum::middleware::Next;
use axum::response::Response;
use parking_lot::Mutex;

/// What happens on one connection. Clones are of the same.
#[derive(Clone)]
pub(crate) struct Activity(Arc<Mutex<State>>);

struct State {
    /// Requests that are being answered.
    requests: usize,
    /// Whether there was ever one.
    asked: bool,
    /// When the last answer was made or some of it taken, or the connection began.
    quiet_since: Instant,
    ended: bool,
    /// The task that waits for the client to say something.
    reader: Option<Waker>,
}

impl Activity {
    /// A connection that has just begun.
    pub(super) fn new() -> Self {
        let quiet_since = Instant::now();
        let state = State { requests: 0, asked: false, quiet_since, ended: false, reader: None };
        Self(Arc::new(Mutex::new(state)))
    }

    /// How long nothing was asked and no answer taken; nothing while a request is answered. Bytes
    /// that do not make a request count as silence: who sends one a second holds no place by that.
    pub(super) fn idle_for(&self) -> Duration {
        let state = self.0.lock();
        if state.requests > 0 { Duration::ZERO } else { state.quiet_since.elapsed() }
    }

    /// Whether nothing was ever asked.
    pub(super) fn is_unused(&self) -> bool {
        !self.0.lock().asked
    }

    /// Ends the connection.
    pub(super) fn end(&self) {
        let mut state = self.0.lock();
        state.ended = true;
        if let Some(reader) = state.reader.take() {
            reader.wake();
        }
    }

    /// Whether it was ended; else the task of `cx` is woken when it is.
    pub(super) fn is_ended(&self, cx: &Context<'_>) -> bool {
        let mut state = self.0.lock();
        if !state.reader.as_ref().is_some_and(|reader| reader.will_wake(cx.waker())) {
            state.reader = Some(cx.waker().clone());
        }
        state.ended
    }

    /// Counts a request as one that the connection is in use for, until what is returned is
    /// dropped.
    pub(crate) fn in_use(&self) -> InUse {
        let mut state = self.0.lock();
        (state.requests, state.asked) = (state.requests + 1, true);
        InUse(self.clone())
    }

    /// The client took some of an answer.
    pub(super) fn wrote(&self, written: &Poll<io::Result<usize>>) {
        if matches!(written, Poll::Ready(Ok(_))) {
            self.0.lock().quiet_since = Instant::now();
        }
    }
}

/// A request that is being answered.
pub(crate) struct InUse(Activity);

impl Drop for InUse {
    fn drop(&mut self) {
        let mut state = self.0.0.lock();
        state.requests -= 1;
        state.quiet_since = Instant::now();
    }
}

/// Counts a request as one that its connection is in use for. The body of the request is a part of
/// that; of the answer, each piece that the client takes counts by itself.
pub(crate) async fn count(request: Request, next: Next) -> Response {
    // There is none where no listener is, as in tests of the router.
    let connection = request.extensions().get::<ConnectInfo<Activity>>().cloned();
    let Some(ConnectInfo(activity)) = connection else { return next.run(request).await };
    let _in_use = activity.in_use();
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::Activity;
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

    #[test]
    fn a_connection_is_idle_between_requests_only() {
        let activity = Activity::new();
        let minute = Duration::from_secs(60);
        activity.0.lock().quiet_since -= minute;
        assert!(activity.idle_for() >= minute);
        assert!(activity.is_unused());
        let request = activity.in_use();
        assert!(!activity.is_unused());
        assert_eq!(activity.idle_for(), Duration::ZERO);
        drop(request);
        assert!(activity.idle_for() < minute, "it was in use until now");
        activity.0.lock().quiet_since -= minute;
        activity.wrote(&Poll::Pending);
        assert!(activity.idle_for() >= minute);
        activity.wrote(&Poll::Ready(Ok(1)));
        assert!(activity.idle_for() < minute, "the client took some of an answer");
    }

    #[test]
    fn who_waits_for_a_client_is_told_of_the_end() {
        let (activity, cx) = (Activity::new(), Context::from_waker(Waker::noop()));
        assert!(!activity.is_ended(&cx));
        activity.end();
        assert!(activity.0.lock().reader.is_none(), "it was woken");
        assert!(activity.is_ended(&cx));
    }
}
