//! Nothing is left over once the cluster is whole: no replica that has no place, no file that
//! nobody will use, no byte of a command that waits.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use vane_raft::GroupStatus;
use vane_types::{GroupId, LogIndex};

use crate::avoid::Finding;
use crate::node::Node;
use crate::process::Process;
use crate::world::World;

impl World {
    /// What is left over; `None` where nothing is.
    pub(crate) fn leaked(&self) -> Option<String> {
        let nodes = self.nodes.iter();
        let mut found = nodes.filter_map(|node| self.leaked_on(node));
        found.next().or_else(|| self.leaked_dirs())
    }

    fn leaked_on(&self, node: &Node) -> Option<String> {
        let process = node.process.as_ref()?;
        let pending = process.pending_bytes.load(Ordering::Acquire);
        if pending > 0 {
            return Some(format!("node {} counts {pending} bytes that wait", node.id));
        }
        let has_place = |group: &GroupId| *group == GroupId::META || process.has_place(*group);
        if let Some(group) = node.disks.log.groups().into_iter().find(|it| !has_place(it)) {
            return Some(format!("node {} has a log of group {group} and no place", node.id));
        }
        let outgoing = process.outgoing.keys();
        // Those that may still be sent are somebody's.
        let spent = outgoing.filter(|(group, index)| self.is_spent(process, *group, *index));
        let mut spent = spent.map(|(group, index)| {
            format!("node {} still has the snapshot of group {group} at {index}", node.id)
        });
        spent.next()
    }

    /// Whether a snapshot is one that can never be sent: there is a later one, or its group's
    /// log has gone on without it.
    fn is_spent(&self, process: &Process, group: GroupId, index: LogIndex) -> bool {
        let log = self.env.checks.log(group);
        let is_known = log.is_some_and(|log| log.was_alone_with_learners)
            && self.env.avoid.has(Finding::LoneVoter);
        let mut others = process.outgoing.keys();
        let is_older = others.any(|(of, at)| *of == group && *at > index);
        // Not while a peer is being sent it: that peer would have to begin again.
        let is_behind = |status: GroupStatus| {
            index < status.truncated_index && !status.peers.iter().any(|peer| peer.snapshot)
        };
        !is_known && (is_older || process.core.status(group).is_none_or(is_behind))
    }

    /// Directories of replicas that are nobody's.
    fn leaked_dirs(&self) -> Option<String> {
        let Ok(there) = self.env.directory.replicas() else { return None };
        let dir_of = |node: &Node, group: GroupId| {
            Some(self.env.directory.of_replica(node.disks.peer(group)?, group))
        };
        let groups_of = |node: &Node| node.disks.log.groups();
        // By logs and not by open replicas: what was begun and not ended counts as leaked.
        let known: BTreeSet<PathBuf> = self
            .nodes
            .iter()
            .flat_map(|node| groups_of(node).into_iter().filter_map(|it| dir_of(node, it)))
            .collect();
        let stranger = there.difference(&known).next()?;
        Some(format!("{} is nobody's", stranger.file_name()?.to_string_lossy()))
    }
}
