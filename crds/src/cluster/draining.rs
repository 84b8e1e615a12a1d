//! Pods whose machine is about to be taken away.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// A pod whose machine is drained.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Draining {
    /// The pod.
    pub pod: String,
    /// Its machine.
    pub machine: String,
    /// By what the machine says so.
    pub why: String,
    /// Its node was told to lead nothing until it is elsewhere, or the machine takes pods again.
    pub hands_over: bool,
}
