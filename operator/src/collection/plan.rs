//! The next steps of a collection. Pure.

mod step;

use std::collections::BTreeSet;

use vane_crds::Collection;
use vane_crds::cluster::Retain;
use vane_crds::collection::CollectionSpec;
use vane_proto::admin;

pub use self::step::Step;
use super::body;
use super::observed::{Cluster, Observed};
pub use super::validate::Verdict;
use super::validate::{WAITING, difference, validate};

/// Keeps the object until its points are deleted. Only objects that ask for that have it, and
/// only once they were accepted: one that has no points waits for no database.
pub const FINALIZER: &str = "vanedb.io/delete-points";

/// What to do now.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// In this order; a step that fails ends the pass.
    pub steps: Vec<Step>,
    /// How the spec stands.
    pub verdict: Verdict,
}

/// Name in the database.
pub fn name(collection: &Collection) -> &str {
    let own = collection.metadata.name.as_deref().unwrap_or_default();
    collection.spec.name.as_deref().unwrap_or(own)
}

/// Plans the next pass.
pub fn plan(collection: &Collection, observed: &Observed) -> Plan {
    let mut plan = unpaused(collection, observed);
    if observed.paused {
        plan.steps.clear();
    }
    plan
}

fn unpaused(collection: &Collection, observed: &Observed) -> Plan {
    let has_finalizer = collection.metadata.finalizers.iter().flatten().any(|it| it == FINALIZER);
    if observed.going {
        let verdict = leaving(collection, observed, has_finalizer);
        return Plan { steps: leave(collection, observed, has_finalizer), verdict };
    }
    let verdict = validate(collection, observed);
    let has_points = match &verdict {
        Verdict::Accepted => true,
        // What is there is not known: as it is, or as it was when it was known.
        Verdict::Waiting(..) => has_finalizer || observed.was_there,
        Verdict::Refused(..) | Verdict::Leaving(..) => false,
    };
    let keeps = has_points && collection.spec.deletion_policy == Retain::Delete;
    let mut steps = Vec::new();
    if keeps != has_finalizer {
        steps.push(Step::Finalizer(keeps));
    }
    if verdict == Verdict::Accepted {
        match &observed.found {
            None => steps.push(Step::Create(body::create(&collection.spec))),
            Some(found) => steps.extend(changes(&collection.spec, found, observed.was_there)),
        }
    }
    Plan { steps, verdict }
}

/// Whether the points that are there are this object's to delete. The database knows who made
/// them. That somebody else's were adopted only status remembers, and it may be lost: then
/// they stay. Points that are kept can be deleted by hand, those that are gone do not come back.
fn owns(collection: &Collection, observed: &Observed, found: &admin::Collection) -> bool {
    let made = found.idempotency_key == observed.key;
    let adopted = observed.was_there && difference(&collection.spec, found).is_none();
    observed.taken_by.is_none() && (made || adopted)
}

/// Declared fields win; what is not declared is the application's. Aliases are given once.
fn changes(spec: &CollectionSpec, found: &admin::Collection, was_there: bool) -> Vec<Step> {
    let config = serde_json::from_str(&found.config).unwrap_or_default();
    let mut steps: Vec<Step> = body::update(spec, &config).map(Step::Update).into_iter().collect();
    for index in &spec.payload_indexes {
        let kind = body::field_type(index.kind);
        if found.payload_indexes.get(&index.field).map(String::as_str) != Some(kind) {
            steps.push(Step::SetIndex { field: index.field.clone(), kind });
        }
    }
    if !was_there {
        let has: BTreeSet<&String> = found.aliases.iter().collect();
        steps.extend(
            spec.aliases.iter().filter(|it| !has.contains(it)).cloned().map(Step::AddAlias),
        );
    }
    steps
}

/// The end of the object: its points go with it only where it asks for that, and only its own.
fn leave(collection: &Collection, observed: &Observed, has_finalizer: bool) -> Vec<Step> {
    if !has_finalizer {
        return Vec::new();
    }
    let deletes = collection.spec.deletion_policy == Retain::Delete;
    match (&observed.cluster, &observed.found) {
        // Waits: letting go now would leave points that nobody asks about any more.
        (Cluster::Silent(_), _) if deletes && observed.taken_by.is_none() => Vec::new(),
        (Cluster::There(_), Some(found)) if deletes && owns(collection, observed, found) => {
            vec![Step::Delete(found.idempotency_key.clone()), Step::Finalizer(false)]
        }
        _ => vec![Step::Finalizer(false)],
    }
}

fn leaving(collection: &Collection, observed: &Observed, has_finalizer: bool) -> Verdict {
    let name = name(collection);
    match (&observed.cluster, leave(collection, observed, has_finalizer).first()) {
        (_, Some(Step::Delete(_))) => {
            Verdict::Leaving("Deleting", format!("collection {name} is deleted"))
        }
        (_, Some(_)) => Verdict::Leaving("Deleting", "the object goes, and deletes nothing".into()),
        (Cluster::Silent(why), None) if has_finalizer => {
            let message = format!(
                "collection {name} is deleted once its database answers, or stays with deletionPolicy Retain: {why}"
            );
            Verdict::Leaving(WAITING, message)
        }
        (_, None) => Verdict::Leaving(
            "Deleting",
            "the object goes once finalizers of others are gone".into(),
        ),
    }
}

#[cfg(test)]
mod tests;
