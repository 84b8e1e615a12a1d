//! Waiting for other processes, which have no way to wake us: the one loop of looks and pauses.

use std::time::{Duration, Instant};

use crate::error::Error;

/// Pause between two looks that cost next to nothing.
const LOOK_PAUSE: Duration = Duration::from_millis(5);
/// Pause between two looks of async callers, which ask an API server or run kubectl.
const ASYNC_LOOK_PAUSE: Duration = Duration::from_millis(50);

/// Waits until `look` finds something.
///
/// # Errors
///
/// It found nothing in time; the error names `what` was waited for.
pub fn wait_until<T>(
    what: &str,
    timeout: Duration,
    mut look: impl FnMut() -> Option<T>,
) -> Result<T, Error> {
    let end = Instant::now() + timeout;
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if Instant::now() > end {
            return Err(waited(what, timeout, "nothing"));
        }
        pause(LOOK_PAUSE);
    }
}

/// Waits until `look` finds something. Where it is not there yet, `look` says what it saw
/// instead; where waiting longer is of no use, it fails.
///
/// # Errors
///
/// `look` failed, or found nothing in time; the error then names `what` was waited for and
/// what was seen last.
pub async fn wait_until_async<T>(
    what: &str,
    timeout: Duration,
    mut look: impl AsyncFnMut() -> Result<Result<T, String>, Error>,
) -> Result<T, Error> {
    let end = Instant::now() + timeout;
    loop {
        // Before the time is looked at: a slow look may have found it all the same.
        match look().await? {
            Ok(found) => return Ok(found),
            Err(seen) if Instant::now() > end => return Err(waited(what, timeout, &seen)),
            Err(_) => tokio::time::sleep(ASYNC_LOOK_PAUSE).await,
        }
    }
}

fn waited(what: &str, timeout: Duration, seen: &str) -> Error {
    Error::Waited { what: what.to_owned(), seconds: timeout.as_secs(), seen: seen.to_owned() }
}

/// Lets time pass.
#[allow(
    clippy::disallowed_methods,
    reason = "other processes are waited for, which have no way to wake us"
)]
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_waited_for_is_named_with_what_was_seen() {
        let seen = wait_until_async("a pod", Duration::ZERO, async || {
            Ok(Err::<(), _>("an empty list".to_owned()))
        });
        let error = seen.await.unwrap_err().to_string();
        assert_eq!(error, "waited 0 s in vain: a pod; last seen: an empty list");
        let nothing = wait_until("a node", Duration::ZERO, || None::<()>).unwrap_err();
        assert!(nothing.to_string().contains("a node"), "{nothing}");
    }
}
