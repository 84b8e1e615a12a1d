//! What a client sees of a database.

use serde_json::Value;

use crate::world::World;

/// A request to the first pod: the status code, and the answer.
pub(crate) async fn rest(
    world: &World,
    namespace: &str,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> (u16, Value) {
    let pod = world.wait(namespace, "pod/demo-0", |pod| pod["status"]["podIP"].is_string()).await;
    let url = format!("http://{}:6333/{path}", pod["status"]["podIP"].as_str().unwrap());
    let request = ureq::http::Request::builder()
        .method(method)
        .uri(&url)
        .header("content-type", "application/json");
    let request = request.body(body.map(|body| body.to_string()).unwrap_or_default()).unwrap();
    let answer = tokio::task::spawn_blocking(move || {
        let agent = ureq::Agent::new_with_config(
            ureq::Agent::config_builder().http_status_as_error(false).build(),
        );
        let mut answer = agent.run(request).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_json::<Value>().unwrap())
    });
    answer.await.unwrap()
}

/// Whether the database has a collection of that name.
pub(crate) async fn has(world: &World, namespace: &str, collection: &str) -> bool {
    rest(world, namespace, "GET", &format!("collections/{collection}"), None).await.0 == 200
}
