use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;

use crate::cluster::recipe;
use crate::cluster::validate::ValidatedCluster;
use crate::names;

/// What the environment of the nodes has besides what the operator sets itself.
pub(super) fn config_map(cluster: &ValidatedCluster) -> ConfigMap {
    // For log collectors, unless the settings say otherwise.
    let defaults = [("VANE_LOG__FORMAT".to_owned(), "json".to_owned())];
    let settings =
        cluster.spec.settings.iter().map(|(key, value)| (format!("VANE_{key}"), value.clone()));
    let recipe = recipe::of_spec(cluster);
    let name = names::settings(&cluster.name, &recipe);
    of(cluster, &recipe, name, defaults.into_iter().chain(settings).collect())
}

/// Settings as they were kept. Nobody changes them: a pod that is evicted must not come back with
/// others than its neighbours of the same recipe have.
pub(super) fn of(
    cluster: &ValidatedCluster,
    recipe: &str,
    name: String,
    data: BTreeMap<String, String>,
) -> ConfigMap {
    let mut metadata = cluster.child(name);
    let labels = metadata.labels.get_or_insert_default();
    labels.insert(names::RECIPE.to_owned(), recipe.to_owned());
    ConfigMap { metadata, immutable: Some(true), data: Some(data), ..ConfigMap::default() }
}
