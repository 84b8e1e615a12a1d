//! Which of several objects that name one collection has it. Pure.

use kube::ResourceExt;
use vane_crds::Collection;

use super::plan::name;

/// The object that has the collection of this one, where that is another: the oldest of all
/// that name it, whether it can be carried out or not. So it is the same one in every pass,
/// with any operator and after any loss of status.
pub(super) fn taken_by<'a>(
    own: &Collection,
    all: impl Iterator<Item = &'a Collection>,
) -> Option<String> {
    let names_the_same = |other: &&Collection| {
        other.namespace() == own.namespace()
            && other.spec.cluster_ref == own.spec.cluster_ref
            && name(other) == name(own)
    };
    let first = all.filter(names_the_same).min_by(|a, b| age(a).cmp(&age(b)))?;
    (age(first) < age(own)).then(|| first.name_any())
}

/// Times of creation are whole seconds: a UUID decides between those of one second.
fn age(it: &Collection) -> (Option<jiff::Timestamp>, Option<&str>) {
    (it.metadata.creation_timestamp.as_ref().map(|it| it.0), it.metadata.uid.as_deref())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn collection(object: &str, name: Option<&str>, second: u32, uid: &str) -> Collection {
        let it = json!({
            "apiVersion": "vanedb.io/v1alpha1", "kind": "Collection",
            "metadata": {
                "name": object, "namespace": "data", "uid": uid,
                "creationTimestamp": format!("2026-01-01T00:00:{second:02}Z"),
            },
            "spec": {"clusterRef": {"name": "demo"}, "name": name, "vectors": [{"size": 4, "distance": "Dot"}]},
        });
        serde_json::from_value(it).expect("it is valid")
    }

    #[test]
    fn the_oldest_of_one_name_has_it() {
        let all = [
            collection("docs", None, 7, "b"),
            collection("again", Some("docs"), 7, "c"),
            collection("once-more", Some("docs"), 9, "a"),
            collection("other", None, 1, "d"),
        ];
        let taken: Vec<_> = all.iter().map(|it| taken_by(it, all.iter())).collect();
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
        assert_eq!(taken_by(&own, [&own, &elsewhere, &there].into_iter()), None);
        // It may not be in the cache yet.
        assert_eq!(taken_by(&own, std::iter::empty()), None);
    }
}
