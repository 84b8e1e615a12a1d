//! Waiting for what has no way to tell.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::error::Error;

/// Pause between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(20);

/// Waits until `look` finds something. It says what it saw where that is not there yet, and
/// fails where waiting longer is of no use.
pub(crate) async fn wait_until<T>(
    what: &str,
    timeout: Duration,
    mut look: impl AsyncFnMut() -> Result<Result<T, String>, Error>,
) -> Result<T, Error> {
    let end = Instant::now() + timeout;
    loop {
        match look().await? {
            Ok(found) => return Ok(found),
            Err(seen) if Instant::now() > end => {
                return Err(Error::Waited {
                    what: what.to_owned(),
                    seconds: timeout.as_secs(),
                    seen,
                });
            }
            Err(_) => sleep(LOOK_PAUSE).await,
        }
    }
}
