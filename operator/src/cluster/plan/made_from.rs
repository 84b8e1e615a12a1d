//! What pods cannot be made from.

use super::{Refusal, settings};
use crate::cluster::build::affinity;
use crate::cluster::validate::ValidatedCluster;

/// Why pods stay as they are, whatever else the spec asks for.
pub(super) fn refusal(cluster: &ValidatedCluster) -> Option<Refusal> {
    settings::refusal(cluster).or_else(|| no_affinity(cluster))
}

/// An affinity that no Pod can have: the definition takes whatever stands there.
pub(super) fn no_affinity(cluster: &ValidatedCluster) -> Option<Refusal> {
    let why = affinity(&cluster.spec.pod).err()?;
    Some(Refusal {
        reason: "InvalidPod",
        message: format!(
            "spec.pod.affinity cannot be that of a Pod: {why}; see `kubectl explain \
             pod.spec.affinity`. Pods that are there stay as they are, and a new database has \
             none before"
        ),
    })
}
