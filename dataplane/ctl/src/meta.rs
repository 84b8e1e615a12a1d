//! `vanectl meta`: the members of the group that holds the catalog.

use serde::Serialize;
use vane_proto::admin::Node;

use crate::args::Watch;
use crate::client::Client;
use crate::error::Error;
use crate::exit::Exit;
use crate::group::{GroupView, ReplicaView, known};
use crate::output::{Console, Row};
use crate::watch;

/// A member, as JSON shows it.
#[derive(Debug, Serialize)]
struct MemberView {
    name: String,
    leader: bool,
    #[serde(flatten)]
    replica: ReplicaView,
    /// Of the group, as the node that answered knows it.
    term: u64,
}

fn members(group: GroupView, nodes: &[Node]) -> Vec<MemberView> {
    let member = |replica: ReplicaView| MemberView {
        name: nodes
            .iter()
            .find(|node| node.id == replica.node_id)
            .map(|node| node.name.clone())
            // Two calls are two moments: a node may be in one of the answers alone.
            .unwrap_or_default(),
        leader: group.leader_node == Some(replica.node_id),
        replica,
        term: group.term,
    };
    group.replicas.into_iter().map(member).collect()
}

impl Row for MemberView {
    const NOTHING: &'static str = "the meta group has no members that this node knows of";
    const COLUMNS: &'static [&'static str] = &["NODE", "NAME", "ROLE", "STATE", "LAG"];
    const WIDE: &'static [&'static str] = &["APPLIED", "TERM", "PEER"];

    fn cells(&self) -> Vec<String> {
        let replica = &self.replica;
        vec![
            replica.node_id.to_string(),
            self.name.clone(),
            // A leader is a voter anyway: that it leads says more.
            if self.leader { "leader" } else { replica.role }.into(),
            replica.state().into(),
            known(replica.lag),
            known(replica.applied),
            self.term.to_string(),
            replica.peer_id.to_string(),
        ]
    }
}

/// Lists the members of the meta group with how far each is behind.
pub(crate) async fn show(console: &mut Console, flags: Watch) -> Result<Exit, Error> {
    let fetch = async |client: &mut Client| {
        let cluster = client.cluster().await?;
        let nodes = client.nodes().await?;
        Ok(members(cluster.meta.unwrap_or_default().into(), &nodes))
    };
    watch::show(console, flags, fetch).await?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::members;
    use crate::output::View;
    use vane_proto::admin::{Group, Node, Replica, Role};

    #[test]
    fn the_leader_stands_out_and_the_unknown_shows() {
        let replica = |node_id, role: Role, known| Replica {
            node_id,
            role: role.into(),
            known,
            active: true,
            lag: 3,
            ..Replica::default()
        };
        let replicas = vec![
            replica(1, Role::Voter, true),
            replica(2, Role::Voter, true),
            replica(3, Role::Learner, false),
        ];
        let group = Group { leader_node: 1, replicas, ..Group::default() };
        let nodes = [Node { id: 1, name: "vane-0".into(), ..Node::default() }];
        assert_eq!(
            members(group.into(), &nodes).table().render(true, false),
            "NODE   NAME     ROLE      STATE     LAG\n\
             1      vane-0   leader    Active    3\n\
             2      -        voter     Active    3\n\
             3      -        learner   Unknown   ?\n"
        );
    }
}
