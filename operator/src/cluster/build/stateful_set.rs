use k8s_openapi::api::apps::v1::{
    StatefulSet, StatefulSetPersistentVolumeClaimRetentionPolicy, StatefulSetSpec,
    StatefulSetUpdateStrategy,
};
use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimSpec, PodTemplateSpec, VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::json;
use vane_crds::cluster::Retain;
use xxhash_rust::xxh3::xxh3_64;

use super::{pod, word};
use crate::cluster::validate::ValidatedCluster;
use crate::names;

/// The pods. All start at once, since a cluster needs a majority of them; none is replaced
/// by Kubernetes itself, which does not know who leads (kubernetes#67250 is what its own
/// roller does when a new version does not start).
pub fn stateful_set(cluster: &ValidatedCluster, replicas: i32) -> StatefulSet {
    let retention = &cluster.spec.storage.retention;
    let mut metadata = cluster.child(cluster.name.clone());
    metadata.annotations =
        Some([(names::TEMPLATE_ANNOTATION.to_owned(), template_hash(cluster))].into());
    StatefulSet {
        metadata,
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
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta {
                    labels: Some(names::labels(&cluster.name)),
                    ..ObjectMeta::default()
                }),
                spec: Some(pod::pod(cluster)),
            },
            volume_claim_templates: Some(vec![claim(cluster)]),
            ..StatefulSetSpec::default()
        }),
        status: None,
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

/// Hash of the fields of the spec that pods and volumes are made from. Of the spec and not of
/// the pods, so that a new operator, whose pods may look different, restarts none by itself.
pub fn template_hash(cluster: &ValidatedCluster) -> String {
    let spec = &cluster.spec;
    // Pods do not depend on the number of nodes, the Service or a pause: these restart none.
    let shape = json!({
        "version": spec.version,
        "image": spec.image,
        // By amount, as the API server compares: 10Gi and 10240Mi are the same volume.
        "size": spec.storage.size.milli().map(|milli| milli.to_string()),
        "retention": spec.storage.retention,
        "resources": spec.resources,
        "placement": spec.placement,
        "settings": spec.settings,
    });
    format!("{:016x}", xxh3_64(shape.to_string().as_bytes()))
}
