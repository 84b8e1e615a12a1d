use k8s_openapi::api::apps::v1::{
    StatefulSet, StatefulSetPersistentVolumeClaimRetentionPolicy, StatefulSetSpec,
    StatefulSetUpdateStrategy,
};
use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimSpec, PodTemplateSpec, VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde_json::json;
use vane_crds::VectorCluster;
use vane_crds::cluster::Retain;
use xxhash_rust::xxh3::xxh3_64;

use super::{name, pod};
use crate::names;

/// The pods. All start at once, since a cluster needs a majority of them; none is replaced
/// by Kubernetes itself, which does not know who leads (kubernetes#67250 is what its own
/// roller does when a new version does not start).
pub fn stateful_set(cluster: &VectorCluster, replicas: i32) -> StatefulSet {
    let retain = |it| Some(if it == Retain::Delete { "Delete" } else { "Retain" }.to_owned());
    let retention = &cluster.spec.storage.retention;
    let mut metadata = names::metadata(cluster, name(cluster).to_owned());
    metadata.annotations =
        Some([(names::TEMPLATE_ANNOTATION.to_owned(), template_hash(cluster))].into());
    StatefulSet {
        metadata,
        spec: Some(StatefulSetSpec {
            replicas: Some(replicas),
            service_name: Some(names::headless_service(name(cluster))),
            selector: names::label_selector(name(cluster)),
            pod_management_policy: Some("Parallel".into()),
            update_strategy: Some(StatefulSetUpdateStrategy {
                type_: Some("OnDelete".into()),
                ..StatefulSetUpdateStrategy::default()
            }),
            persistent_volume_claim_retention_policy: Some(
                StatefulSetPersistentVolumeClaimRetentionPolicy {
                    // Not the spec's: a StatefulSet may be deleted by hand, and is made again.
                    when_deleted: retain(Retain::Retain),
                    when_scaled: retain(retention.when_scaled),
                },
            ),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta {
                    labels: Some(names::labels(name(cluster))),
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
fn claim(cluster: &VectorCluster) -> PersistentVolumeClaim {
    let storage = &cluster.spec.storage;
    let owner = cluster.owner_ref(&()).filter(|_| storage.retention.when_deleted == Retain::Delete);
    PersistentVolumeClaim {
        metadata: ObjectMeta {
            name: Some(names::DATA_VOLUME.into()),
            labels: Some(names::labels(name(cluster))),
            owner_references: owner.map(|it| vec![it]),
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

/// Names what of the spec pods and volumes are made from. Of the spec and not of the pods,
/// so that a new operator, whose pods may look different, restarts none by itself.
pub fn template_hash(cluster: &VectorCluster) -> String {
    let spec = &cluster.spec;
    let shape = json!({
        "version": spec.version,
        "image": spec.image,
        "size": spec.storage.size.milli().map(|it| it.to_string()),
        "retention": spec.storage.retention,
        "resources": spec.resources,
        "placement": spec.placement,
        "settings": spec.settings,
    });
    format!("{:016x}", xxh3_64(shape.to_string().as_bytes()))
}
