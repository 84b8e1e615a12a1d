//! What one node answers for the whole database: its nodes, its shards and what is wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use vane_proto::admin;

use super::Admin;
use crate::error::{CallError, Request, database};

/// Pause before trouble is looked at again: longer than a heartbeat takes, shorter than the
/// time between two questions of a leader.
const SECOND_LOOK: Duration = Duration::from_millis(300);
/// Time for the looks at a database. The node that is asked asks all others, of which one that
/// hangs costs it some seconds, twice.
const OVERVIEW_TIMEOUT: Duration = Duration::from_secs(10);
/// Time for a node to hear from a majority, and to get to where that is.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(3);

/// The database, as one node of it answers.
#[derive(Debug, Clone, Default)]
pub struct Database {
    /// Totals and problems of the whole cluster.
    pub cluster: admin::Cluster,
    /// Nodes that ever joined, those that are away among them.
    pub nodes: Vec<admin::Node>,
    /// Shards of all collections.
    pub shards: Vec<admin::Shard>,
    /// Entry of the catalog that the answers are at least as new as, by the word of a majority;
    /// `None` where none gave it: then the answers are one node's own, and may be old.
    pub confirmed: Option<u64>,
    /// How even the nodes are, and the policy for moves; `None` of versions that know of none.
    pub balance: Option<admin::Balance>,
    /// What the absence of each node would be; nothing where that is not known.
    pub safety: Vec<admin::Safety>,
    /// The most copies that a collection is to have of each shard; asked for only where nodes are
    /// to go.
    pub most_copies: Option<u32>,
}

impl Database {
    /// The newest node of each name. A pod whose disk was lost joins under a new number, and
    /// numbers only grow: the others of its name are gone.
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
        self.nodes
            .iter()
            .filter_map(|node| Some((node, *newest.get(node.name.as_str())?)))
            .filter(|(old, new)| old.id != new.id)
            .collect()
    }

    /// Name of a node; its number where it is not listed.
    pub fn name_of(&self, id: u64) -> String {
        let node = self.nodes.iter().find(|node| node.id == id);
        node.map_or_else(|| format!("node {id}"), |node| node.name.clone())
    }

    /// Whether any one node may go: none of them would take a majority or a last copy along.
    pub fn is_safe(&self) -> bool {
        self.confirmed.is_some() && !self.safety.is_empty() && self.safety.iter().all(|it| it.ok)
    }

    /// Whether something is wrong, as of this look.
    fn is_troubled(&self) -> bool {
        let groups = self.shards.iter().filter_map(|shard| shard.group.as_ref());
        let mut replicas = groups.flat_map(|group| &group.replicas);
        !self.cluster.problems.is_empty()
            || !self.is_safe()
            || replicas.any(|replica| replica.known && !replica.active)
    }

    /// This look, without troubles that the one before it did not show.
    fn confirmed_by(mut self, before: &Self) -> Self {
        self.cluster.problems.retain(|problem| before.cluster.problems.contains(problem));
        // A copy that trails for a moment under a load has caught up in one look of two; one that
        // is away or being filled has not.
        if before.is_safe() && self.confirmed.is_some() {
            self.safety.clone_from(&before.safety);
        }
        let before: BTreeMap<_, _> =
            before.shards.iter().map(|shard| (key(shard), shard.group.as_ref())).collect();
        for shard in &mut self.shards {
            let group = before.get(&key(shard)).copied().flatten();
            // Seen in either look it is there: the other may be the first of a new leader.
            for replica in shard.group.iter_mut().flat_map(|group| &mut group.replicas) {
                replica.active |= replica.known && was_active(group, replica.node_id);
            }
        }
        self
    }
}

fn key(shard: &admin::Shard) -> (String, u32) {
    (shard.collection.clone(), shard.ordinal)
}

fn was_active(group: Option<&admin::Group>, node_id: u64) -> bool {
    let mut replicas = group.iter().flat_map(|group| &group.replicas);
    replicas.any(|replica| replica.node_id == node_id && replica.active)
}

/// Asks a node for the database; `confirmed` is the entry of the catalog that it is at by the word
/// of a majority. Trouble is told when two looks show it: a leader that was just elected has heard
/// of nobody until its first heartbeat is answered (0.2 s).
///
/// # Errors
///
/// The node refused or did not answer in time.
pub(crate) async fn overview(admin: Admin, confirmed: Option<u64>) -> Result<Database, CallError> {
    let failed = database(Request::Read("the database".into()));
    let looking = tokio::time::timeout(OVERVIEW_TIMEOUT, looks(admin, confirmed));
    // A node that hangs must leave time to ask another.
    looking.await.unwrap_or_else(|_| {
        Err(failed(tonic::Status::deadline_exceeded("the node did not answer in time")))
    })
}

async fn looks(mut admin: Admin, confirmed: Option<u64>) -> Result<Database, CallError> {
    let first = look(&mut admin, confirmed).await?;
    if !first.is_troubled() {
        return Ok(first);
    }
    tokio::time::sleep(SECOND_LOOK).await;
    Ok(look(&mut admin, confirmed).await?.confirmed_by(&first))
}

/// Has a node learn all that its cluster has agreed on, so that what it answers afterwards is not
/// older; the entry of the catalog that it is at, which must not be before `seen`.
///
/// # Errors
///
/// No majority says so, in time, or the node is cut off from it.
pub(crate) async fn catch_up(admin: &mut Admin, seen: u64) -> Result<u64, tonic::Status> {
    let asking = admin.catch_up(admin::CatchUpRequest { min_index: seen });
    let answered = tokio::time::timeout(CATCH_UP_TIMEOUT, asking).await;
    let reply = answered.unwrap_or_else(|_| {
        Err(tonic::Status::deadline_exceeded("the node did not hear from a majority in time"))
    });
    Ok(reply?.into_inner().index)
}

/// The most copies that a collection is to have of each shard, whether it has shards yet or not.
///
/// # Errors
///
/// The node refused or did not answer in time.
pub(crate) async fn most_copies(admin: &mut Admin) -> Result<u32, CallError> {
    let listed = admin.list_collections(admin::ListCollectionsRequest {}).await;
    let listed = listed.map_err(database(Request::List("the collections".into())))?.into_inner();
    Ok(listed.collections.iter().map(|it| it.replication_factor).max().unwrap_or_default())
}

async fn look(admin: &mut Admin, confirmed: Option<u64>) -> Result<Database, CallError> {
    let [mut of_cluster, mut of_nodes, mut of_shards, mut of_safety, mut of_balance] =
        std::array::from_fn(|_| admin.clone());
    // Side by side: for each of them the node waits for those that hang, as long as it does.
    let (cluster, nodes, shards, safety, balance) = tokio::join!(
        of_cluster.get_cluster(admin::GetClusterRequest {}),
        of_nodes.list_nodes(admin::ListNodesRequest {}),
        of_shards.list_shards(admin::ListShardsRequest::default()),
        of_safety.get_safety(admin::GetSafetyRequest::default()),
        of_balance.get_balance(admin::GetBalanceRequest {}),
    );
    let failed = |what: &str| database(Request::Read(what.to_owned()));
    Ok(Database {
        cluster: cluster.map_err(failed("the cluster"))?.into_inner(),
        nodes: nodes.map_err(failed("the nodes"))?.into_inner().nodes,
        shards: shards.map_err(failed("the shards"))?.into_inner().shards,
        confirmed,
        // Not every version answers, and nothing but the balance depends on it.
        balance: balance.ok().map(tonic::Response::into_inner),
        safety: safety.map_err(failed("whether nodes may go"))?.into_inner().verdicts,
        most_copies: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A look that shows these problems, and these nodes of a shard answering its leader.
    fn look(problems: &[&str], active: [bool; 2]) -> Database {
        let problems = problems.iter().map(|text| (*text).to_owned()).collect();
        let replicas = [(1, active[0]), (2, active[1])].map(|(node_id, active)| admin::Replica {
            node_id,
            active,
            known: true,
            ..admin::Replica::default()
        });
        let group = Some(admin::Group { replicas: replicas.into(), ..admin::Group::default() });
        Database {
            cluster: admin::Cluster { problems, ..admin::Cluster::default() },
            shards: vec![admin::Shard {
                collection: "docs".into(),
                group,
                ..admin::Shard::default()
            }],
            confirmed: Some(1),
            safety: vec![admin::Safety { ok: true, ..admin::Safety::default() }],
            ..Database::default()
        }
    }

    #[test]
    fn a_node_may_go_once_a_majority_says_so_and_a_copy_may_trail_for_a_moment() {
        let verdict = |ok: bool| admin::Safety { ok, ..admin::Safety::default() };
        let of = |verdicts: &[bool], confirmed: Option<u64>| Database {
            safety: verdicts.iter().copied().map(verdict).collect(),
            confirmed,
            ..look(&[], [true, true])
        };
        assert!(of(&[true, true], Some(1)).is_safe());
        assert!(!of(&[true, false], Some(1)).is_safe() && !of(&[], Some(1)).is_safe());
        assert!(!of(&[true, true], None).is_safe(), "the word of one node");
        let (well, behind) = (of(&[true, true], Some(1)), of(&[true, false], Some(1)));
        assert!(behind.is_troubled());
        assert!(behind.clone().confirmed_by(&well).is_safe());
        assert!(well.clone().confirmed_by(&behind).is_safe());
        assert!(!behind.clone().confirmed_by(&behind).is_safe());
        assert!(!of(&[true, true], None).confirmed_by(&well).is_safe());
    }

    fn shown(database: &Database) -> (Vec<String>, Vec<bool>) {
        let groups = database.shards.iter().filter_map(|shard| shard.group.as_ref());
        let replicas = groups.flat_map(|group| &group.replicas);
        (database.cluster.problems.clone(), replicas.map(|replica| replica.active).collect())
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
