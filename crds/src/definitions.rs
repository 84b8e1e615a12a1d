//! The definitions as Kubernetes takes them.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;

use crate::{Collection, ShardPlacement, VectorCluster};

/// All of them, each with its file's name.
pub fn all() -> [(&'static str, CustomResourceDefinition); 3] {
    [
        ("vectorclusters.yaml", VectorCluster::crd()),
        ("collections.yaml", Collection::crd()),
        ("shardplacements.yaml", ShardPlacement::crd()),
    ]
}

/// One of them as YAML, with a word about where it comes from.
///
/// # Errors
/// When the definition cannot be written as YAML; those of [`all`] can.
pub fn yaml(definition: &CustomResourceDefinition) -> Result<String, serde_saphyr::ser::Error> {
    Ok(format!(
        "# Generated from crds/src by `make crds`.\n{}",
        serde_saphyr::to_string(definition)?
    ))
}
