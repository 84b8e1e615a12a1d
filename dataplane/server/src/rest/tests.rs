//! Claims about every request. What single routes do is shown by the official client
//! against a real process.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode};
use axum::middleware::from_fn;
use axum::routing::get;
use serde_json::{Value, json};
use tower::ServiceExt;
use tower_http::catch_panic::CatchPanicLayer;

use super::{layers, service};
use crate::engine::Node;
use crate::settings::Settings;
use crate::state::AppState;

struct Running {
    state: Arc<AppState>,
    _dir: tempfile::TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.state.node.shutdown();
    }
}

async fn start(change: impl FnOnce(&mut Settings)) -> Running {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = Settings { data_dir: dir.path().join("data"), ..Settings::default() };
    (settings.storage.min_free_mb, settings.storage.ballast_mb) = (0, 0);
    change(&mut settings);
    let nowhere = ([127, 0, 0, 1], 1).into();
    let node = Node::new(settings.engine(settings.node(nowhere, nowhere).unwrap())).unwrap();
    node.begin().await.unwrap();
    Running { state: AppState::new(node, settings), _dir: dir }
}

async fn send(running: &Running, method: &str, uri: &str, body: impl Into<Body>) -> Response<Body> {
    let request = Request::builder().method(method).uri(uri).body(body.into()).unwrap();
    service(Arc::clone(&running.state)).oneshot(request).await.unwrap()
}

async fn json(response: Response<Body>) -> Value {
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    serde_json::from_slice(&body).unwrap_or_else(|e| panic!("{e}: {body:?}"))
}

#[tokio::test]
async fn a_node_that_opens_its_disk_is_alive_and_says_that_it_is_starting() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings { data_dir: dir.path().join("data"), ..Settings::default() };
    let nowhere = ([127, 0, 0, 1], 1).into();
    let node = Node::new(settings.engine(settings.node(nowhere, nowhere).unwrap())).unwrap();
    let running = Running { state: AppState::new(node, settings), _dir: dir };
    assert_eq!(send(&running, "GET", "/livez", "").await.status(), 200);
    assert_eq!(send(&running, "GET", "/metrics", "").await.status(), 200);
    assert_eq!(send(&running, "GET", "/readyz", "").await.status(), 503);
    let health = send(&running, "GET", "/health", "").await;
    assert_eq!(health.status(), 503);
    let health = json(health).await;
    assert_eq!(health["status"], "starting");
    assert!(health["reason"].as_str().unwrap().contains("starting"), "{health}");
    let refused = send(&running, "GET", "/collections", "").await;
    assert_eq!(refused.status(), 503);
    let text = json(refused).await["status"]["error"].as_str().unwrap().to_owned();
    assert!(text.contains("starting"), "{text}");
    running.state.node.begin().await.unwrap();
    assert_eq!(send(&running, "GET", "/readyz", "").await.status(), 200);
}

#[tokio::test]
async fn every_failure_is_json_with_status_and_time() {
    let running = start(|settings| settings.max_request_bytes = 1024).await;
    let large = "x".repeat(2000);
    let cases = [
        ("GET", "/nope", "", 404),
        ("GET", "/collections/none", "", 404),
        ("GET", "/collections/%ff", "", 400),
        ("PUT", "/collections/a%2Fb", "{}", 400),
        ("PUT", "/collections/..", "{}", 400),
        ("DELETE", "/collections", "", 405),
        ("PUT", "/collections/a", "{", 400),
        ("PUT", "/collections/a", large.as_str(), 413),
        ("GET", "/collections/a/optimizations", "", 404),
        ("GET", "/collections/a/debug", "", 400),
        ("GET", "/dashboard", "", 400),
        ("GET", "/telemetry?details_level=much", "", 400),
        ("GET", "/collections?timeout=0", "", 422),
        ("GET", "/collections?partial=maybe", "", 400),
    ];
    for (method, uri, body, code) in cases {
        let response = send(&running, method, uri, body.to_owned()).await;
        assert_eq!(response.status().as_u16(), code, "{method} {uri}");
        let answer = json(response).await;
        assert!(
            answer["status"]["error"].is_string() && answer["time"].is_number(),
            "{method} {uri}: {answer}"
        );
    }
}

#[tokio::test]
async fn too_many_requests_are_sent_away_and_health_still_answers() {
    let running = start(|settings| settings.concurrent_requests_max = 1).await;
    let busy = running.state.service.limits().admit().unwrap();
    let refused = send(&running, "GET", "/collections", "").await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(send(&running, "GET", "/livez", "").await.status(), StatusCode::OK);
    assert_eq!(send(&running, "GET", "/metrics", "").await.status(), StatusCode::OK);
    drop(busy);
    assert_eq!(send(&running, "GET", "/collections/", "").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn stopping_node_is_alive_and_not_ready() {
    let running = start(|_| {}).await;
    assert_eq!(send(&running, "GET", "/readyz", "").await.status(), StatusCode::OK);
    running.state.stop();
    assert_eq!(
        send(&running, "GET", "/readyz", "").await.status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(send(&running, "GET", "/livez", "").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_a_node_holds_is_in_its_metrics() {
    let running = start(|_| {}).await;
    let vectors = json!({ "vectors": { "size": 2, "distance": "Dot" } });
    let created = send(&running, "PUT", "/collections/a", vectors.to_string()).await;
    assert_eq!(json(created).await["result"], json!(true));
    let points = json!({ "points": [{ "id": 1, "vector": [1, 2] }] });
    let upserted =
        json(send(&running, "PUT", "/collections/a/points?wait=true", points.to_string()).await)
            .await;
    assert_eq!(upserted["result"]["status"], "completed");
    let found = send(&running, "POST", "/collections/a/points/query", r#"{"query": [1, 0]}"#).await;
    assert_eq!(json(found).await["result"]["points"][0]["score"], json!(1.0));
    let response = send(&running, "GET", "/metrics", "").await;
    let text = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let text = String::from_utf8(text.to_vec()).unwrap();
    for line in [
        "vane_collections 1",
        "vane_points{collection=\"a\"} 1",
        "vane_search_requests_total 1",
        "vane_insert_requests_total 1",
        "vane_search_duration_seconds_count 1",
        "vane_rest_requests_total{method=\"PUT\",\
         endpoint=\"/collections/{collection}/points\",status=\"200\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "no {line} in\n{text}");
    }
}

#[tokio::test]
async fn bad_operation_of_a_batch_stops_it_before_it_begins() {
    let running = start(|_| {}).await;
    let vectors = json!({ "vectors": { "size": 2, "distance": "Dot" } });
    send(&running, "PUT", "/collections/a", vectors.to_string()).await;
    let good = json!({ "upsert": { "points": [{ "id": 1, "vector": [1, 2] }] } });
    let bad = json!({ "upsert": { "points": [{ "id": 2, "vector": [1] }] } });
    let batch = json!({ "operations": [good, bad] });
    let refused = send(&running, "POST", "/collections/a/points/batch", batch.to_string()).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    assert!(json(refused).await["status"]["error"].as_str().unwrap().contains("operations[1]"));
    let count = json(send(&running, "POST", "/collections/a/points/count", "{}").await).await;
    assert_eq!(count["result"]["count"], 0);
}

#[tokio::test]
async fn partial_results_are_for_reads_and_name_nothing_when_nothing_failed() {
    let running = start(|_| {}).await;
    let vectors = json!({ "vectors": { "size": 2, "distance": "Dot" } });
    send(&running, "PUT", "/collections/a", vectors.to_string()).await;
    let points = json!({ "points": [{ "id": 1, "vector": [1, 2] }] });
    let write =
        send(&running, "PUT", "/collections/a/points?partial=true", points.to_string()).await;
    assert_eq!(write.status(), StatusCode::BAD_REQUEST);
    assert!(
        json(write).await["status"]["error"]
            .as_str()
            .unwrap()
            .contains("partial results are for reads")
    );
    let scroll = |value: &str| {
        let request = Request::builder().method("POST").uri("/collections/a/points/scroll");
        let request = request.header("x-vane-partial", value).body(Body::from("{}")).unwrap();
        service(Arc::clone(&running.state)).oneshot(request)
    };
    assert_eq!(scroll("perhaps").await.unwrap().status(), StatusCode::BAD_REQUEST);
    let whole = scroll("allow").await.unwrap();
    assert!(whole.headers().get("x-vane-partial").is_none());
    let whole = json(whole).await;
    assert_eq!(whole["result"]["points"], json!([]), "the write was refused");
    assert!(whole.get("partial").is_none(), "{whole}");
}

#[tokio::test]
async fn panic_ends_one_request_with_500() {
    async fn broken() {
        panic!("on purpose");
    }
    let router: Router = Router::new()
        .route("/", get(broken))
        .layer(CatchPanicLayer::custom(layers::panicked))
        .layer(from_fn(layers::render_errors));
    let response = router.oneshot(Request::new(Body::empty())).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(json(response).await["status"]["error"].as_str().unwrap().contains("panic"));
}
