//! Which of several objects that name one collection has it. Pure.

use jiff::Timestamp;
use kube::ResourceExt;
use vane_crds::Collection;

use super::validate::{ValidatedCollection, database_name};

/// The object that has the collection of this one, where that is another: the oldest of all
/// that name it, whether it can be carried out or not. So it is the same one in every pass,
/// with any operator and after any loss of status.
pub(super) fn taken_by<'a>(
    own: &ValidatedCollection,
    all: impl Iterator<Item = &'a Collection>,
) -> Option<String> {
    let rivals = all.filter(|other| names_the_same(own, other));
    let first = rivals.min_by(|a, b| age(a).cmp(&age(b)))?;
    // By age and not by identity: the cache may lack this object yet.
    (age(first) < (own.created, Some(own.key.as_str()))).then(|| first.name_any())
}

fn names_the_same(own: &ValidatedCollection, other: &Collection) -> bool {
    other.metadata.namespace.as_deref() == Some(own.namespace.as_str())
        && other.spec.cluster_ref == own.spec.cluster_ref
        && database_name(other) == Some(own.name.as_str())
}

/// Times of creation are whole seconds: a UUID decides between those of one second.
fn age(collection: &Collection) -> (Option<Timestamp>, Option<&str>) {
    let metadata = &collection.metadata;
    (metadata.creation_timestamp.as_ref().map(|time| time.0), metadata.uid.as_deref())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::collection::validate::validate;

    fn collection(object: &str, name: Option<&str>, second: u32, uid: &str) -> Collection {
        let object = json!({
            "apiVersion": "vanedb.io/v1alpha1", "kind": "Collection",
            "metadata": {
                "name": object, "namespace": "data", "uid": uid,
                "creationTimestamp": format!("2026-01-01T00:00:{second:02}Z"),
            },
            "spec": {
                "clusterRef": {"name": "demo"}, "name": name,
                "vectors": [{"size": 4, "distance": "Dot"}],
            },
        });
        serde_json::from_value(object).expect("the object is valid")
    }

    fn taken<'a>(
        own: &Collection,
        all: impl IntoIterator<Item = &'a Collection>,
    ) -> Option<String> {
        let own = validate(own).expect("the object has what the API server gives each");
        taken_by(&own, all.into_iter())
    }

    #[test]
    fn the_oldest_of_one_name_has_it() {
        let all = [
            collection("docs", None, 7, "b"),
            collection("again", Some("docs"), 7, "c"),
            collection("once-more", Some("docs"), 9, "a"),
            collection("other", None, 1, "d"),
        ];
        let taken: Vec<_> = all.iter().map(|own| taken(own, &all)).collect();
        assert_eq!(taken, [None, Some("docs".to_owned()), Some("docs".to_owned()), None]);
    }

    #[test]
    fn other_clusters_and_namespaces_are_others() {
        let (own, mut elsewhere, mut there) = (
            collection("docs", None, 7, "b"),
            collection("docs", None, 1, "a"),
            collection("docs", None, 1, "a"),
        );
        elsewhere.metadata.namespace = Some("other".into());
        there.spec.cluster_ref.name = "other".into();
        assert_eq!(taken(&own, [&own, &elsewhere, &there]), None);
        // The object may not be in the cache yet.
        assert_eq!(taken(&own, []), None);
    }
}
