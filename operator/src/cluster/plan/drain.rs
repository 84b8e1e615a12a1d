//! Pods whose machine is about to be drained: their nodes hand over what they lead before others
//! evict them, and lead again where the machine stays after all. Nothing is evicted here.

use std::collections::BTreeSet;

use vane_crds::cluster::Draining;
use vane_proto::admin;

use super::hand_over::{First, Going, first, node_of, take_back};
use super::{Founding, Roll, Step};
use crate::cluster::observed::{Observed, Pod};
use crate::cluster::validate::ValidatedCluster;
use crate::database::Outlook;

/// Shards that are named in one message.
const SHARDS_TOLD_MAX: usize = 5;
/// Voters of which one cannot be away without its group standing still.
const FEW_VOTERS: usize = 2;

/// A pod whose machine is drained, or was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drain {
    /// What is said of it.
    pub status: Draining,
    /// What stands still while the pod is away, where something does; told once.
    pub interrupts: Option<String>,
    /// What is next.
    pub(super) step: Option<Step>,
}

/// The pods whose machines are drained, in order, and those whose nodes do not lead again yet.
pub(super) fn drains(
    cluster: &ValidatedCluster,
    observed: &Observed,
    founding: &Founding,
    roll: Option<&Roll>,
) -> Vec<Drain> {
    // What one node says by itself may be old: the database is changed by no such word.
    if !matches!(founding, Founding::Done(_)) || !observed.is_confirmed() {
        return cluster.status.draining.iter().cloned().map(as_before).collect();
    }
    let replaced = roll.and_then(|roll| roll.pod.as_deref());
    let others_lead = others_lead(observed);
    let pod = |pod: &Pod| {
        let before = cluster.status.draining.iter().find(|drain| drain.pod == pod.name);
        let machine = pod.state.machine.as_ref();
        match machine.map(|machine| (machine.name.as_str(), &machine.outlook)) {
            // It may be drained still, as far as anybody knows.
            Some((_, Outlook::Hidden)) => before.cloned().map(as_before),
            Some((machine, Outlook::Drained(why))) => {
                Some(drained(observed, pod, (machine, why), before, others_lead))
            }
            _ => over(observed, before?, replaced),
        }
    };
    observed.pods.values().filter_map(pod).collect()
}

/// Why others are about to evict a pod, where they are.
pub(super) fn is_drained(pod: &Pod) -> bool {
    pod.state.machine.as_ref().is_some_and(|machine| machine.drained().is_some())
}

fn as_before(status: Draining) -> Drain {
    Drain { status, interrupts: None, step: None }
}

/// Whether a node that is ready may lead and goes on: never do all only follow.
fn others_lead(observed: &Observed) -> bool {
    let stays = observed.pods.values().filter(|pod| pod.ready && !is_drained(pod));
    let mut nodes = stays.filter_map(|pod| node_of(observed, pod));
    nodes.any(|node| node.alive && !node.follows_only)
}

fn drained(
    observed: &Observed,
    pod: &Pod,
    (machine, why): (&str, &str),
    before: Option<&Draining>,
    others_lead: bool,
) -> Drain {
    let before = before.filter(|before| before.machine == machine);
    let step = match first(observed, pod, Going::Drained) {
        Some(First::Asks(step)) => Some(step).filter(|_| others_lead && pod.ready),
        Some(First::Waits) | None => None,
    };
    // What a person keeps from leading is not the operator's to take back.
    let hands_over = step.is_some() || before.is_some_and(|before| before.hands_over);
    let status = Draining {
        pod: pod.name.clone(),
        machine: machine.to_owned(),
        why: why.to_owned(),
        hands_over,
    };
    let interrupts = before.is_none().then(|| interrupts(observed, pod, &status)).flatten();
    Drain { status, interrupts, step }
}

/// A pod whose machine is not drained any more, or that has moved.
fn over(observed: &Observed, before: &Draining, replaced: Option<&str>) -> Option<Drain> {
    let is_asked = before.hands_over && replaced != Some(before.pod.as_str());
    let step = is_asked.then(|| take_back(observed, &before.pod)).flatten()?;
    // It stays in status: an operator that ends here does it again.
    Some(Drain { step: Some(step), ..as_before(before.clone()) })
}

/// What stands still while a pod is away, in words.
fn interrupts(observed: &Observed, pod: &Pod, drain: &Draining) -> Option<String> {
    let Draining { pod: name, machine, why, .. } = drain;
    let said = |what: String| {
        Some(format!("machine {machine} {why}: while {name} is away, {what}; nothing is lost"))
    };
    if observed.set.as_ref().is_some_and(|set| set.replicas == 1) {
        return said("nothing answers, since it is the only node".into());
    }
    let (database, node) = (observed.database.as_ref()?, node_of(observed, pod)?.id);
    let shards = database.shards.iter().filter(|shard| needs(shard.group.as_ref(), node));
    let mut named: Vec<String> =
        shards.map(|shard| format!("shard {} of {}", shard.ordinal, shard.collection)).collect();
    let more = named.len().saturating_sub(SHARDS_TOLD_MAX);
    named.truncate(SHARDS_TOLD_MAX);
    if more > 0 {
        named.push(format!("{more} more"));
    }
    if needs(database.cluster.meta.as_ref(), node) {
        named.push("whatever changes members and collections".into());
    }
    match named.len() {
        0 => None,
        1 => said(format!("{} stands still", named[0])),
        _ => said(format!("{} stand still", named.join(", "))),
    }
}

/// Whether a group stands still without a node.
fn needs(group: Option<&admin::Group>, node: u64) -> bool {
    let replicas = group.iter().flat_map(|group| &group.replicas);
    let voters = replicas.filter(|replica| replica.role() == admin::Role::Voter);
    let voters: BTreeSet<u64> = voters.map(|replica| replica.node_id).collect();
    voters.contains(&node) && voters.len() <= FEW_VOTERS
}

#[cfg(test)]
mod tests;
