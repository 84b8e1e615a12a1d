//! What Kubernetes should have for a VectorCluster: one file per kind. Pure: takes the
//! validated object and nothing else, so that `vane up` and the tests build the same.

mod config_map;
mod disruption_budget;
mod pod;
mod revision;
mod secret;
mod service_account;
mod services;
mod stateful_set;

use k8s_openapi::api::core::v1::{ConfigMap, Service, ServiceAccount};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use serde::Serialize;

pub(crate) use config_map::settings_of;
pub use pod::TOKEN_FILE;
pub(crate) use pod::affinity;
pub use revision::Recipe;
pub use secret::secret;
pub use stateful_set::stateful_set;

use super::validate::ValidatedCluster;

/// What is applied on every pass. The Secret is made once; the StatefulSet follows the plan.
#[derive(Debug, Clone)]
pub struct Children {
    /// Gives each pod a name of its own, ready or not.
    pub headless_service: Service,
    /// For clients; only pods that are ready.
    pub client_service: Service,
    /// Identity of the pods; without rights.
    pub service_account: ServiceAccount,
    /// Keeps a drain of machines from taking a majority or a last copy along.
    pub disruption_budget: PodDisruptionBudget,
}

/// Builds what is applied on every pass. `may_disrupt` says whether any one node may go.
pub fn children(cluster: &ValidatedCluster, may_disrupt: bool) -> Children {
    Children {
        headless_service: services::headless(cluster),
        client_service: services::for_clients(cluster),
        service_account: service_account::service_account(cluster),
        disruption_budget: disruption_budget::disruption_budget(cluster, may_disrupt),
    }
}

/// The settings of the pods. They are part of what pods are made from: read at their start.
pub fn settings(cluster: &ValidatedCluster) -> ConfigMap {
    config_map::config_map(cluster)
}

/// A choice of the spec in Kubernetes' word for it, which is the one that people write.
fn word(choice: impl Serialize) -> Option<String> {
    serde_json::to_value(choice).ok()?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use vane_crds::cluster::{PullPolicy, Retain, ServiceKind, TaintEffect};

    use super::word;

    #[test]
    fn choices_are_written_as_kubernetes_writes_them() {
        assert_eq!(word(PullPolicy::IfNotPresent).unwrap(), "IfNotPresent");
        assert_eq!(word(Retain::Delete).unwrap(), "Delete");
        assert_eq!(word(ServiceKind::ClusterIP).unwrap(), "ClusterIP");
        assert_eq!(word(TaintEffect::NoExecute).unwrap(), "NoExecute");
    }
}
