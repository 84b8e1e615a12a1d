//! Calls over the wire: which endpoint, with which token, how long, and what a failure was.
//!
//! With several endpoints the first that takes the connection is used, and again for the
//! calls after it, until one of them goes unanswered. A call that reads goes on to the next
//! endpoint when its connection breaks. A call that changes something does so only while it has
//! not been sent, because its answer must tell what that one call did.

use std::time::Duration;

use tokio::time::{Instant, timeout};
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};
use vane_proto::admin::admin_client::AdminClient;

use crate::args::values::Endpoint;
use crate::error::{Doing, Error, Refusal, Tried};

mod calls;
mod dial;
pub(crate) mod token;

use token::Token;

/// A list of all shards of a large cluster is some megabytes.
const REPLY_BYTES_MAX: usize = 64 << 20;

/// The admin interface of a cluster.
#[derive(Debug)]
pub(crate) struct Client {
    endpoints: Vec<Endpoint>,
    token: Option<Token>,
    timeout: Duration,
    /// Place of the endpoint that the next call begins with.
    first: usize,
    /// The endpoint in use, by its place, with its connection.
    connected: Option<(usize, Channel)>,
}

/// Why one attempt brought no answer.
enum Failure {
    Timeout,
    Broken(String),
    Refused(Status),
}

impl Client {
    /// A client that has not connected yet. `timeout` is how long each call may take, with
    /// all attempts.
    pub(crate) fn new(endpoints: Vec<Endpoint>, token: Option<Token>, timeout: Duration) -> Self {
        Self { endpoints, token, timeout, first: 0, connected: None }
    }

    /// Sets how long each call from now on may take.
    pub(crate) fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    /// How long each call may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The endpoint that answered last.
    pub(crate) fn answered(&self) -> Option<&Endpoint> {
        self.connected.as_ref().and_then(|(place, _)| self.endpoints.get(*place))
    }

    /// Refuses a list of endpoints, for a command about one node and no other.
    pub(crate) fn check_single(&self, command: &str) -> Result<(), Error> {
        match self.endpoints.as_slice() {
            [_] => Ok(()),
            _ => Err(Error::Usage(format!(
                "{command} is about one node: name it alone with --endpoint HOST:PORT"
            ))),
        }
    }

    async fn call<M: Clone, R>(
        &mut self,
        doing: Doing,
        message: M,
        send: impl AsyncFn(&mut AdminClient<Channel>, Request<M>) -> Result<Response<R>, Status>,
    ) -> Result<R, Error> {
        let deadline = Instant::now() + self.timeout;
        // From the one that worked last, and round to those before it.
        let order: Vec<usize> = (self.first..self.endpoints.len()).chain(0..self.first).collect();
        let mut tried = Vec::new();
        for (attempt, place) in order.iter().copied().enumerate() {
            let endpoint = self.endpoints[place].clone();
            let left = deadline.saturating_duration_since(Instant::now());
            // Endpoints that do not answer must leave time for those after them.
            let share = left / u32::try_from(order.len() - attempt).unwrap_or(u32::MAX);
            let channel = match self.channel(place, share).await {
                Ok(channel) => channel,
                Err(reason) => {
                    tried.push(Tried { endpoint, reason });
                    continue;
                }
            };
            let mut admin = AdminClient::new(channel).max_decoding_message_size(REPLY_BYTES_MAX);
            let request = self.request(message.clone(), deadline);
            match answer(deadline, send(&mut admin, request)).await {
                Ok(reply) => return Ok(reply),
                // A change may have been made before the connection
                // broke: it is not sent a second time unasked.
                Err(Failure::Broken(reason)) if !doing.changes => {
                    self.connected = None;
                    tried.push(Tried { endpoint, reason });
                }
                Err(failure) => return Err(self.error(doing, place, failure)),
            }
        }
        Err(Error::Unreachable { doing, tried })
    }

    async fn channel(&mut self, place: usize, limit: Duration) -> Result<Channel, String> {
        if let Some((used, channel)) = &self.connected
            && *used == place
        {
            return Ok(channel.clone());
        }
        let channel = dial::dial(&self.endpoints[place], limit).await?;
        // Later calls begin here: the endpoints before it were of no use.
        self.first = place;
        self.connected = Some((place, channel.clone()));
        Ok(channel)
    }

    /// The message with the token, and with the time its handling may take.
    fn request<M>(&self, message: M, deadline: Instant) -> Request<M> {
        let mut request = Request::new(message);
        if let Some(token) = &self.token {
            request.metadata_mut().insert("authorization", token.bearer());
        }
        // A node need not go on with what nobody waits for any more.
        request.set_timeout(deadline.saturating_duration_since(Instant::now()));
        request
    }

    fn error(&mut self, doing: Doing, place: usize, failure: Failure) -> Error {
        let endpoint = self.endpoints[place].clone();
        match failure {
            Failure::Timeout => {
                // What hangs once may hang again: the next call, of a watch, asks another.
                self.first = (place + 1) % self.endpoints.len();
                self.connected = None;
                Error::Timeout { doing, endpoint, limit: self.timeout }
            }
            Failure::Broken(reason) => {
                self.connected = None;
                Error::Broken { doing, endpoint, reason }
            }
            Failure::Refused(status) => {
                let refusal = Box::new(Refusal::new(endpoint, &status, self.token.is_some()));
                Error::Refused { doing, refusal }
            }
        }
    }
}

/// Waits for the answer. Tells a refusal from a lost connection and from silence.
async fn answer<R>(
    deadline: Instant,
    reply: impl Future<Output = Result<Response<R>, Status>>,
) -> Result<R, Failure> {
    let left = deadline.saturating_duration_since(Instant::now());
    let Ok(reply) = timeout(left, reply).await else {
        return Err(Failure::Timeout);
    };
    let status = match reply {
        Ok(reply) => return Ok(reply.into_inner()),
        Err(status) => status,
    };
    // Both ends may see the deadline before our own timer does. tonic says "cancelled" then.
    if status.code() == Code::DeadlineExceeded
        || (status.code() == Code::Cancelled
            && status.message() == tonic::TimeoutExpired(()).to_string())
    {
        return Err(Failure::Timeout);
    }
    // Only what was made on this side has a source.
    match std::error::Error::source(&status) {
        Some(source) => Err(Failure::Broken(dial::root_cause(source))),
        None => Err(Failure::Refused(status)),
    }
}
