//! What a client sees of a database.

use serde_json::Value;
use vane_testbed::{Answer, Rest};

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
    let rest = Rest::new(&format!("http://{}:6333", pod["status"]["podIP"].as_str().unwrap()));
    let (method, path) = (method.to_owned(), format!("/{path}"));
    let answer = tokio::task::spawn_blocking(move || {
        rest.call(&method, &path, &body.unwrap_or_default()).unwrap()
    });
    let Answer { status, body } = answer.await.unwrap();
    (status, body)
}

/// Whether the database has a collection of that name.
pub(crate) async fn has(world: &World, namespace: &str, collection: &str) -> bool {
    rest(world, namespace, "GET", &format!("collections/{collection}"), None).await.0 == 200
}
