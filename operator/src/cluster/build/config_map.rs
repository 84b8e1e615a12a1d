use k8s_openapi::api::core::v1::ConfigMap;
use vane_crds::VectorCluster;

use super::name;
use crate::names;

/// What the environment of the nodes has besides what the operator sets itself.
pub(super) fn config_map(cluster: &VectorCluster) -> ConfigMap {
    // For log collectors, unless the settings say otherwise. Whatever stands here besides the
    // settings is the same in every version: pods read it at any start, and one that is
    // evicted must not come back with another than its neighbours have.
    let defaults = [("VANE_LOG__FORMAT".to_owned(), "json".to_owned())];
    let settings =
        cluster.spec.settings.iter().map(|(key, value)| (format!("VANE_{key}"), value.clone()));
    ConfigMap {
        metadata: names::metadata(cluster, names::config_map(name(cluster))),
        data: Some(defaults.into_iter().chain(settings).collect()),
        ..ConfigMap::default()
    }
}
