//! What is known of a cluster when its next step is planned: what Kubernetes has, and what
//! the database answers. Facts only; nothing here is decided.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::database::{Database, Disk, NoToken};

/// A pod of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// Its name, by which the database knows the node.
    pub name: String,
    /// Whether it is ready.
    pub ready: bool,
    /// Zone of the machine it runs on, where the machine says one.
    pub zone: Option<String>,
    /// Its disk.
    pub disk: Disk,
}

/// The StatefulSet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// Pods that it should have.
    pub replicas: i32,
    /// What of the spec its pods were made from.
    pub template: Option<String>,
    /// Size of the volumes, as it was when it was made.
    pub size: Option<String>,
}

/// Everything.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// UUID of the VectorCluster object; that of the database it founds.
    pub uid: Uuid,
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
