//! Members of the cluster and of its groups.

use derive_more::Display;
use serde::{Deserialize, Serialize};

/// Bits of a peer id that count incarnations; the node is in the bits above.
const INCARNATION_BITS: u32 = 32;

/// Number of a member of the cluster; never given to another. Below 2^32.
#[derive(Display, Serialize, Deserialize)]
#[serde(transparent)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u64);

/// One replica of a group, by which Raft knows it.
///
/// ```text
/// 63        32 31           0
/// │   node    │ incarnation │
/// ```
#[derive(Display, Serialize, Deserialize)]
#[serde(transparent)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u64);

impl PeerId {
    /// A node's replica. `incarnation` counts, from 1, the replicas that the group ever had
    /// on the node, so that no peer id is used twice.
    pub const fn new(node: NodeId, incarnation: u32) -> Self {
        // No bit is lost: ids of nodes stay below 2^32.
        Self(node.0 << INCARNATION_BITS | incarnation as u64)
    }

    /// Reads what is stored or sent, where 0 stands for no peer.
    pub fn from_raw(raw: u64) -> Option<Self> {
        // No peer has the number 0: incarnations count from 1.
        (raw != 0).then_some(Self(raw))
    }

    /// What is stored or sent of a peer that may be none.
    pub fn to_raw(peer: Option<Self>) -> u64 {
        peer.map_or(0, |peer| peer.0)
    }

    /// The node that the replica is on.
    pub const fn node(self) -> NodeId {
        NodeId(self.0 >> INCARNATION_BITS)
    }

    /// Which of the node's replicas of the group, from 1.
    pub const fn incarnation(self) -> u32 {
        self.0 as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_its_node_and_its_incarnation() {
        let peer = PeerId::new(NodeId(7), 3);
        assert_eq!(peer.0, 7 << 32 | 3, "stored peer ids never change");
        assert_eq!((peer.node(), peer.incarnation()), (NodeId(7), 3));
        assert_eq!(serde_json::to_string(&peer).unwrap(), peer.0.to_string());
    }

    #[test]
    fn no_peer_is_stored_as_zero() {
        assert_eq!(PeerId::from_raw(0), None);
        assert_eq!(PeerId::to_raw(None), 0);
        let peer = PeerId::new(NodeId(1), 1);
        assert_eq!(PeerId::from_raw(PeerId::to_raw(Some(peer))), Some(peer));
    }
}
