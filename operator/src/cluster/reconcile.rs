//! One pass over a VectorCluster, and when the next one comes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::core::error_boundary::DeserializeGuard;
use kube::runtime::controller::Action;
use kube::runtime::events::{Event, EventType};
use kube::runtime::reflector::ObjectRef;
use kube::{Resource, ResourceExt};
use vane_crds::VectorCluster;
use vane_crds::conditions::{ACCEPTED, FOUNDED, READY};

use super::error::Error;
use super::{apply, dereference, plan, status};
use crate::context::Context;

/// Time to the next look while something is under way.
const SOON: Duration = Duration::from_secs(1);
/// Time to the next look at a database that is well: it tells nobody when it is not.
const LATER: Duration = Duration::from_secs(15);
/// Conditions whose changes become events.
const TOLD: [&str; 3] = [ACCEPTED, FOUNDED, READY];

/// One pass. An object that cannot be read waits until somebody changes it.
pub async fn reconcile(object: Arc<DeserializeGuard<VectorCluster>>, context: Arc<Context>) -> Result<Action, Error> {
    let cluster = match &object.0 {
        Ok(cluster) => cluster,
        Err(error) => {
            let name = error.metadata.name.as_deref().unwrap_or_default();
            tracing::error!(name, %error, "a VectorCluster cannot be read; it waits until it is changed");
            return Ok(Action::await_change());
        }
    };
    if cluster.metadata.deletion_timestamp.is_some() {
        // Kubernetes takes the children away; the volumes as `retention` says.
        return Ok(Action::await_change());
    }
    let began = Instant::now();
    context.metrics.began();
    let outcome = pass(cluster, &context).await;
    context.metrics.ended("VectorCluster", began.elapsed(), outcome.as_ref().err().map(Error::category));
    if outcome.is_ok() {
        context.succeeded(&ObjectRef::from_obj(cluster));
    }
    outcome
}

async fn pass(cluster: &VectorCluster, context: &Context) -> Result<Action, Error> {
    let client = &context.client;
    if !cluster.spec.paused {
        apply::secret(client, cluster).await?;
        apply::children(client, cluster).await?;
    }
    let seen = dereference::dereference(client, cluster).await?;
    let plan = plan::plan(cluster, &seen.observed);
    let mut failed = None;
    for step in &plan.steps {
        tracing::info!(cluster = cluster.name_any(), %step, "carrying out");
        if let Err(error) = apply::step(client, cluster, &seen, step).await {
            failed = Some(error);
            break;
        }
    }
    let said = failed.as_ref().map(ToString::to_string);
    let now = Time(jiff::Timestamp::now());
    let next = status::status(cluster, &seen.observed, &plan, said.as_deref(), now);
    tell(cluster, &next, context).await;
    let settled = plan.steps.is_empty() && next.conditions.iter().any(|it| it.type_ == READY && it.status == "True");
    apply::status(client, cluster, next).await?;
    match failed {
        Some(error) => Err(error),
        None => Ok(Action::requeue(if settled { LATER } else { SOON })),
    }
}

/// Events for conditions that flip. One that is lost is no harm: status has it.
async fn tell(cluster: &VectorCluster, next: &vane_crds::cluster::VectorClusterStatus, context: &Context) {
    let before = cluster.status.as_ref().map(|it| it.conditions.as_slice()).unwrap_or_default();
    for condition in next.conditions.iter().filter(|it| TOLD.contains(&it.type_.as_str())) {
        let old = before.iter().find(|it| it.type_ == condition.type_);
        let same = old.map_or(condition.status == "False" && condition.type_ != ACCEPTED, |it| {
            (&it.status, &it.reason) == (&condition.status, &condition.reason)
        });
        if same || (old.is_none() && condition.type_ == ACCEPTED && condition.status == "True") {
            continue;
        }
        let event = Event {
            type_: if condition.status == "True" { EventType::Normal } else { EventType::Warning },
            reason: condition.reason.clone(),
            note: Some(condition.message.chars().take(1000).collect()),
            action: condition.type_.clone(),
            secondary: None,
        };
        if let Err(error) = context.recorder.publish(&event, &cluster.object_ref(&())).await {
            tracing::warn!(%error, reason = event.reason, "failed to publish an event");
        }
    }
}

/// How long to leave an object alone after an error.
pub fn after_error(object: Arc<DeserializeGuard<VectorCluster>>, error: &Error, context: Arc<Context>) -> Action {
    let Ok(cluster) = &object.0 else { return Action::await_change() };
    let pause = context.failed(ObjectRef::from_obj(cluster));
    tracing::warn!(cluster = cluster.name_any(), %error, ?pause, "a pass failed; it is tried again");
    Action::requeue(pause)
}
