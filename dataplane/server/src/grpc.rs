//! Qdrant's gRPC: its services, over the same operations as REST.
//!
//! `vane_api::grpc` turns messages into the bodies that REST has for the same requests, and
//! results into messages; what this version does not have is UNIMPLEMENTED and says so.

mod about;
mod call;
mod collections;
mod compression;
mod error;
mod health;
mod layers;
mod points;
mod reads;
#[cfg(test)]
mod tests;
mod updates;
mod values;

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use tokio_stream::Stream;
use tonic::Status;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic_health::pb::health_server::HealthServer;
use tower_http::catch_panic::CatchPanicLayer;
use vane_wire::qdrant::collections_server::CollectionsServer;
use vane_wire::qdrant::points_server::PointsServer;
use vane_wire::qdrant::qdrant_server::QdrantServer;

use crate::connections::Connection;
use crate::state::AppState;
use about::AboutDoor;
use collections::CollectionsDoor;
use health::{Feed, HealthDoor};
use points::PointsDoor;

/// HTTP/2 windows: a large message must not wait for a round trip per 64 KB.
const WINDOW_BYTES: u32 = 1 << 20;
/// Calls of one connection at a time.
const STREAMS_MAX: u32 = 1024;
/// Bytes of headers: as much as readers of gRPC take.
const HEADERS_BYTES_MAX: u32 = 16 << 10;
/// Of a message: whether it is compressed, and its length.
const HEAD_BYTES: usize = 5;

/// Answers until `stop`, and then until calls on their way have ended.
///
/// # Errors
/// The listener broke.
pub(crate) async fn serve(
    connections: impl Stream<Item = io::Result<Connection>>,
    state: Arc<AppState>,
    stop: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error> {
    Server::builder()
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .max_concurrent_streams(STREAMS_MAX)
        .http2_max_header_list_size(HEADERS_BYTES_MAX)
        .add_routes(Routes::from(router(state)))
        .serve_with_incoming_shutdown(connections, stop)
        .await
}

/// All services, with what is around them.
fn router(state: Arc<AppState>) -> Router {
    // No less than what is read of a body, so that it is refused there, by a text that helps.
    let max = state.service.limits().body_bytes_max() + HEAD_BYTES;
    let points = PointsServer::new(PointsDoor(Arc::clone(&state))).max_decoding_message_size(max);
    let collections =
        CollectionsServer::new(CollectionsDoor(Arc::clone(&state))).max_decoding_message_size(max);
    let read = || from_fn_with_state(Arc::clone(&state), layers::read_message);
    let limited = Router::new()
        .route_service("/qdrant.Points/{method}", points)
        .route_service("/qdrant.Collections/{method}", collections)
        .layer(read())
        .layer(from_fn_with_state(Arc::clone(&state), layers::limit));
    let feed = Feed::new(Arc::clone(&state));
    // It ends when the node stops, so that no stream outlives the grace time.
    tokio::spawn(Arc::clone(&feed).run());
    let health = HealthServer::new(HealthDoor(feed));
    // Health and version stay outside: a busy node must still answer them.
    let mut router = Router::new()
        .route_service("/qdrant.Qdrant/{method}", QdrantServer::new(AboutDoor))
        .route_service("/grpc.health.v1.Health/{method}", health)
        .layer(read())
        .merge(limited)
        .fallback(no_such_service);
    if let Ok(reflection) = reflection() {
        router = router.merge(reflection);
    }
    router
        // From the inside out: a panic becomes an error, and is counted as one.
        .layer(CatchPanicLayer::custom(layers::panicked))
        .layer(from_fn(layers::blame))
        .layer(from_fn_with_state(state, layers::observe))
        .layer(from_fn(layers::count))
}

/// What the services are, for tools that ask.
fn reflection() -> Result<Router, tonic_reflection::server::Error> {
    let described = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(vane_wire::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    Ok(Router::new()
        .route_service("/grpc.reflection.v1.ServerReflection/{method}", described().build_v1()?)
        .route_service(
            "/grpc.reflection.v1alpha.ServerReflection/{method}",
            described().build_v1alpha()?,
        ))
}

async fn no_such_service() -> axum::response::Response {
    Status::unimplemented("").into_http()
}
