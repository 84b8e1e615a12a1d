//! Carries out what was built and planned. The only place of a cluster that changes anything.

mod members;
mod roll;

use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::{Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tonic::Code;
use uuid::Uuid;
use vane_proto::admin;
use xxhash_rust::xxh3::xxh3_64;

use self::members::Members;
use self::roll::Roll;
use super::build::{self, Children};
use super::dereference::Dereferenced;
use super::plan::Step;
use super::recipe;
use super::standing::{Child, Standing};
use super::validate::ValidatedCluster;
use crate::context::Context;
use crate::database::{self as nodes, Admin};
use crate::error::{ApplyError, CallError, Request, database, kubernetes};
use crate::names::{self, MANAGER};

/// Applies what is the same on every pass. Each field list is complete: one that is left out
/// here is taken away there.
///
/// # Errors
///
/// Kubernetes refused or did not answer. Objects before the one named were applied.
pub(super) async fn children(
    context: &Context,
    cluster: &ValidatedCluster,
    seen: &Dereferenced,
    may_disrupt: bool,
) -> Result<(), ApplyError> {
    // No `..`: a new child cannot be forgotten.
    let Children { headless_service, client_service, service_account, disruption_budget } =
        build::children(cluster, may_disrupt);
    keep(context, seen, headless_service).await?;
    keep(context, seen, client_service).await?;
    keep(context, seen, service_account).await?;
    keep(context, seen, disruption_budget).await
}

/// Applies an object, unless just that was applied to it and nobody changed it since.
async fn keep<K>(context: &Context, seen: &Dereferenced, object: K) -> Result<(), ApplyError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Serialize
        + DeserializeOwned
        + Clone
        + Debug,
{
    // What cannot be written as JSON cannot be applied either.
    let hash = serde_json::to_vec(&object).map_or(0, |bytes| xxh3_64(&bytes));
    let there = seen.observed.child(&names::object::<K>(&object.name_any()));
    if let Some(Child { standing: Standing::Ours(uid), version: Some(version), .. }) = there
        && context.sightings.is_applied(uid, hash, version)
    {
        return Ok(());
    }
    let applied = apply(&context.client, seen, object).await?;
    let (uid, version) = (applied.uid(), applied.resource_version());
    context.sightings.applied(uid.unwrap_or_default(), hash, version.unwrap_or_default());
    Ok(())
}

/// Carries out one step.
///
/// # Errors
///
/// Kubernetes or the database refused or did not answer, or there is no node to ask. The step
/// may have been made where no answer came; it is planned again then, which does no harm.
pub(super) async fn step(
    client: &Client,
    cluster: &ValidatedCluster,
    seen: &Dereferenced,
    step: &Step,
) -> Result<(), ApplyError> {
    let request = Request::Step(step.to_string());
    let roll = Roll { client, cluster, seen, request: request.clone() };
    match step {
        Step::MakeToken => secret(client, cluster).await,
        Step::CreateSet(replicas) => {
            // Pods read their settings when they start: these come first.
            roll.keep(&recipe::of_spec(cluster)).await?;
            apply(client, seen, build::settings(cluster)).await?;
            apply(client, seen, build::stateful_set(cluster, *replicas)).await.map(drop)
        }
        Step::TakeSet => Ok(take_set(client, cluster).await.map_err(kubernetes(request))?),
        Step::ScaleOut(replicas) => {
            Ok(scale_out(client, cluster, *replicas).await.map_err(kubernetes(request))?)
        }
        Step::Bootstrap(id) => {
            // A node that has founded this database answers a second call without doing anything.
            let founding = admin::BootstrapRequest { cluster_id: id.to_string() };
            let done = admin_of(cluster, seen, 0)?.bootstrap(founding).await;
            Ok(done.map(drop).map_err(database(request))?)
        }
        Step::SetZone { .. }
        | Step::HandOver { .. }
        | Step::LetLead { .. }
        | Step::HoldLevel
        | Step::SetSettings(_)
        | Step::RaiseLevel(_) => {
            let told = tell(any_member(cluster, seen)?, step).await;
            Ok(told.map_err(database(request))?)
        }
        Step::SetPolicy(policy) => {
            let set = set_policy(any_member(cluster, seen)?, *policy).await;
            Ok(set.map_err(database(request))?)
        }
        Step::KeepRecipe(name) => roll.keep(name).await,
        Step::MakeSettings(name) => roll.make_settings(name).await,
        Step::ChangeTemplate(name) => roll.change_template(name).await,
        Step::DeletePod { pod, uid } => roll.delete_pod(pod, uid).await,
        Step::EvictPod { pod, uid } => roll.evict_pod(pod, uid).await,
        Step::DeleteClaim { claim, uid, .. } => roll.delete_claim(claim, uid).await,
        Step::ForcePod { pod, uid } => roll.force_pod(pod, uid).await,
        Step::GiveUp { failed, good } => roll.give_up(failed, good).await,
        Step::NoteGood(name) => roll.note_good(name).await,
        Step::ForgetFailure => roll.forget_failure().await,
        Step::DropRecipe(name) => roll.drop_recipe(name).await,
        Step::NoteLeaving(leaver) => roll.note_leaving(leaver).await,
        Step::ScaleIn(replicas) => roll.scale_in(*replicas).await,
        Step::ForgetLeaving => roll.forget_leaving().await,
        Step::Leave { .. }
        | Step::Stay { .. }
        | Step::MoveCopies { .. }
        | Step::RemoveNode { .. }
        | Step::RetireVolume { .. }
        | Step::KeepVolume { .. }
        | Step::ResizeVolume { .. } => {
            member_step(&Members { client, cluster, seen, request }, step).await
        }
    }
}

/// Carries out a step of a member that leaves; any other does nothing here.
async fn member_step(members: &Members<'_>, step: &Step) -> Result<(), ApplyError> {
    match step {
        Step::Leave { node, .. } => members.set_leaving(*node, true).await,
        Step::Stay { node, .. } => members.set_leaving(*node, false).await,
        Step::MoveCopies { node, pod, successor } => {
            members.move_copies(*node, pod, *successor).await
        }
        Step::RemoveNode { node, disk, .. } => members.remove(*node, disk).await,
        Step::RetireVolume { claim, node } => members.retire(claim, Some(*node)).await,
        Step::KeepVolume { claim } => members.retire(claim, None).await,
        Step::ResizeVolume { claim, size } => members.resize(claim, size).await,
        _ => Ok(()),
    }
}

/// Tells the database something; said again, it does no harm.
async fn tell(mut nodes: Admin, step: &Step) -> Result<(), tonic::Status> {
    let follow = async |mut nodes: Admin, node_id: u64, seconds: u32| {
        let request = admin::SetNodeFollowsOnlyRequest { node_id, seconds };
        nodes.set_node_follows_only(request).await.map(drop)
    };
    match step {
        Step::SetZone { node, zone, .. } => {
            let place = admin::SetNodeZoneRequest { node_id: *node, zone: zone.clone() };
            nodes.set_node_zone(place).await.map(drop)
        }
        Step::HandOver { node, seconds, .. } => follow(nodes, *node, *seconds).await,
        Step::LetLead { node, .. } => follow(nodes, *node, 0).await,
        Step::HoldLevel => {
            let hold = admin::HoldFeatureLevelRequest { held: true };
            nodes.hold_feature_level(hold).await.map(drop)
        }
        Step::SetSettings(settings) => {
            let settings = settings.clone().into_iter().collect();
            nodes.set_settings(admin::SetSettingsRequest { settings }).await.map(drop)
        }
        Step::RaiseLevel(_) => {
            let raise = admin::RaiseFeatureLevelRequest {};
            nodes.raise_feature_level(raise).await.map(drop)
        }
        // The others are none of the database's business.
        _ => Ok(()),
    }
}

/// Only whose it is: applying the whole set would change the template with it.
async fn take_set(client: &Client, cluster: &ValidatedCluster) -> Result<(), kube::Error> {
    let owners = cluster.child(cluster.name.clone()).owner_references;
    let sets: Api<StatefulSet> = Api::namespaced(client.clone(), &cluster.namespace);
    let patch = Patch::Merge(json!({"metadata": {"ownerReferences": owners}}));
    sets.patch(&cluster.name, &PatchParams::default(), &patch).await.map(drop)
}

/// Only the number: applying the whole set would change the template with it.
async fn scale_out(
    client: &Client,
    cluster: &ValidatedCluster,
    replicas: i32,
) -> Result<(), kube::Error> {
    let sets: Api<StatefulSet> = Api::namespaced(client.clone(), &cluster.namespace);
    let patch = Patch::Merge(json!({"spec": {"replicas": replicas}}));
    let parameters = PatchParams { field_manager: Some(MANAGER.into()), ..PatchParams::default() };
    sets.patch_scale(&cluster.name, &parameters, &patch).await.map(drop)
}

async fn set_policy(mut node: Admin, policy: admin::Policy) -> Result<(), tonic::Status> {
    match node.set_policy(policy).await {
        // While a node runs a version that knows of none; it is set once all do.
        Err(status) if status.code() == Code::Unimplemented => {
            tracing::info!(%status, "no policy is set yet");
            Ok(())
        }
        done => done.map(drop),
    }
}

/// Makes the token, unless there is one.
async fn secret(client: &Client, cluster: &ValidatedCluster) -> Result<(), ApplyError> {
    // 244 bits that nobody can guess, in two strings of hexadecimal digits.
    let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let secret = build::secret(cluster, &token);
    let secrets: Api<Secret> = Api::namespaced(client.clone(), &cluster.namespace);
    let parameters = PostParams { field_manager: Some(MANAGER.into()), ..PostParams::default() };
    // Created and not applied: a token that is there is never written over.
    match secrets.create(&parameters, &secret).await {
        // Another pass was faster; its token counts.
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
        Err(error) => {
            let request = Request::Make(format!("secret {}", secret.name_any()));
            Err(kubernetes(request)(error).into())
        }
        Ok(_) => Ok(()),
    }
}

/// A node that belongs to the database; any of them answers for all. One that is ready, if one is:
/// a node that was removed has its disk still, and is asked in vain.
pub(super) fn any_member(
    cluster: &ValidatedCluster,
    seen: &Dereferenced,
) -> Result<Admin, ApplyError> {
    let pod = |ordinal: &i32| seen.observed.pods.get(ordinal);
    let is_member = |ordinal: &i32| pod(ordinal).is_some_and(|pod| pod.disk.database().is_some());
    let members = seen.addresses.keys().copied().filter(is_member);
    let first = members.min_by_key(|ordinal| (pod(ordinal).is_none_or(|pod| !pod.ready), *ordinal));
    admin_of(cluster, seen, first.unwrap_or(0))
}

fn admin_of(
    cluster: &ValidatedCluster,
    seen: &Dereferenced,
    ordinal: i32,
) -> Result<Admin, ApplyError> {
    let (Some(address), Some(token)) = (seen.addresses.get(&ordinal), &seen.token) else {
        return Err(ApplyError::NoNode { cluster: cluster.name.clone() });
    };
    let pod = names::pod(&cluster.name, ordinal);
    Ok(nodes::admin(&seen.channels, address, token)
        .map_err(|source| CallError::Client { pod, source })?)
}

/// Brings an object to what it should be, as long as it is what the pass saw under its name: one
/// that somebody else made or put in its place meanwhile is not written over.
async fn apply<K>(client: &Client, seen: &Dereferenced, mut object: K) -> Result<K, ApplyError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Serialize
        + DeserializeOwned
        + Clone
        + Debug,
{
    let name = object.name_any();
    let what = names::object::<K>(&name);
    let namespace = object.namespace().unwrap_or_default();
    let objects: Api<K> = Api::namespaced(client.clone(), &namespace);
    let parameters = PatchParams::apply(MANAGER);
    let parameters = match seen.observed.standing_of(&what) {
        // Forced: a field that another manager took is taken back.
        Standing::Ours(uid) => {
            object.meta_mut().uid = Some(uid.clone());
            parameters.force()
        }
        // Unforced: what was made there since is in the way, by the labels of whoever made it.
        Standing::Free | Standing::Going | Standing::Foreign(_) => parameters,
    };
    let applied = objects.patch(&name, &parameters, &Patch::Apply(&object)).await;
    Ok(applied.map_err(kubernetes(Request::Apply(what)))?)
}
