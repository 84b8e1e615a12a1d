//! Which settings nodes take while they run. Pure.

use std::collections::BTreeMap;

use vane_proto::{LEVEL_OF_ROLLS, SETTINGS, Takes, setting};

use super::validate::ValidatedCluster;
use crate::database::Database;

/// Whether a node that runs takes a setting.
pub(crate) fn is_live(name: &str) -> bool {
    setting(name).is_some_and(|setting| matches!(setting.takes, Takes::Nothing(_)))
}

/// Whether all nodes of a database know how. Once they do, they do for ever: status remembers it.
pub(crate) fn can_change(cluster: &ValidatedCluster, database: Option<&Database>) -> bool {
    let told = database.map(|database| database.cluster.feature_level);
    let noted = cluster.status.feature_level.and_then(|level| u32::try_from(level).ok());
    told.max(noted).is_some_and(|level| level >= LEVEL_OF_ROLLS)
}

/// What nodes are to have while they run, of those settings: what the spec says; where it says
/// nothing and pods were made with something, the default.
pub(crate) fn wanted(
    spec: &BTreeMap<String, String>,
    pods: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let value = |name: &str, default: &str| {
        let left = pods.contains_key(name).then(|| default.to_owned());
        spec.get(name).cloned().or(left)
    };
    let of = |name: &str, takes: Takes| match takes {
        Takes::Nothing(default) => Some((name.to_owned(), value(name, default)?)),
        Takes::Restart => None,
    };
    SETTINGS.iter().filter_map(|setting| of(setting.name, setting.takes)).collect()
}

/// The same spec with the settings of that kind that pods were made with.
pub(super) fn as_made(
    cluster: &ValidatedCluster,
    pods: &BTreeMap<String, String>,
) -> ValidatedCluster {
    let mut cluster = cluster.clone();
    cluster.spec.settings.retain(|name, _| !is_live(name));
    cluster.spec.settings.extend(pods.clone());
    cluster
}
