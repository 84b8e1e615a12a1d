use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::cluster::validate::ValidatedCluster;
use crate::names;

/// Nodes below which a drain may take any: a budget for one or two would only block it.
const NODES_MIN: i32 = 3;

/// One node at a time, and only while the others are well.
pub(super) fn disruption_budget(cluster: &ValidatedCluster) -> Option<PodDisruptionBudget> {
    (cluster.spec.nodes >= NODES_MIN).then(|| PodDisruptionBudget {
        metadata: cluster.child(cluster.name.clone()),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(1)),
            selector: Some(names::label_selector(&cluster.name)),
            // A pod that is not ready may hold one of the copies that make a majority.
            unhealthy_pod_eviction_policy: Some("IfHealthyBudget".into()),
            ..PodDisruptionBudgetSpec::default()
        }),
        status: None,
    })
}
