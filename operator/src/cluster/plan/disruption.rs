//! Whether Kubernetes may take a node away.

use vane_crds::conditions::{SAFE_TO_DISRUPT, is_true};

use super::Founding;
use crate::cluster::observed::Observed;
use crate::cluster::validate::ValidatedCluster;
use crate::database::Database;

/// Whether any one node may go: by two looks, of which status remembers the first. One that says
/// otherwise is enough to keep all of them.
pub(super) fn may_disrupt(
    cluster: &ValidatedCluster,
    observed: &Observed,
    founding: &Founding,
) -> bool {
    match founding {
        // There is nothing yet that could be lost.
        Founding::Waiting(_) => true,
        Founding::Stuck(_) => false,
        Founding::Done(_) => {
            let is_safe = observed.database.as_ref().is_some_and(Database::is_safe);
            is_safe && is_true(&cluster.status.conditions, SAFE_TO_DISRUPT)
        }
    }
}
