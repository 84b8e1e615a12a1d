//! Events: what flipped, for `kubectl describe`. One that is lost is no harm, status has it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Resource;
use kube::runtime::events::{Event, EventType};

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
    for condition in now.iter().filter(|it| told.contains(&it.type_.as_str())) {
        let old = before.iter().find(|it| it.type_ == condition.type_);
        let same = old
            .is_some_and(|it| (&it.status, &it.reason) == (&condition.status, &condition.reason));
        // That a new object is possible, and is not there yet, is no news.
        let expected =
            if condition.type_ == vane_crds::conditions::ACCEPTED { "True" } else { "False" };
        if same || (old.is_none() && condition.status == expected) {
            continue;
        }
        let event = Event {
            type_: if condition.status == "True" { EventType::Normal } else { EventType::Warning },
            reason: condition.reason.clone(),
            note: Some(condition.message.chars().take(NOTE_CHARS_MAX).collect()),
            action: condition.type_.clone(),
            secondary: None,
        };
        if let Err(error) = context.recorder.publish(&event, &object.object_ref(&())).await {
            tracing::warn!(%error, reason = event.reason, "failed to publish an event");
        }
    }
}
