//! The listener for the other nodes and for administration.

use std::sync::Arc;

use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use crate::admin;
use crate::engine::peer_server;
use crate::state::AppState;

/// HTTP/2 windows: large commands and snapshots must not wait for a round trip per 64 KB.
const WINDOW_BYTES: u32 = 4 << 20;
/// Streams of one connection: every call of a peer is one.
const STREAMS_MAX: u32 = 4096;

/// Answers until it is aborted.
pub(crate) async fn serve(listener: TcpListener, state: Arc<AppState>) {
    // Of what it accepts itself alone; `Server::tcp_nodelay` is about listeners that it opens.
    // Without it an answer of several small frames waits 40 ms for the other side's delayed ACK.
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let peers = peer_server(state.node.clone(), state.node.token());
    // On the same port: both are for whoever has the secret.
    let admins = admin::server(&state);
    let served = Server::builder()
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .max_concurrent_streams(STREAMS_MAX)
        .add_service(peers)
        .add_service(admins)
        .serve_with_incoming(incoming)
        .await;
    if let Err(error) = served {
        tracing::error!(%error, "the listener for other nodes ended; this node is cut off");
    }
}
