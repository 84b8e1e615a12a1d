//! How the database moves replicas and leaders by itself.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

/// How the database moves copies and leaders by itself. What is left out is not said, and stays
/// as it is there.
#[skip_serializing_none]
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rebalance {
    /// What is evened out between nodes.
    pub mode: Option<RebalanceMode>,
    /// How far, in per cent of the mean, a node may be off it before copies are moved.
    #[schemars(range(min = 5, max = 90))]
    pub threshold_percent: Option<i32>,
    /// Shards that are moved at a time.
    #[schemars(range(min = 1, max = 64))]
    pub moves_at_once: Option<i32>,
    /// Bytes a second of all copies that a node sends, for whatever reason. With 0 none is begun.
    #[schemars(range(min = 0, max = 1_000_000_000_000_i64))]
    pub bytes_per_second: Option<i64>,
    /// Whether leaders are spread over the nodes that have copies.
    pub leaders: Option<LeaderBalance>,
}

/// What is evened out between nodes.
#[derive(JsonSchema, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RebalanceMode {
    /// Nothing: copies stay until somebody asks for others.
    Off,
    /// Numbers of copies.
    Count,
    /// Bytes of the copies' vectors.
    Bytes,
}

/// Whether leaders are spread.
#[derive(JsonSchema, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LeaderBalance {
    /// A node that leads far more than others hands over, one a minute.
    On,
    /// They stay where elections put them.
    Off,
}

/// How even the nodes are.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BalanceStatus {
    /// How far the node that is farthest off the mean is, in per cent of it, once what is under way
    /// has arrived.
    pub worst_percent: i32,
    /// Shards that the database is moving to even nodes out.
    pub moves: i32,
}
