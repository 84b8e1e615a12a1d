//! Writes while a cluster changes, of which none that is acknowledged may be lost.

use std::collections::BTreeSet;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use vane_testbed::Rest;

use crate::world::World;

/// A writer that takes no answer but success for one, and asks another node after any other.
pub(crate) struct Writer {
    /// Dropped when it is to end.
    going: Sender<()>,
    task: JoinHandle<BTreeSet<u64>>,
    namespace: &'static str,
}

impl Writer {
    pub(crate) async fn start(world: &World, namespace: &'static str) -> Self {
        let nodes: Vec<Rest> = world.list(namespace, "pods").await.iter().map(node).collect();
        let (going, ended) = mpsc::channel();
        let task = tokio::task::spawn_blocking(move || write(&nodes, &ended));
        Self { going, task, namespace }
    }

    /// Ends it, and reads everything back whose write was acknowledged: through each node, which
    /// answers from its own copy where it has one.
    pub(crate) async fn end(self, world: &World) {
        drop(self.going);
        let acknowledged = self.task.await.unwrap();
        assert!(acknowledged.len() > 10, "{acknowledged:?}");
        let ids: Vec<u64> = acknowledged.into_iter().collect();
        let pods = world.list(self.namespace, "pods").await;
        for node in pods.iter().filter(|pod| pod["status"]["podIP"].is_string()).map(node) {
            let ids = ids.clone();
            tokio::task::spawn_blocking(move || read_back(&node, &ids)).await.unwrap();
        }
        println!("{} writes were acknowledged", ids.len());
    }
}

/// The node of a pod. One that is made again has its address again.
fn node(pod: &Value) -> Rest {
    let url = format!("http://{}:6333", pod["status"]["podIP"].as_str().unwrap());
    Rest::with_timeout(&url, Duration::from_secs(5))
}

fn read_back(node: &Rest, ids: &[u64]) {
    for ids in ids.chunks(1000) {
        let answer = node.call("POST", "/collections/docs/points", &json!({"ids": ids})).unwrap();
        let found = answer.body["result"].as_array().map_or(0, Vec::len);
        assert_eq!((answer.status, found), (200, ids.len()), "acknowledged points are lost");
    }
}

fn write(nodes: &[Rest], ended: &Receiver<()>) -> BTreeSet<u64> {
    let mut acknowledged = BTreeSet::new();
    let (mut id, mut turn) = (0_u64, 0);
    let mut pause = Duration::ZERO;
    while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
        let point = json!({"points": [{"id": id, "vector": [1, 2, 3, 4]}]}).to_string();
        let path = "/collections/docs/points?wait=true";
        match nodes[turn % nodes.len()].call_raw("PUT", path, point.as_bytes()) {
            Ok(answer) if answer.status == 200 => {
                acknowledged.insert(id);
                id += 1;
                pause = Duration::ZERO;
            }
            _ => {
                turn += 1;
                pause = Duration::from_millis(20);
            }
        }
    }
    acknowledged
}
