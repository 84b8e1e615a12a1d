//! The pods of a StatefulSet, as its controller in Kubernetes makes them.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{PersistentVolumeClaimVolumeSource, Pod, Volume};
use kube::ResourceExt;

/// Label with the ordinal.
pub const INDEX_LABEL: &str = "apps.kubernetes.io/pod-index";
/// Label with the pod's own name.
pub const NAME_LABEL: &str = "statefulset.kubernetes.io/pod-name";

/// The pod of an ordinal: named, labelled and given its claims. It has no UID and no owner,
/// which only the API server gives.
pub fn pod_of(set: &StatefulSet, ordinal: i32) -> Pod {
    let name = format!("{}-{ordinal}", set.name_any());
    let Some(spec) = &set.spec else { return Pod::default() };
    let mut metadata = spec.template.metadata.clone().unwrap_or_default();
    metadata.namespace.clone_from(&set.metadata.namespace);
    metadata.name = Some(name.clone());
    let labels = metadata.labels.get_or_insert_default();
    labels.insert(INDEX_LABEL.to_owned(), ordinal.to_string());
    labels.insert(NAME_LABEL.to_owned(), name.clone());
    let mut pod = spec.template.spec.clone().unwrap_or_default();
    pod.hostname = Some(name.clone());
    pod.subdomain.clone_from(&spec.service_name);
    for template in spec.volume_claim_templates.iter().flatten() {
        let volume = template.name_any();
        let claim = PersistentVolumeClaimVolumeSource {
            claim_name: format!("{volume}-{name}"),
            read_only: None,
        };
        let volumes = pod.volumes.get_or_insert_default();
        // The controller gives the claim precedence over a volume of that name.
        volumes.retain(|old| old.name != volume);
        volumes.push(Volume {
            name: volume,
            persistent_volume_claim: Some(claim),
            ..Volume::default()
        });
    }
    Pod { metadata, spec: Some(pod), status: None }
}
