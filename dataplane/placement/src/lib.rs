//! Decides which nodes hold which replicas.
//!
//! Owns the rules: never two replicas of a shard on one node, then spread over zones, then
//! even load. Pure: facts in, a plan out, the same plan for the same facts in whatever order
//! they come. It must never do I/O, read a clock, draw a random number, or change anything:
//! who asks decides whether and how a plan is carried out.
//!
//! Nodes without a zone count as one zone of their own: nothing says that they would not
//! fail together.

mod error;
mod leaders;
mod meta_voters;
mod place_new;
mod zones;

pub use error::Unplaceable;
pub use meta_voters::meta_voters;
pub use place_new::{REPLICAS_PER_PLAN_MAX, place_new};

use vane_types::NodeId;

/// A member of the cluster, as a plan sees it. Of two with one id the first counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Number of the member.
    pub id: NodeId,
    /// Zone of the node: nodes of one zone may fail together.
    pub zone: Option<String>,
    /// Whether new replicas may come here: the node is alive, not draining, not full.
    pub accepts_replicas: bool,
    /// What the node carries of the collection that is planned; nothing of a new one.
    pub in_collection: Load,
    /// What the node carries of all collections together.
    pub total: Load,
}

/// What a node carries, or is about to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    /// Replicas of shards, whether they lead or follow.
    pub replicas: u64,
    /// Of those, how many are their shard's preferred leader.
    pub leaders: u64,
}

/// Nodes that take new replicas, by id, each once.
fn candidates(nodes: &[Node]) -> Vec<&Node> {
    let mut candidates = members(nodes);
    candidates.retain(|node| node.accepts_replicas);
    candidates
}

/// All nodes by id, each once.
fn members(nodes: &[Node]) -> Vec<&Node> {
    let mut members: Vec<&Node> = nodes.iter().collect();
    members.sort_by_key(|node| node.id);
    members.dedup_by_key(|node| node.id);
    members
}
