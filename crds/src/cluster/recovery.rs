//! What becomes of a node whose machine is gone with its volume.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

/// What is done about a volume that is local to a machine which is gone.
#[derive(KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recovery {
    /// Who gives such a volume up.
    #[serde(default)]
    pub mode: RecoveryMode,
    /// Minutes after which the operator does, where it may: for so long the machine was gone, and
    /// every shard had a majority without it.
    #[serde(default = "after_minutes")]
    #[schemars(range(min = 1, max = 10_080))]
    pub after_minutes: i32,
}

fn after_minutes() -> i32 {
    30
}

impl Default for Recovery {
    fn default() -> Self {
        Self { mode: RecoveryMode::default(), after_minutes: after_minutes() }
    }
}

/// Who gives up a volume that is local to a machine which is gone.
#[derive(JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecoveryMode {
    /// People, by deleting its claim.
    #[default]
    Manual,
    /// The operator, after a while, one node at a time.
    Automatic,
}

/// A pod whose machine is gone, and its volume with it.
#[skip_serializing_none]
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StrandedStatus {
    /// The pod.
    pub pod: String,
    /// The machine.
    pub machine: String,
    /// UUID of the claim.
    pub claim: String,
    /// Since when it is so and every shard has a majority all the same; none while one has not.
    pub since: Option<Time>,
    /// What is waited for, or done now.
    pub waits_for: String,
}
