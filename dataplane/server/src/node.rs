//! What the requests of one process share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::sync::Semaphore;
use vane_cluster::{Cluster, Error, Host};

use crate::metric_definitions::Metrics;
use crate::settings::Settings;

/// Bodies of this size may be read at the same time, as a multiple of the largest one
/// allowed; small ones are not counted.
const LARGE_BODIES_MAX: usize = 16;
/// Bodies up to this many bytes are small.
pub(crate) const SMALL_BODY_BYTES_MAX: usize = 1 << 20;
/// What a permit of [`Node::large_bodies`] is for.
pub(crate) const BODY_PERMIT_BYTES: usize = 1 << 10;

/// The state behind every request.
pub(crate) struct Node {
    pub(crate) host: Host,
    pub(crate) settings: Settings,
    pub(crate) metrics: Metrics,
    /// When the process was ready to answer.
    pub(crate) started: Instant,
    /// One permit for a request at work.
    pub(crate) requests: Arc<Semaphore>,
    /// Memory for large bodies, in KB.
    pub(crate) large_bodies: Semaphore,
    /// Set once, when the process was told to stop.
    stopping: AtomicBool,
}

impl Node {
    pub(crate) fn new(host: Host, settings: Settings) -> Arc<Self> {
        let body_permits =
            LARGE_BODIES_MAX * settings.max_request_bytes.div_ceil(BODY_PERMIT_BYTES);
        Arc::new(Self {
            host,
            metrics: Metrics::new(),
            started: Instant::now(),
            requests: Arc::new(Semaphore::new(settings.concurrent_requests_max)),
            large_bodies: Semaphore::new(body_permits),
            stopping: AtomicBool::new(false),
            settings,
        })
    }

    /// The cluster; an error while this node belongs to none.
    pub(crate) fn cluster(&self) -> Result<Cluster, Error> {
        self.host.cluster().ok_or_else(|| {
            Error::Unavailable(
                "this node belongs to no cluster yet; it waits to join one or to be bootstrapped"
                    .into(),
            )
        })
    }

    /// From now on the node is not ready.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Whether requests should be sent here; if not, why.
    pub(crate) fn check_ready(&self) -> Result<(), String> {
        if self.stopping.load(Ordering::Acquire) {
            return Err("the node is shutting down".into());
        }
        self.host.check_ready()
    }
}
