//! From settings to a running node, and to its end.

use std::sync::Arc;
use std::time::Duration;

use axum::ServiceExt;
use axum::extract::Request;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use vane_cluster::{Cluster, OpenError};

use crate::connections::Connections;
use crate::node::Node;
use crate::rest;
use crate::settings::{Loaded, Settings};
use crate::telemetry;

/// Time for blocking calls on the way when everything else has ended.
const RUNTIME_GRACE: Duration = Duration::from_secs(1);

/// The node could not start, or could not go on. What was acknowledged is on disk.
#[derive(Debug, Error)]
pub enum StartError {
    /// The address is taken, not ours, or unknown.
    #[error("failed to listen on {host}:{port}: {source}")]
    Listen { host: String, port: u16, source: std::io::Error },
    /// The data directory could not be opened.
    #[error("failed to open the data directory {dir}: {source}")]
    Open { dir: String, source: OpenError },
    /// The system refused a thread, a timer or a signal handler.
    #[error("failed to start: {0}")]
    System(std::io::Error),
    /// The listener broke.
    #[error("failed to accept connections: {0}")]
    Accept(std::io::Error),
}

/// Runs a node until SIGTERM or SIGINT, and then until requests have been answered and
/// everything is on disk.
pub fn serve(loaded: Loaded) -> Result<(), StartError> {
    let Loaded { settings, warnings } = loaded;
    telemetry::start(&settings.log);
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let runtime = Runtime::new().map_err(StartError::System)?;
    let result = runtime.block_on(run(settings));
    runtime.shutdown_timeout(RUNTIME_GRACE);
    result
}

async fn run(settings: Settings) -> Result<(), StartError> {
    let stop = Stop::new().map_err(StartError::System)?;
    // The port first: a second node started by mistake should not touch the disk.
    let listener = listen(&settings).await?;
    let address = listener.local_addr().map_err(StartError::System)?;
    let cluster = open(&settings).await?;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        %address,
        data_dir = %settings.data_dir.display(),
        collections = cluster.collection_names().len(),
        search_threads = settings.search_threads(),
        "ready"
    );
    let grace = Duration::from_secs(settings.shutdown_grace_s);
    let node = Node::new(cluster.clone(), settings);
    let served = answer(listener, node, stop, grace).await;
    // Also after a failure: it shortens the next start.
    if tokio::task::spawn_blocking(move || cluster.shutdown()).await.is_err() {
        tracing::error!("failed to shut down in order; the next start reads the logs");
    }
    tracing::info!("stopped");
    served
}

async fn listen(settings: &Settings) -> Result<TcpListener, StartError> {
    let (host, port) = (settings.host.clone(), settings.http_port);
    TcpListener::bind((host.as_str(), port)).await.map_err(|source| StartError::Listen { host, port, source })
}

async fn open(settings: &Settings) -> Result<Cluster, StartError> {
    let (dir, engine) = (settings.data_dir.display().to_string(), settings.cluster());
    match tokio::task::spawn_blocking(move || Cluster::open(engine)).await {
        Ok(opened) => opened.map_err(|source| StartError::Open { dir, source }),
        Err(error) => Err(StartError::System(std::io::Error::other(error))),
    }
}

/// Answers requests until `stop`, then lets those on their way end within `grace`.
async fn answer(listener: TcpListener, node: Arc<Node>, stop: Stop, grace: Duration) -> Result<(), StartError> {
    let (told, mut is_told) = tokio::sync::watch::channel(false);
    let service = ServiceExt::<Request>::into_make_service(rest::service(Arc::clone(&node)));
    let served = axum::serve(Connections::new(listener), service).with_graceful_shutdown(async move {
        // An error means that the sender is gone, which is an end too.
        let _ended = is_told.wait_for(|told| *told).await;
    });
    let too_long = async {
        let name = stop.told().await;
        tracing::info!(signal = name, grace_s = grace.as_secs(), "stopping: no new connections, requests may end");
        node.stop();
        told.send_replace(true);
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        served = served => served.map_err(StartError::Accept),
        () = too_long => {
            tracing::warn!(grace_s = grace.as_secs(), "requests were cut off at the end of the grace time");
            Ok(())
        }
    }
}

/// The signals that end a node.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn new() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for one of them; its name.
    async fn told(mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
