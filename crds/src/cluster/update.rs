//! How pods are replaced that were made from an earlier spec, and how far that is.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

/// How pods are replaced when their version, image, settings, resources or placement change.
#[derive(KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Update {
    /// Who replaces them.
    #[serde(default)]
    pub strategy: UpdateStrategy,
    /// Seconds that a new pod is ready before the next one is replaced.
    #[serde(default = "min_ready_seconds")]
    #[schemars(range(min = 0, max = 3600))]
    pub min_ready_seconds: i32,
    /// Seconds after which a new pod that is not ready has failed: the pods go back to what they
    /// were made from before.
    #[serde(default = "progress_deadline_seconds")]
    #[schemars(range(min = 10, max = 86_400))]
    pub progress_deadline_seconds: i32,
    /// Who says when the nodes write what an earlier version cannot read. Until then the version
    /// can be taken back.
    #[serde(default)]
    pub finalize: Finalize,
    /// Minutes for which all pods are ready before that is done by itself.
    #[serde(default = "soak_minutes")]
    #[schemars(range(min = 0, max = 43_200))]
    pub soak_minutes: i32,
}

fn min_ready_seconds() -> i32 {
    10
}

fn progress_deadline_seconds() -> i32 {
    600
}

fn soak_minutes() -> i32 {
    60
}

impl Default for Update {
    fn default() -> Self {
        Self {
            strategy: UpdateStrategy::default(),
            min_ready_seconds: min_ready_seconds(),
            progress_deadline_seconds: progress_deadline_seconds(),
            finalize: Finalize::default(),
            soak_minutes: soak_minutes(),
        }
    }
}

/// Who replaces pods that were made from an earlier spec.
#[derive(JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum UpdateStrategy {
    /// The operator: one after the other, while the database can do without that node.
    #[default]
    Rolling,
    /// People: a pod that they delete comes back as the spec has it.
    OnDelete,
}

/// Who says when the nodes write what an earlier version cannot read.
#[derive(JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Finalize {
    /// The operator, once all pods were ready with the new version for `soakMinutes`.
    #[default]
    Automatic,
    /// People: by `Automatic` here, or `vanectl level raise`.
    Manual,
}

/// How far the pods are on their way to what the spec asks for.
#[skip_serializing_none]
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateStatus {
    /// Recipe that pods are made from now: the annotation `vanedb.io/recipe` of those that are.
    pub target: String,
    /// Recipe that all pods were ready with last; a roll-out that fails goes back to it.
    pub last_good: Option<String>,
    /// Pods that are made from the target.
    pub updated_nodes: i32,
    /// Pods that there are.
    pub nodes: i32,
    /// The pod that is replaced or waited for.
    pub pod: Option<String>,
    /// Since when pods are made from the target.
    pub since: Option<Time>,
    /// The roll-out that was given up. It is tried again once the spec asks for something else.
    pub failed: Option<FailedUpdate>,
}

/// A roll-out that was given up.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedUpdate {
    /// The recipe.
    pub recipe: String,
    /// The pod that failed with it.
    pub pod: String,
    /// A word for why.
    pub reason: String,
    /// What happened.
    pub message: String,
}
