//! Names and labels of what is made for a VectorCluster. They are found again by them, so
//! they never change.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::Resource;
use vane_crds::limits::NODES_MAX;

/// Environment variables of a node begin with this, and then have the name of a setting.
pub const SETTING_PREFIX: &str = "VANE_";

/// Field manager, and the value of `app.kubernetes.io/managed-by`.
pub const MANAGER: &str = "vane-operator";
/// Label with the name of the VectorCluster; on everything that is made for it.
pub const CLUSTER_LABEL: &str = "vanedb.io/cluster";
/// Annotation of the StatefulSet, from before recipes: what of the spec its pods were made from.
pub(crate) const TEMPLATE_ANNOTATION: &str = "vanedb.io/template";
/// Annotation of pods, and label of what belongs to their recipe: its name.
pub const RECIPE: &str = "vanedb.io/recipe";
/// Annotation of the StatefulSet: the recipe that all pods were ready with last.
pub const GOOD_ANNOTATION: &str = "vanedb.io/last-good";
/// Annotation of the StatefulSet: the recipe that was given up, and why.
pub const FAILED_ANNOTATION: &str = "vanedb.io/failed";
/// Annotation of a VectorCluster: another text restarts its pods, one after the other.
pub const RESTART_ANNOTATION: &str = "vanedb.io/restart";
/// Annotation of a ShardPlacement: its copies are moved once, and let go when they are there.
pub(crate) const ONCE: &str = "vanedb.io/once";
/// Annotation of the StatefulSet: the node that is being taken away, as `<pod>/<number>`. Nodes of
/// which people said that they are to go are theirs.
pub const LEAVING_ANNOTATION: &str = "vanedb.io/leaving";
/// Annotation that people give a pod: the number of the node whose copies it is to make again.
pub const REPLACE_ANNOTATION: &str = "vanedb.io/replace";
/// Label of a claim whose disk is no member's any more: the number of the node that it was.
pub const RETIRED_LABEL: &str = "vanedb.io/retired";
/// The volume of a node, and the prefix of its claim.
pub const DATA_VOLUME: &str = "data";

/// Key of the token in its Secret, and the name of its file in the pods.
pub const TOKEN_KEY: &str = "token";

/// Port of the REST API.
pub const REST_PORT: i32 = 6333;
/// Port of Qdrant's gRPC; what nodes take when nobody tells them.
pub const GRPC_PORT: i32 = 6334;
/// Port of the other nodes and of administration.
pub const PEER_PORT: i32 = 6335;

/// Selects everything that was made for clusters, whichever.
pub fn clusters_selector() -> String {
    format!("app.kubernetes.io/name=vane,{CLUSTER_LABEL}")
}

/// Selects the pods and volumes of one cluster.
pub fn selector(cluster: &str) -> String {
    format!("app.kubernetes.io/name=vane,{CLUSTER_LABEL}={cluster}")
}

/// The same selection as an object; it is part of the StatefulSet and can never change.
pub(crate) fn label_selector(cluster: &str) -> LabelSelector {
    LabelSelector { match_labels: Some(selecting_labels(cluster)), ..LabelSelector::default() }
}

fn selecting_labels(cluster: &str) -> BTreeMap<String, String> {
    [("app.kubernetes.io/name", "vane"), (CLUSTER_LABEL, cluster)]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

/// Labels of everything that is made for a cluster. Its own labels are not copied: Argo CD
/// takes what carries its labels for its own, and prunes it.
pub(crate) fn labels(cluster: &str) -> BTreeMap<String, String> {
    let mut labels = selecting_labels(cluster);
    labels.insert("app.kubernetes.io/managed-by".into(), MANAGER.into());
    labels.insert("app.kubernetes.io/part-of".into(), "vane".into());
    labels
}

/// An object of a kind in words: `service demo`.
pub(crate) fn object<K: Resource<DynamicType = ()>>(name: &str) -> String {
    format!("{} {name}", K::kind(&()).to_lowercase())
}

/// Name of the Service that gives each pod a name of its own.
pub fn headless_service(cluster: &str) -> String {
    format!("{cluster}-nodes")
}

/// Name of the Secret with the token of the nodes and of administration.
pub fn token_secret(cluster: &str) -> String {
    format!("{cluster}-token")
}

/// Name of the ConfigMap with the settings of a recipe.
pub fn settings(cluster: &str, recipe: &str) -> String {
    format!("{cluster}-settings-{recipe}")
}

/// Name of the ConfigMap with the settings of pods from before recipes.
pub(crate) fn settings_before_recipes(cluster: &str) -> String {
    format!("{cluster}-settings")
}

/// Name of the ControllerRevision that keeps a recipe. Those of the StatefulSet's own controller
/// have no word between.
pub fn recipe(cluster: &str, recipe: &str) -> String {
    format!("{cluster}-recipe-{recipe}")
}

/// Selects the recipes that are kept for one cluster.
pub(crate) fn recipes_selector(cluster: &str) -> String {
    format!("{},{RECIPE}", selector(cluster))
}

/// Name of a pod; the database knows the node by it.
pub fn pod(cluster: &str, ordinal: i32) -> String {
    format!("{cluster}-{ordinal}")
}

/// Ordinal in the name of a pod of this cluster.
pub(crate) fn pod_ordinal(cluster: &str, pod: &str) -> Option<i32> {
    pod.strip_prefix(cluster)?.strip_prefix('-')?.parse().ok()
}

/// Name of the claim of a pod.
pub(crate) fn claim(cluster: &str, ordinal: i32) -> String {
    format!("{DATA_VOLUME}-{cluster}-{ordinal}")
}

/// Ordinal in the name of a claim of this cluster.
pub fn claim_ordinal(cluster: &str, claim: &str) -> Option<i32> {
    // The whole name: `data-demo-x-2` is a claim of cluster `demo-x`.
    let ordinal = claim
        .strip_prefix(DATA_VOLUME)?
        .strip_prefix('-')?
        .strip_prefix(cluster)?
        .strip_prefix('-')?;
    // A set is made as large as its claims say: a claim that no cluster can have had, whoever wrote
    // it, would make thousands of pods.
    ordinal.parse().ok().filter(|ordinal| (0..NODES_MAX).contains(ordinal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_of_other_clusters_are_not_taken_for_ours() {
        assert_eq!(claim_ordinal("demo", "data-demo-2"), Some(2));
        for other in ["data-demo-x-2", "data-demo2-1", "other-demo-1", "data-demo-", "data-demo--1"]
        {
            assert_eq!(claim_ordinal("demo", other), None, "{other}");
        }
    }

    #[test]
    fn a_claim_beyond_the_largest_cluster_is_nobodys() {
        assert_eq!(claim_ordinal("demo", &format!("data-demo-{}", NODES_MAX - 1)), Some(99));
        for beyond in ["100", "90000", "2147483647", "2147483648"] {
            assert_eq!(claim_ordinal("demo", &format!("data-demo-{beyond}")), None, "{beyond}");
        }
    }
}
