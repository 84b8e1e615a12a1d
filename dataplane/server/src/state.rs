//! What the listeners of one process share.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use tokio::sync::watch;
use uuid::Uuid;
use vane_service::{Options, Service};

use crate::engine::{Node, NotReady};
use crate::live::Live;
use crate::metrics::Metrics;
use crate::settings::Settings;

/// The state behind every request.
pub(crate) struct AppState {
    /// All that can be asked of the node.
    pub(crate) service: Arc<Service>,
    /// The engine, for what is of the process: readiness, the token, the listener for nodes.
    pub(crate) node: Node,
    /// What it was started with.
    pub(crate) settings: Settings,
    /// What holds now of those that change.
    pub(crate) live: Live,
    pub(crate) metrics: Metrics,
    /// When the process was ready to answer.
    pub(crate) started: Instant,
    /// The same by the calendar.
    pub(crate) started_at: Timestamp,
    /// Drawn for this process.
    pub(crate) process_id: Uuid,
    /// Set once, when the process was told to stop.
    stopping: watch::Sender<bool>,
}

impl AppState {
    pub(crate) fn new(node: Node, settings: Settings) -> Arc<Self> {
        let (metrics, of_service) = Metrics::new();
        let options = Options {
            calls_max: settings.concurrent_requests_max,
            body_bytes_max: settings.max_request_bytes,
            queries_at_once: settings.search_threads(),
        };
        Arc::new(Self {
            service: Service::new(node.clone(), options, of_service),
            node,
            metrics,
            live: Live::new(&settings),
            started: Instant::now(),
            started_at: Timestamp::now(),
            process_id: Uuid::new_v4(),
            stopping: watch::Sender::new(false),
            settings,
        })
    }

    /// Whether there is a collection or an alias of that name, as far as this node knows.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.service.coordinator().is_ok_and(|coordinator| coordinator.knows(name))
    }

    /// From now on the node is not ready.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Waits until the process was told to stop.
    pub(crate) async fn stopping(&self) {
        // The sender is here, so that it cannot go before.
        let mut told = self.stopping.subscribe();
        let _told = told.wait_for(|stopping| *stopping).await;
    }

    /// Whether requests should be sent here.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn check_ready(&self) -> Result<(), NotReady> {
        // Before the engine is asked: it is well, and still should get no more.
        if *self.stopping.borrow() {
            return Err(NotReady::Stopping);
        }
        self.node.check_ready()
    }
}
