use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, PodTemplateSpec};

use crate::cluster::recipe;
use crate::cluster::validate::ValidatedCluster;
use crate::names;

/// What the environment of the nodes has besides what the operator sets itself.
pub(super) fn config_map(cluster: &ValidatedCluster) -> ConfigMap {
    // For log collectors, unless the settings say otherwise.
    let defaults = [(setting("LOG__FORMAT"), "json".to_owned())];
    let settings = cluster.spec.settings.iter().map(|(key, value)| (setting(key), value.clone()));
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

/// The ConfigMap that pods take their environment from.
pub(crate) fn settings_of(template: &PodTemplateSpec) -> Option<String> {
    let containers = template.spec.iter().flat_map(|spec| &spec.containers);
    let mut from = containers.flat_map(|container| container.env_from.iter().flatten());
    from.find_map(|from| Some(from.config_map_ref.as_ref()?.name.clone()))
}

fn setting(name: &str) -> String {
    format!("{}{name}", names::SETTING_PREFIX)
}
