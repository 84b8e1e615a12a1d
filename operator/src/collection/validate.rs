//! A Collection as everything after it takes it. Pure. Whether the database can have what it
//! asks for is the plan's business.

use jiff::Timestamp;
use vane_crds::Collection;
use vane_crds::collection::{CollectionSpec, CollectionStatus};
use vane_proto::admin;

use super::body;
use super::plan::FINALIZER;
use super::vectors::Vectors;
use crate::error::ValidateError;

/// A Collection that has what each has which came from an API server.
#[derive(Debug, Clone, PartialEq)]
pub struct ValidatedCollection {
    /// Name of the object.
    pub object: String,
    /// Namespace of the object and of its cluster.
    pub namespace: String,
    /// UID of the object: key of the call that makes the collection in the database.
    pub key: String,
    /// Name of the collection in the database.
    pub name: String,
    /// When the object was made.
    pub created: Option<Timestamp>,
    /// Generation of the spec.
    pub generation: Option<i64>,
    /// Version of the object, which guards changes of its finalizers.
    pub resource_version: Option<String>,
    /// Finalizers of the object, those of others among them.
    pub finalizers: Vec<String>,
    /// Whether the object is being deleted.
    pub going: bool,
    /// What is asked for.
    pub spec: CollectionSpec,
    /// What was said last; empty before the first pass.
    pub status: CollectionStatus,
}

impl ValidatedCollection {
    /// Its vectors, where the database has it so.
    pub(super) fn vectors(&self, found: &admin::Collection) -> Vectors<'_> {
        Vectors::new(&self.name, &self.spec, &self.status.vectors, &body::config(found))
    }

    /// Whether the object waits for its points to be deleted.
    pub(super) fn has_finalizer(&self) -> bool {
        self.finalizers.iter().any(|finalizer| finalizer == FINALIZER)
    }
}

/// Takes an object for what it is.
///
/// # Errors
///
/// The object did not come from an API server.
pub fn validate(collection: &Collection) -> Result<ValidatedCollection, ValidateError> {
    let metadata = &collection.metadata;
    let lacks = |field| ValidateError {
        kind: "Collection",
        name: metadata.name.clone().unwrap_or_default(),
        field,
    };
    Ok(ValidatedCollection {
        namespace: metadata.namespace.clone().ok_or_else(|| lacks("namespace"))?,
        key: metadata.uid.clone().ok_or_else(|| lacks("uid"))?,
        object: metadata.name.clone().ok_or_else(|| lacks("name"))?,
        name: database_name(collection).ok_or_else(|| lacks("name"))?.to_owned(),
        created: metadata.creation_timestamp.as_ref().map(|time| time.0),
        generation: metadata.generation,
        resource_version: metadata.resource_version.clone(),
        finalizers: metadata.finalizers.clone().unwrap_or_default(),
        going: metadata.deletion_timestamp.is_some(),
        spec: collection.spec.clone(),
        status: collection.status.clone().unwrap_or_default(),
    })
}

/// Name of the collection in the database: the object's own where the spec names none.
pub(super) fn database_name(collection: &Collection) -> Option<&str> {
    collection.spec.name.as_deref().or(collection.metadata.name.as_deref())
}
