use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::cluster::validate::ValidatedCluster;
use crate::names;

/// One node at a time while the database says that it can do without any one, and none otherwise.
/// Readiness alone does not tell: a node may be ready and hold the only copy that is up to date.
pub(super) fn disruption_budget(
    cluster: &ValidatedCluster,
    may_disrupt: bool,
) -> PodDisruptionBudget {
    PodDisruptionBudget {
        metadata: cluster.child(cluster.name.clone()),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(may_disrupt.into())),
            selector: Some(names::label_selector(&cluster.name)),
            // A pod that is not ready may hold one of the copies that make a majority.
            unhealthy_pod_eviction_policy: Some("IfHealthyBudget".into()),
            ..PodDisruptionBudgetSpec::default()
        }),
        status: None,
    }
}
