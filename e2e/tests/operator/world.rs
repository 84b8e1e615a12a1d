//! An API server with an operator, and looks at objects.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use vane_testbed::kubelet::{Image, Options};
use vane_testbed::{ApiServer, Kubelet, program, wait_until_async};

use crate::process::Operator;

/// Time for what should happen within a second or two, but for controllers that were cut off
/// from their API server: they try again after longer and longer pauses.
const SOON: Duration = Duration::from_secs(180);
/// Clusters that a world may have, at most as many as fit into 42 worlds.
const BLOCKS: u8 = 6;
/// Of an operator that was told to end at a step.
const EXIT_STATUS: i32 = vane_operator::failpoint::EXIT_STATUS;
/// Time for something to end.
const GONE: Duration = Duration::from_secs(60);

pub(crate) struct World {
    pub(crate) operator: Operator,
    pub(crate) api: ApiServer,
    pub(crate) kubelet: Option<Kubelet>,
    pub(crate) dir: tempfile::TempDir,
}

impl World {
    pub(crate) async fn start() -> Self {
        let (api, dir) = (ApiServer::start().await.unwrap(), tempfile::tempdir().unwrap());
        api.install_definitions().await.unwrap();
        let operator = Operator::start(&api, dir.path());
        Self { operator, kubelet: None, api, dir }
    }

    /// The same with pods that run.
    pub(crate) async fn with_kubelet() -> Self {
        Self::with_images(&[]).await
    }

    /// The same where versions of the node are something else.
    pub(crate) async fn with_images(versions: &[(&str, Image)]) -> Self {
        Self::with_pods(versions, false).await
    }

    /// The same where volumes are local to the machines of their pods.
    pub(crate) async fn with_local_volumes() -> Self {
        Self::with_pods(&[], true).await
    }

    async fn with_pods(versions: &[(&str, Image)], local_volumes: bool) -> Self {
        // A kubelet's pods have fixed addresses, so that each world has blocks of its own.
        static WORLDS: AtomicU8 = AtomicU8::new(0);
        let first_block = WORLDS.fetch_add(1, Ordering::Relaxed).checked_mul(BLOCKS).unwrap();
        let mut world = Self::start().await;
        let images = versions
            .iter()
            .map(|(version, image)| (format!("vanedb/vane:{version}"), image.clone()));
        let options = Options {
            binary: program::vane().unwrap(),
            images: images.collect(),
            dir: world.dir.path().join("pods"),
            namespace: None,
            cluster: None,
            local_volumes,
            first_block,
        };
        world.kubelet =
            Some(Kubelet::start(world.api.client().await.unwrap(), options).await.unwrap());
        world
    }

    /// A namespace that takes only pods of the restricted profile.
    pub(crate) async fn namespace(&self, name: &str) {
        self.api.namespace(name).await.unwrap();
        let label = "pod-security.kubernetes.io/enforce=restricted";
        self.api.kubectl(&["label", "namespace", name, label]).await.unwrap();
    }

    /// Applies an object as a person does.
    pub(crate) async fn apply(&self, namespace: &str, object: &Value) {
        let args = ["-n", namespace, "apply", "--server-side", "--validate=strict", "-f", "-"];
        self.api.admin().kubectl_reading(&object.to_string(), &args).await.unwrap();
    }

    /// An object, if it is there: `statefulset/demo`.
    pub(crate) async fn get(&self, namespace: &str, object: &str) -> Option<Value> {
        let text = self.api.kubectl(&["-n", namespace, "get", object, "-o", "json"]).await.ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Objects of a kind.
    pub(crate) async fn list(&self, namespace: &str, kind: &str) -> Vec<Value> {
        let list = self.get(namespace, kind).await.unwrap_or_default();
        list["items"].as_array().cloned().unwrap_or_default()
    }

    /// Waits until an object is as it should be.
    pub(crate) async fn wait(
        &self,
        namespace: &str,
        object: &str,
        is_so: impl Fn(&Value) -> bool,
    ) -> Value {
        let look = async || {
            let found = self.get(namespace, object).await;
            Ok(match found {
                Some(found) if is_so(&found) => Ok(found),
                other => Err(other.map_or("no such object".into(), |found| found.to_string())),
            })
        };
        let found = wait_until_async(object, SOON, look).await;
        found.unwrap_or_else(|error| panic!("{error}\n{}", self.operator.log()))
    }

    /// Waits until nothing of a kind is left.
    pub(crate) async fn wait_gone(&self, namespace: &str, kind: &str) {
        let look = async || {
            let left = self.list(namespace, kind).await.len();
            Ok(if left == 0 { Ok(()) } else { Err(format!("{left} are left")) })
        };
        wait_until_async(&format!("{kind} to be gone"), GONE, look).await.unwrap();
    }

    /// Waits until the operator ends by itself; its exit code.
    pub(crate) async fn wait_operator_end(&mut self, why: &str) -> i32 {
        let operator = &mut self.operator;
        let look = async || Ok(operator.ended().ok_or_else(|| operator.log()));
        wait_until_async(why, SOON, look).await.unwrap()
    }

    /// Runs an operator until it ends right before a step, and another until right after it.
    pub(crate) async fn operator_ends_at(&mut self, step: &str) {
        for option in ["--exit-before", "--exit-after"] {
            self.operator = Operator::start_with(&self.api, self.dir.path(), &[option, step]);
            let status = self.wait_operator_end(step).await;
            assert_eq!(status, EXIT_STATUS, "{}", self.operator.log());
        }
    }

    /// Waits until an operator's metric has a value.
    pub(crate) async fn wait_metric(&self, operator: &Operator, metric: &str, value: f64) {
        let look = async || {
            let found = operator.metric(metric).await;
            Ok(if found == Some(value) { Ok(()) } else { Err(format!("{found:?}")) })
        };
        let found = wait_until_async(&format!("{metric} to be {value}"), SOON, look).await;
        found.unwrap_or_else(|error| panic!("{error}\n{}", operator.log()));
    }

    /// Waits for a condition to have a status and a reason; its message.
    pub(crate) async fn wait_condition(
        &self,
        namespace: &str,
        object: &str,
        kind: &str,
        is: (&str, &str),
    ) -> String {
        let found = self.wait(namespace, object, |object| {
            let found = condition(object, kind);
            (found["status"].as_str(), found["reason"].as_str()) == (Some(is.0), Some(is.1))
        });
        condition(&found.await, kind)["message"].as_str().unwrap_or_default().to_owned()
    }
}

pub(crate) fn condition(object: &Value, kind: &str) -> Value {
    let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    conditions.into_iter().find(|condition| condition["type"] == kind).unwrap_or_default()
}

/// The same under another name.
pub(crate) fn named(name: &str, mut object: Value) -> Value {
    object["metadata"]["name"] = name.into();
    object
}

pub(crate) fn cluster(nodes: i32) -> Value {
    json!({
        "apiVersion": "vanedb.io/v1alpha1", "kind": "VectorCluster",
        "metadata": {"name": "demo", "labels": {"team": "search"}, "annotations": {"note": "mine"}},
        "spec": {
            "nodes": nodes, "version": "0.1.0", "storage": {"size": "1Gi"},
            "settings": {"LOG__LEVEL": "info"},
            "resources": {"requests": {"cpu": 1, "memory": "1Gi"}},
            "update": {"minReadySeconds": 1, "progressDeadlineSeconds": 30},
        },
    })
}

/// A Collection of vectors of four numbers, of the cluster of that function, in one shard.
pub(crate) fn collection(name: &str, copies: i32) -> Value {
    json!({
        "apiVersion": "vanedb.io/v1alpha1", "kind": "Collection", "metadata": {"name": name},
        "spec": {
            "clusterRef": {"name": "demo"}, "replicationFactor": copies,
            "vectors": [{"size": 4, "distance": "Dot"}],
        },
    })
}
