//! The next steps of a cluster, from what is wanted and what is. Pure, and without memory:
//! killed anywhere, the operator plans the same again.

mod step;

use std::collections::BTreeSet;

use vane_crds::VectorCluster;

pub use self::step::Step;
use super::build::{self, TOKEN_FILE, template_hash};
use super::observed::{Observed, Pod};
pub use super::validate::Refusal;
use super::validate::validate;
use crate::database::{Disk, NoToken};
use crate::names::{self, TOKEN_KEY};

/// How the founding stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Founding {
    /// It is founded; the UUID where a disk told it.
    Done(Option<String>),
    /// Something is waited for.
    Waiting(String),
    /// It must not go on: a person has to look.
    Stuck(Refusal),
}

/// What to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// In this order; a step that fails ends the pass.
    pub steps: Vec<Step>,
    /// What the spec asks for and does not get.
    pub refusals: Vec<Refusal>,
    /// How the founding stands before the steps.
    pub founding: Founding,
    /// Whether the settings of the pods are written again, in case somebody deleted them: only
    /// while the spec has those that the pods were made with.
    pub keeps_settings: bool,
}

/// Plans the next pass.
pub fn plan(cluster: &VectorCluster, observed: &Observed) -> Plan {
    let founding = no_token(cluster, observed).map_or_else(|| founding(observed), Founding::Stuck);
    let mut refusals = validate(cluster, observed);
    let mut steps = Vec::new();
    let lacks_token = observed.no_token.is_some();
    if lacks_token && !matches!(founding, Founding::Stuck(_)) {
        steps.push(Step::MakeToken);
    }
    match (&observed.set, &founding) {
        // Pods would wait for the token that their neighbours do not have.
        (None, Founding::Stuck(_)) if lacks_token => {}
        (None, _) => steps.push(Step::CreateSet(replicas(cluster, observed))),
        (Some(set), Founding::Done(_)) if cluster.spec.nodes > set.replicas => {
            steps.push(Step::ScaleOut(cluster.spec.nodes));
        }
        _ => {}
    }
    match &founding {
        Founding::Waiting(_) if may_bootstrap(observed) => {
            steps.push(Step::Bootstrap(observed.uid))
        }
        Founding::Done(_) => steps.extend(zones(observed)),
        Founding::Stuck(refusal) => refusals.push(refusal.clone()),
        Founding::Waiting(_) => {}
    }
    if cluster.spec.paused {
        steps.clear();
    }
    let template = observed.set.as_ref().and_then(|it| it.template.as_deref());
    let keeps_settings = !cluster.spec.paused && template == Some(template_hash(cluster).as_str());
    Plan { steps, refusals, founding, keeps_settings }
}

/// Why no token is made, where there is none. Nodes that run have theirs since they started
/// and know no other: with a new one in the Secret the operator could not ask them any more,
/// and a pod that starts would not be let in by the others.
fn no_token(cluster: &VectorCluster, observed: &Observed) -> Option<Refusal> {
    let (name, namespace) = (build::name(cluster), build::namespace(cluster));
    let secret = names::token_secret(name);
    let put_back = format!(
        "put it back, which nodes have in {TOKEN_FILE}: `kubectl -n {namespace} create secret generic {secret} \
         --from-literal={TOKEN_KEY}=\"$(kubectl -n {namespace} exec {name}-0 -- cat {TOKEN_FILE})\"`"
    );
    let anew = format!(
        "or stop all nodes for a moment, and they come back with a new one and their volumes: \
         `kubectl -n {namespace} delete statefulset {name}`"
    );
    let message = match observed.no_token? {
        NoToken::Absent if observed.set.is_none() && observed.pods.is_empty() => return None,
        NoToken::Absent if observed.set.is_none() => {
            format!(
                "secret {secret} is gone; a new token is made once all pods are gone, which have the old one"
            )
        }
        NoToken::Absent => {
            format!(
                "secret {secret} is gone, and with it the token that all nodes have: {put_back}; {anew}"
            )
        }
        NoToken::Empty => {
            format!(
                "secret {secret} has no key `{TOKEN_KEY}`: delete the secret, and {put_back}; {anew}"
            )
        }
    };
    Some(Refusal { reason: "NoToken", message })
}

/// Pods to begin with. Volumes that were retained are all brought back before anything is
/// decided: a majority of the old members may be among those beyond `spec.nodes`.
fn replicas(cluster: &VectorCluster, observed: &Observed) -> i32 {
    cluster.spec.nodes.max(observed.highest_claim.map_or(0, |it| it + 1))
}

/// Whether there is a database, as the disks say. Status is a copy that may be lost.
fn founding(observed: &Observed) -> Founding {
    let ids: BTreeSet<&str> = observed
        .pods
        .values()
        .filter_map(|it| match &it.disk {
            Disk::Member { cluster_id } => Some(cluster_id.as_str()),
            _ => None,
        })
        .collect();
    if ids.len() > 1 {
        let message = format!(
            "the volumes belong to different databases ({}): nothing is changed; delete the claims of the one \
             that is not wanted, or give them back their names",
            ids.into_iter().collect::<Vec<_>>().join(", ")
        );
        return Founding::Stuck(Refusal { reason: "TwoDatabases", message });
    }
    if let Some(id) = ids.first() {
        return Founding::Done(Some((*id).to_owned()));
    }
    let Some(set) = &observed.set else { return Founding::Waiting("the pods are made".into()) };
    let silent: Vec<String> =
        (0..set.replicas).filter_map(|it| silent(observed.pods.get(&it), it)).collect();
    match (silent.is_empty(), observed.founded) {
        (true, true) => Founding::Stuck(Refusal {
            reason: "VolumesLost",
            message: "the database was founded, and now the disks of all its nodes are empty: its data is gone. \
                      Nothing is changed; bring the volumes back, or delete this object and make it again"
                .into(),
        }),
        (true, false) => Founding::Waiting("the database is founded on ordinal 0".into()),
        // It answers when it has its volume.
        (false, true) => Founding::Done(None),
        (false, false) => {
            Founding::Waiting(format!("all disks are asked before a database is founded: {}", silent.join("; ")))
        }
    }
}

/// Why a disk is not known to be empty.
fn silent(pod: Option<&Pod>, ordinal: i32) -> Option<String> {
    match pod.map(|it| &it.disk) {
        None => Some(format!("pod {ordinal} is not there")),
        Some(Disk::Unreachable(why)) => Some(format!("pod {ordinal}: {why}")),
        Some(Disk::Empty | Disk::Member { .. }) => None,
    }
}

/// Every disk that there should be is there and empty, and there was never a database.
fn may_bootstrap(observed: &Observed) -> bool {
    let Some(set) = &observed.set else { return false };
    !observed.founded
        && set.replicas > 0
        && (0..set.replicas)
            .all(|it| observed.pods.get(&it).is_some_and(|pod| pod.disk == Disk::Empty))
}

/// Nodes whose zone the database does not know as their machine has it.
fn zones(observed: &Observed) -> Vec<Step> {
    let nodes = observed.database.iter().flat_map(|it| it.newest().into_values());
    let step = |node: &vane_proto::admin::Node| {
        let pod = observed.pods.values().find(|it| it.name == node.name)?;
        let zone = pod.zone.as_ref().filter(|it| **it != node.zone)?;
        Some(Step::SetZone { node: node.id, pod: pod.name.clone(), zone: zone.clone() })
    };
    nodes.filter_map(step).collect()
}

#[cfg(test)]
mod tests;
