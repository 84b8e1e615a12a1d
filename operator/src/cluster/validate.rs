//! A VectorCluster as everything after it takes it. Pure. What its fields may be, the API server
//! has checked by the rules of the definition; what is not possible with what there is, the
//! plan refuses.

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::{Resource, ResourceExt};
use uuid::Uuid;
use vane_crds::VectorCluster;
use vane_crds::cluster::{VectorClusterSpec, VectorClusterStatus};

use crate::error::ValidateError;
use crate::names;

/// A VectorCluster that has what each has which came from an API server.
#[derive(Debug, Clone, PartialEq)]
pub struct ValidatedCluster {
    /// Name of the object.
    pub name: String,
    /// Namespace of the object, and of all that is made for it.
    pub namespace: String,
    /// UUID of the object; that of the database it founds.
    pub uid: Uuid,
    /// Generation of the spec.
    pub generation: Option<i64>,
    /// Text of the annotation by which people ask for a restart of all pods, where there is one.
    pub restart: Option<String>,
    /// What is asked for.
    pub spec: VectorClusterSpec,
    /// What was said last; empty before the first pass.
    pub status: VectorClusterStatus,
}

/// Takes an object for what it is.
///
/// # Errors
///
/// The object did not come from an API server.
pub fn validate(cluster: &VectorCluster) -> Result<ValidatedCluster, ValidateError> {
    let metadata = &cluster.metadata;
    let lacks = |field| ValidateError {
        kind: "VectorCluster",
        name: metadata.name.clone().unwrap_or_default(),
        field,
    };
    let uid = metadata.uid.as_deref().and_then(|uid| Uuid::parse_str(uid).ok());
    Ok(ValidatedCluster {
        name: metadata.name.clone().ok_or_else(|| lacks("name"))?,
        namespace: metadata.namespace.clone().ok_or_else(|| lacks("namespace"))?,
        uid: uid.ok_or_else(|| lacks("uid"))?,
        generation: metadata.generation,
        restart: cluster.annotations().get(names::RESTART_ANNOTATION).cloned(),
        spec: cluster.spec.clone(),
        status: cluster.status.clone().unwrap_or_default(),
    })
}

impl ValidatedCluster {
    /// Metadata of something made for the cluster: found by its labels, deleted with it.
    pub(crate) fn child(&self, name: String) -> ObjectMeta {
        let controller = OwnerReference { controller: Some(true), ..self.owner() };
        ObjectMeta {
            name: Some(name),
            namespace: Some(self.namespace.clone()),
            labels: Some(names::labels(&self.name)),
            owner_references: Some(vec![controller]),
            ..ObjectMeta::default()
        }
    }

    /// The cluster as events name it.
    pub(crate) fn reference(&self) -> ObjectReference {
        let owner = self.owner();
        ObjectReference {
            api_version: Some(owner.api_version),
            kind: Some(owner.kind),
            name: Some(owner.name),
            namespace: Some(self.namespace.clone()),
            uid: Some(owner.uid),
            ..ObjectReference::default()
        }
    }

    /// The cluster as an owner that does not control.
    pub(crate) fn owner(&self) -> OwnerReference {
        OwnerReference {
            api_version: VectorCluster::api_version(&()).into_owned(),
            kind: VectorCluster::kind(&()).into_owned(),
            name: self.name.clone(),
            uid: self.uid.to_string(),
            ..OwnerReference::default()
        }
    }
}
