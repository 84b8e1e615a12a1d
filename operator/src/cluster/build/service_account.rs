use k8s_openapi::api::core::v1::ServiceAccount;

use crate::cluster::validate::ValidatedCluster;

/// Without rights, and without a token in the pods: nodes know no Kubernetes.
pub(super) fn service_account(cluster: &ValidatedCluster) -> ServiceAccount {
    ServiceAccount {
        metadata: cluster.child(cluster.name.clone()),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}
