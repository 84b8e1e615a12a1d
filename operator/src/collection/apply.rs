//! Carries out what was planned. The only place of a collection that changes anything.

use kube::Client;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;
use vane_crds::Collection;
use vane_proto::admin;

use super::plan::{FINALIZER, Step};
use super::validate::ValidatedCollection;
use crate::database::Admin;
use crate::error::{ApplyError, CallError, Request, database, kubernetes};

/// Carries out one step. `node` is there whenever the plan has a step for the database.
///
/// # Errors
///
/// Kubernetes or the database refused or did not answer, or there is no node to ask. The step
/// may have been made where no answer came; it is planned again then, which does no harm.
pub async fn step(
    client: &Client,
    node: Option<Admin>,
    collection: &ValidatedCollection,
    step: &Step,
) -> Result<(), ApplyError> {
    // Before a node is asked for: an object must be let go also when its cluster is gone.
    if let Step::Finalizer(wanted) = step {
        return Ok(finalizer(client, collection, *wanted).await?);
    }
    let Some(mut node) = node else {
        return Err(ApplyError::NoNode { cluster: collection.spec.cluster_ref.name.clone() });
    };
    Ok(in_database(&mut node, collection, step).await?)
}

/// Carries out a step for the database; one for Kubernetes is none here.
///
/// # Errors
///
/// The database refused or did not answer.
pub async fn in_database(
    node: &mut Admin,
    collection: &ValidatedCollection,
    step: &Step,
) -> Result<(), CallError> {
    let name = collection.name.clone();
    let done = match step.clone() {
        Step::Create(body) => {
            let (body, idempotency_key) = (body.to_string(), collection.key.clone());
            let request = admin::CreateCollectionRequest { name, body, idempotency_key };
            node.create_collection(request).await.map(drop)
        }
        Step::Update(body) => {
            let request = admin::UpdateCollectionRequest { name, body: body.to_string() };
            node.update_collection(request).await.map(drop)
        }
        Step::RemoveVector { name: vector, if_revision } => {
            let (collection, if_revision) = (name, Some(if_revision));
            let request = admin::RemoveVectorRequest { collection, vector, if_revision };
            node.remove_vector(request).await.map(drop)
        }
        Step::AddVector { name: vector, body } => {
            let (collection, body) = (name, body.to_string());
            node.add_vector(admin::AddVectorRequest { collection, vector, body }).await.map(drop)
        }
        Step::SetIndex { field, kind, tenant, text } => {
            let (r#type, text) = (kind.to_owned(), text.map(|text| text.to_string()));
            let (collection, is_tenant, text) = (name, tenant, text.unwrap_or_default());
            let request =
                admin::SetPayloadIndexRequest { collection, field, r#type, is_tenant, text };
            node.set_payload_index(request).await.map(drop)
        }
        Step::AddAlias(alias) => {
            let request = admin::AddAliasRequest { collection: name, alias };
            node.add_alias(request).await.map(drop)
        }
        // With the key that it was made with: another one that took the name meanwhile stays.
        Step::Delete(idempotency_key) => {
            let request = admin::DeleteCollectionRequest { name, idempotency_key };
            node.delete_collection(request).await.map(drop)
        }
        Step::Finalizer(_) => Ok(()),
    };
    done.map_err(database(Request::Step(step.to_string())))
}

/// Adds or takes away the operator's finalizer and leaves those of others.
async fn finalizer(
    client: &Client,
    collection: &ValidatedCollection,
    wanted: bool,
) -> Result<(), CallError> {
    let mut finalizers = collection.finalizers.clone();
    finalizers.retain(|finalizer| finalizer != FINALIZER);
    if wanted {
        finalizers.push(FINALIZER.to_owned());
    }
    // The list is written whole: with the version that was read, so that none is lost that
    // somebody added since.
    let version = &collection.resource_version;
    let patch = json!({"metadata": {"finalizers": finalizers, "resourceVersion": version}});
    let objects: Api<Collection> = Api::namespaced(client.clone(), &collection.namespace);
    let patched =
        objects.patch(&collection.object, &PatchParams::default(), &Patch::Merge(patch)).await;
    patched.map(drop).map_err(kubernetes(Request::Change("the finalizer".into())))
}
