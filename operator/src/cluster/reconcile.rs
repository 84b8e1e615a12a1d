//! One pass over a VectorCluster, and when the next one comes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use kube::core::error_boundary::DeserializeGuard;
use kube::runtime::controller::Action;
use vane_crds::VectorCluster;
use vane_crds::conditions::{ACCEPTED, FOUNDED, READY};

use super::dereference::Dereferenced;
use super::plan::Plan;
use super::{apply, dereference, plan, status};
use crate::context::Context;
use crate::error::Error;
use crate::{events, placement};

/// Time to the next look while something is under way.
const SOON: Duration = Duration::from_secs(1);
/// Time to the next look at a database that is well: it tells nobody when it is not.
const LATER: Duration = Duration::from_secs(15);
/// Conditions whose changes become events.
const TOLD: [&str; 3] = [ACCEPTED, FOUNDED, READY];

/// One pass. An object that cannot be read waits until somebody changes it.
pub async fn reconcile(
    object: Arc<DeserializeGuard<VectorCluster>>,
    context: Arc<Context>,
) -> Result<Action, Error> {
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
        context.succeeded(cluster);
        return Ok(Action::await_change());
    }
    let began = Instant::now();
    context.metrics.began("VectorCluster");
    let outcome = pass(cluster, &context).await;
    context.metrics.ended(
        "VectorCluster",
        began.elapsed(),
        outcome.as_ref().err().map(Error::category),
    );
    if outcome.is_ok() {
        context.succeeded(cluster);
    }
    outcome
}

async fn pass(cluster: &VectorCluster, context: &Context) -> Result<Action, Error> {
    let client = &context.client;
    let seen = match dereference::dereference(client, cluster).await {
        Ok(seen) => seen,
        Err(error) => {
            let next = status::unread(cluster, &error.to_string(), now());
            if let Err(other) = apply::status(client, cluster, next).await {
                tracing::warn!(cluster = cluster.name_any(), error = %other, "status cannot say that the pass failed");
            }
            return Err(error);
        }
    };
    let plan = plan::plan(cluster, &seen.observed);
    let failed = carry_out(cluster, context, &seen, &plan).await.err();
    let said = failed.as_ref().map(ToString::to_string);
    let next = status::status(cluster, &seen.observed, &plan, said.as_deref(), now());
    let before = cluster.status.as_ref().map(|it| it.conditions.as_slice()).unwrap_or_default();
    events::tell(context, cluster, before, &next.conditions, &TOLD).await;
    let settled = plan.steps.is_empty()
        && next.conditions.iter().any(|it| it.type_ == READY && it.status == "True");
    apply::status(client, cluster, next).await?;
    match failed {
        Some(error) => Err(error),
        None => Ok(Action::requeue(if settled { LATER } else { SOON })),
    }
}

/// All that a pass changes. The first failure ends it, and status says so.
async fn carry_out(
    cluster: &VectorCluster,
    context: &Context,
    seen: &Dereferenced,
    plan: &Plan,
) -> Result<(), Error> {
    let client = &context.client;
    if !cluster.spec.paused {
        apply::children(client, cluster).await?;
    }
    if plan.keeps_settings {
        apply::settings(client, cluster).await?;
    }
    for step in &plan.steps {
        tracing::info!(cluster = cluster.name_any(), %step, "carrying out");
        context.failpoint.before(step.reason());
        apply::step(client, cluster, seen, step).await?;
        context.failpoint.after(step.reason());
    }
    if let Some(database) = &seen.observed.database {
        placement::sync(context, cluster, database).await?;
    }
    Ok(())
}

fn now() -> Time {
    Time(jiff::Timestamp::now())
}

/// How long to leave an object alone after an error.
pub fn after_error(
    object: Arc<DeserializeGuard<VectorCluster>>,
    error: &Error,
    context: Arc<Context>,
) -> Action {
    let Ok(cluster) = &object.0 else { return Action::await_change() };
    let pause = context.failed(cluster);
    tracing::warn!(cluster = cluster.name_any(), %error, ?pause, "a pass failed; it is tried again");
    Action::requeue(pause)
}
