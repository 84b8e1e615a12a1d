//! How replicas and leaders are moved by the cluster itself, and how much of that at a time.

use derive_more::Display;
use serde::{Deserialize, Serialize};

/// What is evened out between nodes.
#[derive(Debug, Display, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rebalance {
    /// Nothing: replicas stay until somebody asks for others.
    #[default]
    #[display("off")]
    Off,
    /// Numbers of replicas.
    #[display("count")]
    Count,
    /// Bytes of the replicas' vectors.
    #[display("bytes")]
    Bytes,
}

/// How replicas and leaders are moved. It is the same for the whole cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Shards that the cluster moves by itself at a time.
    pub moves_at_once: u32,
    /// Replicas, of those moves, that a node gives or takes at a time.
    pub per_node: u32,
    /// Bytes a second of all copies that a node sends, for whatever reason. With 0 none is begun.
    pub bytes_per_second: u64,
    /// What is evened out.
    pub rebalance: Rebalance,
    /// How far, in per cent of the mean, a node may be off it before replicas are moved.
    pub threshold_percent: u32,
    /// Whether leaders are spread over the nodes that have replicas.
    pub leaders: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            moves_at_once: 2,
            per_node: 1,
            // Half of what a common network or disk carries: requests find room beside it.
            bytes_per_second: 128 << 20,
            // Whoever asks for nothing has no data moved: a new version, or a node that joins,
            // is no reason to send terabytes.
            rebalance: Rebalance::Off,
            threshold_percent: 20,
            leaders: true,
        }
    }
}

/// Most moves at a time.
pub const MOVES_AT_ONCE_MAX: u32 = 64;
/// Thresholds, in per cent: with less, two nodes would send each other the same shards in turn.
pub const THRESHOLD_PERCENT_MIN: u32 = 5;
/// With more, one that is empty would count as balanced.
pub const THRESHOLD_PERCENT_MAX: u32 = 90;

impl Policy {
    /// Whether it is one that can be carried out.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn check(&self) -> Result<(), String> {
        let within = |name: &str, value: u32, least: u32, most: u32| match value {
            value if (least..=most).contains(&value) => Ok(()),
            _ => Err(format!("{name} is {value}, and has to be {least} to {most}")),
        };
        within("moves_at_once", self.moves_at_once, 1, MOVES_AT_ONCE_MAX)?;
        within("per_node", self.per_node, 1, MOVES_AT_ONCE_MAX)?;
        let (least, most) = (THRESHOLD_PERCENT_MIN, THRESHOLD_PERCENT_MAX);
        within("threshold_percent", self.threshold_percent, least, most)
    }

    /// Whether copies may be begun.
    pub fn may_copy(&self) -> bool {
        self.bytes_per_second > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_as_by_default_and_what_is_unknown_is_refused() {
        let policy: Policy = serde_json::from_str(r#"{"rebalance":"bytes"}"#).unwrap();
        let expected = Policy { rebalance: Rebalance::Bytes, ..Policy::default() };
        assert_eq!(policy, expected);
        assert!(serde_json::from_str::<Policy>(r#"{"rebalance":"size"}"#).is_err());
        assert!(serde_json::from_str::<Policy>(r#"{"speed":1}"#).is_err());
    }

    #[test]
    fn a_policy_that_cannot_be_carried_out_says_why() {
        assert_eq!(Policy::default().check(), Ok(()));
        let none = Policy { moves_at_once: 0, ..Policy::default() };
        assert_eq!(none.check(), Err("moves_at_once is 0, and has to be 1 to 64".into()));
        let eager = Policy { threshold_percent: 1, ..Policy::default() };
        assert!(eager.check().is_err_and(|why| why.contains("5 to 90")));
        assert!(!Policy { bytes_per_second: 0, ..Policy::default() }.may_copy());
    }
}
