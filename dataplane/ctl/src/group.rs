//! Raft groups, as shards and the meta group have them.

use serde::Serialize;
use vane_proto::admin::{Group, Replica, Role};

/// A group, as JSON shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct GroupView {
    pub(crate) id: u64,
    pub(crate) term: u64,
    /// `None` while there is none, or none is known.
    pub(crate) leader_node: Option<u64>,
    pub(crate) committed: u64,
    /// Two memberships overlap.
    pub(crate) joint: bool,
    pub(crate) replicas: Vec<ReplicaView>,
}

/// A replica. What only the leader can tell is `None` while it has not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ReplicaView {
    pub(crate) node_id: u64,
    pub(crate) peer_id: u64,
    pub(crate) role: &'static str,
    pub(crate) applied: Option<u64>,
    pub(crate) lag: Option<u64>,
    pub(crate) active: Option<bool>,
    pub(crate) snapshot: Option<bool>,
}

impl From<Group> for GroupView {
    fn from(group: Group) -> Self {
        Self {
            id: group.id,
            term: group.term,
            leader_node: (group.leader_node != 0).then_some(group.leader_node),
            committed: group.committed,
            joint: group.joint,
            replicas: group.replicas.into_iter().map(ReplicaView::from).collect(),
        }
    }
}

impl From<Replica> for ReplicaView {
    fn from(replica: Replica) -> Self {
        let known = replica.known;
        Self {
            node_id: replica.node_id,
            peer_id: replica.peer_id,
            role: role_name(replica.role()),
            applied: known.then_some(replica.applied),
            lag: known.then_some(replica.lag),
            active: known.then_some(replica.active),
            snapshot: known.then_some(replica.snapshot),
        }
    }
}

impl GroupView {
    /// Number of the leader's node, or that there is none.
    pub(crate) fn leader(&self) -> String {
        self.leader_node.map_or_else(|| "none".into(), |node| node.to_string())
    }

    /// How far the last replica is behind, as far as known.
    pub(crate) fn lag(&self) -> Option<u64> {
        self.replicas.iter().filter_map(|replica| replica.lag).max()
    }
}

impl ReplicaView {
    /// `Active`, `Silent`, `Snapshot` (it receives one), or `Unknown`.
    pub(crate) fn state(&self) -> &'static str {
        match (self.active, self.snapshot) {
            (Some(_), Some(true)) => "Snapshot",
            (Some(true), _) => "Active",
            (Some(false), _) => "Silent",
            (None, _) => "Unknown",
        }
    }

    /// Whether it votes, answers the leader, and needs no snapshot.
    pub(crate) fn is_sound_voter(&self) -> bool {
        self.is_voter() && self.state() == "Active"
    }

    pub(crate) fn is_voter(&self) -> bool {
        self.role == role_name(Role::Voter)
    }
}

/// A role as the command line writes it.
pub(crate) fn role_name(role: Role) -> &'static str {
    match role {
        Role::Voter => "voter",
        Role::Learner => "learner",
        Role::Unspecified => "unknown",
    }
}

/// Nodes with their roles, as `--replicas` takes them: `1,2,4:learner`.
pub(crate) fn placement(replicas: impl IntoIterator<Item = (u64, &'static str)>) -> String {
    let words = replicas.into_iter().map(|(node, role)| match role {
        // As the flag takes it: a node without a role is a voter.
        "voter" => node.to_string(),
        _ => format!("{node}:{role}"),
    });
    words.collect::<Vec<_>>().join(",")
}

/// A number that only the leader knows; `?` while it has not told it.
pub(crate) fn known(number: Option<u64>) -> String {
    number.map_or_else(|| "?".into(), |number| number.to_string())
}

#[cfg(test)]
mod tests {
    use super::{GroupView, ReplicaView, known, placement};
    use vane_proto::admin::{Group, Replica, Role};

    fn replica(known: bool, active: bool, snapshot: bool) -> ReplicaView {
        Replica { role: Role::Voter.into(), known, active, snapshot, lag: 7, ..Replica::default() }
            .into()
    }

    #[test]
    fn what_the_leader_has_not_told_is_unknown() {
        let silent = replica(false, true, true);
        assert_eq!((silent.lag, silent.state()), (None, "Unknown"));
        assert_eq!(known(silent.lag), "?");
        assert_eq!(replica(true, true, false).state(), "Active");
        assert_eq!(replica(true, false, false).state(), "Silent");
        assert_eq!(replica(true, true, true).state(), "Snapshot");
    }

    #[test]
    fn leader_zero_is_no_leader() {
        assert_eq!(GroupView::from(Group::default()).leader_node, None);
        assert_eq!(
            GroupView::from(Group { leader_node: 2, ..Group::default() }).leader_node,
            Some(2)
        );
    }

    #[test]
    fn a_role_this_program_does_not_know_is_no_vote() {
        let view =
            ReplicaView::from(Replica { role: 9, known: true, active: true, ..Replica::default() });
        assert!(!view.is_voter());
    }

    #[test]
    fn placements_read_as_they_are_written() {
        assert_eq!(placement([(1, "voter"), (4, "learner")]), "1,4:learner");
    }
}
