//! A node that is taken away.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

/// How far a node is on its way out of the database.
#[skip_serializing_none]
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeavingStatus {
    /// Its pod, that of the highest ordinal.
    pub pod: String,
    /// The database's own number for it; none where it is no member, or no more.
    pub node_id: Option<i64>,
    /// Shards that have a copy on it, or may still have one.
    pub shards_left: i32,
    /// Bytes of their vectors, rounded to two digits once there are many.
    pub bytes_left: i64,
    /// What is waited for, or done now.
    pub waits_for: String,
}
