use k8s_openapi::api::core::v1::ConfigMap;
use vane_crds::VectorCluster;

use super::name;
use crate::names;

/// What the environment of the nodes has besides what the operator sets itself.
pub(super) fn config_map(cluster: &VectorCluster) -> ConfigMap {
    let settings = cluster.spec.settings.iter().map(|(key, value)| (format!("VANE_{key}"), value.clone()));
    ConfigMap {
        metadata: names::metadata(cluster, names::config_map(name(cluster))),
        data: Some(settings.collect()),
        ..ConfigMap::default()
    }
}
