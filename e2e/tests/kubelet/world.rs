//! An API server, the objects of a cluster of three, and who runs its pods.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Pod;
use kube::api::PostParams;
use kube::{Api, Client, Resource};
use serde_json::json;
use tonic::Request;
use tonic::transport::Channel;
use vane_crds::VectorCluster;
use vane_operator::cluster::build;
use vane_operator::cluster::validate::validate;
use vane_proto::admin;
use vane_proto::admin::admin_client::AdminClient;
use vane_testbed::kubelet::Options;
use vane_testbed::{ApiServer, Kubelet, program, wait_until_async};

const TOKEN: &str = "hush";
/// Time for a call: a node that hangs must not hang the test.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// What there is. Processes end with it.
pub(crate) struct World {
    pub(crate) kubelet: Kubelet,
    pub(crate) client: Client,
    _api: ApiServer,
    _dir: tempfile::TempDir,
}

impl World {
    pub(crate) async fn start() -> Self {
        let api = ApiServer::start().await.unwrap();
        api.install_definitions().await.unwrap();
        api.namespace("one").await.unwrap();
        let client = api.client().await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let options = Options {
            binary: program::vane().unwrap(),
            images: BTreeMap::new(),
            dir: dir.path().into(),
            namespace: Some("one".into()),
            cluster: None,
            local_volumes: false,
            first_block: 0,
        };
        let kubelet = Kubelet::start(client.clone(), options).await.unwrap();
        apply(&client).await;
        Self { kubelet, client, _api: api, _dir: dir }
    }

    /// Looks until there is something, and shows the logs when there is not.
    pub(crate) async fn until<T>(
        &self,
        what: &str,
        time: Duration,
        mut look: impl AsyncFnMut() -> Option<T>,
    ) -> T {
        let begin = Instant::now();
        let look = async || Ok(look().await.ok_or_else(|| "nothing".to_owned()));
        let found = wait_until_async(what, time, look).await;
        found.inspect(|_| eprintln!("{what}: {:?}", begin.elapsed())).unwrap_or_else(|error| {
            for name in ["demo-0", "demo-1", "demo-2"] {
                let log = self.kubelet.pod("one", name).map(|pod| pod.log_tail());
                eprintln!("--- {name}\n{}", log.unwrap_or_else(|| "never seen".into()));
            }
            panic!("{error}")
        })
    }
}

/// What the operator would apply.
async fn apply(client: &Client) {
    let cluster: VectorCluster = serde_json::from_value(json!({
        "apiVersion": "vanedb.io/v1alpha1", "kind": "VectorCluster", "metadata": {"name": "demo", "namespace": "one"},
        "spec": {"nodes": 3, "version": "0.1.0", "storage": {"size": "1Gi"}, "settings": {"STORAGE__MIN_FREE_MB": "64"}},
    }))
    .unwrap();
    let cluster = validate(&create(client, &cluster).await).unwrap();
    let children = build::children(&cluster, true);
    create(client, &children.headless_service).await;
    create(client, &children.client_service).await;
    create(client, &children.service_account).await;
    create(client, &children.disruption_budget).await;
    create(client, &build::stateful_set(&cluster, 3)).await;
    // Pods wait for what they name.
    create(client, &build::settings(&cluster)).await;
    create(client, &build::secret(&cluster, TOKEN)).await;
}

async fn create<K>(client: &Client, object: &K) -> K
where
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope> + Clone + std::fmt::Debug,
    K: serde::Serialize + serde::de::DeserializeOwned,
    K::DynamicType: Default,
{
    Api::<K>::namespaced(client.clone(), "one")
        .create(&PostParams::default(), object)
        .await
        .unwrap()
}

pub(crate) fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

pub(crate) async fn restarts(pods: &Api<Pod>, name: &str) -> Option<i32> {
    Some(pods.get(name).await.ok()?.status?.container_statuses?.first()?.restart_count)
}

async fn admin(address: &str) -> Option<AdminClient<Channel>> {
    let endpoint =
        Channel::from_shared(format!("http://{address}:6335")).unwrap().timeout(CALL_TIMEOUT);
    Some(AdminClient::new(endpoint.connect_timeout(CALL_TIMEOUT).connect().await.ok()?))
}

fn request<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {TOKEN}").parse().unwrap());
    request
}

/// Cluster id on a node's disk; empty for an empty disk.
pub(crate) async fn disk_of(address: &str) -> Option<String> {
    let disk = admin(address).await?.get_disk(request(admin::GetDiskRequest {})).await.ok()?;
    Some(disk.into_inner().cluster_id)
}

pub(crate) async fn bootstrap(address: &str) {
    admin(address)
        .await
        .unwrap()
        .bootstrap(request(admin::BootstrapRequest::default()))
        .await
        .unwrap();
}

pub(crate) async fn nodes(address: &str) -> Option<Vec<admin::Node>> {
    Some(
        admin(address)
            .await?
            .list_nodes(request(admin::ListNodesRequest {}))
            .await
            .ok()?
            .into_inner()
            .nodes,
    )
}
