//! Routes of the API that this version does not have. They answer 400 and say so, rather
//! than 404: the path is right, and there may be another way.

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::routing::any;
use vane_api::{Error, Kind};

use super::Routes;
use super::error::ApiError;

/// Below `/collections/{collection}`, with what to use instead.
const OF_COLLECTION: [(&str, &str); 11] = [
    ("/vectors/{vector}", "name all vectors when creating the collection"),
    ("/optimizations", "GET /collections/{collection} tells whether it is optimizing"),
    ("/memory", "GET /metrics has the figures"),
    ("/shards/{shard}/{*rest}", ""),
    ("/snapshots", ""),
    ("/snapshots/{snapshot}", ""),
    ("/snapshots/upload", ""),
    ("/snapshots/recover", ""),
    ("/snapshots/{snapshot}/{*rest}", ""),
    ("/truncate_unapplied_wal", ""),
    ("/debug", ""),
];

/// Elsewhere.
const OF_NODE: [&str; 9] = [
    "/snapshots",
    "/snapshots/{snapshot}",
    "/issues",
    "/quotas",
    "/telemetry",
    "/cluster/telemetry",
    "/locks",
    "/logger",
    "/dashboard",
];

pub(crate) fn routes() -> Routes {
    let mut routes = Router::new();
    for (path, instead) in OF_COLLECTION {
        routes = routes.route(
            &format!("/collections/{{collection}}{path}"),
            any(move |request| refuse(request, instead)),
        );
    }
    for path in OF_NODE {
        routes = routes.route(path, any(|request| refuse(request, "")));
    }
    routes
}

async fn refuse(request: Request, instead: &'static str) -> ApiError {
    // By the route: the path itself has names of the client's.
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let subject = format!("`{} {route}`", request.method());
    Error::new(Kind::Unsupported, subject, instead).into()
}
