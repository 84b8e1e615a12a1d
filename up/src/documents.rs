//! A file with a VectorCluster and its Collections.

use std::path::Path;

use kube::core::cel::validate_cel;
use kube::{CustomResourceExt, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use vane_crds::{Collection, VectorCluster};

use crate::error::Error;
use crate::schema;

/// Bytes of a file; what people write is a thousandth of it.
const FILE_BYTES_MAX: usize = 4 << 20;

/// What a file asks for.
#[derive(Debug, Clone)]
pub struct Documents {
    /// The database.
    pub cluster: VectorCluster,
    /// Its collections, in the file's order.
    pub collections: Vec<Collection>,
}

impl Documents {
    /// Reads and checks a file.
    ///
    /// # Errors
    ///
    /// It cannot be read, or a field is wrong: the message names it.
    pub fn read(file: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(file).map_err(Error::system("read", file))?;
        Self::parse(file, &text)
    }

    fn parse(file: &Path, text: &str) -> Result<Self, Error> {
        // Before it is parsed: what is parsed takes more memory than its text.
        if text.len() > FILE_BYTES_MAX {
            return Err(Error::input(
                file,
                format!("it has {} bytes, at most {FILE_BYTES_MAX} are read", text.len()),
            ));
        }
        let values: Vec<Value> =
            serde_saphyr::from_multiple(text).map_err(|e| Error::input(file, e.to_string()))?;
        let mut clusters: Vec<VectorCluster> = Vec::new();
        let mut collections: Vec<Collection> = Vec::new();
        // A document of nothing but comments is null.
        for value in values.iter().filter(|value| !value.is_null()) {
            let group = format!("{}/{}", vane_crds::GROUP, vane_crds::VERSION);
            match (value["apiVersion"].as_str(), value["kind"].as_str()) {
                (Some(version), Some("VectorCluster")) if version == group => {
                    clusters.push(checked(file, value)?);
                }
                (Some(version), Some("Collection")) if version == group => {
                    collections.push(checked(file, value)?);
                }
                (version, kind) => {
                    let what = format!(
                        "{} of {} is nothing that can run here; it must be VectorCluster or \
                         Collection of {group}",
                        kind.unwrap_or("a document without kind"),
                        version.unwrap_or("no apiVersion"),
                    );
                    return Err(Error::input(file, what));
                }
            }
        }
        let count = clusters.len();
        let (Some(cluster), 1) = (clusters.pop(), count) else {
            return Err(Error::input(
                file,
                format!("it has {count} VectorClusters; it must have one"),
            ));
        };
        let name = cluster.name_any();
        for collection in &collections {
            let named = &collection.spec.cluster_ref.name;
            let what = if *named != name {
                format!("spec.clusterRef.name is {named}; the file has {name}")
            } else if collection.namespace() != cluster.namespace() {
                "metadata.namespace is not that of its VectorCluster".to_owned()
            } else {
                continue;
            };
            let stray = collection.name_any();
            return Err(Error::input(file, format!("Collection {stray}: {what}")));
        }
        Ok(Self { cluster, collections })
    }
}

/// The object, once its definition's schema and rules have nothing against it.
fn checked<K: DeserializeOwned + Serialize + CustomResourceExt>(
    file: &Path,
    value: &Value,
) -> Result<K, Error> {
    let failed = |what: String| Error::input(file, format!("{}: {what}", title(value)));
    if value["metadata"]["name"].as_str().is_none_or(str::is_empty) {
        return Err(failed("metadata.name is missing".into()));
    }
    // serde would pass over a misspelt field, and kubectl refuses it.
    let known = ["apiVersion", "kind", "metadata", "spec", "status"];
    let unknown = value
        .as_object()
        .and_then(|fields| fields.keys().find(|name| !known.contains(&name.as_str())));
    if let Some(field) = unknown {
        return Err(failed(format!("{field} is no field that there is")));
    }
    let definition = serde_json::to_value(K::crd()).unwrap_or_default();
    let spec =
        &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    // Before serde, which names neither the field nor its bounds.
    let problems = schema::problems(spec, &value["spec"], "spec");
    if !problems.is_empty() {
        return Err(failed(problems.join("; ")));
    }
    let object: K = serde_json::from_value(value.clone()).map_err(|e| failed(e.to_string()))?;
    // Types first, then the rules: a rule has no sentence for a field of another type.
    validate_cel(&object).map_err(|e| failed(e.to_string()))?;
    Ok(object)
}

fn title(value: &Value) -> String {
    let text = |field: &Value| field.as_str().unwrap_or("?").to_owned();
    format!("{} {}", text(&value["kind"]), text(&value["metadata"]["name"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "
apiVersion: vanedb.io/v1alpha1
kind: VectorCluster
metadata: {name: demo}
spec: {nodes: 3, version: 0.1.0, storage: {size: 1Gi}}
---
apiVersion: vanedb.io/v1alpha1
kind: Collection
metadata: {name: docs}
spec: {clusterRef: {name: demo}, shards: 2, replicationFactor: 3, vectors: [{size: 4, distance: Cosine}]}
";

    #[test]
    fn a_cluster_and_its_collections_are_read() {
        let read = Documents::parse(Path::new("f.yaml"), GOOD).unwrap();
        assert_eq!((read.cluster.spec.nodes, read.collections.len()), (3, 1));
    }

    #[test]
    fn the_examples_are_right() {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../e2e/examples");
        for example in std::fs::read_dir(examples).unwrap() {
            let read = Documents::read(&example.unwrap().path()).unwrap();
            assert!(!read.collections.is_empty());
        }
    }

    #[test]
    fn what_is_wrong_names_file_and_field() {
        for (from, to, words) in [
            ("nodes: 3", "nodes: 0", "VectorCluster demo: spec.nodes is 0; it must be at least 1"),
            ("nodes: 3", "nodes: many", "spec.nodes is \"many\"; it must be of type integer"),
            ("nodes: 3", "nodez: 3", "spec.nodez is no field that there is; spec.nodes is missing"),
            (
                "Cosine",
                "Near",
                "spec.vectors[0].distance is \"Near\"; it must be one of Cosine, Dot, Euclid",
            ),
            ("name: demo}\nspec", "name: 1demo}\nspec", "metadata.name"),
            ("{name: demo}, shards", "{name: other}, shards", "spec.clusterRef.name is other"),
            (
                "kind: Collection",
                "kind: Pod",
                "Pod of vanedb.io/v1alpha1 is nothing that can run here",
            ),
            (
                "replicationFactor: 3",
                "replicationFactor: 1, writeConsistencyFactor: 2",
                "writeConsistencyFactor",
            ),
        ] {
            let text = GOOD.replacen(from, to, 1);
            assert_ne!(text, GOOD, "{from}");
            let error = Documents::parse(Path::new("f.yaml"), &text).unwrap_err().to_string();
            assert!(error.starts_with("f.yaml: ") && error.contains(words), "{error}");
        }
    }
}
