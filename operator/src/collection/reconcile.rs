//! One pass over a Collection, and when the next one comes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use kube::core::error_boundary::DeserializeGuard;
use kube::runtime::controller::Action;
use vane_crds::Collection;
use vane_crds::conditions::{ACCEPTED, READY};

use super::dereference::Collections;
use super::observed::Observed;
use super::plan::{Plan, Step};
use super::{apply, dereference, plan, status};
use crate::context::Context;
use crate::error::Error;
use crate::events;

/// Time to the next look while something is under way.
const SOON: Duration = Duration::from_secs(1);
/// Time to the next look when all is well.
const LATER: Duration = Duration::from_secs(30);
/// Conditions whose changes become events.
const TOLD: [&str; 2] = [ACCEPTED, READY];

/// One pass. An object that cannot be read waits until somebody changes it.
pub async fn reconcile(
    object: Arc<DeserializeGuard<Collection>>,
    context: Arc<Context>,
    all: Collections,
) -> Result<Action, Error> {
    let collection = match &object.0 {
        Ok(collection) => collection,
        Err(error) => {
            let name = error.metadata.name.as_deref().unwrap_or_default();
            tracing::error!(name, %error, "a Collection cannot be read; it waits until it is changed");
            return Ok(Action::await_change());
        }
    };
    let began = Instant::now();
    context.metrics.began("Collection");
    let outcome = pass(collection, &context, &all).await;
    context.metrics.ended(
        "Collection",
        began.elapsed(),
        outcome.as_ref().err().map(Error::category),
    );
    if outcome.is_ok() {
        context.succeeded(collection);
    }
    outcome
}

async fn pass(
    collection: &Collection,
    context: &Context,
    all: &Collections,
) -> Result<Action, Error> {
    let client = &context.client;
    let (observed, mut node) = match dereference::dereference(client, collection, all).await {
        Ok(seen) => seen,
        Err(error) => {
            let next = status::unread(collection, &error.to_string(), &Time(Timestamp::now()));
            if let Err(other) = apply::status(client, collection, next).await {
                tracing::warn!(collection = collection.name_any(), error = %other, "status cannot say that the pass failed");
            }
            return Err(error);
        }
    };
    let plan = plan::plan(collection, &observed);
    let mut failed = None;
    for step in &plan.steps {
        tracing::info!(collection = collection.name_any(), %step, "carrying out");
        context.failpoint.before(step.reason());
        if let Err(error) =
            apply::step(client, node.as_mut(), collection, &observed.key, step).await
        {
            failed = Some(error);
            break;
        }
        context.failpoint.after(step.reason());
    }
    // One that was let go is not there any more.
    let is_gone =
        observed.going && failed.is_none() && plan.steps.contains(&Step::Finalizer(false));
    if !is_gone {
        say(collection, &observed, &plan, failed.as_ref(), context).await?;
    }
    let settled = plan.steps.is_empty() && !plan.verdict.waits();
    match failed {
        Some(error) => Err(error),
        None => Ok(Action::requeue(if settled { LATER } else { SOON })),
    }
}

async fn say(
    collection: &Collection,
    observed: &Observed,
    plan: &Plan,
    failed: Option<&Error>,
    context: &Context,
) -> Result<(), Error> {
    let failed = failed.map(ToString::to_string);
    let next =
        status::status(collection, observed, plan, failed.as_deref(), Time(Timestamp::now()));
    let before = collection.status.as_ref().map(|it| it.conditions.as_slice()).unwrap_or_default();
    events::tell(context, collection, before, &next.conditions, &TOLD).await;
    apply::status(&context.client, collection, next).await
}

/// How long to leave an object alone after an error.
pub fn after_error(
    object: Arc<DeserializeGuard<Collection>>,
    error: &Error,
    context: Arc<Context>,
) -> Action {
    let Ok(collection) = &object.0 else { return Action::await_change() };
    let pause = context.failed(collection);
    tracing::warn!(collection = collection.name_any(), %error, ?pause, "a pass failed; it is tried again");
    Action::requeue(pause)
}
