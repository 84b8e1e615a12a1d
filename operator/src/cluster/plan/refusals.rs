//! What a spec asks for that this cluster cannot get with what there is. What one object alone
//! can say wrong was refused by the API server.

use super::{pods, scale_in};
use crate::cluster::observed::{Observed, Set};
use crate::cluster::validate::ValidatedCluster;
use crate::names;

/// What is refused, because it is not possible yet or never will be. Nothing is touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// A word for the condition's reason.
    pub reason: &'static str,
    /// What and why, and what to do.
    pub message: String,
}

/// What a running cluster cannot become: what comes with later versions.
pub(super) fn refusals(cluster: &ValidatedCluster, observed: &Observed) -> Vec<Refusal> {
    // What was not made yet can still be made as the spec has it.
    let Some(set) = &observed.set else { return Vec::new() };
    let refusals = [
        scale_in::refusal(cluster, observed),
        retired_volume(cluster, observed),
        retention(cluster, set),
    ];
    refusals.into_iter().flatten().collect()
}

/// A disk that was a member's is refused by the others for good, and only people delete volumes.
fn retired_volume(cluster: &ValidatedCluster, observed: &Observed) -> Option<Refusal> {
    let set = observed.set.as_ref()?;
    let ordinal = pods::retired_before(cluster.spec.nodes, set, observed)?;
    let claim = names::claim(&cluster.name, ordinal);
    let node = observed.claims.get(&ordinal)?.retired.clone().unwrap_or_default();
    Some(Refusal {
        reason: "RetiredVolume",
        message: format!(
            "{} needs an empty volume, and {claim} was node {node}'s, which left the database \
             with all of its copies; delete it to go on: kubectl -n {} delete pvc {claim}",
            names::pod(&cluster.name, ordinal),
            cluster.namespace
        ),
    })
}

fn retention(cluster: &ValidatedCluster, set: &Set) -> Option<Refusal> {
    let there = set.retention.as_ref()?;
    (*there != cluster.spec.storage.retention).then(|| Refusal {
        reason: "RetentionNotSupported",
        message: format!(
            "what becomes of volumes is decided when they are made, and cannot be changed yet: \
             whenDeleted stays {:?} and whenScaled {:?}; set spec.storage.retention back",
            there.when_deleted, there.when_scaled
        ),
    })
}
