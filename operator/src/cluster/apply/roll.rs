//! The steps of a roll-out, and those by which pods and claims go. Each is about one object, as it
//! was seen: one that is another by now is not touched.

use std::time::Duration;

use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet};
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Pod};
use kube::api::{Api, DeleteParams, EvictParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};
use vane_crds::cluster::FailedUpdate;

use super::apply;
use crate::cluster::build::{self, Recipe};
use crate::cluster::dereference::Dereferenced;
use crate::cluster::observed::Leaver;
use crate::cluster::recipe;
use crate::cluster::validate::ValidatedCluster;
use crate::error::{ApplyError, Request, kubernetes};
use crate::names::{self, MANAGER};

/// How long the database's word holds that a node may go.
const SAFE_FOR: Duration = Duration::from_secs(10);

/// A cluster in a pass, for the steps of its roll-out.
pub(super) struct Roll<'a> {
    pub(super) client: &'a Client,
    pub(super) cluster: &'a ValidatedCluster,
    pub(super) seen: &'a Dereferenced,
    /// What is asked for, for errors.
    pub(super) request: Request,
}

impl Roll<'_> {
    /// Keeps a recipe: that of the StatefulSet as it is, or that of the spec.
    pub(super) async fn keep(&self, name: &str) -> Result<(), ApplyError> {
        let set = self.seen.observed.set.as_ref();
        let recipe = match &self.seen.set {
            Some(there) if set.and_then(|set| set.recipe.as_deref()) == Some(name) => {
                self.of_set(there, name).await?
            }
            _ if recipe::of_spec(self.cluster) == name => Recipe::of_spec(self.cluster),
            // Planned for neither, it is gone; the next pass sees that.
            _ => return Err(self.lost(names::recipe(&self.cluster.name, name))),
        };
        let revisions: Api<ControllerRevision> = self.api();
        let how = PostParams { field_manager: Some(MANAGER.into()), ..PostParams::default() };
        match revisions.create(&how, &recipe.revision(self.cluster, name)).await {
            // By a pass that ended here: of one name there is one recipe.
            Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
            kept => Ok(kept.map(drop).map_err(kubernetes(self.request.clone()))?),
        }
    }

    /// What the pods of a StatefulSet are made from, with their settings.
    async fn of_set(&self, set: &StatefulSet, name: &str) -> Result<Recipe, ApplyError> {
        let template = set.spec.clone().unwrap_or_default().template;
        let settings_name = build::settings_of(&template).unwrap_or_default();
        let settings: Api<ConfigMap> = self.api();
        let found = settings.get_opt(&settings_name).await;
        let found = found.map_err(kubernetes(self.request.clone()))?;
        let is_wanted = self
            .seen
            .observed
            .set
            .as_ref()
            .is_some_and(|set| recipe::wanted(self.cluster, set) == name);
        let settings = match found {
            Some(found) => found,
            // The spec has them still.
            None if is_wanted => {
                let mut built = build::settings(self.cluster);
                built.metadata.name = Some(settings_name);
                built
            }
            None => return Err(self.lost(format!("configmap {settings_name}"))),
        };
        Ok(Recipe::of(template, &settings))
    }

    /// Makes the settings of a recipe that is kept.
    pub(super) async fn make_settings(&self, name: &str) -> Result<(), ApplyError> {
        let settings = self.kept(name).await?.config_map(self.cluster, name);
        apply(self.client, self.seen, settings).await.map(drop)
    }

    /// Has pods made from a recipe that is kept.
    pub(super) async fn change_template(&self, name: &str) -> Result<(), ApplyError> {
        let template = self.kept(name).await?.template;
        self.patch(&[json!({"op": "replace", "path": "/spec/template", "value": template})]).await
    }

    /// Goes back to a recipe, and notes what failed: both or neither.
    pub(super) async fn give_up(
        &self,
        failed: &FailedUpdate,
        good: &str,
    ) -> Result<(), ApplyError> {
        let template = self.kept(good).await?.template;
        let failed = json!(failed).to_string();
        let mut patch = self.annotate(names::FAILED_ANNOTATION, &failed);
        patch.push(json!({"op": "replace", "path": "/spec/template", "value": template}));
        self.patch(&patch).await
    }

    /// Notes that all pods are ready with a recipe.
    pub(super) async fn note_good(&self, name: &str) -> Result<(), ApplyError> {
        self.patch(&self.annotate(names::GOOD_ANNOTATION, name)).await
    }

    /// Notes which node is taken away.
    pub(super) async fn note_leaving(&self, leaver: &Leaver) -> Result<(), ApplyError> {
        self.patch(&self.annotate(names::LEAVING_ANNOTATION, &leaver.noted())).await
    }

    /// Forgets that one was.
    pub(super) async fn forget_leaving(&self) -> Result<(), ApplyError> {
        self.patch(&self.without_leaving()).await
    }

    /// Gives the StatefulSet fewer pods, and forgets the node of the one that goes: both or
    /// neither.
    pub(super) async fn scale_in(&self, replicas: i32) -> Result<(), ApplyError> {
        let mut patch = self.without_leaving();
        patch.push(json!({"op": "replace", "path": "/spec/replicas", "value": replicas}));
        self.patch(&patch).await
    }

    /// Changes that take the note of a node that is taken away from the StatefulSet.
    fn without_leaving(&self) -> Vec<Value> {
        let annotations = self.seen.set.iter().flat_map(|set| set.metadata.annotations.as_ref());
        let mut noted = annotations.flat_map(|noted| noted.get(names::LEAVING_ANNOTATION));
        let path = annotation(names::LEAVING_ANNOTATION);
        noted.next().map(|_| json!({"op": "remove", "path": path})).into_iter().collect()
    }

    /// Forgets what failed.
    pub(super) async fn forget_failure(&self) -> Result<(), ApplyError> {
        let path = annotation(names::FAILED_ANNOTATION);
        self.patch(&[json!({"op": "remove", "path": path})]).await
    }

    pub(super) async fn delete_pod(&self, pod: &str, uid: &str) -> Result<(), ApplyError> {
        let pods: Api<Pod> = self.api();
        let deleted = pods.delete(pod, &only(uid)).await.map(drop);
        self.or_gone(deleted)
    }

    /// Deletes a claim, which goes once no pod has it.
    pub(super) async fn delete_claim(&self, claim: &str, uid: &str) -> Result<(), ApplyError> {
        if self.seen.asked.elapsed() > SAFE_FOR {
            return Err(ApplyError::Late { pod: claim.to_owned(), limit: SAFE_FOR });
        }
        let claims: Api<PersistentVolumeClaim> = self.api();
        let deleted = claims.delete(claim, &only(uid)).await.map(drop);
        self.or_gone(deleted)
    }

    /// Deletes a pod without its kubelet, which would have to say that it has ended.
    pub(super) async fn force_pod(&self, pod: &str, uid: &str) -> Result<(), ApplyError> {
        let pods: Api<Pod> = self.api();
        let deleted = pods.delete(pod, &only(uid).grace_period(0)).await.map(drop);
        self.or_gone(deleted)
    }

    /// Evicts a pod: the disruption budget has the last word.
    pub(super) async fn evict_pod(&self, pod: &str, uid: &str) -> Result<(), ApplyError> {
        if self.seen.asked.elapsed() > SAFE_FOR {
            return Err(ApplyError::Late { pod: pod.to_owned(), limit: SAFE_FOR });
        }
        let pods: Api<Pod> = self.api();
        let how = EvictParams { delete_options: Some(only(uid)), ..EvictParams::default() };
        let evicted = pods.evict(pod, &how).await.map(drop);
        self.or_gone(evicted)
    }

    /// Deletes a recipe with its settings: the recipe last, by which the settings are found.
    pub(super) async fn drop_recipe(&self, name: &str) -> Result<(), ApplyError> {
        let settings: Api<ConfigMap> = self.api();
        if let Ok(recipe) = self.kept(name).await {
            let found = settings.get_metadata_opt(&recipe.settings_name).await;
            let found = found.map_err(kubernetes(self.request.clone()))?;
            let uid = self.cluster.uid.to_string();
            let ours = found.filter(|found| found.owner_references().iter().any(|o| o.uid == uid));
            if let Some(ours) = ours {
                let how = only(&ours.uid().unwrap_or_default());
                self.or_gone(settings.delete(&recipe.settings_name, &how).await.map(drop))?;
            }
        }
        let revisions: Api<ControllerRevision> = self.api();
        let object = names::recipe(&self.cluster.name, name);
        self.or_gone(revisions.delete(&object, &DeleteParams::default()).await.map(drop))
    }

    async fn kept(&self, name: &str) -> Result<Recipe, ApplyError> {
        let object = names::recipe(&self.cluster.name, name);
        let revisions: Api<ControllerRevision> = self.api();
        let found = revisions.get_opt(&object).await.map_err(kubernetes(self.request.clone()))?;
        let recipe = found.as_ref().and_then(Recipe::kept);
        recipe.ok_or_else(|| self.lost(format!("controllerrevision {object}")))
    }

    /// Changes the StatefulSet, if it is still as this pass saw it.
    async fn patch(&self, changes: &[Value]) -> Result<(), ApplyError> {
        let Some(set) = &self.seen.set else {
            return Err(self.lost(format!("statefulset {}", self.cluster.name)));
        };
        let mut patch = vec![
            json!({"op": "test", "path": "/metadata/uid", "value": set.uid()}),
            json!({
                "op": "test", "path": "/metadata/resourceVersion", "value": set.resource_version(),
            }),
        ];
        patch.extend_from_slice(changes);
        let Ok(patch) = serde_json::from_value(Value::Array(patch)) else { return Ok(()) };
        let how = PatchParams { field_manager: Some(MANAGER.into()), ..PatchParams::default() };
        let sets: Api<StatefulSet> = self.api();
        let patched = sets.patch(&self.cluster.name, &how, &Patch::Json::<()>(patch)).await;
        Ok(patched.map(drop).map_err(kubernetes(self.request.clone()))?)
    }

    /// Changes that give the StatefulSet an annotation.
    fn annotate(&self, name: &str, value: &str) -> Vec<Value> {
        let annotations = self.seen.set.as_ref().and_then(|set| set.metadata.annotations.as_ref());
        // There is nothing to add to in an object without any.
        let first = annotations
            .is_none()
            .then(|| json!({"op": "add", "path": "/metadata/annotations", "value": {}}));
        let add = json!({"op": "add", "path": annotation(name), "value": value});
        first.into_iter().chain([add]).collect()
    }

    /// What is gone or another one by now needs no deletion.
    fn or_gone(&self, outcome: Result<(), kube::Error>) -> Result<(), ApplyError> {
        match outcome {
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
            outcome => Ok(outcome.map_err(kubernetes(self.request.clone()))?),
        }
    }

    fn lost(&self, object: String) -> ApplyError {
        ApplyError::Lost { cluster: self.cluster.name.clone(), object }
    }

    fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.cluster.namespace)
    }
}

/// Path of an annotation in a JSON patch, in which `/` is written `~1`.
fn annotation(name: &str) -> String {
    format!("/metadata/annotations/{}", name.replace('/', "~1"))
}

/// Deletes the object of this UUID only.
fn only(uid: &str) -> DeleteParams {
    let preconditions = Preconditions { uid: Some(uid.to_owned()), resource_version: None };
    DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() }
}
