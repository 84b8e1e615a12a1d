use k8s_openapi::api::core::v1::Secret;

use crate::cluster::validate::ValidatedCluster;
use crate::names::{self, TOKEN_KEY};

/// The secret of nodes and administration. Made with a fresh token when no pod has another,
/// never changed: pods read it at their start. It stays when the cluster goes, as the volumes do.
pub fn secret(cluster: &ValidatedCluster, token: &str) -> Secret {
    let mut metadata = cluster.child(names::token_secret(&cluster.name));
    metadata.owner_references = None;
    Secret {
        metadata,
        type_: Some("Opaque".into()),
        string_data: Some([(TOKEN_KEY.to_owned(), token.to_owned())].into()),
        ..Secret::default()
    }
}
