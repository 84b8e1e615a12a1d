//! What the status of every kind has in common: how a condition is formed, what is said after a
//! pass that could not look, and how a status is written.

use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::api::{Api, Patch, PatchParams};
use kube::{Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use vane_crds::cluster::VectorClusterStatus;
use vane_crds::collection::CollectionStatus;
use vane_crds::conditions::{PROGRESSING, READY, condition, set};

use crate::names::MANAGER;

/// Figures below are exact. Above, two digits: a status that changes with every point would
/// be written all the time.
const EXACT_BELOW: u64 = 100;

/// What a condition says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Whether the condition holds.
    pub(crate) holds: bool,
    /// A word in CamelCase.
    pub(crate) reason: &'static str,
    /// A sentence for people.
    pub(crate) message: String,
}

impl Finding {
    /// The condition holds.
    pub(crate) fn yes(reason: &'static str, message: impl Into<String>) -> Self {
        Self { holds: true, reason, message: message.into() }
    }

    /// The condition does not hold.
    pub(crate) fn no(reason: &'static str, message: impl Into<String>) -> Self {
        Self { holds: false, reason, message: message.into() }
    }

    /// Writes the finding into the condition of this kind.
    pub(crate) fn write(
        self,
        kind: &str,
        conditions: &mut Vec<Condition>,
        generation: Option<i64>,
        now: &Time,
    ) {
        let Self { holds, reason, message } = self;
        set(conditions, condition(kind, holds, reason, message, generation, now.clone()));
    }
}

/// A status with conditions.
pub(crate) trait Conditions {
    /// All of them.
    fn conditions(&self) -> &[Condition];

    /// The list, to change it.
    fn conditions_mut(&mut self) -> &mut Vec<Condition>;
}

impl Conditions for VectorClusterStatus {
    fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    fn conditions_mut(&mut self) -> &mut Vec<Condition> {
        &mut self.conditions
    }
}

impl Conditions for CollectionStatus {
    fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    fn conditions_mut(&mut self) -> &mut Vec<Condition> {
        &mut self.conditions
    }
}

/// What an object waits for, by what its conditions say: the same text is the same thing.
pub(crate) fn waits_for(conditions: &[Condition]) -> String {
    let said = conditions.iter().map(|condition| condition.message.as_str());
    said.collect::<Vec<&str>>().join("\n")
}

/// The status after a pass in which not everything could be read: what was said before, and
/// why there is nothing new. The summary stays as it was; it is there from the first pass.
pub(crate) fn unread<S: Conditions>(
    mut status: S,
    generation: Option<i64>,
    why: &str,
    now: &Time,
) -> S {
    let conditions = status.conditions_mut();
    Finding::yes("Retrying", why).write(PROGRESSING, conditions, generation, now);
    if conditions.iter().all(|condition| condition.type_ != READY) {
        Finding::no("Retrying", why).write(READY, conditions, generation, now);
    }
    status
}

/// Writes a status.
///
/// # Errors
///
/// Kubernetes refused or did not answer.
pub(crate) async fn write<K>(
    client: &Client,
    object: &K,
    status: &impl Serialize,
) -> Result<(), kube::Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned,
{
    let objects: Api<K> = Api::namespaced(client.clone(), &object.namespace().unwrap_or_default());
    let patch = json!({
        "apiVersion": K::api_version(&()), "kind": K::kind(&()), "status": status,
    });
    // Status is the operator's alone: what another manager wrote there is overwritten.
    let parameters = PatchParams::apply(MANAGER).force();
    objects.patch_status(&object.name_any(), &parameters, &Patch::Apply(patch)).await.map(drop)
}

/// A figure as it is shown: two digits, once it has more.
pub(crate) fn rounded(figure: u64) -> i64 {
    let mut scale = 1;
    while figure / scale >= EXACT_BELOW {
        scale *= 10;
    }
    i64::try_from(figure / scale * scale).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_that_grow_by_little_stay_the_same() {
        for (figure, shown) in
            [(0, 0), (99, 99), (100, 100), (109, 100), (1_999, 1_900), (63_436, 63_000)]
        {
            assert_eq!(rounded(figure), shown);
        }
    }
}
