//! Carries out what was planned.

use kube::api::{Api, Patch, PatchParams};
use kube::{Client, Resource, ResourceExt};
use serde_json::json;
use vane_crds::Collection;
use vane_crds::collection::CollectionStatus;
use vane_proto::admin;

use super::plan::{FINALIZER, Step, name};
use crate::database::Admin;
use crate::error::{Error, database, kubernetes};
use crate::names::MANAGER;

/// Carries out one step. `node` is there whenever the plan has a step for the database.
pub async fn step(
    client: &Client,
    node: Option<&mut Admin>,
    collection: &Collection,
    key: &str,
    step: &Step,
) -> Result<(), Error> {
    if let Step::Finalizer(wanted) = step {
        return finalizer(client, collection, *wanted).await;
    }
    let silent = || Error::Incomplete {
        object: collection.spec.cluster_ref.name.clone(),
        field: "node that answers",
    };
    in_database(node.ok_or_else(silent)?, collection, key, step).await
}

/// Carries out a step for the database; one for Kubernetes is none here.
pub async fn in_database(
    node: &mut Admin,
    collection: &Collection,
    key: &str,
    step: &Step,
) -> Result<(), Error> {
    let (name, failed) = (name(collection).to_owned(), database(step.to_string()));
    let done = match step.clone() {
        Step::Create(body) => {
            let request = admin::CreateCollectionRequest {
                name,
                body: body.to_string(),
                idempotency_key: key.to_owned(),
            };
            node.create_collection(request).await.map(drop)
        }
        Step::Update(body) => node
            .update_collection(admin::UpdateCollectionRequest { name, body: body.to_string() })
            .await
            .map(drop),
        Step::SetIndex { field, kind } => {
            let request =
                admin::SetPayloadIndexRequest { collection: name, field, r#type: kind.to_owned() };
            node.set_payload_index(request).await.map(drop)
        }
        Step::AddAlias(alias) => {
            node.add_alias(admin::AddAliasRequest { collection: name, alias }).await.map(drop)
        }
        Step::Delete(made_with) => {
            let request = admin::DeleteCollectionRequest { name, idempotency_key: made_with };
            node.delete_collection(request).await.map(drop)
        }
        Step::Finalizer(_) => Ok(()),
    };
    done.map_err(failed)
}

/// Adds or takes away our own and leaves those of others.
async fn finalizer(client: &Client, collection: &Collection, wanted: bool) -> Result<(), Error> {
    let mut finalizers = collection.finalizers().to_vec();
    finalizers.retain(|it| it != FINALIZER);
    if wanted {
        finalizers.push(FINALIZER.to_owned());
    }
    let metadata =
        json!({"finalizers": finalizers, "resourceVersion": collection.metadata.resource_version});
    let patch = Patch::Merge(json!({ "metadata": metadata }));
    let patched = api(client, collection)
        .patch(&collection.name_any(), &PatchParams::default(), &patch)
        .await;
    patched.map(drop).map_err(kubernetes("change the finalizer"))
}

/// Writes the status, if it says anything new.
pub async fn status(
    client: &Client,
    collection: &Collection,
    status: CollectionStatus,
) -> Result<(), Error> {
    if collection.status.as_ref() == Some(&status) {
        return Ok(());
    }
    let patch = json!({
        "apiVersion": Collection::api_version(&()), "kind": Collection::kind(&()), "status": status,
    });
    let parameters = PatchParams::apply(MANAGER).force();
    let written = api(client, collection)
        .patch_status(&collection.name_any(), &parameters, &Patch::Apply(patch))
        .await;
    written.map(drop).map_err(kubernetes("write the status"))
}

fn api(client: &Client, collection: &Collection) -> Api<Collection> {
    Api::namespaced(client.clone(), &collection.namespace().unwrap_or_default())
}
