use k8s_openapi::api::core::v1::ConfigMap;

use crate::cluster::validate::ValidatedCluster;
use crate::names;

/// What the environment of the nodes has besides what the operator sets itself.
pub(super) fn config_map(cluster: &ValidatedCluster) -> ConfigMap {
    // For log collectors, unless the settings say otherwise. Whatever stands here besides the
    // settings is the same in every version: pods read it at any start, and one that is
    // evicted must not come back with another than its neighbours have.
    let defaults = [("VANE_LOG__FORMAT".to_owned(), "json".to_owned())];
    let settings =
        cluster.spec.settings.iter().map(|(key, value)| (format!("VANE_{key}"), value.clone()));
    ConfigMap {
        metadata: cluster.child(names::config_map(&cluster.name)),
        data: Some(defaults.into_iter().chain(settings).collect()),
        ..ConfigMap::default()
    }
}
