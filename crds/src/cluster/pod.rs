//! What pods need that a platform asks for.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use serde_with::skip_serializing_none;

/// What the pods of the nodes have besides what the operator gives them.
#[skip_serializing_none]
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodOptions {
    /// More labels, such as those that costs are counted by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend(
        "maxProperties" = 20,
        "additionalProperties" = {"type": "string", "maxLength": 63}
    ))]
    #[x_kube(validation = Rule::new(
        "self.all(k, !k.startsWith('vanedb.io/') && !(k in ['app.kubernetes.io/name', \
         'app.kubernetes.io/managed-by', 'app.kubernetes.io/part-of']))"
    )
    .message(
        "the operator sets vanedb.io/*, app.kubernetes.io/name, app.kubernetes.io/managed-by and \
         app.kubernetes.io/part-of itself"
    ))]
    pub labels: BTreeMap<String, String>,
    /// Annotations, such as those that keep a service mesh away.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend(
        "maxProperties" = 20,
        "additionalProperties" = {"type": "string", "maxLength": 4096}
    ))]
    #[x_kube(validation = Rule::new("self.all(k, !k.startsWith('vanedb.io/'))")
        .message("the operator sets vanedb.io/* itself"))]
    pub annotations: BTreeMap<String, String>,
    /// PriorityClass of the pods: which are evicted first where a machine has no room.
    #[schemars(length(min = 1, max = 253))]
    pub priority_class_name: Option<String>,
    /// RuntimeClass of the pods.
    #[schemars(length(min = 1, max = 253))]
    pub runtime_class_name: Option<String>,
    /// Which machines and which other pods they are drawn to or kept from, as a Pod has it:
    /// `kubectl explain pod.spec.affinity`. Besides `placement`, which goes on to hold.
    #[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
    pub affinity: Option<Map<String, Value>>,
    /// Which user the nodes run as.
    #[serde(default)]
    pub user: PodUser,
}

/// Which user the nodes run as.
#[derive(JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PodUser {
    /// 65532, whose group volumes belong to.
    #[default]
    Fixed,
    /// One that the platform gives each namespace, as OpenShift does. Never root.
    Platform,
}
