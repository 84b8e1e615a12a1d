//! How many pods there should be: when the StatefulSet is made, and when it grows.

use super::{Founding, Step};
use crate::cluster::observed::Observed;
use crate::cluster::validate::ValidatedCluster;

/// The step that makes the StatefulSet or adds pods to it.
pub(super) fn steps(
    cluster: &ValidatedCluster,
    observed: &Observed,
    founding: &Founding,
) -> Option<Step> {
    let wanted = cluster.spec.nodes;
    match (&observed.set, founding) {
        // Pods would wait for the token that their neighbours do not have.
        (None, Founding::Stuck(_)) if observed.no_token.is_some() => None,
        (None, _) => Some(Step::CreateSet(first(wanted, observed.highest_claim))),
        // Before anything else: it would outlive its cluster.
        (Some(set), _) if !set.owned => Some(Step::TakeSet),
        // Not before: the founding asks each disk of the pods that there are.
        // Nor while all that is known of the database is one node's word: it has no majority, which
        // new members would need too.
        (Some(set), Founding::Done(_)) if wanted > set.replicas && !observed.is_one_word() => {
            Some(Step::ScaleOut(wanted))
        }
        // Fewer than there are is a refusal (`refusals::scale_in`), never a step.
        _ => None,
    }
}

/// Pods to begin with. Volumes that were retained are all brought back before anything is
/// decided: a majority of the old members may be among those beyond `spec.nodes`.
fn first(wanted: i32, highest_claim: Option<i32>) -> i32 {
    wanted.max(highest_claim.map_or(0, |ordinal| ordinal.saturating_add(1)))
}
