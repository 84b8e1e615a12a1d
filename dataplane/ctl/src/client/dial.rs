//! One connection to one endpoint.

use std::error::Error;
use std::time::Duration;

use tokio::time::timeout;
use tonic::transport::Channel;

use crate::args::values::Endpoint;
use crate::table::printable;

/// A host that swallows packets must not use up the time of the endpoints after it.
const DIAL_MAX: Duration = Duration::from_secs(3);
/// A call may wait long for its answer; a peer that vanished is noticed meanwhile.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(5);

/// Connects, within `limit` and never longer than [`DIAL_MAX`].
///
/// # Errors
/// Why not, for a person.
pub(super) async fn dial(endpoint: &Endpoint, limit: Duration) -> Result<Channel, String> {
    let dialer = tonic::transport::Endpoint::from_shared(endpoint.uri())
        .map_err(|error| root_cause(&error))?
        .http2_keep_alive_interval(KEEPALIVE_EVERY)
        .keep_alive_timeout(KEEPALIVE_EVERY);
    let limit = limit.min(DIAL_MAX);
    match timeout(limit, dialer.connect()).await {
        Ok(Ok(channel)) => Ok(channel),
        Ok(Err(error)) => Err(root_cause(&error)),
        Err(_) => Err(format!("no connection within {limit:.1?}")),
    }
}

/// The innermost error: the outer ones only say that something failed.
pub(super) fn root_cause(error: &(dyn Error + 'static)) -> String {
    /// Longer than any real chain of causes.
    const DEPTH_MAX: usize = 32;
    let mut cause = error;
    for _ in 0..DEPTH_MAX {
        match cause.source() {
            Some(source) => cause = source,
            None => break,
        }
    }
    // Words of the other side may have control characters in them.
    printable(&cause.to_string())
}
