use k8s_openapi::api::core::v1::ServiceAccount;
use vane_crds::VectorCluster;

use super::name;
use crate::names;

/// Without rights, and without a token in the pods: nodes know no Kubernetes.
pub(super) fn service_account(cluster: &VectorCluster) -> ServiceAccount {
    ServiceAccount {
        metadata: names::metadata(cluster, name(cluster).to_owned()),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}
