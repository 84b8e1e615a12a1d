//! Events: what flipped, for `kubectl describe`. One that is lost is no harm, status has it.

use std::fmt::Display;

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Resource;
use kube::runtime::events::{Event, EventType};
use vane_crds::conditions::ACCEPTED;

use crate::context::Context;

/// Characters of a note; the API server takes 1024 bytes.
const NOTE_CHARS_MAX: usize = 250;

/// Publishes an event for each of the conditions named that says something else than before.
pub(crate) async fn tell<K>(
    context: &Context,
    object: &K,
    before: &[Condition],
    now: &[Condition],
    told: &[&str],
) where
    K: Resource<DynamicType = ()>,
{
    for condition in now.iter().filter(|condition| told.contains(&condition.type_.as_str())) {
        let old = before.iter().find(|old| old.type_ == condition.type_);
        if !is_news(old, condition) {
            continue;
        }
        let event = Event {
            type_: if condition.status == "True" { EventType::Normal } else { EventType::Warning },
            reason: condition.reason.clone(),
            note: Some(condition.message.chars().take(NOTE_CHARS_MAX).collect()),
            action: condition.type_.clone(),
            secondary: None,
        };
        // Events are for people; the pass itself does not depend on them.
        if let Err(error) = context.recorder.publish(&event, &object.object_ref(&())).await {
            tracing::warn!(%error, reason = event.reason, "failed to publish an event");
        }
    }
}

/// Publishes that something was done to an object.
pub(crate) async fn note(
    context: &Context,
    object: &ObjectReference,
    reason: &str,
    what: &impl Display,
) {
    publish(context, object, EventType::Normal, reason, what).await;
}

/// Publishes that something is about to happen to an object which its owner may want to prevent.
pub(crate) async fn warn(
    context: &Context,
    object: &ObjectReference,
    reason: &str,
    what: &impl Display,
) {
    publish(context, object, EventType::Warning, reason, what).await;
}

async fn publish(
    context: &Context,
    object: &ObjectReference,
    type_: EventType,
    reason: &str,
    what: &impl Display,
) {
    let event = Event {
        type_,
        reason: reason.to_owned(),
        note: Some(what.to_string().chars().take(NOTE_CHARS_MAX).collect()),
        action: reason.to_owned(),
        secondary: None,
    };
    if let Err(error) = context.recorder.publish(&event, object).await {
        tracing::warn!(%error, reason, "failed to publish an event");
    }
}

fn is_news(old: Option<&Condition>, new: &Condition) -> bool {
    if let Some(old) = old {
        return (&old.status, &old.reason) != (&new.status, &new.reason);
    }
    // That a new object is possible, and is not there yet, is no news.
    let expected = if new.type_ == ACCEPTED { "True" } else { "False" };
    new.status != expected
}
