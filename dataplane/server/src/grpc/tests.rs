//! Claims about every call. What single methods do is shown by the official client against a real
//! process.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use tonic::{Code, Status};
use tower::ServiceExt;
use vane_wire::qdrant::{CountPoints, HealthCheckRequest};

use super::router;
use crate::engine::Node;
use crate::settings::Settings;
use crate::state::AppState;

struct Starting {
    state: Arc<AppState>,
    _dir: tempfile::TempDir,
}

/// A node that has not opened its disk.
fn starting(change: impl FnOnce(&mut Settings)) -> Starting {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = Settings { data_dir: dir.path().join("data"), ..Settings::default() };
    change(&mut settings);
    let nowhere = ([127, 0, 0, 1], 1).into();
    let node = Node::new(settings.engine(settings.node(nowhere, nowhere).unwrap())).unwrap();
    Starting { state: AppState::new(node, settings), _dir: dir }
}

/// A message as it stands in a body.
fn framed(message: &impl prost::Message) -> Vec<u8> {
    let message = message.encode_to_vec();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0][..], &length, &message].concat()
}

async fn call(node: &Starting, method: &str, body: Vec<u8>, timeout: &str) -> Response {
    let request = Request::post(method)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("grpc-timeout", timeout)
        .body(Body::from(body))
        .unwrap();
    router(Arc::clone(&node.state)).oneshot(request).await.unwrap()
}

/// The code that a call fails with, and its text.
async fn refusal(node: &Starting, method: &str, body: Vec<u8>, timeout: &str) -> (Code, String) {
    let response = call(node, method, body, timeout).await;
    let status = Status::from_header_map(response.headers()).unwrap_or_else(|| Status::ok(""));
    (status.code(), status.message().to_owned())
}

const COUNT: &str = "/qdrant.Points/Count";

#[tokio::test]
async fn what_is_none_of_grpcs_form_is_the_clients_mistake() {
    let node = starting(|_| {});
    let whole = framed(&CountPoints { collection_name: "a".into(), ..CountPoints::default() });
    let mut compressed = whole.clone();
    compressed[0] = 1;
    let mut unknown = whole.clone();
    unknown[0] = 7;
    let cut = whole[..whole.len() - 1].to_vec();
    let no_message = [&[0, 0, 0, 0, 2][..], b"\x0a\xff"].concat();
    for body in [compressed, unknown, cut, no_message, Vec::new(), vec![0; 3], vec![0xff; 100]] {
        let (code, text) = refusal(&node, COUNT, body.clone(), "1S").await;
        let expected = [Code::InvalidArgument, Code::ResourceExhausted];
        assert!(expected.contains(&code), "{body:?}: {code:?} {text}");
    }
    let (code, text) = refusal(&node, COUNT, whole, "soon").await;
    assert_eq!(code, Code::InvalidArgument);
    assert!(text.contains("grpc-timeout"), "{text}");
}

#[tokio::test]
async fn what_nobody_serves_is_unimplemented_and_counted_as_one() {
    let node = starting(|_| {});
    for method in ["/qdrant.Points/Nothing", "/qdrant.Snapshots/Create", "/a/b", "/"] {
        let (code, text) = refusal(&node, method, Vec::new(), "1S").await;
        assert_eq!(code, Code::Unimplemented, "{method}");
        assert!(text.contains(method), "{text}");
    }
    let unknown =
        crate::metrics::MethodAnswered { method: "unknown".into(), code: "Unimplemented".into() };
    assert_eq!(node.state.metrics.grpc.answered.get_or_create(&unknown).get(), 4);
}

#[tokio::test]
async fn a_node_that_starts_sends_clients_away_and_is_alive() {
    let node = starting(|_| {});
    let count = framed(&CountPoints { collection_name: "a".into(), ..CountPoints::default() });
    let response = call(&node, COUNT, count, "1S").await;
    let status = Status::from_header_map(response.headers()).unwrap();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert_eq!(response.headers().get("retry-after").unwrap(), "1");
    assert!(response.headers().contains_key("x-request-id"));
    let health = framed(&HealthCheckRequest {});
    let about = call(&node, "/qdrant.Qdrant/HealthCheck", health, "1S").await;
    assert!(Status::from_header_map(about.headers()).is_none(), "it is answered");
}

#[tokio::test]
async fn a_call_beyond_the_most_is_sent_away_and_health_is_not() {
    let node = starting(|settings| settings.concurrent_requests_max = 1);
    let _held = node.state.service.limits().admit().unwrap();
    let (code, text) = refusal(&node, COUNT, framed(&CountPoints::default()), "1S").await;
    assert_eq!(code, Code::ResourceExhausted);
    assert!(text.starts_with("Too many requests: "), "{text}");
    let health = framed(&HealthCheckRequest {});
    assert_eq!(refusal(&node, "/qdrant.Qdrant/HealthCheck", health, "1S").await.0, Code::Ok);
}

#[tokio::test]
async fn a_message_beyond_the_most_is_refused_with_what_to_change() {
    let node = starting(|settings| settings.max_request_bytes = 1024);
    let (code, text) = refusal(&node, COUNT, vec![0; 2000], "1S").await;
    assert_eq!(code, Code::ResourceExhausted);
    assert!(text.contains("max_request_bytes"), "{text}");
}
