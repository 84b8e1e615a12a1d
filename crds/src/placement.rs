//! `ShardPlacement`: where the copies of one shard are. Made by the operator, one per shard.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::collection::ClusterRef;
use crate::limits::{COLLECTION_NAME_CHARS_MAX, DATABASE_SHARDS_MAX, REPLICAS_MAX};

/// Where the copies of one shard are.
#[skip_serializing_none]
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "vanedb.io",
    version = "v1alpha1",
    kind = "ShardPlacement",
    namespaced,
    status = "ShardPlacementStatus",
    derive = "PartialEq",
    cel,
    doc = "Where the copies of one shard are. Made by the operator; deleting one moves nothing.",
    shortname = "sp",
    category = "vane",
    selectable = ".spec.clusterRef.name",
    selectable = ".spec.collection",
    printcolumn(name = "Cluster", type_ = "string", json_path = ".spec.clusterRef.name"),
    printcolumn(name = "Collection", type_ = "string", json_path = ".spec.collection"),
    printcolumn(name = "Shard", type_ = "integer", json_path = ".spec.shard"),
    printcolumn(name = "Leader", type_ = "string", json_path = ".status.leader"),
    printcolumn(name = "Replicas", type_ = "string", json_path = ".status.nodes"),
    printcolumn(name = "Points", type_ = "integer", json_path = ".status.points"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].status"
    ),
    annotation("argocd.argoproj.io/sync-options", "ServerSideApply=true")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new(
        "self.clusterRef == oldSelf.clusterRef && self.collection == oldSelf.collection \
         && self.shard == oldSelf.shard"
    )
    .message("clusterRef, collection and shard name the shard and cannot be changed")
)]
pub struct ShardPlacementSpec {
    /// The database.
    pub cluster_ref: ClusterRef,
    /// The collection, by its name in the database.
    #[schemars(length(min = 1, max = COLLECTION_NAME_CHARS_MAX))]
    pub collection: String,
    /// Place of the shard in the collection, from 0.
    // Of collections that clients made too.
    #[schemars(range(min = 0, max = DATABASE_SHARDS_MAX - 1))]
    pub shard: i32,
    /// Where the copies shall be. Only people write it; present means pinned.
    // By node, which holds at most one copy of a shard.
    #[schemars(length(min = 1, max = REPLICAS_MAX))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["node".into()]))]
    pub replicas: Option<Vec<WantedReplica>>,
}

/// Where a copy shall be.
#[derive(KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WantedReplica {
    /// The node, by its pod's name.
    #[schemars(length(min = 1, max = 63))]
    pub node: String,
    /// What it does.
    #[serde(default)]
    pub role: Role,
}

/// What a copy does.
#[derive(JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// Counts for the majority that acknowledges writes.
    #[default]
    Voter,
    /// Follows without a vote.
    Learner,
}

/// What there is.
#[skip_serializing_none]
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShardPlacementStatus {
    /// Generation of the spec that this is about.
    pub observed_generation: Option<i64>,
    /// Node that leads, by its pod's name.
    pub leader: Option<String>,
    /// Term of the leader.
    pub term: Option<i64>,
    /// Nodes of the copies in one line, for tables.
    pub nodes: Option<String>,
    /// The copies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["node".into()]))]
    pub replicas: Vec<Replica>,
    /// Points, rounded to two digits once there are many.
    pub points: Option<i64>,
    /// Bytes of their vectors, rounded likewise.
    pub bytes: Option<i64>,
    /// Where the copies shall be, while that differs from where they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target: Vec<WantedReplica>,
    /// The copy that comes or goes, and how far that is; of several the first.
    #[serde(rename = "move")]
    pub of_move: Option<Move>,
    /// `spec.replicas` keeps the copies from being moved by the database itself.
    pub pinned: Option<bool>,
    /// What is true of it: `Ready` is the summary.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}

/// How far a copy is on its way.
#[skip_serializing_none]
#[derive(KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Move {
    /// What it is at.
    pub phase: MovePhase,
    /// The node whose copy goes, by its pod's name.
    pub from: Option<String>,
    /// The node that is to have one, by its pod's name.
    pub to: Option<String>,
    /// How much of its files has arrived; nothing where entries of the log are enough.
    pub percent: Option<i32>,
    /// Bytes that have arrived.
    pub bytes_done: Option<i64>,
    /// Bytes of its files in all.
    pub bytes_total: Option<i64>,
    /// Bytes a second, lately.
    pub bytes_per_second: Option<i64>,
    /// Seconds until all bytes have arrived.
    pub eta_seconds: Option<i64>,
    /// Attempts to send them that failed, one after the other.
    pub attempts: Option<i32>,
    /// Why the last attempt failed, or else what the move waits for or does.
    pub reason: Option<String>,
}

/// What a move is at. One that is complete is none any more.
#[derive(JsonSchema, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MovePhase {
    /// Nothing travels yet: its turn, its node or its leader is waited for, or files are read.
    Preparing,
    /// What the copy lacks is on its way.
    Copying,
    /// All is there, and its node looks whether it is whole, and takes it in.
    Verifying,
    /// Votes and the leadership change hands, and the old copy goes.
    Switching,
    /// The last attempt to send the files failed; the next comes after a pause.
    Failed,
}

/// A copy.
#[derive(KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Replica {
    /// Its node, by the pod's name.
    pub node: String,
    /// What it does.
    pub role: Role,
    /// Whether it has what its leader has, but for what is on its way.
    pub in_sync: bool,
}
