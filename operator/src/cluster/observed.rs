//! What is known of a cluster when its next step is planned: what Kubernetes has, and what
//! the database answers. Facts only; nothing here is decided.

use std::collections::BTreeMap;

use crate::database::{Database, Disk, NoToken};

/// A pod of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// Name of the pod, by which the database knows the node.
    pub name: String,
    /// Whether the pod is ready.
    pub ready: bool,
    /// Zone of the machine that the pod runs on, where the machine names one.
    pub zone: Option<String>,
    /// What the pod's disk said of itself.
    pub disk: Disk,
}

/// The StatefulSet of the cluster, as far as the plan needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// Pods that the StatefulSet should have.
    pub replicas: i32,
    /// Hash of those fields of the spec that its pods were made from.
    pub template: Option<String>,
    /// Size of the volumes, as it was when the StatefulSet was made.
    pub size: Option<String>,
}

/// Facts about a cluster, all of one pass.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// Why there is no token, where there is none.
    pub no_token: Option<NoToken>,
    /// The StatefulSet, if there is one.
    pub set: Option<Set>,
    /// Highest ordinal of a claim that is there, from before or of now.
    pub highest_claim: Option<i32>,
    /// Pods that are there, by ordinal.
    pub pods: BTreeMap<i32, Pod>,
    /// Whether the database was founded, as status remembers it.
    pub founded: bool,
    /// The database, where a node of it answers.
    pub database: Option<Database>,
}

impl Observed {
    /// Pods that are ready.
    pub(crate) fn ready_pods(&self) -> usize {
        self.pods.values().filter(|pod| pod.ready).count()
    }
}
