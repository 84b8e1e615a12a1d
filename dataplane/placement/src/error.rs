//! Why there is no plan.

use thiserror::Error;
use vane_types::NodeId;

/// What was asked for has no plan. Planning changes nothing, so nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unplaceable {
    /// A node holds at most one replica of a shard, and there are not enough nodes.
    #[error(
        "{wanted} replicas of a shard need as many nodes, and {available} of the cluster's {members} take new \
         replicas now; nothing was placed: add nodes, wait for those that are down or draining, or ask for a \
         replication factor of at most {available}"
    )]
    TooFewNodes {
        /// Replicas of a shard.
        wanted: usize,
        /// Nodes that take new replicas.
        available: usize,
        /// Nodes in all.
        members: usize,
    },
    /// Every node that takes new replicas has one of this shard already.
    #[error(
        "no node can take the replica that leaves node {leaving}: {available} of the cluster's {members} nodes take \
         new replicas now, and each of them has one of this shard; nothing was changed: add a node, or wait for \
         those that are down or draining"
    )]
    NoNodeLeft {
        /// The node that was to be relieved.
        leaving: NodeId,
        /// Nodes that take new replicas.
        available: usize,
        /// Nodes in all.
        members: usize,
    },
    /// The replica to replace is not there.
    #[error(
        "node {0} has no replica of this shard; nothing was changed, look at where its replicas are"
    )]
    NotAReplica(NodeId),
    /// A shard without replicas holds nothing.
    #[error("the replication factor is 0; nothing was placed, ask for at least 1")]
    NoReplicas,
    /// More than one plan holds.
    #[error(
        "{shards} shards with {replication_factor} replicas each are more than the {max} replicas of one collection; \
         nothing was placed, ask for fewer shards or replicas"
    )]
    TooManyReplicas {
        /// Shards.
        shards: usize,
        /// Replicas of each.
        replication_factor: usize,
        /// The most replicas of one plan.
        max: usize,
    },
}
