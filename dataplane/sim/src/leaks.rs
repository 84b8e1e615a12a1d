//! Nothing is left over once the cluster is whole: no replica that has no place, no file that
//! nobody will use, no byte of a command that waits.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use vane_types::GroupId;

use crate::node::Node;
use crate::world::World;

impl World {
    /// What is left over; `None` where nothing is.
    pub(crate) fn leaked(&self) -> Option<String> {
        let nodes = self.nodes.iter();
        let mut found = nodes.filter_map(|node| self.leaked_on(node));
        found.next().or_else(|| self.leaked_snapshots()).or_else(|| self.leaked_dirs())
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
        None
    }

    /// Snapshots that nobody needs: once all replicas are where they should be, only received
    /// ones are left, which a node keeps for a while.
    fn leaked_snapshots(&self) -> Option<String> {
        let there = self.env.directory.snapshots().ok()?;
        // By then no copy of a disk is kept, which may have others.
        let received = self.nodes.iter().flat_map(|node| node.disks.incoming.values());
        let received: BTreeSet<PathBuf> = received.map(|files| files.path().to_owned()).collect();
        let stranger = there.difference(&received).next()?;
        Some(format!("{} still has files", stranger.file_name()?.to_string_lossy()))
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
