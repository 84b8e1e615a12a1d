//! Members of the cluster.

use serde::{Deserialize, Serialize};
use vane_types::{NodeId, Refusal};

use super::{Changed, State, Touched};
use crate::command::NodeEntry;

/// A member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its number; never given to another.
    pub id: NodeId,
    /// As it presents itself.
    pub entry: NodeEntry,
    /// Where it stands, if that was said.
    pub zone: Option<String>,
}

impl State {
    pub(super) fn put_node(&mut self, entry: NodeEntry) -> Changed {
        let known = self.nodes.values_mut().find(|it| it.entry.disk_id == entry.disk_id);
        let id = match known {
            Some(node) if node.entry.start > entry.start => {
                return Err(Refusal::Conflict(format!(
                    "node {} was started {} times and this is of start {}; nothing was changed",
                    node.id, node.entry.start, entry.start
                )));
            }
            Some(node) => {
                node.entry = entry;
                node.id
            }
            None => {
                self.next_node += 1;
                let id = NodeId(self.next_node);
                self.nodes.insert(id, Member { id, entry, zone: None });
                id
            }
        };
        Ok(vec![Touched::Node(id), Touched::Counters])
    }
}

pub(super) fn no_node(node: NodeId) -> Refusal {
    Refusal::NotFound(format!("Node {node}"))
}
