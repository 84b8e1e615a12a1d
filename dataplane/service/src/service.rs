//! What every door calls, and what happens around each operation.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use vane_api::{Error, Kind};
use vane_types::limits::COLLECTION_NAME_CHARS_MAX;

use crate::audit;
use crate::call::Call;
use crate::engine::{Collection, Coordinator, Member, Node, NodeShards, Requested};
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::operation::Operation;

/// An operation on its way to its answer. Boxed: the states of a request that looks for leaders
/// are large, and are compiled once here instead of once in every program and test.
pub type Answering<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// How much the service takes on.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Calls worked on at a time.
    pub calls_max: usize,
    /// Largest body, in bytes.
    pub body_bytes_max: usize,
    /// Queries of one batch that run at a time.
    pub queries_at_once: usize,
}

/// The operations of a node. One function each, in the file of what it is about.
pub struct Service {
    pub(crate) node: Node,
    pub(crate) queries_at_once: usize,
    limits: Limits,
    metrics: Metrics,
}

impl Service {
    /// The operations of the node that `node` is.
    pub fn new(node: Node, options: Options, metrics: Metrics) -> Arc<Self> {
        Arc::new(Self {
            node,
            queries_at_once: options.queries_at_once,
            limits: Limits::new(options.calls_max, options.body_bytes_max),
            metrics,
        })
    }

    /// Bounds on what is worked on, which a door asks before it reads a body.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// This node as a member of its cluster.
    ///
    /// # Errors
    ///
    /// [`vane_api::Kind::Unavailable`] while it belongs to none.
    pub fn member(&self) -> Result<Arc<Member>, Error> {
        Ok(self.node.member()?)
    }

    /// Who routes requests from this node.
    ///
    /// # Errors
    ///
    /// [`vane_api::Kind::Unavailable`] while it belongs to no cluster.
    pub fn coordinator(&self) -> Result<Arc<Coordinator<NodeShards>>, Error> {
        Ok(Arc::clone(self.member()?.coordinator()))
    }

    /// A collection by its name or an alias of it.
    ///
    /// # Errors
    ///
    /// [`vane_api::Kind::NotFound`], or [`vane_api::Kind::Unavailable`] while this node belongs
    /// to no cluster, or where it does not know the name and cannot ask whether others do.
    pub fn collection<'a>(
        &'a self,
        call: &'a Call,
        name_or_alias: &'a str,
    ) -> Answering<'a, Arc<Collection>> {
        Box::pin(async move {
            check_length(name_or_alias)?;
            let deadline = call.options().deadline;
            Ok(self.coordinator()?.collection(name_or_alias, deadline).await?)
        })
    }

    /// Lets a request in, where its collection limits them.
    ///
    /// # Errors
    ///
    /// The limit that it is over, or what kept this node from comparing it with one.
    pub(crate) async fn admit<'r>(
        &self,
        call: &Call,
        collection: &Collection,
        requested: impl FnOnce() -> Requested<'r> + Send,
    ) -> Result<(), Error> {
        // Most collections limit nothing: this is all that their requests have of it.
        if !collection.is_strict() {
            return Ok(());
        }
        let (requested, options) = (requested(), call.options());
        // Boxed: the state of a request that asks shards is large.
        let admitting = collection.admit(&requested, call.asked_timeout, &options);
        Ok(Box::pin(admitting).await?)
    }

    /// Runs an operation: times it, counts it, and writes it down where it is a change of
    /// `subject`, a collection or something of the cluster.
    pub(crate) async fn run<T, E: Into<Error>>(
        &self,
        call: &Call,
        operation: Operation,
        subject: &str,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Error> {
        let started = Instant::now();
        let result = work.await.map_err(E::into);
        // Before the log is written, which is none of the work.
        self.metrics.observe(operation, started.elapsed(), result.is_err());
        // Refusals too: somebody tried.
        if operation.is_change() {
            audit::record(call, operation, subject, result.as_ref().map(|_| ()));
        }
        result
    }

    /// Runs a change to its end, also when the client has gone: half a batch would stay
    /// otherwise, and nothing would be written down.
    pub(crate) async fn change<T, E>(
        self: &Arc<Self>,
        call: &Call,
        operation: Operation,
        subject: &str,
        work: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        E: Into<Error> + Send + 'static,
    {
        let (service, call, subject) = (Arc::clone(self), call.clone(), subject.to_owned());
        to_the_end(
            &call.clone(),
            async move { service.run(&call, operation, &subject, work).await },
        )
        .await
    }
}

/// Runs changes on a task of their own.
pub(crate) async fn to_the_end<T: Send + 'static>(
    call: &Call,
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    // Before the task: nothing has begun that would have to be taken back.
    call.refuse_partial()?;
    // A task is not dropped with the connection of whoever waits for it.
    let ended = tokio::spawn(work).await;
    ended.map_err(|error| {
        Error::internal(format!("the change did not end ({error}); its outcome is unknown"))
    })?
}

/// Refuses a name that no collection can have: it is a mistake, rather than one that is not there.
pub(crate) fn check_length(name: &str) -> Result<(), Error> {
    // Characters are counted where bytes alone do not settle it.
    if name.len() <= COLLECTION_NAME_CHARS_MAX || name.chars().count() <= COLLECTION_NAME_CHARS_MAX
    {
        return Ok(());
    }
    let detail = format_args!("must be from 1 to {COLLECTION_NAME_CHARS_MAX} characters");
    Err(Error::new(Kind::InvalidParameter, "collection_name", detail))
}
