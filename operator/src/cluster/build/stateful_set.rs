use k8s_openapi::api::apps::v1::{
    StatefulSet, StatefulSetPersistentVolumeClaimRetentionPolicy, StatefulSetSpec,
    StatefulSetUpdateStrategy,
};
use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimSpec, PodTemplateSpec, VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use vane_crds::cluster::Retain;

use super::{pod, word};
use crate::cluster::recipe;
use crate::cluster::validate::ValidatedCluster;
use crate::names;

/// The pods. All start at once, since a cluster needs a majority of them; none is replaced
/// by Kubernetes itself, which does not know who leads (kubernetes#67250 is what its own
/// roller does when a new version does not start).
pub fn stateful_set(cluster: &ValidatedCluster, replicas: i32) -> StatefulSet {
    let retention = &cluster.spec.storage.retention;
    StatefulSet {
        metadata: cluster.child(cluster.name.clone()),
        spec: Some(StatefulSetSpec {
            replicas: Some(replicas),
            service_name: Some(names::headless_service(&cluster.name)),
            selector: names::label_selector(&cluster.name),
            pod_management_policy: Some("Parallel".into()),
            update_strategy: Some(StatefulSetUpdateStrategy {
                type_: Some("OnDelete".into()),
                ..StatefulSetUpdateStrategy::default()
            }),
            persistent_volume_claim_retention_policy: Some(
                StatefulSetPersistentVolumeClaimRetentionPolicy {
                    // Not the spec's: a StatefulSet may be deleted by hand, and is made again.
                    when_deleted: word(Retain::Retain),
                    when_scaled: word(retention.when_scaled),
                },
            ),
            template: template(cluster),
            volume_claim_templates: Some(vec![claim(cluster)]),
            ..StatefulSetSpec::default()
        }),
        status: None,
    }
}

/// What pods are made from, with the name of its recipe.
pub(super) fn template(cluster: &ValidatedCluster) -> PodTemplateSpec {
    // What people ask for first: no word of theirs can stand where one of ours belongs.
    let options = &cluster.spec.pod;
    let (mut labels, mut annotations) = (options.labels.clone(), options.annotations.clone());
    labels.extend(names::labels(&cluster.name));
    annotations.insert(names::RECIPE.to_owned(), recipe::of_spec(cluster));
    PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(labels),
            annotations: Some(annotations),
            ..ObjectMeta::default()
        }),
        spec: Some(pod::pod(cluster)),
    }
}

/// Claims that are to go with the VectorCluster belong to it, and not to the StatefulSet:
/// deleting that by hand stops the nodes and costs no points.
fn claim(cluster: &ValidatedCluster) -> PersistentVolumeClaim {
    let storage = &cluster.spec.storage;
    let goes_with_cluster = storage.retention.when_deleted == Retain::Delete;
    PersistentVolumeClaim {
        metadata: ObjectMeta {
            name: Some(names::DATA_VOLUME.into()),
            // A claim that was retained has no owner; it is found by its labels.
            labels: Some(names::labels(&cluster.name)),
            owner_references: goes_with_cluster.then(|| vec![cluster.owner()]),
            ..ObjectMeta::default()
        },
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".into()]),
            storage_class_name: storage.class_name.clone(),
            resources: Some(VolumeResourceRequirements {
                requests: Some([("storage".to_owned(), Quantity(storage.size.0.clone()))].into()),
                limits: None,
            }),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: None,
    }
}
