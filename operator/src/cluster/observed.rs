//! What is known of a cluster when its next step is planned: what Kubernetes has, and what
//! the database answers. Facts only; nothing here is decided.

use std::collections::BTreeMap;

use uuid::Uuid;
use vane_proto::admin;

use crate::reach::NoToken;

/// What a pod's disk said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disk {
    /// Nothing is on it.
    Empty,
    /// It belongs to a database.
    Member {
        /// UUID of the database, as the disk has it.
        cluster_id: String,
    },
    /// The node did not answer; why.
    Unreachable(String),
}

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

/// The database.
#[derive(Debug, Clone, Default)]
pub struct Database {
    /// As a whole.
    pub cluster: admin::Cluster,
    /// Its nodes.
    pub nodes: Vec<admin::Node>,
    /// Its shards.
    pub shards: Vec<admin::Shard>,
}

impl Database {
    /// The newest node of each name. A pod whose disk was lost joins under a new number, and
    /// numbers only grow: the others of its name are not there any more.
    pub fn newest(&self) -> BTreeMap<&str, &admin::Node> {
        let mut newest = BTreeMap::new();
        for node in &self.nodes {
            let known = newest.entry(node.name.as_str()).or_insert(node);
            if known.id < node.id {
                *known = node;
            }
        }
        newest
    }

    /// Nodes whose pod came back with another disk, each with the newest of its name.
    pub fn replaced(&self) -> Vec<(&admin::Node, &admin::Node)> {
        let newest = self.newest();
        let of = |it: &'_ admin::Node| newest.get(it.name.as_str()).copied();
        self.nodes.iter().filter_map(|it| Some((it, of(it)?))).filter(|(old, new)| old.id != new.id).collect()
    }
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
