//! What is said about a collection. Pure.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use vane_crds::Collection;
use vane_crds::collection::CollectionStatus;
use vane_crds::conditions::{ACCEPTED, PROGRESSING, READY, condition, is_true, set};

use super::observed::Observed;
use super::plan::{Plan, Verdict, name};
use crate::cluster::status::retrying;

/// The collection was there with everything that is declared, once; what then is missing
/// was taken away by somebody.
const CREATED: &str = "Created";
/// Figures below are exact. Above, two digits: a status that changes with every point would
/// be written all the time.
const EXACT_BELOW: u64 = 100;

/// Whether status remembers that the collection was made or adopted.
pub fn remembers(collection: &Collection) -> bool {
    collection.status.as_ref().is_some_and(|it| is_true(&it.conditions, CREATED))
}

/// The status after a pass. `failed` is the step that did not succeed, if one did not.
pub fn status(
    collection: &Collection,
    observed: &Observed,
    plan: &Plan,
    failed: Option<&str>,
    now: Time,
) -> CollectionStatus {
    let mut status = collection.status.clone().unwrap_or_default();
    status.observed_generation = collection.metadata.generation;
    if let Some(found) = &observed.found {
        status.points = Some(rounded(found.points));
        status.indexed_vectors = Some(rounded(found.indexed_vectors));
        status.aliases.clone_from(&found.aliases);
        let led = observed
            .shards
            .iter()
            .filter(|it| it.group.as_ref().is_some_and(|it| it.leader_node != 0))
            .count();
        status.shards_ready = i32::try_from(led).ok();
        if found.idempotency_key == observed.key {
            status.created_with = Some(observed.key.clone());
        }
    }
    // One that goes must not say that it has what it is about to leave; one that is paused may
    // lack what is declared.
    let complete = observed.found.is_some()
        && failed.is_none()
        && plan.verdict == Verdict::Accepted
        && !observed.going
        && !observed.paused;
    let mut say = |kind: &str, (holds, reason, message): Said| {
        let generation = collection.metadata.generation;
        set(
            &mut status.conditions,
            condition(kind, holds, reason, message, generation, now.clone()),
        );
    };
    // Of one that goes it does not matter any more.
    if !observed.going {
        say(ACCEPTED, accepted(&plan.verdict));
    }
    if complete || observed.was_there {
        say(
            CREATED,
            (
                true,
                "Created",
                format!("collection {} was there with everything declared", name(collection)),
            ),
        );
    }
    say(PROGRESSING, progressing(collection, observed, plan, failed));
    say(READY, ready(collection, observed, plan, failed));
    status
}

/// The status after a pass in which not everything could be read.
pub fn unread(collection: &Collection, why: &str, now: &Time) -> CollectionStatus {
    let mut status = collection.status.clone().unwrap_or_default();
    retrying(&mut status.conditions, collection.metadata.generation, why, now);
    status
}

type Said = (bool, &'static str, String);

fn accepted(verdict: &Verdict) -> Said {
    match verdict {
        Verdict::Refused(reason, message) => (false, reason, message.clone()),
        Verdict::Accepted | Verdict::Waiting(..) | Verdict::Leaving(..) => {
            (true, "Accepted", "everything that the spec asks for is possible".into())
        }
    }
}

fn paused(collection: &Collection) -> Said {
    let cluster = &collection.spec.cluster_ref.name;
    (false, "Paused", format!("spec.paused of VectorCluster {cluster} is set: nothing is changed"))
}

fn progressing(
    collection: &Collection,
    observed: &Observed,
    plan: &Plan,
    failed: Option<&str>,
) -> Said {
    if observed.paused {
        return paused(collection);
    }
    match (failed, &plan.verdict, plan.steps.first()) {
        (Some(failed), ..) => (true, "Retrying", failed.to_owned()),
        (None, Verdict::Waiting(reason, message) | Verdict::Leaving(reason, message), _) => {
            (true, reason, message.clone())
        }
        (None, _, Some(step)) => (true, "Changing", step.to_string()),
        (None, _, None) => (false, "Settled", "nothing is under way".into()),
    }
}

fn ready(collection: &Collection, observed: &Observed, plan: &Plan, failed: Option<&str>) -> Said {
    match &plan.verdict {
        Verdict::Refused(reason, message)
        | Verdict::Waiting(reason, message)
        | Verdict::Leaving(reason, message) => {
            return (false, reason, message.clone());
        }
        Verdict::Accepted => {}
    }
    let led = observed
        .shards
        .iter()
        .filter(|it| it.group.as_ref().is_some_and(|it| it.leader_node != 0))
        .count();
    match (&observed.found, failed) {
        (_, Some(failed)) => (false, "Retrying", failed.to_owned()),
        (None, None) if observed.paused => paused(collection),
        (None, None) => (false, "Creating", format!("collection {} is made", name(collection))),
        (Some(_), None) if led < observed.shards.len() => (
            false,
            "ShardsWithoutLeader",
            format!("{led} of {} shards take writes", observed.shards.len()),
        ),
        (Some(_), None) => (true, "Ready", format!("{led} shards serve")),
    }
}

/// Two digits, once there are more than two.
pub fn rounded(figure: u64) -> i64 {
    let mut scale = 1;
    while figure / scale >= EXACT_BELOW {
        scale *= 10;
    }
    i64::try_from(figure / scale * scale).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vane_proto::admin;

    use super::super::observed::Cluster;
    use super::super::plan::{FINALIZER, plan};
    use super::*;

    /// What is said of a collection: status and reason of a condition.
    fn said(observed: &Observed, kind: &str) -> Option<(String, String)> {
        let it = json!({
            "apiVersion": "vanedb.io/v1alpha1", "kind": "Collection",
            "metadata": {"name": "docs", "finalizers": [FINALIZER]},
            "spec": {
                "clusterRef": {"name": "demo"}, "vectors": [{"size": 4, "distance": "Dot"}],
                "aliases": ["latest"], "deletionPolicy": "Delete",
            },
        });
        let collection: Collection = serde_json::from_value(it).expect("it is valid");
        let now = Time(jiff::Timestamp::UNIX_EPOCH);
        let status = status(&collection, observed, &plan(&collection, observed), None, now);
        let condition = status.conditions.into_iter().find(|it| it.type_ == kind)?;
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
            assert_eq!(said(&paused, PROGRESSING), words("False", "Paused"));
            assert_eq!(said(&paused, CREATED), None, "its alias is still to be given");
            let ready = if is_there { words("True", "Ready") } else { words("False", "Paused") };
            assert_eq!(said(&paused, READY), ready);
        }
        assert_eq!(said(&observed(true), CREATED), words("True", "Created"));
    }

    #[test]
    fn one_that_goes_says_what_it_waits_for() {
        let silent = Observed {
            going: true,
            cluster: Cluster::Silent("no answer".into()),
            ..observed(false)
        };
        assert_eq!(said(&silent, PROGRESSING), words("True", "WaitingForDatabase"));
        assert_eq!(said(&silent, READY), words("False", "WaitingForDatabase"));
        let there = Observed { going: true, ..observed(true) };
        assert_eq!(said(&there, PROGRESSING), words("True", "Deleting"));
        assert_eq!(said(&there, CREATED), None, "one that goes takes nothing over");
        let paused = Observed { paused: true, ..silent };
        assert_eq!(said(&paused, PROGRESSING), words("False", "Paused"));
    }

    #[test]
    fn figures_that_grow_by_little_stay_the_same() {
        for (figure, shown) in
            [(0, 0), (99, 99), (100, 100), (109, 100), (1_999, 1_900), (63_436, 63_000)]
        {
            assert_eq!(rounded(figure), shown);
        }
    }
}
