//! `VectorCluster`: a database, the nodes it runs on and their disks.

mod draining;
mod leaving;
mod maintenance;
mod pod;
mod rebalance;
mod recovery;
mod service;
mod update;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

pub use self::draining::Draining;
pub use self::leaving::LeavingStatus;
pub use self::maintenance::{Maintenance, Window};
pub use self::pod::{PodOptions, PodUser};
pub use self::rebalance::{BalanceStatus, LeaderBalance, Rebalance, RebalanceMode};
pub use self::recovery::{Recovery, RecoveryMode, StrandedStatus};
pub use self::service::{ExternalTraffic, IpFamilies, Service, ServiceKind, TrafficDistribution};
pub use self::update::{FailedUpdate, Finalize, Update, UpdateStatus, UpdateStrategy};
use crate::limits::{CLUSTER_NAME_CHARS_MAX, NODES_MAX};
use crate::quantity::{Quantity, Resources};

/// A database: nodes, disks, version.
#[skip_serializing_none]
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "vanedb.io",
    version = "v1alpha1",
    kind = "VectorCluster",
    namespaced,
    status = "VectorClusterStatus",
    derive = "PartialEq",
    cel,
    doc = "A Vane database: nodes, their disks and the version they run.",
    shortname = "vc",
    category = "vane",
    // Autoscalers find the pods by the selector, which `scale` has no other way to tell.
    scale(
        spec_replicas_path = ".spec.nodes",
        status_replicas_path = ".status.nodes",
        label_selector_path = ".status.selector"
    ),
    printcolumn(name = "Nodes", type_ = "integer", json_path = ".spec.nodes"),
    printcolumn(name = "Up", type_ = "integer", json_path = ".status.readyNodes"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].status"
    ),
    printcolumn(
        name = "Status",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].reason"
    ),
    printcolumn(
        name = "Spec",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Accepted')].reason"
    ),
    printcolumn(
        name = "Pods",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Updated')].reason"
    ),
    printcolumn(name = "Version", type_ = "string", json_path = ".spec.version"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    // Applied by a client alone, a definition would be
    // copied into an annotation, which is too small.
    annotation("argocd.argoproj.io/sync-options", "ServerSideApply=true"),
    // At the root: only here it may look at the status. What was asked for by mistake can be taken
    // back as long as nothing grew.
    validation = Rule::new(
        "!has(oldSelf.status) || !has(oldSelf.status.volumeSize) \
         || self.spec.storage.size == oldSelf.spec.storage.size \
         || quantity(string(self.spec.storage.size))\
         .compareTo(quantity(string(oldSelf.status.volumeSize))) >= 0"
    )
    .message(
        "spec.storage.size cannot be less than what the volumes have (status.volumeSize): no \
         volume becomes smaller"
    ),
    // At the root: of the metadata a rule may read the name, and only here.
    validation = Rule::new(format!("size(self.metadata.name) <= {CLUSTER_NAME_CHARS_MAX}"))
        .message(&*format!(
            "metadata.name must have at most {CLUSTER_NAME_CHARS_MAX} characters: \
             pods, services and volumes are named after it"
        )),
    validation = Rule::new("self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')").message(
        "metadata.name must be lower-case letters, digits and '-', and begin with a letter: \
         services are named after it"
    )
)]
#[serde(rename_all = "camelCase")]
pub struct VectorClusterSpec {
    /// Nodes of the database, each a pod with a volume of its own. Three or more survive the
    /// loss of one.
    #[schemars(range(min = 1, max = NODES_MAX))]
    pub nodes: i32,
    /// Version of the database, such as 0.1.0: the tag of its image.
    #[schemars(length(min = 1, max = 64), regex(pattern = r"^[A-Za-z0-9_][A-Za-z0-9_.+-]*$"))]
    pub version: String,
    /// Where the image comes from.
    #[serde(default)]
    pub image: Image,
    /// The volume of each node.
    pub storage: Storage,
    /// Processor time and memory of each node.
    pub resources: Option<Resources>,
    /// Where nodes run.
    #[serde(default)]
    pub placement: Placement,
    /// What the pods have besides, where a platform asks for it.
    #[serde(default)]
    pub pod: PodOptions,
    /// How clients reach the nodes.
    #[serde(default)]
    pub service: Service,
    /// Settings of the nodes, as the environment has them but for `VANE_`: `LOG__LEVEL: debug`.
    /// What the operator sets itself cannot be set here. `LOG__LEVEL`, `REQUEST_TIMEOUT_S` and
    /// `CONCURRENT_REQUESTS_MAX` reach nodes that run; for the others pods are replaced.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    // Bounded, since the API server charges the rules for the largest map that may be written.
    #[schemars(extend(
        "maxProperties" = 50,
        "additionalProperties" = {"type": "string", "maxLength": 1024}
    ))]
    #[x_kube(
        validation = Rule::new("self.all(k, k.matches('^[A-Z][A-Z0-9_]{0,62}$'))")
            .message("names are upper-case letters, digits and '_', as in LOG__LEVEL"),
        // They would have no effect: what the operator sets wins over the settings in a pod.
        validation = Rule::new(
            "self.all(k, !k.startsWith('CLUSTER__') \
             && !(k in ['HOST', 'HTTP_PORT', 'GRPC_PORT', 'PEER_PORT', 'DATA_DIR']))"
        )
        .message(
            "the operator sets CLUSTER__*, HOST, HTTP_PORT, GRPC_PORT, PEER_PORT and DATA_DIR \
             itself"
        )
    )]
    pub settings: BTreeMap<String, String>,
    /// How pods are replaced when what they are made from changes.
    #[serde(default)]
    pub update: Update,
    /// How the database moves copies and leaders by itself, as when a node is added.
    pub rebalance: Option<Rebalance>,
    /// When pods that run well may be replaced.
    #[serde(default)]
    pub maintenance: Maintenance,
    /// Stops the operator from changing anything, Collections of this cluster among it; status
    /// goes on.
    #[serde(default)]
    pub paused: bool,
}

/// Where the image of the nodes comes from.
#[skip_serializing_none]
#[derive(KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// Repository, with its registry; the version is the tag.
    #[serde(default = "image_repository")]
    #[schemars(length(min = 1, max = 255), regex(pattern = r"^[a-z0-9][a-z0-9._/:-]*$"))]
    pub repository: String,
    /// Digest of the image, such as sha256:4bc4…: what is pulled has it, whatever the tag has come
    /// to name.
    #[schemars(length(max = 71), regex(pattern = r"^sha256:[0-9a-f]{64}$"))]
    pub digest: Option<String>,
    /// When the image is pulled.
    #[serde(default)]
    pub pull_policy: PullPolicy,
    /// Secrets for the registry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10), inner(length(min = 1, max = 253)))]
    pub pull_secrets: Vec<String>,
}

fn image_repository() -> String {
    "vanedb/vane".to_owned()
}

impl Default for Image {
    fn default() -> Self {
        Self {
            repository: image_repository(),
            digest: None,
            pull_policy: PullPolicy::default(),
            pull_secrets: Vec::new(),
        }
    }
}

/// When an image is pulled.
#[derive(JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PullPolicy {
    /// Each time a pod starts.
    Always,
    /// When the machine has none.
    #[default]
    IfNotPresent,
    /// Never: it was put there by hand.
    Never,
}

/// The volume of each node.
#[skip_serializing_none]
#[derive(KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    // Of the struct: a rule of the field is not run when the field is added or taken away.
    validation = Rule::new(
        "has(self.className) == has(oldSelf.className) \
         && (!has(self.className) || self.className == oldSelf.className)"
    )
    .message("className cannot be changed: volumes keep their class")
    .field_path(".className")
)]
pub struct Storage {
    /// Size of each node's volume, such as 100Gi. Volumes grow one after the other, while they are
    /// in use; none becomes smaller. For that their class has to allow it
    /// (`allowVolumeExpansion`).
    #[x_kube(
        // A size may also be written as a number, which `quantity` does not take.
        validation = Rule::new("quantity(string(self)).isGreaterThan(quantity('0'))")
            .message("must be more than 0")
    )]
    pub size: Quantity,
    /// Storage class; the cluster's default where it is left out. Set once.
    #[schemars(length(min = 1, max = 253))]
    pub class_name: Option<String>,
    /// What becomes of the volumes.
    #[serde(default)]
    pub retention: Retention,
    /// What is done about a volume that is local to a machine which is gone.
    #[serde(default)]
    pub recovery: Recovery,
}

/// What becomes of the volumes when they are no longer used.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Retention {
    /// When the VectorCluster is deleted. Retained volumes are taken over by a new one of the
    /// same name; those that it took over stay, whatever it says here. Deleting the StatefulSet
    /// by hand deletes no volume.
    #[serde(default)]
    pub when_deleted: Retain,
    /// When the number of nodes is lowered.
    #[serde(default)]
    pub when_scaled: Retain,
}

/// Whether something is kept.
#[derive(JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Retain {
    /// It stays until somebody deletes it by hand.
    #[default]
    Retain,
    /// It goes with the object.
    Delete,
}

/// Where nodes run.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Placement {
    /// Spread over zones (`topology.kubernetes.io/zone`).
    #[serde(default)]
    pub zones: TopologySpread,
    /// Spread over machines.
    #[serde(default)]
    pub machines: TopologySpread,
    /// Labels that a machine must have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend(
        "maxProperties" = 20,
        "additionalProperties" = {"type": "string", "maxLength": 63}
    ))]
    pub node_selector: BTreeMap<String, String>,
    /// Taints that pods tolerate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub tolerations: Vec<Toleration>,
}

/// How strictly nodes are spread.
#[derive(JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TopologySpread {
    /// As evenly as there is room.
    #[default]
    Preferred,
    /// A node that would be one too many waits.
    Required,
}

/// A taint that pods tolerate.
#[skip_serializing_none]
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Toleration {
    /// Key of the taint; every taint where it is left out.
    #[schemars(length(max = 253))]
    pub key: Option<String>,
    /// Its value; any where it is left out.
    #[schemars(length(max = 63))]
    pub value: Option<String>,
    /// Its effect; all where it is left out.
    pub effect: Option<TaintEffect>,
}

/// What a taint does to pods.
#[derive(JsonSchema, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaintEffect {
    /// None is scheduled.
    NoSchedule,
    /// None is scheduled where it can be avoided.
    PreferNoSchedule,
    /// Those that run are evicted.
    NoExecute,
}

/// What there is.
#[skip_serializing_none]
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VectorClusterStatus {
    /// Generation of the spec that this is about.
    pub observed_generation: Option<i64>,
    /// Pods that there should be now.
    pub nodes: Option<i32>,
    /// Nodes that serve.
    pub ready_nodes: Option<i32>,
    /// Selects the pods, in the form that `kubectl get pods -l` takes.
    pub selector: Option<String>,
    /// UUID of the database. A copy: the disks say what holds.
    pub cluster_id: Option<String>,
    /// How far the pods are on their way to what the spec asks for.
    pub update: Option<UpdateStatus>,
    /// How even the nodes are.
    pub balance: Option<BalanceStatus>,
    /// Feature level of the database: what its nodes have agreed to write. A version that speaks
    /// less cannot be started any more.
    pub feature_level: Option<i32>,
    /// What the nodes were given of the settings that they take while they run.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// The node that is taken away, while the cluster becomes smaller.
    pub leaving: Option<LeavingStatus>,
    /// What the largest volume of a node has: no size below can be asked for.
    pub volume_size: Option<Quantity>,
    /// Pods whose machine is about to be drained.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["pod".into()]))]
    pub draining: Vec<Draining>,
    /// Pods whose machine is gone, and their volume with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["pod".into()]))]
    pub stranded: Vec<StrandedStatus>,
    /// Collections in the database.
    pub collections: Option<i32>,
    /// Shards of all collections.
    pub shards: Option<i32>,
    /// The nodes as the database knows them. A pod that came back with an empty disk is a new
    /// node: then two have its name, and the higher number is the one that runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    // By number: two nodes have one name after a pod came back with an empty disk.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["nodeId".into()]))]
    pub members: Vec<Member>,
    /// What is true of it: `Ready` is the summary.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}

/// A node as the database knows it.
#[skip_serializing_none]
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// The pod.
    pub name: String,
    /// The database's own number for it, never used again.
    pub node_id: i64,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub zone: String,
    /// Version that it runs.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Whether the others hear of it.
    pub alive: bool,
    /// Whether it votes on what the cluster agrees on.
    pub meta_voter: bool,
    /// UUID of the claim that its disk is on. A node whose pod has another claim by now lost its
    /// disk with the one before.
    pub volume: Option<String>,
}
