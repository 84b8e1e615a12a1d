//! What pods cannot be made from.

use super::{Refusal, settings};
use crate::cluster::build::affinity;
use crate::cluster::validate::ValidatedCluster;

/// Why pods stay as they are, whatever else the spec asks for.
pub(super) fn refusal(cluster: &ValidatedCluster) -> Option<Refusal> {
    settings::refusal(cluster).or_else(|| no_affinity(cluster))
}

/// An affinity that no Pod can have: the definition takes whatever stands there.
fn no_affinity(cluster: &ValidatedCluster) -> Option<Refusal> {
    let why = affinity(&cluster.spec.pod).err()?;
    Some(Refusal {
        reason: "InvalidPod",
        message: format!(
            "spec.pod.affinity cannot be that of a Pod, and pods stay as they are: {why}; see \
             `kubectl explain pod.spec.affinity`"
        ),
    })
}
