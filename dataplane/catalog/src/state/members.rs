//! Members of the cluster: how they present themselves and where they stand.

use serde::{Deserialize, Serialize};
use vane_types::{NodeId, PeerId, Refusal};

use super::{Changed, State, Touched};
use crate::command::NodeEntry;

/// Incarnation of every node's replica of the meta group: a node has one, ever.
const META_INCARNATION: u32 = 1;

/// A node that has joined the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Never given to another, even when this member is gone.
    pub id: NodeId,
    /// As it presents itself.
    pub entry: NodeEntry,
    /// Where it stands, if that was said.
    pub zone: Option<String>,
}

/// The replica of the meta group that a node has.
pub fn meta_peer(node: NodeId) -> PeerId {
    PeerId::new(node, META_INCARNATION)
}

impl State {
    pub(super) fn put_node(&mut self, entry: NodeEntry) -> Changed {
        self.check_speaks(&entry)?;
        let known = self.nodes.values_mut().find(|member| member.entry.disk_id == entry.disk_id);
        let id = match known {
            // An announcement that was under way while its node started again: the newer
            // start has spoken already, and its address is the one that answers.
            Some(member) if member.entry.start > entry.start => {
                return Err(Refusal::Conflict(format!(
                    "node {} was started {} times and this is of start {}; nothing was changed",
                    member.id, member.entry.start, entry.start
                )));
            }
            Some(member) => {
                member.entry = entry;
                member.id
            }
            None => {
                // Never a number that was given before: ids of peers are made of it.
                self.next_node += 1;
                let id = NodeId(self.next_node);
                self.nodes.insert(id, Member { id, entry, zone: None });
                id
            }
        };
        Ok(vec![Touched::Node(id), Touched::Counters])
    }

    pub(super) fn set_zone(&mut self, node: NodeId, zone: Option<String>) -> Changed {
        let member = self.nodes.get_mut(&node).ok_or_else(|| node_not_found(node))?;
        member.zone = zone;
        Ok(vec![Touched::Node(node)])
    }

    /// Refuses where one of the nodes is not a member.
    pub(super) fn check_members(
        &self,
        nodes: impl IntoIterator<Item = NodeId>,
    ) -> Result<(), Refusal> {
        match nodes.into_iter().find(|node| !self.nodes.contains_key(node)) {
            Some(node) => Err(node_not_found(node)),
            None => Ok(()),
        }
    }
}

fn node_not_found(node: NodeId) -> Refusal {
    Refusal::NotFound(format!("Node {node}"))
}
