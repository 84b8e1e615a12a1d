//! A client of several nodes, as one behind a service's address is.

use std::time::Duration;

use crate::client::Client;
use crate::error::Error;

/// Time that one request may take before the next node is asked.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Goes on to the next node when one does not answer.
pub(crate) struct Failover {
    clients: Vec<Client>,
    turn: usize,
}

impl Failover {
    /// A client that begins with the node at place `first` of `urls`.
    pub(crate) fn new(urls: &[String], first: usize) -> Self {
        // Each with less time than a whole request has: the next node may be well.
        Self {
            clients: urls.iter().map(|url| Client::with_timeout(url, TIMEOUT)).collect(),
            turn: first,
        }
    }

    /// Makes one attempt. After an error it is the next node's turn.
    pub(crate) fn attempt<T>(
        &mut self,
        call: impl FnOnce(&Client) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let client = &self.clients[self.turn % self.clients.len()];
        call(client).inspect_err(|_| self.turn += 1)
    }
}
