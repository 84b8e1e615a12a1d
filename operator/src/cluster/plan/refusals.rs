//! What a spec asks for that this cluster cannot get with what there is. What one object alone
//! can say wrong was refused by the API server.

use vane_crds::Quantity;

use crate::cluster::observed::{Observed, Set};
use crate::cluster::validate::ValidatedCluster;

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
    let refusals = [scale_in(cluster, set), other_size(cluster, set), retention(cluster, set)];
    refusals.into_iter().flatten().collect()
}

fn scale_in(cluster: &ValidatedCluster, set: &Set) -> Option<Refusal> {
    let (wanted, running) = (cluster.spec.nodes, set.replicas);
    (wanted < running).then(|| Refusal {
        reason: "ScaleInNotSupported",
        message: format!(
            "nodes cannot be taken away yet: {running} run and go on, spec.nodes asks for \
             {wanted}; set it back"
        ),
    })
}

fn other_size(cluster: &ValidatedCluster, set: &Set) -> Option<Refusal> {
    let (there, wanted) = (set.size.as_deref()?, &cluster.spec.storage.size);
    // By amount: 10Gi and 10240Mi are the same size.
    (Quantity::from(there).milli() != wanted.milli()).then(|| Refusal {
        reason: "VolumeGrowthNotSupported",
        message: format!(
            "volumes cannot grow yet: they keep {there}, spec.storage.size asks for {}",
            wanted.0
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
