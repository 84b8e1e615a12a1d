//! What Kubernetes should have for a VectorCluster: one file per kind. Pure: takes the
//! validated object and nothing else, so that `vane up` and the tests build the same.

mod client_service;
mod config_map;
mod disruption_budget;
mod headless_service;
mod pod;
mod secret;
mod service_account;
mod stateful_set;

use k8s_openapi::api::core::v1::{ConfigMap, Service, ServiceAccount};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;

pub use pod::TOKEN_FILE;
pub use secret::secret;
pub use stateful_set::{stateful_set, template_hash};

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
    /// Keeps a drain of machines from taking two nodes at once; none below three nodes.
    pub disruption_budget: Option<PodDisruptionBudget>,
}

/// Builds what is applied on every pass.
pub fn children(cluster: &ValidatedCluster) -> Children {
    Children {
        headless_service: headless_service::headless_service(cluster),
        client_service: client_service::client_service(cluster),
        service_account: service_account::service_account(cluster),
        disruption_budget: disruption_budget::disruption_budget(cluster),
    }
}

/// The settings of the pods. They are part of what pods are made from: read at their start.
pub fn settings(cluster: &ValidatedCluster) -> ConfigMap {
    config_map::config_map(cluster)
}
