//! One pass over an object of any kind: validate → dereference → plan → apply → update status.
//! The kinds give the steps; the order, the figures, the events and the next look are the same
//! for all. Remembers nothing from one pass to the next.

use std::any::Any;
use std::fmt::{Debug, Display};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use jiff::Timestamp;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::core::error_boundary::DeserializeGuard;
use kube::core::object::HasStatus;
use kube::runtime::controller::Action;
use kube::{Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::context::Context;
use crate::copies::Copies;
use crate::error::{ApplyError, CallError, Error, Request, ValidateError, kubernetes};
use crate::events;
use crate::status::{self, Conditions};

/// Time for a pass. One that hangs must not keep a worker from the objects of others.
const PASS_MAX: Duration = Duration::from_secs(40);

/// The steps of a pass over one kind of object.
pub(crate) trait Reconciler {
    /// The object, as Kubernetes has it.
    type Object: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + HasStatus<Status = Self::Status>
        + Clone
        + Debug
        + DeserializeOwned;
    /// The status of the object.
    type Status: Conditions + Clone + Default + PartialEq + Serialize;
    /// The object, with everything that each has which came from an API server.
    type Validated;
    /// What there is.
    type Seen;
    /// What is to be done.
    type Plan;

    /// Time to the next look when nothing is under way.
    const LATER: Duration;
    /// Conditions whose changes become events.
    const TOLD: &'static [&'static str];

    /// Whether nothing is left to do for the object.
    fn is_over(_object: &Self::Object) -> bool {
        false
    }

    /// The object as the other steps take it. Pure.
    fn validate(object: &Self::Object) -> Result<Self::Validated, ValidateError>;

    /// Reads what there is, from copies where there are some, and changes nothing.
    fn dereference(
        &self,
        context: &Context,
        object: &Self::Validated,
        copies: Option<&Copies>,
    ) -> impl Future<Output = Result<Self::Seen, CallError>> + Send;

    /// What is to be done now. Pure.
    fn plan(object: &Self::Validated, seen: &Self::Seen) -> Self::Plan;

    /// Whether a plan has steps. They are decided on what Kubernetes itself has, not on copies.
    fn has_steps(plan: &Self::Plan) -> bool;

    /// Makes the changes, in order; the first that fails is the last.
    fn apply(
        context: &Context,
        object: &Self::Validated,
        seen: &Self::Seen,
        plan: &Self::Plan,
    ) -> impl Future<Output = Result<(), ApplyError>> + Send;

    /// What is said after the changes; nothing of an object that they let go. Pure.
    fn status(
        object: &Self::Validated,
        seen: &Self::Seen,
        plan: &Self::Plan,
        failed: Option<&ApplyError>,
        now: &Time,
    ) -> Option<Self::Status>;

    /// Whether nothing is under way.
    fn is_settled(plan: &Self::Plan, status: &Self::Status) -> bool;
}

/// One pass, counted. An object that cannot be read waits until somebody changes it.
///
/// # Errors
///
/// A step of the pass failed; the error says which, and so what was changed before.
pub(crate) async fn reconcile<R: Reconciler>(
    reconciler: R,
    object: Arc<DeserializeGuard<R::Object>>,
    context: Arc<Context>,
) -> Result<Action, Error> {
    let kind = R::Object::kind(&());
    let object = match &object.0 {
        Ok(object) => object,
        Err(error) => {
            let name = error.metadata.name.as_deref().unwrap_or_default();
            tracing::error!(
                name, %error, "a {kind} cannot be read; it waits until it is changed"
            );
            // Another try would read the same.
            return Ok(Action::await_change());
        }
    };
    if R::is_over(object) {
        context.succeeded(object);
        return Ok(Action::await_change());
    }
    let began = Instant::now();
    context.metrics.began(&kind);
    // An object that breaks a pass must not end the operator of all others, at each start anew.
    let passing = AssertUnwindSafe(pass(&reconciler, object, &context)).catch_unwind();
    let outcome = match tokio::time::timeout(PASS_MAX, passing).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => Err(Error::Panicked(said(&*panic))),
        Err(_) => Err(Error::TimedOut(PASS_MAX)),
    };
    let error = outcome.as_ref().err().map(Error::category);
    context.metrics.ended(&kind, began.elapsed(), error);
    if outcome.is_ok() {
        context.succeeded(object);
    }
    outcome
}

/// What a panic said.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it said nothing").to_owned()
}

async fn pass<R: Reconciler>(
    reconciler: &R,
    object: &R::Object,
    context: &Context,
) -> Result<Action, Error> {
    // Without a name and a namespace there is no status to say it in.
    let validated = R::validate(object)?;
    let (seen, plan) = match look(reconciler, object, &validated, context).await {
        Ok(looked) => looked,
        Err(error) => {
            say_unread::<R>(context, object, &error).await;
            return Err(Error::Dereference(error));
        }
    };
    let failed = R::apply(context, &validated, &seen, &plan).await.err();
    // After a failure too: status says which change it was.
    let next = R::status(&validated, &seen, &plan, failed.as_ref(), &now());
    let uid = object.uid().unwrap_or_default();
    let pause = match &next {
        Some(status) if !R::is_settled(&plan, status) => {
            context.sightings.pause(&uid, status::waits_for(status.conditions()))
        }
        _ => {
            context.sightings.settled(&uid);
            R::LATER
        }
    };
    if let Some(next) = next {
        let before = object.status().map(Conditions::conditions).unwrap_or_default();
        // Before the status: killed in between, the next pass tells it again instead of never.
        events::tell(context, object, before, next.conditions(), R::TOLD).await;
        update_status::<R>(context, object, next).await.map_err(Error::UpdateStatus)?;
    }
    match failed {
        Some(error) => Err(Error::Apply(error)),
        // Also at rest: what happens inside a database wakes no watch.
        None => Ok(Action::requeue(pause)),
    }
}

/// What there is, and what is to be done. Copies will do where nothing is, which is nearly always.
async fn look<R: Reconciler>(
    reconciler: &R,
    object: &R::Object,
    validated: &R::Validated,
    context: &Context,
) -> Result<(R::Seen, R::Plan), CallError> {
    let uid = object.uid().unwrap_or_default();
    let copies = context.copies(&object.namespace().unwrap_or_default());
    if let Some(copies) = copies.filter(|_| !context.sightings.is_resync_due(&uid)) {
        let seen = reconciler.dereference(context, validated, Some(&copies)).await?;
        let plan = R::plan(validated, &seen);
        if !R::has_steps(&plan) {
            return Ok((seen, plan));
        }
    }
    let seen = reconciler.dereference(context, validated, None).await?;
    context.sightings.resynced(&uid);
    let plan = R::plan(validated, &seen);
    Ok((seen, plan))
}

/// Says in the status that a pass could not look. The error itself goes up in any case.
async fn say_unread<R: Reconciler>(context: &Context, object: &R::Object, error: &CallError) {
    let before = object.status().cloned().unwrap_or_default();
    let generation = object.meta().generation;
    let next = status::unread(before, generation, &error.to_string(), &now());
    if let Err(error) = update_status::<R>(context, object, next).await {
        let (kind, name) = (R::Object::kind(&()), object.name_any());
        tracing::warn!(%kind, name, %error, "status cannot say that the pass failed");
    }
}

/// Writes the status, if it says anything new.
async fn update_status<R: Reconciler>(
    context: &Context,
    object: &R::Object,
    next: R::Status,
) -> Result<(), CallError> {
    if object.status() == Some(&next) {
        return Ok(());
    }
    let written = status::write(&context.client, object, &next).await;
    written.map_err(kubernetes(Request::Write("the status".into())))
}

/// Carries out one step of a plan, between its failpoints. `doing` is not begun before.
///
/// # Errors
///
/// Those of `doing`.
pub(crate) async fn carry_out(
    context: &Context,
    object: &str,
    step: &impl Display,
    reason: &str,
    doing: impl Future<Output = Result<(), ApplyError>>,
) -> Result<(), ApplyError> {
    tracing::info!(object, %step, "carrying out");
    context.failpoint.before(reason);
    doing.await?;
    context.failpoint.after(reason);
    Ok(())
}

/// How long to leave an object alone after an error.
pub(crate) fn after_error<K>(
    object: Arc<DeserializeGuard<K>>,
    error: &Error,
    context: Arc<Context>,
) -> Action
where
    K: Resource<DynamicType = ()>,
{
    let Ok(object) = &object.0 else { return Action::await_change() };
    let pause = context.failed(object);
    let (kind, name) = (K::kind(&()), object.name_any());
    tracing::warn!(%kind, name, %error, ?pause, "a pass failed; it is tried again");
    Action::requeue(pause)
}

fn now() -> Time {
    Time(Timestamp::now())
}
