//! When pods may be replaced that run well.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// When the operator may do what nobody asked for at this moment.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Maintenance {
    /// Times in which pods that run well are replaced; at any time where there are none. What does
    /// not run is repaired, and what failed is taken back, at any time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub windows: Vec<Window>,
}

/// A time that comes again and again.
#[derive(KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Window {
    /// When it begins, as a crontab has it: minute, hour, day of the month, month, day of the week.
    #[schemars(length(min = 1, max = 100))]
    pub schedule: String,
    /// How many minutes it lasts. A pod that is being replaced when it ends is waited for.
    #[schemars(range(min = 1, max = 10_080))]
    pub duration_minutes: i32,
    /// Time zone of the schedule, such as Europe/Berlin.
    #[serde(default = "time_zone")]
    #[schemars(length(min = 1, max = 64), regex(pattern = r"^[A-Za-z0-9_+/-]+$"))]
    pub time_zone: String,
}

fn time_zone() -> String {
    "UTC".to_owned()
}
