//! How many pods there should be: when the StatefulSet is made, and when it grows.

use super::{Founding, Step, made_from};
use crate::cluster::observed::{Observed, Set};
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
        // Made without what keeps them where they belong, the first pods would have to be moved.
        // Of a database that is there a set that was deleted comes back all the same.
        (None, _) if is_new(observed) && made_from::no_affinity(cluster).is_some() => None,
        (None, _) => Some(Step::CreateSet(first(wanted, observed.highest_claim))),
        // Before anything else: it would outlive its cluster.
        (Some(set), _) if !set.owned => Some(Step::TakeSet),
        // Not before: the founding asks each disk of the pods that there are.
        // Nor while all that is known of the database is one node's word: it has no majority, which
        // new members would need too.
        // A node that was to go is told first that it stays.
        (Some(set), Founding::Done(_))
            if wanted > set.replicas && !observed.is_one_word() && set.leaving.is_none() =>
        {
            let reach = retired_before(wanted, set, observed).unwrap_or(wanted);
            (reach > set.replicas).then_some(Step::ScaleOut(reach))
        }
        // Fewer than there are go one by one (`scale_in`).
        _ => None,
    }
}

/// Whether nothing is there of a database, from before or of now.
fn is_new(observed: &Observed) -> bool {
    !observed.founded && observed.highest_claim.is_none()
}

/// The first ordinal, of those that a set is to grow by, whose volume was a member's once. The last
/// pod counts as well: its node may have just left, and it goes first.
pub(super) fn retired_before(wanted: i32, set: &Set, observed: &Observed) -> Option<i32> {
    let is_retired =
        |ordinal: &i32| observed.claims.get(ordinal).is_some_and(|it| it.retired.is_some());
    let from = (set.replicas - 1).max(0);
    (from..wanted).find(is_retired).filter(|_| wanted > set.replicas)
}

/// Pods to begin with. Volumes that were retained are all brought back before anything is
/// decided: a majority of the old members may be among those beyond `spec.nodes`.
fn first(wanted: i32, highest_claim: Option<i32>) -> i32 {
    wanted.max(highest_claim.map_or(0, |ordinal| ordinal.saturating_add(1)))
}
