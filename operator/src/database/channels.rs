//! Connections to nodes: one to each, which all passes share.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tonic::transport::{Channel, Endpoint};

use super::Error;
use crate::aging::Aging;

/// Time for a connection. A pod that is there answers at once.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Time for a call.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a node is asked whether it is there, while it has not answered a call.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// Connections by address (host:port). Those that are not used for long are closed where there are
/// many.
#[derive(Clone, Default)]
pub struct Channels(Arc<Mutex<Aging<String, Channel>>>);

impl Channels {
    /// The connection to a node, which is made with its first call.
    ///
    /// # Errors
    ///
    /// [`Error::Address`].
    pub(super) fn channel(&self, address: &str) -> Result<Channel, Error> {
        let mut known = self.0.lock();
        let channel = match known.get(address) {
            Some(channel) => channel.clone(),
            None => Endpoint::from_shared(format!("http://{address}"))
                .map_err(|_| Error::Address(address.to_owned()))?
                .connect_timeout(CONNECT_TIMEOUT)
                .timeout(CALL_TIMEOUT)
                // A machine that is gone says nothing, and its address may be another pod's.
                .http2_keep_alive_interval(KEEP_ALIVE)
                .keep_alive_timeout(KEEP_ALIVE)
                .connect_lazy(),
        };
        // Noted again with each use, as its age is that of its last one.
        known.note(address.to_owned(), channel.clone());
        Ok(channel)
    }
}
