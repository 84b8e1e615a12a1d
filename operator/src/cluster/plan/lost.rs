//! Nodes whose disk is gone: their pod runs as another node. Their copies are made again there once
//! a person said so, and the database forgets them.

use vane_proto::admin;

use super::removal::{Removal, has_copy, removal};
use super::{Founding, Step};
use crate::cluster::observed::{Observed, Pod};
use crate::cluster::validate::ValidatedCluster;
use crate::names;

/// A node whose disk is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Its pod, which runs as another node.
    pub pod: String,
    /// The node that it was.
    pub old: u64,
    /// The node that it is.
    pub new: u64,
    /// Shards that have a copy on the lost disk still, as far as the database knows.
    pub shards: usize,
    /// Of those, which have no majority without it.
    pub stuck: Vec<String>,
    /// Whether a person said that the disk is gone for good.
    pub is_given_up: bool,
    /// What is waited for, or done now.
    pub waits_for: String,
    /// What is next.
    pub(super) step: Option<Step>,
}

/// The nodes whose disk is gone, in order of their numbers.
pub(super) fn lost(
    cluster: &ValidatedCluster,
    observed: &Observed,
    founding: &Founding,
) -> Vec<Lost> {
    let database = observed.database.as_ref().filter(|_| observed.is_confirmed());
    let Some(database) = database.filter(|_| matches!(founding, Founding::Done(_))) else {
        return Vec::new();
    };
    let mut replaced = database.replaced();
    replaced.sort_by_key(|(old, _)| old.id);
    let lost = |(old, new): (&admin::Node, &admin::Node)| {
        let named = database.shards.iter().filter(|shard| has_copy(shard, old.id));
        let stuck = named.clone().filter(|shard| is_stuck(shard)).map(words);
        let is_given_up = is_given_up(cluster, observed, old);
        let next = match (is_given_up, old.alive, new.alive) {
            (false, ..) => Removal::waits("a person's word"),
            // It is heard of all the same.
            (true, true, _) => Removal::waits(format!("node {} is heard of still", old.id)),
            (true, false, false) => Removal::waits(format!("{} does not answer", new.name)),
            (true, false, true) => removal(database, old, Some(new), is_stuck),
        };
        Lost {
            pod: old.name.clone(),
            old: old.id,
            new: new.id,
            shards: named.count(),
            stuck: stuck.collect(),
            is_given_up,
            waits_for: next.waits_for,
            step: next.step,
        }
    };
    replaced.into_iter().map(lost).collect()
}

/// Whether a person said that a node's disk is gone for good: by the annotation of its pod, or by
/// deleting its claim. Said once, it stays said: the database has it.
fn is_given_up(cluster: &ValidatedCluster, observed: &Observed, old: &admin::Node) -> bool {
    let is_its = |pod: &&Pod| pod.name == old.name;
    let says = observed.pods.values().find(is_its).and_then(|pod| pod.state.replaces);
    old.leaving || says == Some(old.id) || is_claim_gone(cluster, observed, old)
}

/// Whether the claim that a node had is gone, and its pod has another one. The same claim with an
/// empty disk is nobody's word: it may be a volume that was mounted wrongly.
fn is_claim_gone(cluster: &ValidatedCluster, observed: &Observed, old: &admin::Node) -> bool {
    let mut members = cluster.status.members.iter();
    let member = members.find(|member| u64::try_from(member.node_id) == Ok(old.id));
    let before = member.and_then(|member| member.volume.as_ref());
    let ordinal = names::pod_ordinal(&cluster.name, &old.name);
    let claim = ordinal.and_then(|ordinal| observed.claims.get(&ordinal));
    before.zip(claim).is_some_and(|(before, claim)| *before != claim.uid)
}

/// Whether a shard can agree on nothing: a majority of its voters is gone.
fn is_stuck(shard: &admin::Shard) -> bool {
    shard.group.as_ref().is_some_and(|group| group.leader_node == 0)
}

fn words(shard: &admin::Shard) -> String {
    format!("shard {} of {}", shard.ordinal, shard.collection)
}

#[cfg(test)]
mod tests;
