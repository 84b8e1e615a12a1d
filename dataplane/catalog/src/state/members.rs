//! Members of the cluster: how they present themselves and where they stand.

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use vane_types::{GroupId, NodeId, PeerId, Refusal};

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
    /// It is to go: it gets no new replicas and no meta vote.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leaving: bool,
    /// It is to lead nothing until it is started again, or so many seconds are over: it is about to
    /// go for a moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows_only: Option<u32>,
}

/// For how long a node may be kept from leading: who forgot it must not miss it for ever.
pub const FOLLOWS_ONLY_SECONDS_MAX: u32 = 24 * 60 * 60;

/// The replica of the meta group that a node has.
pub fn meta_peer(node: NodeId) -> PeerId {
    PeerId::new(node, META_INCARNATION)
}

impl State {
    pub(super) fn put_node(&mut self, entry: NodeEntry) -> Changed {
        self.check_speaks(&entry)?;
        if let Some(node) = self.removed_node_of(entry.disk_id) {
            return Err(Refusal::Conflict(removed(node)));
        }
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
                if entry.start > member.entry.start {
                    member.follows_only = None;
                }
                member.entry = entry;
                member.id
            }
            None => {
                // Never a number that was given before: ids of peers are made of it.
                self.next_node += 1;
                let id = NodeId(self.next_node);
                self.nodes.insert(
                    id,
                    Member { id, entry, zone: None, leaving: false, follows_only: None },
                );
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

    pub(super) fn set_leaving(&mut self, node: NodeId, leaving: bool) -> Changed {
        let member = self.nodes.get_mut(&node).ok_or_else(|| node_not_found(node))?;
        member.leaving = leaving;
        Ok(vec![Touched::Node(node)])
    }

    pub(super) fn set_follows_only(&mut self, node: NodeId, seconds: Option<u32>) -> Changed {
        if seconds.is_some_and(|seconds| !(1..=FOLLOWS_ONLY_SECONDS_MAX).contains(&seconds)) {
            return Err(Refusal::Invalid(format!(
                "a node follows for 1 to {FOLLOWS_ONLY_SECONDS_MAX} seconds; nothing was changed"
            )));
        }
        let member = self.nodes.get_mut(&node).ok_or_else(|| node_not_found(node))?;
        member.follows_only = seconds;
        Ok(vec![Touched::Node(node)])
    }

    /// Nodes that are to lead nothing.
    pub fn following_nodes(&self) -> impl Iterator<Item = (NodeId, u32)> {
        let members = self.nodes.values();
        members.filter_map(|member| Some((member.id, member.follows_only?)))
    }

    /// Whether a node is a member that may lead.
    pub fn may_lead(&self, node: NodeId) -> bool {
        self.nodes.get(&node).is_some_and(|member| member.follows_only.is_none())
    }

    pub(super) fn remove_node(&mut self, node: NodeId, disk_id: Uuid) -> Changed {
        // A call that is repeated finds it done.
        if self.removed.get(&node) == Some(&disk_id) {
            return Ok(Vec::new());
        }
        let member = self.nodes.get(&node).ok_or_else(|| node_not_found(node))?;
        // The number alone could be somebody's slip; with the disk it is the node that was seen.
        if member.entry.disk_id != disk_id {
            return Err(Refusal::Conflict(format!(
                "node {node} has disk {}, not {disk_id}; nothing was changed",
                member.entry.disk_id
            )));
        }
        let named = self.groups_naming(node);
        if !named.is_empty() {
            return Err(Refusal::Conflict(format!(
                "node {node} still has its place in {} (shard groups {}); nothing was changed: \
                 move its replicas away first",
                plural(named.len()),
                listed(&named)
            )));
        }
        self.nodes.remove(&node);
        self.removed.insert(node, disk_id);
        Ok(vec![Touched::Node(node), Touched::Removed(node)])
    }

    /// Shards that have a replica on a node, are to have one, or may still have one that was
    /// wanted meanwhile.
    pub fn groups_naming(&self, node: NodeId) -> Vec<GroupId> {
        let named = self.shards.iter().filter(|(_, shard)| shard.may_be_on(node));
        named.map(|(group, _)| *group).collect()
    }

    /// The member that was removed with a disk.
    pub fn removed_node_of(&self, disk_id: Uuid) -> Option<NodeId> {
        self.removed.iter().find(|(_, disk)| **disk == disk_id).map(|(node, _)| *node)
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

/// What a disk is told that was removed.
pub fn removed(node: NodeId) -> String {
    format!(
        "the disk was node {node}'s, which was removed from the cluster; nothing was changed: \
         empty the data directory or choose a new one, and the node joins anew"
    )
}

/// Groups that a refusal names; with more it says that there are.
const LISTED_MAX: usize = 8;

fn listed(groups: &[GroupId]) -> String {
    let mut words: Vec<String> =
        groups.iter().take(LISTED_MAX).map(|group| group.to_string()).collect();
    if groups.len() > LISTED_MAX {
        words.push("…".into());
    }
    words.join(", ")
}

fn plural(shards: usize) -> String {
    if shards == 1 { "1 shard".into() } else { format!("{shards} shards") }
}

fn node_not_found(node: NodeId) -> Refusal {
    Refusal::NotFound(format!("Node {node}"))
}
