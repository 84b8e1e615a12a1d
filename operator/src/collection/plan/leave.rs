//! The end of an object: its points go with it only where it asks for that, and only its own.

use vane_crds::cluster::Retain;
use vane_proto::admin;

use super::verdict::{WAITING, difference};
use super::{Plan, Step, Verdict};
use crate::collection::observed::{Cluster, Observed};
use crate::collection::validate::ValidatedCollection;

/// What is done for an object that is being deleted, and how that stands.
pub(super) fn plan(collection: &ValidatedCollection, observed: &Observed) -> Plan {
    let steps = steps(collection, observed);
    let verdict = verdict(collection, observed, &steps);
    Plan { steps, verdict }
}

fn steps(collection: &ValidatedCollection, observed: &Observed) -> Vec<Step> {
    if !collection.has_finalizer() {
        return Vec::new();
    }
    let deletes = collection.spec.deletion_policy == Retain::Delete;
    match (&observed.cluster, &observed.found) {
        // Waits: letting go now would leave points that nobody asks about later.
        (Cluster::Silent(_), _) if deletes && observed.taken_by.is_none() => Vec::new(),
        (Cluster::There(_), Some(found)) if deletes && owns(collection, observed, found) => {
            // In this order: killed in between, the operator
            // finds the finalizer and deletes again.
            vec![Step::Delete(found.idempotency_key.clone()), Step::Finalizer(false)]
        }
        // Also with the cluster gone: its points went
        // with it, or stay on volumes that it retained.
        _ => vec![Step::Finalizer(false)],
    }
}

/// Whether the points that are there are this object's to delete. The database knows who made
/// them. That somebody else's were adopted only status remembers, and it may be lost: then
/// they stay. Points that are kept can be deleted by hand, those that are gone do not come back.
fn owns(collection: &ValidatedCollection, observed: &Observed, found: &admin::Collection) -> bool {
    let made = found.idempotency_key == collection.key;
    let adopted = observed.was_there && difference(collection, observed, found).is_none();
    observed.taken_by.is_none() && (made || adopted)
}

fn verdict(collection: &ValidatedCollection, observed: &Observed, steps: &[Step]) -> Verdict {
    let name = &collection.name;
    let (reason, message) = match (&observed.cluster, steps.first()) {
        (_, Some(Step::Delete(_))) => ("Deleting", format!("collection {name} is deleted")),
        (_, Some(_)) => ("Deleting", "the object goes, and deletes nothing".into()),
        (Cluster::Silent(why), None) if collection.has_finalizer() => {
            let message = format!(
                "collection {name} is deleted once its database answers, or stays with \
                 deletionPolicy Retain: {why}"
            );
            (WAITING, message)
        }
        (_, None) => ("Deleting", "the object goes once finalizers of others are gone".into()),
    };
    Verdict::Leaving(reason, message)
}
