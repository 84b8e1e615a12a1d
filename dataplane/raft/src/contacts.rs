//! Which nodes were heard of, for those who believe that one is gone.

use std::collections::BTreeMap;

use parking_lot::RwLock;
use vane_types::NodeId;

/// How often each node was heard of since the start. Who concludes from outside of the core that
/// a node is gone names the number from before the look: if it is another by then, the node was
/// heard of in between, and the conclusion is about a process of the past.
#[derive(Debug, Default)]
pub struct Contacts(RwLock<BTreeMap<NodeId, u64>>);

impl Contacts {
    /// How often a node was heard of.
    pub fn of(&self, node: NodeId) -> u64 {
        self.0.read().get(&node).copied().unwrap_or_default()
    }

    pub(crate) fn note(&self, node: NodeId) {
        *self.0.write().entry(node).or_default() += 1;
    }
}
