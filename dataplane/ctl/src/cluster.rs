//! `vanectl status`: the cluster on one screen.

use serde::Serialize;
use vane_proto::admin::Cluster;

use crate::args::Watch;
use crate::client::Client;
use crate::error::Error;
use crate::exit::Exit;
use crate::group::GroupView;
use crate::output::{Console, View};
use crate::table::Table;
use crate::units::counted;
use crate::watch;

/// The cluster, as JSON shows it.
#[derive(Debug, Serialize)]
pub(crate) struct ClusterView {
    #[serde(flatten)]
    pub(crate) cluster: Cluster,
    pub(crate) healthy: bool,
    /// Address of the node that answered.
    endpoint: String,
    meta: GroupView,
}

impl ClusterView {
    pub(crate) async fn fetch(client: &mut Client) -> Result<Self, Error> {
        let cluster = client.cluster().await?;
        // Now: the next call may be answered by another node.
        let endpoint = client.answered().map(ToString::to_string).unwrap_or_default();
        Ok(Self::new(cluster, endpoint))
    }

    fn new(mut cluster: Cluster, endpoint: String) -> Self {
        let healthy = is_healthy(&cluster);
        let meta = cluster.meta.take().unwrap_or_default().into();
        Self { cluster, healthy, endpoint, meta }
    }

    /// What keeps the cluster from being healthy, on one line, as progress shows it.
    pub(crate) fn summary(&self) -> String {
        let cluster = &self.cluster;
        let mut parts = vec![format!(
            "{} of {} alive",
            cluster.nodes_alive,
            counted(cluster.nodes as usize, "node", "nodes")
        )];
        if self.meta.leader_node.is_none() {
            parts.push("no meta leader".into());
        }
        if cluster.shards_without_leader + cluster.shards_degraded > 0 {
            parts.push(shards_line(cluster));
        }
        if !cluster.problems.is_empty() {
            parts.push(counted(cluster.problems.len(), "problem", "problems"));
        }
        parts.join(", ")
    }
}

/// How many shards there are, and how many of them are not well.
fn shards_line(cluster: &Cluster) -> String {
    let wrong = match (cluster.shards_without_leader, cluster.shards_degraded) {
        (0, 0) => return cluster.shards.to_string(),
        (0, degraded) => format!("{degraded} degraded"),
        (leaderless, 0) => format!("{leaderless} without a leader"),
        (leaderless, degraded) => format!("{leaderless} without a leader, {degraded} degraded"),
    };
    format!("{} ({wrong})", counted(cluster.shards as usize, "shard", "shards"))
}

/// Whether the cluster reports no problem and its numbers show none either.
fn is_healthy(cluster: &Cluster) -> bool {
    cluster.problems.is_empty()
        && cluster.nodes_alive == cluster.nodes
        && cluster.shards_without_leader == 0
        && cluster.shards_degraded == 0
        && cluster.meta.as_ref().is_some_and(|meta| meta.leader_node != 0)
}

impl View for ClusterView {
    fn table(&self) -> Table {
        let cluster = &self.cluster;
        let meta = match self.meta.leader_node {
            Some(leader) => format!("node {leader}, term {}", self.meta.term),
            None => "none".into(),
        };
        let mut table = Table::fields([
            ("Cluster", cluster.cluster_id.clone()),
            ("Version", cluster.version.clone()),
            ("Health", if self.healthy { "healthy" } else { "not healthy" }.into()),
            ("Nodes", format!("{} of {} alive", cluster.nodes_alive, cluster.nodes)),
            ("Meta leader", meta),
            ("Collections", cluster.collections.to_string()),
            ("Shards", shards_line(cluster)),
            ("Answered by", format!("node {} at {}", cluster.node_id, self.endpoint)),
        ]);
        let mut name = "Problems";
        for problem in &cluster.problems {
            table.field(name, problem.clone());
            // The name stands once; the lines below go on with it.
            name = "";
        }
        table
    }
}

/// Shows the cluster; the exit code says whether it is healthy.
///
/// # Errors
/// Those of the calls and of the output.
pub(crate) async fn status(console: &mut Console, flags: Watch) -> Result<Exit, Error> {
    let view = match console.output.quiet {
        // Only the exit code is wanted, and one look gives it, also with `--watch`.
        true => ClusterView::fetch(&mut console.client).await?,
        false => watch::show(console, flags, ClusterView::fetch).await?,
    };
    Ok(if view.healthy { Exit::Done } else { Exit::Unmet })
}

#[cfg(test)]
mod tests {
    use super::{ClusterView, is_healthy};
    use crate::output::View;
    use vane_proto::admin::{Cluster, Group};

    fn cluster() -> Cluster {
        let meta = Some(Group { leader_node: 1, term: 4, ..Group::default() });
        Cluster { nodes: 3, nodes_alive: 3, shards: 6, meta, ..Cluster::default() }
    }

    #[test]
    fn anything_amiss_is_unhealthy() {
        assert!(is_healthy(&cluster()));
        assert!(!is_healthy(&Cluster::default()));
        let spoilers: [fn(&mut Cluster); 5] = [
            |cluster| cluster.nodes_alive = 2,
            |cluster| cluster.shards_without_leader = 1,
            |cluster| cluster.shards_degraded = 1,
            |cluster| cluster.problems.push("disk of node 3 is full".into()),
            |cluster| cluster.meta = Some(Group::default()),
        ];
        for spoil in spoilers {
            let mut cluster = cluster();
            spoil(&mut cluster);
            assert!(!is_healthy(&cluster), "{cluster:?}");
        }
    }

    #[test]
    fn problems_stand_below_each_other() {
        let problems = vec!["node 3 is silent".into(), "shard 7 has no leader".into()];
        let view = ClusterView::new(Cluster { problems, ..cluster() }, "a:6335".into());
        let text = view.table().render(true, false);
        assert!(
            text.ends_with("Problems      node 3 is silent\n              shard 7 has no leader\n"),
            "{text}"
        );
    }

    #[test]
    fn the_summary_names_what_is_missing() {
        let summary = |cluster| ClusterView::new(cluster, String::new()).summary();
        assert_eq!(summary(cluster()), "3 of 3 nodes alive");
        let amiss = Cluster { shards_without_leader: 1, nodes_alive: 2, ..cluster() };
        assert_eq!(summary(amiss), "2 of 3 nodes alive, 6 shards (1 without a leader)");
        let young = Cluster { nodes: 1, nodes_alive: 1, meta: None, ..cluster() };
        assert_eq!(summary(young), "1 of 1 node alive, no meta leader");
    }
}
