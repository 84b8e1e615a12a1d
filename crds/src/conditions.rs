//! Conditions: what is true of an object, in the form that Kubernetes' own objects have.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// The summary: everything that the object asks for is there.
pub const READY: &str = "Ready";
/// Whether the object can be carried out at all; `False` with the reason where it cannot.
pub const ACCEPTED: &str = "Accepted";
/// Whether the cluster was founded; never `False` again after it was `True`.
pub const FOUNDED: &str = "Founded";
/// Whether something is under way, and what it waits for.
pub const PROGRESSING: &str = "Progressing";

/// Whether any one node may go: a drain of its machine, or an eviction, then costs nothing.
pub const SAFE_TO_DISRUPT: &str = "SafeToDisrupt";

/// Whether each node has the disk that the database knows it by, or what was lost with one.
pub const VOLUMES_HEALTHY: &str = "VolumesHealthy";

/// Whether the vectors of a collection are those of the spec; only once they were not.
pub const VECTORS_AS_DECLARED: &str = "VectorsAsDeclared";

/// Whether all pods are made from what the spec asks for, and why not where they are not.
pub const UPDATED: &str = "Updated";

/// Whether the nodes carry alike, and why nothing is moved where they do not.
pub const BALANCED: &str = "Balanced";

/// Whether searches find less than `spec.search.minRecall` asks for; only where it does.
pub const RECALL_BELOW_TARGET: &str = "RecallBelowTarget";

/// Says that a condition holds, or not. The time of the last transition stays unless the
/// status flips: an object whose status is written each time would never come to rest.
pub fn set(conditions: &mut Vec<Condition>, new: Condition) {
    match conditions.iter_mut().find(|old| old.type_ == new.type_) {
        // A transition is a change of the status; of reason and message there may be many.
        Some(old) if old.status == new.status => {
            let since = old.last_transition_time.clone();
            *old = Condition { last_transition_time: since, ..new };
        }
        Some(old) => *old = new,
        None => conditions.push(new),
    }
}

/// A condition in Kubernetes' own form, with the status as a word.
///
/// `reason` is a word in CamelCase, `message` a sentence for people; `now` matters only when
/// the status flips.
pub fn condition(
    kind: &str,
    status: bool,
    reason: &str,
    message: impl Into<String>,
    generation: Option<i64>,
    now: Time,
) -> Condition {
    Condition {
        type_: kind.to_owned(),
        status: if status { "True" } else { "False" }.to_owned(),
        reason: reason.to_owned(),
        message: message.into(),
        observed_generation: generation,
        last_transition_time: now,
    }
}

/// Whether a condition is there and `True`.
pub fn is_true(conditions: &[Condition], kind: &str) -> bool {
    conditions.iter().any(|condition| condition.type_ == kind && condition.status == "True")
}
