//! What is said about a collection, from what was planned and seen. Pure.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use vane_crds::collection::CollectionStatus;
use vane_crds::conditions::{
    ACCEPTED, PROGRESSING, READY, RECALL_BELOW_TARGET, VECTORS_AS_DECLARED, is_true,
};

use super::observed::Observed;
use super::plan::{Plan, Verdict};
use super::recall;
use super::validate::ValidatedCollection;
use super::vectors::{Vectors, are_changing};
use crate::error::ApplyError;
use crate::status::{Finding, rounded};

/// The collection was there with everything that is declared, once; what then is missing
/// was taken away by somebody.
const CREATED: &str = "Created";

/// Whether status remembers that the collection was made or adopted.
pub(super) fn remembers(status: &CollectionStatus) -> bool {
    is_true(&status.conditions, CREATED)
}

/// The status after a pass. `failed` is the change that did not succeed, if one did not.
pub(super) fn status(
    collection: &ValidatedCollection,
    observed: &Observed,
    plan: &Plan,
    failed: Option<&ApplyError>,
    now: &Time,
) -> CollectionStatus {
    let mut status = collection.status.clone();
    status.observed_generation = collection.generation;
    figures(&mut status, collection, observed);
    let created = is_complete(collection, observed, plan, failed) || observed.was_there;
    let findings = [
        // Of one that goes it matters no longer.
        (!collection.going).then(|| (ACCEPTED, accepted(&plan.verdict))),
        created.then(|| (CREATED, self::created(collection))),
        Some((PROGRESSING, progressing(collection, observed, plan, failed))),
        Some((READY, ready(collection, observed, plan, failed))),
    ];
    for (kind, finding) in findings.into_iter().flatten() {
        finding.write(kind, &mut status.conditions, collection.generation, now);
    }
    recall(&mut status, collection, observed, now);
    // Before, and where it is refused, the vectors are not the object's: nothing of them is
    // remembered.
    if created && plan.verdict == Verdict::Accepted {
        vectors(&mut status, collection, observed, now);
    }
    status
}

/// Which vectors there are, for people and for the next pass.
fn vectors(
    status: &mut CollectionStatus,
    collection: &ValidatedCollection,
    observed: &Observed,
    now: &Time,
) {
    let Some(vectors) = there(collection, observed) else { return };
    let was_asked = status.conditions.iter().any(|it| it.type_ == VECTORS_AS_DECLARED);
    if let Some(finding) = vectors.as_declared(was_asked) {
        finding.write(VECTORS_AS_DECLARED, &mut status.conditions, collection.generation, now);
    }
    status.vectors = vectors.all;
}

/// The vectors of a collection that is there.
fn there<'a>(collection: &'a ValidatedCollection, observed: &Observed) -> Option<Vectors<'a>> {
    observed.found.as_ref().map(|found| collection.vectors(found))
}

/// Where the collection cannot be read, the figures stay: they are the last that were known.
fn figures(status: &mut CollectionStatus, collection: &ValidatedCollection, observed: &Observed) {
    let Some(found) = &observed.found else { return };
    status.points = Some(rounded(found.points));
    status.indexed_vectors = Some(rounded(found.indexed_vectors));
    status.aliases.clone_from(&found.aliases);
    status.shards_ready = i32::try_from(observed.led_shards()).ok();
    if found.idempotency_key == collection.key {
        status.created_with = Some(collection.key.clone());
    }
}

/// What searches find. As above, where the collection cannot be read all stays.
fn recall(
    status: &mut CollectionStatus,
    collection: &ValidatedCollection,
    observed: &Observed,
    now: &Time,
) {
    let Some(found) = &observed.found else { return };
    status.recall = recall::shown(&status.recall, &found.recall);
    // Asked for in the spec or by a call of the API: it holds for all searches alike.
    let Some(target) = found.min_recall else {
        return status.conditions.retain(|condition| condition.type_ != RECALL_BELOW_TARGET);
    };
    let was = is_true(&status.conditions, RECALL_BELOW_TARGET);
    let finding = recall::below_target(target, &status.recall, was);
    finding.write(RECALL_BELOW_TARGET, &mut status.conditions, collection.generation, now);
}

/// Whether everything declared is there. One that goes must not say that it has what it is
/// about to leave; one that is paused may lack what is declared.
fn is_complete(
    collection: &ValidatedCollection,
    observed: &Observed,
    plan: &Plan,
    failed: Option<&ApplyError>,
) -> bool {
    observed.found.is_some()
        && failed.is_none()
        && plan.verdict == Verdict::Accepted
        && !collection.going
        && !observed.paused
}

fn accepted(verdict: &Verdict) -> Finding {
    match verdict {
        Verdict::Refused(reason, message) => Finding::no(reason, message),
        Verdict::Accepted | Verdict::Waiting(..) | Verdict::Leaving(..) => {
            Finding::yes("Accepted", "everything that the spec asks for is possible")
        }
    }
}

fn created(collection: &ValidatedCollection) -> Finding {
    let name = &collection.name;
    Finding::yes("Created", format!("collection {name} was there with everything declared"))
}

fn paused(collection: &ValidatedCollection) -> Finding {
    let cluster = &collection.spec.cluster_ref.name;
    let message = format!("spec.paused of VectorCluster {cluster} is set: nothing is changed");
    Finding::no("Paused", message)
}

fn progressing(
    collection: &ValidatedCollection,
    observed: &Observed,
    plan: &Plan,
    failed: Option<&ApplyError>,
) -> Finding {
    if observed.paused {
        return paused(collection);
    }
    match (failed, &plan.verdict, plan.steps.first()) {
        (Some(failed), ..) => Finding::yes("Retrying", failed.to_string()),
        (None, Verdict::Waiting(reason, message) | Verdict::Leaving(reason, message), _) => {
            Finding::yes(reason, message)
        }
        (None, _, Some(step)) => Finding::yes("Changing", step.to_string()),
        (None, _, None) => {
            let vectors = there(collection, observed);
            let vectors = vectors.filter(|_| plan.verdict == Verdict::Accepted);
            let changing = vectors.filter(|vectors| are_changing(&vectors.all));
            match changing.and_then(|vectors| vectors.as_declared(false)) {
                Some(Finding { message, .. }) => Finding::yes("Changing", message),
                None => Finding::no("Settled", "nothing is under way"),
            }
        }
    }
}

fn ready(
    collection: &ValidatedCollection,
    observed: &Observed,
    plan: &Plan,
    failed: Option<&ApplyError>,
) -> Finding {
    match &plan.verdict {
        Verdict::Refused(reason, message)
        | Verdict::Waiting(reason, message)
        | Verdict::Leaving(reason, message) => return Finding::no(reason, message),
        Verdict::Accepted => {}
    }
    let (led, all) = (observed.led_shards(), observed.shards.len());
    let lost = there(collection, observed).and_then(|vectors| vectors.lost());
    match (&observed.found, failed) {
        (_, Some(failed)) => Finding::no("Retrying", failed.to_string()),
        (None, None) if observed.paused => paused(collection),
        (None, None) => Finding::no("Creating", format!("collection {} is made", collection.name)),
        (Some(_), None) if led < all => {
            Finding::no("ShardsWithoutLeader", format!("{led} of {all} shards take writes"))
        }
        (Some(_), None) => {
            lost.unwrap_or_else(|| Finding::yes("Ready", format!("{led} shards serve")))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vane_crds::Collection;
    use vane_proto::admin;

    use super::*;
    use crate::collection::observed::Cluster;
    use crate::collection::plan::{FINALIZER, plan};
    use crate::collection::validate::validate;

    /// What is said of a collection that stays, or goes: status and reason of a condition.
    fn said(going: bool, observed: &Observed, kind: &str) -> Option<(String, String)> {
        let object = json!({
            "apiVersion": "vanedb.io/v1alpha1", "kind": "Collection",
            "metadata": {
                "name": "docs", "namespace": "data", "uid": "k", "finalizers": [FINALIZER],
            },
            "spec": {
                "clusterRef": {"name": "demo"}, "vectors": [{"size": 4, "distance": "Dot"}],
                "aliases": ["latest"], "deletionPolicy": "Delete",
            },
        });
        let object: Collection = serde_json::from_value(object).expect("the object is valid");
        let mut collection =
            validate(&object).expect("the object has what the API server gives each");
        collection.going = going;
        let now = Time(jiff::Timestamp::UNIX_EPOCH);
        let status = status(&collection, observed, &plan(&collection, observed), None, &now);
        let condition = status.conditions.into_iter().find(|found| found.type_ == kind)?;
        Some((condition.status, condition.reason))
    }

    fn observed(is_there: bool) -> Observed {
        let config = json!({"params": {
            "vectors": {"size": 4, "distance": "Dot"}, "shard_number": 1, "replication_factor": 1,
        }});
        let found =
            admin::Collection { config: config.to_string(), ..admin::Collection::default() };
        Observed {
            cluster: Cluster::There(1),
            found: is_there.then_some(found),
            ..Observed::default()
        }
    }

    fn words(status: &str, reason: &str) -> Option<(String, String)> {
        Some((status.to_owned(), reason.to_owned()))
    }

    #[test]
    fn a_pause_is_said_and_nothing_is_taken_for_complete() {
        for is_there in [false, true] {
            let paused = Observed { paused: true, ..observed(is_there) };
            assert_eq!(said(false, &paused, PROGRESSING), words("False", "Paused"));
            assert_eq!(said(false, &paused, CREATED), None, "its alias is still to be given");
            let ready = if is_there { words("True", "Ready") } else { words("False", "Paused") };
            assert_eq!(said(false, &paused, READY), ready);
        }
        assert_eq!(said(false, &observed(true), CREATED), words("True", "Created"));
    }

    #[test]
    fn recall_is_held_against_a_target_where_there_is_one() {
        let mut there = observed(true);
        assert_eq!(said(false, &there, RECALL_BELOW_TARGET), None);
        let found = there.found.as_mut().expect("it is there");
        found.min_recall = Some(0.97);
        assert_eq!(said(false, &there, RECALL_BELOW_TARGET), words("False", "NotMeasured"));
        let filter = "none".to_owned();
        there.found.as_mut().expect("it is there").recall = vec![admin::MeasuredRecall {
            filter,
            searches: 400,
            recall: 0.9,
            ..Default::default()
        }];
        assert_eq!(said(false, &there, RECALL_BELOW_TARGET), words("True", "TooLow"));
    }

    #[test]
    fn one_that_goes_says_what_it_waits_for() {
        let cluster = Cluster::Silent("no answer".into());
        let silent = Observed { cluster, ..observed(false) };
        assert_eq!(said(true, &silent, PROGRESSING), words("True", "WaitingForDatabase"));
        assert_eq!(said(true, &silent, READY), words("False", "WaitingForDatabase"));
        let there = observed(true);
        assert_eq!(said(true, &there, PROGRESSING), words("True", "Deleting"));
        assert_eq!(said(true, &there, CREATED), None, "one that goes takes nothing over");
        let paused = Observed { paused: true, ..silent };
        assert_eq!(said(true, &paused, PROGRESSING), words("False", "Paused"));
    }
}
