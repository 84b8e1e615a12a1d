//! From settings to a running node, and to its end.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::ServiceExt;
use axum::extract::Request;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::connections::{Activity, Connections};
use crate::engine::{EngineSettings, Node, OpenError};
use crate::grpc;
use crate::live;
use crate::peer;
use crate::rest;
use crate::runtime;
use crate::settings::{Loaded, Settings, TokenError};
use crate::state::AppState;
use crate::telemetry;

/// Time for blocking calls on the way when everything else has ended.
const RUNTIME_GRACE: Duration = Duration::from_secs(1);

/// Host that stands for all addresses, of IPv6 and of IPv4.
const ALL_ADDRESSES: &str = "::";

/// Exit status of a node that could not become a member.
const EXIT_NOT_STARTED: i32 = 1;

/// The node could not start, or could not go on. What was acknowledged is on disk.
#[derive(Debug, Error)]
pub enum StartError {
    /// The address is taken, not ours, or unknown.
    #[error("failed to listen on {host}:{port}: {source}")]
    Listen { host: String, port: u16, source: std::io::Error },
    /// The data directory could not be opened.
    #[error("failed to open the data directory {dir}: {source}")]
    Open { dir: String, source: OpenError },
    /// The secret for calls between nodes cannot be read or kept.
    #[error(transparent)]
    Token(TokenError),
    /// The system refused a thread, a timer or a signal handler.
    #[error("failed to start: {0}")]
    System(std::io::Error),
    /// The listener broke.
    #[error("failed to accept connections: {0}")]
    Accept(std::io::Error),
}

impl StartError {
    /// Whether a later version wrote what is on the disk: no restart of this one helps.
    pub fn is_too_new(&self) -> bool {
        matches!(self, Self::Open { source, .. } if source.is_too_new())
    }
}

/// Runs a node until SIGTERM or SIGINT, and then until requests have been answered and
/// everything is on disk.
///
/// # Errors
///
/// A [`StartError`] before the first answer, or when the listener broke; what was acknowledged is
/// on disk.
pub fn serve(loaded: Loaded) -> Result<(), StartError> {
    let Loaded { settings, warnings } = loaded;
    telemetry::start(&settings.log);
    // They came up before there was a log to write them to.
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let runtime = runtime::start().map_err(StartError::System)?;
    let result = runtime.block_on(run(settings));
    runtime.shutdown_timeout(RUNTIME_GRACE);
    result
}

async fn run(settings: Settings) -> Result<(), StartError> {
    // First: a signal that comes during the start must end it in order, too.
    let stop = Stop::new().map_err(StartError::System)?;
    // The ports first: a second node started by mistake should not touch the disk.
    let rest_listener = listen(&settings, settings.http_port).await?;
    let grpc_listener = listen(&settings, settings.grpc_port).await?;
    let peer_listener = listen(&settings, settings.peer_port).await?;
    let address = rest_listener.local_addr().map_err(StartError::System)?;
    let grpc_address = grpc_listener.local_addr().map_err(StartError::System)?;
    let peer_address = peer_listener.local_addr().map_err(StartError::System)?;
    // After the ports: one that the system chose is part of what others are told.
    let engine = settings.engine(settings.node(address, peer_address).map_err(StartError::Token)?);
    let node = take_data_dir(&settings, engine).await?;
    let grace = Duration::from_secs(settings.shutdown_grace_s);
    let state = AppState::new(node.clone(), settings);
    tracing::info!(
        %address,
        %grpc_address,
        %peer_address,
        "listening; opening what is on the disk"
    );
    // Before anything is open: probes are told that the node is starting and how far it is, and
    // members may call it as soon as they know it.
    let peers = tokio::spawn(peer::serve(peer_listener, Arc::clone(&state)));
    let following = tokio::spawn(live::follow(Arc::clone(&state)));
    let begun = begin(&state, address);
    let served = answer([rest_listener, grpc_listener], Arc::clone(&state), stop, grace);
    let served = tokio::select! {
        served = served => served,
        // A start that goes well ends nothing.
        Err(error) = begun => Err(error),
    };
    // Also after a failure: it shortens the next start.
    if tokio::task::spawn_blocking(move || node.shutdown()).await.is_err() {
        tracing::error!("failed to shut down in order; the next start reads the logs");
    }
    // Last: leaders hand over and followers answer until the end.
    peers.abort();
    following.abort();
    tracing::info!("stopped");
    served
}

/// Opens what is on the disk; then joins a cluster, where the node was told of one and its disk
/// is empty.
async fn begin(state: &AppState, address: SocketAddr) -> Result<(), StartError> {
    let (node, settings) = (&state.node, &state.settings);
    let dir = || settings.data_dir.display().to_string();
    node.begin().await.map_err(|source| StartError::Open { dir: dir(), source })?;
    let disk = node.disk();
    let member = node.member().ok();
    let collections = member.map(|member| member.coordinator().collection_names().len());
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        %address,
        data_dir = %settings.data_dir.display(),
        node = disk.member.map(|member| member.node_id.0),
        collections,
        search_threads = settings.search_threads(),
        "ready"
    );
    // Beside the listener: health checks are answered while the cluster is waited for.
    join(node.clone()).await;
    Ok(())
}

/// Joins a cluster, where the node was told of one and its disk is empty.
async fn join(node: Node) {
    if let Err(error) = node.join().await {
        tracing::error!(
            %error,
            "failed to start as a member; ending the process so that a restart tries again"
        );
        std::process::exit(EXIT_NOT_STARTED);
    }
}

async fn listen(settings: &Settings, port: u16) -> Result<TcpListener, StartError> {
    // As in a URL, which is how people know addresses of this family.
    let host = settings.host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let bound = match TcpListener::bind((host.as_str(), port)).await {
        // All addresses of both families, on a machine that has one.
        Err(error) if host == ALL_ADDRESSES && !is_taken(&error) => {
            tracing::warn!(%error, "no IPv6 here; listening on all IPv4 addresses");
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await
        }
        bound => bound,
    };
    bound.map_err(|source| StartError::Listen { host, port, source })
}

fn is_taken(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{AddrInUse, PermissionDenied};
    matches!(error.kind(), AddrInUse | PermissionDenied)
}

async fn take_data_dir(settings: &Settings, engine: EngineSettings) -> Result<Node, StartError> {
    let dir = settings.data_dir.display().to_string();
    let token = engine.node.token.clone();
    // The marker is read and may be synced: not on a thread of the runtime.
    let node = match tokio::task::spawn_blocking(move || Node::new(engine)).await {
        Ok(opened) => opened.map_err(|source| StartError::Open { dir, source })?,
        Err(error) => return Err(StartError::System(std::io::Error::other(error))),
    };
    // Only now is the directory known to be this node's.
    settings.keep_token(&token).map_err(StartError::Token)?;
    Ok(node)
}

/// Answers requests until `stop`, then lets those on their way end within `grace`.
async fn answer(
    listeners: [TcpListener; 2],
    state: Arc<AppState>,
    stop: Stop,
    grace: Duration,
) -> Result<(), StartError> {
    let (told, is_told) = tokio::sync::watch::channel(false);
    let stopped = || {
        let mut is_told = is_told.clone();
        async move {
            // An error means that the sender is gone, which is an end too.
            let _ended = is_told.wait_for(|told| *told).await;
        }
    };
    let [rest, grpc] = Connections::of(listeners);
    let unused = rest.unused();
    let service = ServiceExt::<Request>::into_make_service_with_connect_info::<Activity>(
        rest::service(Arc::clone(&state)),
    );
    let rest = axum::serve(rest, service).with_graceful_shutdown(stopped());
    let grpc = grpc::serve(grpc.into_stream(), Arc::clone(&state), stopped());
    let served = async {
        let rest = async { rest.await.map_err(StartError::Accept) };
        let broken = |error| StartError::Accept(std::io::Error::other(error));
        let grpc = async { grpc.await.map_err(broken) };
        tokio::try_join!(rest, grpc)
    };
    let too_long = async {
        let name = stop.told().await;
        tracing::info!(
            signal = name,
            grace_s = grace.as_secs(),
            "stopping: no new connections, requests may end"
        );
        // First, so that balancers look elsewhere while the rest is answered.
        state.stop();
        told.send_replace(true);
        tokio::select! {
            () = tokio::time::sleep(grace) => {}
            never = unused.end() => match never {},
        }
    };
    tokio::select! {
        served = served => served.map(|_| ()),
        () = too_long => {
            tracing::warn!(
                grace_s = grace.as_secs(),
                "requests were cut off at the end of the grace time"
            );
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
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for one of them; its name.
    async fn told(mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
