//! What one node answers for the whole database.

use std::collections::BTreeMap;
use std::time::Duration;

use vane_proto::admin;

use super::Admin;
use crate::error::{Error, database};

/// Pause before trouble is looked at again: longer than a heartbeat takes, shorter than the
/// time between two questions of a leader.
const SECOND_LOOK: Duration = Duration::from_millis(300);

/// The database.
#[derive(Debug, Clone, Default)]
pub struct Database {
    /// As a whole.
    pub cluster: admin::Cluster,
    /// Its nodes.
    pub nodes: Vec<admin::Node>,
    /// Its shards.
    pub shards: Vec<admin::Shard>,
}

impl Database {
    /// The newest node of each name. A pod whose disk was lost joins under a new number, and
    /// numbers only grow: the others of its name are not there any more.
    pub fn newest(&self) -> BTreeMap<&str, &admin::Node> {
        let mut newest = BTreeMap::new();
        for node in &self.nodes {
            let known = newest.entry(node.name.as_str()).or_insert(node);
            if known.id < node.id {
                *known = node;
            }
        }
        newest
    }

    /// Nodes whose pod came back with another disk, each with the newest of its name.
    pub fn replaced(&self) -> Vec<(&admin::Node, &admin::Node)> {
        let newest = self.newest();
        let of = |it: &'_ admin::Node| newest.get(it.name.as_str()).copied();
        self.nodes
            .iter()
            .filter_map(|it| Some((it, of(it)?)))
            .filter(|(old, new)| old.id != new.id)
            .collect()
    }

    /// Whether something is wrong, as of this look.
    pub(crate) fn is_troubled(&self) -> bool {
        let copies =
            self.shards.iter().filter_map(|it| it.group.as_ref()).flat_map(|it| &it.replicas);
        !self.cluster.problems.is_empty() || copies.into_iter().any(|it| it.known && !it.active)
    }

    /// This look, without troubles that the one before it did not show.
    pub(crate) fn confirmed_by(mut self, before: &Self) -> Self {
        self.cluster.problems.retain(|it| before.cluster.problems.contains(it));
        let key = |shard: &admin::Shard| (shard.collection.clone(), shard.ordinal);
        let before: BTreeMap<_, _> = before.shards.iter().map(|it| (key(it), it)).collect();
        for shard in &mut self.shards {
            let group = before.get(&key(shard)).and_then(|it| it.group.as_ref());
            let active = |node| {
                group.is_some_and(|it| it.replicas.iter().any(|it| it.node_id == node && it.active))
            };
            for replica in shard.group.iter_mut().flat_map(|it| &mut it.replicas) {
                replica.active |= replica.known && active(replica.node_id);
            }
        }
        self
    }
}

/// What a node knows of the database. Trouble is told when two looks show it: a leader asks
/// who is there every 0.7 s, and until the next heartbeat (0.2 s) nobody has answered it.
pub(crate) async fn overview(mut admin: Admin) -> Result<Database, Error> {
    let first = look(&mut admin).await?;
    if !first.is_troubled() {
        return Ok(first);
    }
    tokio::time::sleep(SECOND_LOOK).await;
    Ok(look(&mut admin).await?.confirmed_by(&first))
}

async fn look(admin: &mut Admin) -> Result<Database, Error> {
    let cluster = admin
        .get_cluster(admin::GetClusterRequest {})
        .await
        .map_err(database("read the cluster"))?;
    let nodes =
        admin.list_nodes(admin::ListNodesRequest {}).await.map_err(database("list the nodes"))?;
    let shards = admin
        .list_shards(admin::ListShardsRequest::default())
        .await
        .map_err(database("list the shards"))?;
    Ok(Database {
        cluster: cluster.into_inner(),
        nodes: nodes.into_inner().nodes,
        shards: shards.into_inner().shards,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A look that shows these problems, and these nodes of a shard answering its leader.
    fn look(problems: &[&str], active: [bool; 2]) -> Database {
        let problems = problems.iter().map(|it| (*it).to_owned()).collect();
        let replica = |node_id, active| admin::Replica {
            node_id,
            active,
            known: true,
            ..admin::Replica::default()
        };
        let replicas = vec![replica(1, active[0]), replica(2, active[1])];
        let group = Some(admin::Group { replicas, ..admin::Group::default() });
        Database {
            cluster: admin::Cluster { problems, ..admin::Cluster::default() },
            shards: vec![admin::Shard {
                collection: "docs".into(),
                group,
                ..admin::Shard::default()
            }],
            ..Database::default()
        }
    }

    fn shown(database: &Database) -> (Vec<String>, Vec<bool>) {
        let replicas =
            database.shards.iter().filter_map(|it| it.group.as_ref()).flat_map(|it| &it.replicas);
        (database.cluster.problems.clone(), replicas.map(|it| it.active).collect())
    }

    #[test]
    fn trouble_that_one_look_shows_and_the_next_does_not_is_none() {
        let both = look(&["node 3 is away", "first"], [true, false]);
        let second = look(&["second", "node 3 is away"], [false, false]);
        assert!(
            both.is_troubled()
                && look(&[], [true, false]).is_troubled()
                && !look(&[], [true, true]).is_troubled()
        );
        let told = second.confirmed_by(&both);
        assert_eq!(shown(&told), (vec!["node 3 is away".to_owned()], vec![true, false]));
        assert_eq!(
            shown(&both.confirmed_by(&Database::default())),
            (Vec::new(), vec![true, false])
        );
    }
}
