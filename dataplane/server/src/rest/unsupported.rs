//! Routes of the API that this version does not have. They answer 400 and say so, rather
//! than 404: the path is right, and there may be another way.

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::routing::any;
use vane_api::{Error, Kind};

use super::Routes;
use super::error::ApiError;

/// Below `/collections/{collection}`, with what to use instead.
const OF_COLLECTION: [(&str, &str); 8] = [
    ("/shards/{shard}/{*rest}", ""),
    ("/snapshots", ""),
    ("/snapshots/{snapshot}", ""),
    ("/snapshots/upload", ""),
    ("/snapshots/recover", ""),
    ("/snapshots/{snapshot}/{*rest}", ""),
    ("/truncate_unapplied_wal", ""),
    ("/debug", "GET /collections/{collection}/optimizations and GET /telemetry tell what it does"),
];

/// Elsewhere, with what to use instead.
const OF_NODE: [(&str, &str); 9] = [
    ("/snapshots", ""),
    ("/snapshots/{snapshot}", ""),
    ("/locks", ""),
    ("/logger", "the setting `log.level` says what is logged"),
    ("/stacktrace", ""),
    ("/debugger", ""),
    ("/profiler/slow_requests", "GET /issues and GET /telemetry tell of slow requests"),
    ("/dashboard", "no web UI is part of it; one that runs elsewhere may be pointed at this port"),
    ("/dashboard/{*rest}", "no web UI is part of it; one that runs elsewhere may be pointed here"),
];

pub(crate) fn routes() -> Routes {
    let mut routes = Router::new();
    for (path, instead) in OF_COLLECTION {
        routes = routes.route(
            &format!("/collections/{{collection}}{path}"),
            any(move |request| refuse(request, instead)),
        );
    }
    for (path, instead) in OF_NODE {
        routes = routes.route(path, any(move |request| refuse(request, instead)));
    }
    routes
}

async fn refuse(request: Request, instead: &'static str) -> ApiError {
    // By the route: the path itself has names of the client's.
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let subject = format!("`{} {route}`", request.method());
    Error::new(Kind::Unsupported, subject, instead).into()
}
