//! Whose an object is that stands under a name which a cluster needs. Pure.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::validate::ValidatedCluster;
use crate::names;

/// Annotation that Helm writes on what it installs, with the name of the release.
const HELM_RELEASE: &str = "meta.helm.sh/release-name";

/// Something that a cluster needs, and what stands under its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// Kind, in lower case, and name: `service demo`.
    pub object: String,
    /// Whose it is.
    pub standing: Standing,
    /// Its version, where it was looked at.
    pub version: Option<String>,
}

impl Child {
    /// What was found under the name of `object`.
    pub fn new(object: String, cluster: &ValidatedCluster, found: Option<&ObjectMeta>) -> Self {
        let version = found.and_then(|found| found.resource_version.clone());
        Self { object, standing: standing(cluster, found), version }
    }
}

/// Whose an object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nothing stands there.
    Free,
    /// This cluster's, or left behind by one of this name that was deleted without it. With the
    /// UUID, so that another object which takes its place meanwhile is not taken for it.
    Ours(String),
    /// It belongs to a cluster of this name that was deleted, and goes with it.
    Going,
    /// Somebody else's, in words.
    Foreign(String),
}

/// Whose an object is, by its metadata; `None` is one that is not there.
///
/// An object without a controller is ours only by our own labels: without them it is somebody's
/// who has never heard of this cluster, as a chart's Service is.
pub fn standing(cluster: &ValidatedCluster, found: Option<&ObjectMeta>) -> Standing {
    let Some(found) = found else { return Standing::Free };
    let uid = found.uid.clone().unwrap_or_default();
    let owners = found.owner_references.as_deref().unwrap_or_default();
    let controller = owners.iter().find(|owner| owner.controller == Some(true));
    match controller {
        Some(owner) if owner.uid == cluster.uid.to_string() => Standing::Ours(uid),
        // A name has one object at a time: one of this name with another UUID is gone.
        Some(owner) if is_of_name(owner, cluster) && is_labelled(found, cluster) => Standing::Going,
        Some(owner) => Standing::Foreign(format!("{} {}", owner.kind.to_lowercase(), owner.name)),
        None if is_labelled(found, cluster) => Standing::Ours(uid),
        None => Standing::Foreign(holder(found)),
    }
}

fn is_of_name(owner: &OwnerReference, cluster: &ValidatedCluster) -> bool {
    let wanted = cluster.owner();
    let group = |version: &str| version.split('/').next().map(str::to_owned);
    (&owner.kind, &owner.name) == (&wanted.kind, &wanted.name)
        && group(&owner.api_version) == group(&wanted.api_version)
}

fn is_labelled(found: &ObjectMeta, cluster: &ValidatedCluster) -> bool {
    let labels = found.labels.clone().unwrap_or_default();
    names::labels(&cluster.name).iter().all(|(key, value)| labels.get(key) == Some(value))
}

/// Who seems to have made an object that nobody controls.
fn holder(found: &ObjectMeta) -> String {
    let text = |of: &Option<std::collections::BTreeMap<String, String>>, key: &str| {
        of.as_ref().and_then(|map| map.get(key)).cloned()
    };
    let release = text(&found.annotations, HELM_RELEASE);
    let manager = text(&found.labels, "app.kubernetes.io/managed-by");
    match (release, manager) {
        (Some(release), _) => format!("Helm release {release}"),
        (None, Some(manager)) => manager,
        (None, None) => "somebody else".into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use serde_json::{Value, json};
    use vane_crds::VectorCluster;

    use super::*;
    use crate::cluster::validate::validate;

    const ID: &str = "00000000-0000-0000-0000-000000000007";

    fn cluster() -> ValidatedCluster {
        let object: VectorCluster = serde_json::from_value(json!({
            "apiVersion": "vanedb.io/v1alpha1", "kind": "VectorCluster",
            "metadata": {"name": "qdrant", "namespace": "data", "uid": ID},
            "spec": {"nodes": 3, "version": "0.1.0", "storage": {"size": "10Gi"}},
        }))
        .unwrap();
        validate(&object).unwrap()
    }

    fn owner(kind: &str, name: &str, uid: &str, controls: bool) -> Value {
        json!({
            "apiVersion": if kind == "VectorCluster" { "vanedb.io/v1" } else { "apps/v1" },
            "kind": kind, "name": name, "uid": uid, "controller": controls,
        })
    }

    fn standing_of(labelled: bool, owners: Value, more: &Value) -> Standing {
        let mut object = json!({"name": "qdrant", "uid": "u", "ownerReferences": owners});
        if labelled {
            object["labels"] = json!(names::labels("qdrant"));
        }
        for (key, value) in more.as_object().into_iter().flatten() {
            object[key] = value.clone();
        }
        let metadata: ObjectMeta = serde_json::from_value(object).unwrap();
        standing(&cluster(), Some(&metadata))
    }

    #[test]
    fn what_a_cluster_controls_is_its_own_whatever_labels_were_taken_from_it() {
        let ours = Standing::Ours("u".into());
        for labelled in [true, false] {
            let owners = json!([owner("VectorCluster", "qdrant", ID, true)]);
            assert_eq!(standing_of(labelled, owners, &json!({})), ours);
        }
        assert_eq!(standing_of(true, json!([]), &json!({})), ours, "left behind by a cluster");
        assert_eq!(standing(&cluster(), None), Standing::Free);
    }

    #[test]
    fn what_goes_with_a_cluster_that_was_deleted_is_waited_for() {
        let owners = json!([owner("VectorCluster", "qdrant", "other", true)]);
        assert_eq!(standing_of(true, owners.clone(), &json!({})), Standing::Going);
        // The owner's name alone proves nothing.
        assert!(matches!(standing_of(false, owners, &json!({})), Standing::Foreign(_)));
    }

    #[test]
    fn what_others_made_is_theirs_and_the_words_say_whose() {
        let helm = json!({
            "labels": {"app.kubernetes.io/name": "qdrant", "app.kubernetes.io/managed-by": "Helm"},
            "annotations": {"meta.helm.sh/release-name": "search"},
        });
        let cases = [
            (json!([]), helm, "Helm release search"),
            (json!([]), json!({"labels": {"app.kubernetes.io/managed-by": "Tilt"}}), "Tilt"),
            (json!([]), json!({}), "somebody else"),
            (json!([owner("Deployment", "web", "d", true)]), json!({}), "deployment web"),
            // An owner that does not control takes nothing over.
            (json!([owner("VectorCluster", "qdrant", ID, false)]), json!({}), "somebody else"),
        ];
        for (owners, more, whose) in cases {
            assert_eq!(standing_of(false, owners, &more), Standing::Foreign(whose.into()));
        }
        let other = json!([owner("VectorCluster", "other", "o", true)]);
        assert_eq!(
            standing_of(true, other, &json!({})),
            Standing::Foreign("vectorcluster other".into())
        );
    }
}
