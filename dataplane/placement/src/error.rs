//! Why there is no plan.

use thiserror::Error;
use vane_types::Error as RequestError;

/// What was asked for has no plan. Planning changes nothing, so nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unplaceable {
    /// A node holds at most one replica of a shard, and there are not enough nodes.
    #[error(
        "{wanted} replicas of a shard need as many nodes, and {available} of the cluster's \
         {members} take new replicas now; nothing was placed: add nodes, wait for those that are \
         down or draining, or ask for a replication factor of at most {available}"
    )]
    TooFewNodes {
        /// Replicas that each shard was to have.
        wanted: usize,
        /// Nodes that take new replicas.
        available: usize,
        /// Nodes of the cluster, whatever their state.
        members: usize,
    },
    /// A shard without replicas holds nothing.
    #[error("the replication factor is 0; nothing was placed, ask for at least 1")]
    NoReplicas,
    /// More than one plan holds.
    #[error(
        "{shards} shards with {replication_factor} replicas each are more than the {max} replicas \
         of one collection; nothing was placed, ask for fewer shards or replicas"
    )]
    TooManyReplicas {
        /// Shards of the collection.
        shards: usize,
        /// Replicas of each shard.
        replication_factor: usize,
        /// [`crate::REPLICAS_PER_PLAN_MAX`].
        max: usize,
    },
}

impl From<Unplaceable> for RequestError {
    fn from(error: Unplaceable) -> Self {
        match error {
            // The caller can ask for less.
            Unplaceable::TooFewNodes { .. } => Self::bad_input(error.to_string()),
            Unplaceable::NoReplicas | Unplaceable::TooManyReplicas { .. } => {
                Self::unavailable(error.to_string())
            }
        }
    }
}
