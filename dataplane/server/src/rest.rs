//! The REST API: Qdrant's, by path, shape, status code and error text.
//!
//! One file per resource holds its handlers; `vane_api::rest` has the JSON they read and write.
//! What this version does not have answers 400 and says so (`unsupported.rs`).

mod about;
mod aliases;
mod answer;
mod body;
mod call;
mod cluster;
mod collections;
mod error;
mod indexes;
mod layers;
mod points;
mod queries;
mod quotas;
mod shard_keys;
#[cfg(test)]
mod tests;
mod unread;
mod unsupported;
mod updates;
mod values;
mod vectors;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{Method, Uri};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{delete, get, post, put};
use tower::Layer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::predicate::{DefaultPredicate, Predicate, SizeAbove};
use tower_http::compression::{CompressionLayer, CompressionLevel};
use tower_http::cors::CorsLayer;
use tower_http::decompression::RequestDecompressionLayer;
use tower_http::normalize_path::{NormalizePath, NormalizePathLayer};
use vane_api::{Error, Kind};

use crate::state::AppState;
use crate::{connections, health, metrics};
pub(crate) use body::PARSED_IN_PLACE_BYTES_MAX;
pub(crate) use call::ANSWER_TRAVELS;
use error::ApiError;
pub(crate) use layers::{REQUEST_ID, request_id};

/// Answers below this size are not compressed: it would cost more time than it saves.
const COMPRESSED_BYTES_MIN: u16 = 16 << 10;

/// All routes, with what is around them.
pub(crate) fn service(state: Arc<AppState>) -> NormalizePath<Router> {
    // Health, metrics and version stay outside: a busy node must still answer them.
    let limited = Router::new()
        .merge(collection_routes())
        .merge(cluster_routes())
        .merge(point_routes().merge(read_routes()).route_layer(from_fn(body::name_ignored)))
        .merge(telling_routes())
        .merge(unsupported::routes())
        // Within the limit of a body, which counts what it becomes. Other encodings are left to
        // the reader of bodies, which says so.
        .layer(RequestDecompressionLayer::new().pass_through_unaccepted(true))
        .layer(from_fn_with_state(Arc::clone(&state), layers::limit));
    let compression = CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(DefaultPredicate::new().and(SizeAbove::new(COMPRESSED_BYTES_MIN)));
    let router = service_routes()
        .merge(limited)
        .fallback(no_such_route)
        .method_not_allowed_fallback(method_not_allowed)
        // From the inside out: a panic becomes an error, gets a body, and is counted as one.
        .layer(CatchPanicLayer::custom(layers::panicked))
        .layer(from_fn(layers::render_errors))
        .layer(from_fn_with_state(Arc::clone(&state), layers::observe))
        .layer(compression)
        .layer(CorsLayer::permissive())
        .layer(from_fn(unread::read_rest))
        .layer(from_fn(connections::count))
        .with_state(state);
    // Around the router, which looks at the path before its own layers do.
    NormalizePathLayer::trim_trailing_slash().layer(router)
}

type Routes = Router<Arc<AppState>>;

/// Answered also when the node is busy.
fn service_routes() -> Routes {
    Router::new()
        .route("/", get(about::version))
        .route("/cluster", get(about::cluster))
        .route("/metrics", get(metrics::scrape))
        .route("/healthz", get(health::live))
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/health", get(health::summary))
}

/// What the node says of itself at some cost.
fn telling_routes() -> Routes {
    Router::new()
        .route("/telemetry", get(about::telemetry))
        .route("/cluster/telemetry", get(about::whole_cluster))
        .route("/issues", get(about::list_issues).delete(about::clear_issues))
        .route("/collections/{collection}/optimizations", get(collections::jobs))
        .route("/collections/{collection}/memory", get(collections::usage))
}

fn collection_routes() -> Routes {
    Router::new()
        .route("/collections", get(collections::list))
        .route(
            "/collections/{collection}",
            get(collections::info)
                .put(collections::create)
                .patch(collections::update)
                .delete(collections::delete),
        )
        .route("/collections/{collection}/cluster", get(collections::cluster).post(cluster::change))
        .route("/collections/{collection}/exists", get(collections::exists))
        .route("/collections/{collection}/shards", get(shard_keys::list).put(shard_keys::create))
        .route("/collections/{collection}/shards/delete", post(shard_keys::delete))
        .route("/quotas", get(quotas::status).put(quotas::set))
        .route("/aliases", get(aliases::list))
        .route("/collections/aliases", post(aliases::change))
        .route("/collections/{collection}/aliases", get(aliases::of_collection))
        .route(
            "/collections/{collection}/vectors/{vector}",
            put(vectors::add).delete(vectors::remove),
        )
        .route("/collections/{collection}/index", put(indexes::create))
        .route("/collections/{collection}/index/{field}", delete(indexes::delete))
}

fn cluster_routes() -> Routes {
    Router::new()
        .route("/cluster/peer/{peer}", delete(cluster::remove_peer))
        .route("/cluster/recover", post(cluster::recover))
        .route("/cluster/metadata/keys", get(cluster::metadata_keys))
        .route(
            "/cluster/metadata/keys/{key}",
            get(cluster::metadata).put(cluster::set_metadata).delete(cluster::delete_metadata),
        )
}

fn point_routes() -> Routes {
    Router::new()
        .route("/collections/{collection}/points", put(updates::upsert))
        .route("/collections/{collection}/points/{id}", get(points::one))
        .route("/collections/{collection}/points/delete", post(updates::delete))
        .route("/collections/{collection}/points/vectors", put(updates::update_vectors))
        .route("/collections/{collection}/points/vectors/delete", post(updates::delete_vectors))
        .route(
            "/collections/{collection}/points/payload",
            post(updates::set_payload).put(updates::overwrite_payload),
        )
        .route("/collections/{collection}/points/payload/delete", post(updates::delete_payload))
        .route("/collections/{collection}/points/payload/clear", post(updates::clear_payload))
        .route("/collections/{collection}/points/batch", post(updates::batch))
}

/// Questions with a body.
fn read_routes() -> Routes {
    Router::new()
        .route("/collections/{collection}/points", post(points::retrieve))
        .route("/collections/{collection}/points/scroll", post(points::scroll))
        .route("/collections/{collection}/points/count", post(points::count))
        .route("/collections/{collection}/points/query", post(queries::one))
        .route("/collections/{collection}/points/query/batch", post(queries::batch))
        .route("/collections/{collection}/points/query/groups", post(queries::groups))
        .route("/collections/{collection}/points/search/groups", post(queries::search_groups))
        .route("/collections/{collection}/points/search", post(queries::search))
        .route("/collections/{collection}/points/search/batch", post(queries::search_batch))
        .route("/collections/{collection}/points/recommend", post(queries::recommend))
        .route("/collections/{collection}/points/recommend/batch", post(queries::recommend_batch))
        .route("/collections/{collection}/points/recommend/groups", post(queries::recommend_groups))
        .route("/collections/{collection}/points/discover", post(queries::discover))
        .route("/collections/{collection}/points/discover/batch", post(queries::discover_batch))
        .route("/collections/{collection}/points/search/matrix/pairs", post(values::pairs))
        .route("/collections/{collection}/points/search/matrix/offsets", post(values::offsets))
        .route("/collections/{collection}/facet", post(values::facet))
}

async fn no_such_route(method: Method, uri: Uri) -> ApiError {
    let detail = format!("there is no `{method} {}`", uri.path());
    Error::new(Kind::NotFound, "", detail).into()
}

async fn method_not_allowed(request: Request) -> ApiError {
    Error::new(Kind::WrongMethod, request.uri().path(), request.method()).into()
}
