//! What is said about a cluster, from what was planned and seen. Pure.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use vane_crds::VectorCluster;
use vane_crds::cluster::{Member, VectorClusterStatus};
use vane_crds::conditions::{ACCEPTED, FOUNDED, PROGRESSING, READY, condition, is_true, set};
use vane_proto::admin;

use super::observed::Observed;
use super::plan::{Founding, Plan, Refusal};
use crate::names;

/// Problems of the database that are told in one message.
const PROBLEMS_MAX: usize = 3;

/// The status after a pass. `failed` is the step that did not succeed, if one did not.
pub fn status(
    cluster: &VectorCluster,
    observed: &Observed,
    plan: &Plan,
    failed: Option<&str>,
    now: Time,
) -> VectorClusterStatus {
    let mut status = cluster.status.clone().unwrap_or_default();
    let name = cluster.metadata.name.as_deref().unwrap_or_default();
    status.observed_generation = cluster.metadata.generation;
    status.nodes = observed.set.as_ref().map(|it| it.replicas);
    status.ready_nodes = Some(count(observed.pods.values().filter(|it| it.ready).count()));
    status.selector = Some(names::selector(name));
    if let Founding::Done(Some(id)) = &plan.founding {
        status.cluster_id = Some(id.clone());
    }
    if let Some(database) = &observed.database {
        status.collections = Some(count(database.cluster.collections as usize));
        status.shards = Some(count(database.cluster.shards as usize));
        status.members = members(observed);
    }
    let founded = observed.founded || matches!(plan.founding, Founding::Done(_));
    let mut say = |kind: &str, (holds, reason, message): (bool, &str, String)| {
        let generation = cluster.metadata.generation;
        set(
            &mut status.conditions,
            condition(kind, holds, reason, message, generation, now.clone()),
        );
    };
    say(ACCEPTED, accepted(&plan.refusals));
    say(FOUNDED, self::founded(founded, plan));
    say(PROGRESSING, progressing(cluster, plan, failed));
    say(READY, ready(cluster, observed, plan));
    status
}

/// The status after a pass in which not everything could be read: what was said before, and
/// why there is nothing new.
pub fn unread(cluster: &VectorCluster, why: &str, now: Time) -> VectorClusterStatus {
    let mut status = cluster.status.clone().unwrap_or_default();
    retrying(&mut status.conditions, cluster.metadata.generation, why, &now);
    status
}

/// Says why nothing new is known. The summary stays as it was; it is there from the first pass.
pub(crate) fn retrying(
    conditions: &mut Vec<Condition>,
    generation: Option<i64>,
    why: &str,
    now: &Time,
) {
    let said =
        |kind| condition(kind, kind == PROGRESSING, "Retrying", why, generation, now.clone());
    set(conditions, said(PROGRESSING));
    if conditions.iter().all(|it| it.type_ != READY) {
        set(conditions, said(READY));
    }
}

type Said = (bool, &'static str, String);

fn accepted(refusals: &[Refusal]) -> Said {
    match refusals {
        [] => (true, "Accepted", "everything that the spec asks for is possible".into()),
        [first, ..] => {
            let messages: Vec<&str> = refusals.iter().map(|it| it.message.as_str()).collect();
            (false, first.reason, messages.join("; "))
        }
    }
}

fn founded(founded: bool, plan: &Plan) -> Said {
    match &plan.founding {
        _ if founded => (true, "Founded", "the database was founded, once".into()),
        Founding::Stuck(refusal) => (false, refusal.reason, refusal.message.clone()),
        Founding::Waiting(why) => (false, "Founding", why.clone()),
        Founding::Done(_) => (true, "Founded", "the database was founded, once".into()),
    }
}

fn progressing(cluster: &VectorCluster, plan: &Plan, failed: Option<&str>) -> Said {
    if let Some(failed) = failed {
        return (true, "Retrying", failed.to_owned());
    }
    if cluster.spec.paused {
        return (false, "Paused", "spec.paused is set: nothing is changed".into());
    }
    match (plan.steps.first(), &plan.founding) {
        (Some(step), _) => (true, step.reason(), step.to_string()),
        (None, Founding::Waiting(why)) => (true, "Founding", why.clone()),
        _ => (false, "Settled", "nothing is under way".into()),
    }
}

fn ready(cluster: &VectorCluster, observed: &Observed, plan: &Plan) -> Said {
    let wanted =
        observed.set.as_ref().map_or(cluster.spec.nodes, |it| it.replicas.max(cluster.spec.nodes));
    let ready = count(observed.pods.values().filter(|it| it.ready).count());
    match &plan.founding {
        Founding::Stuck(refusal) => return (false, refusal.reason, refusal.message.clone()),
        Founding::Waiting(why) => return (false, "Founding", why.clone()),
        Founding::Done(_) => {}
    }
    let Some(database) = &observed.database else {
        return (false, "Unreachable", "no node of the database answers the operator".into());
    };
    let mut problems: Vec<String> = database.replaced().into_iter().map(replaced).collect();
    problems.extend(database.cluster.problems.iter().cloned());
    if ready < wanted {
        return (false, "NodesNotReady", format!("{ready} of {wanted} nodes serve"));
    }
    if database.cluster.shards_without_leader > 0 {
        let without = database.cluster.shards_without_leader;
        return (
            false,
            "ShardsWithoutLeader",
            format!("{without} shards take no writes: {}", told(&problems)),
        );
    }
    if !problems.is_empty() {
        return (true, "Degraded", format!("{ready} nodes serve; {}", told(&problems)));
    }
    (true, "Ready", format!("{ready} nodes serve"))
}

fn replaced((old, new): (&admin::Node, &admin::Node)) -> String {
    format!(
        "{} came with an empty disk: it was node {} and is node {} now, and copies that were on the old disk are not \
         made again yet",
        new.name, old.id, new.id
    )
}

/// The first few; the database lists them all.
fn told(problems: &[String]) -> String {
    let first: Vec<&str> = problems.iter().take(PROBLEMS_MAX).map(String::as_str).collect();
    match problems.len().saturating_sub(PROBLEMS_MAX) {
        0 => first.join("; "),
        more => format!("{}; and {more} more", first.join("; ")),
    }
}

fn members(observed: &Observed) -> Vec<Member> {
    let nodes = observed.database.iter().flat_map(|it| &it.nodes);
    let mut members: Vec<Member> = nodes
        .map(|it| Member {
            name: it.name.clone(),
            node_id: i64::try_from(it.id).unwrap_or(i64::MAX),
            zone: it.zone.clone(),
            version: it.version.clone(),
            alive: it.alive,
            meta_voter: it.meta_voter,
        })
        .collect();
    members.sort_by_key(|it| it.node_id);
    members
}

fn count(it: usize) -> i32 {
    i32::try_from(it).unwrap_or(i32::MAX)
}

/// Whether status remembers that the database was founded.
pub fn remembers_founding(cluster: &VectorCluster) -> bool {
    cluster.status.as_ref().is_some_and(|it| is_true(&it.conditions, FOUNDED))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::observed::{Pod, Set};
    use crate::cluster::plan::plan;
    use crate::database::{Database, Disk};

    fn at(second: i64) -> Time {
        Time(jiff::Timestamp::from_second(second).expect("it is in range"))
    }

    fn cluster() -> VectorCluster {
        let it = json!({
            "apiVersion": "vanedb.io/v1alpha1", "kind": "VectorCluster",
            "metadata": {"name": "demo", "generation": 2},
            "spec": {"nodes": 1, "version": "0.1.0", "storage": {"size": "10Gi"}},
        });
        serde_json::from_value(it).expect("it is valid")
    }

    fn observed(ready: bool, problems: &[&str]) -> Observed {
        let disk = Disk::Member { cluster_id: "a".into() };
        let pod = Pod { name: "demo-0".into(), ready, zone: None, disk };
        let problems = problems.iter().map(|it| (*it).to_owned()).collect();
        let cluster = admin::Cluster { problems, ..admin::Cluster::default() };
        Observed {
            set: Some(Set { replicas: 1, template: None, size: None }),
            pods: [(0, pod)].into(),
            database: Some(Database { cluster, ..Database::default() }),
            ..Observed::default()
        }
    }

    fn summary(cluster: &VectorCluster, observed: &Observed) -> (String, String) {
        let status = status(cluster, observed, &plan(cluster, observed), None, at(1));
        let ready = status
            .conditions
            .iter()
            .find(|it| it.type_ == READY)
            .expect("it is there from the first pass");
        assert_eq!(ready.observed_generation, Some(2));
        (ready.status.clone(), ready.reason.clone())
    }

    #[test]
    fn the_summary_says_what_is_missing() {
        let told = |status: &str, reason: &str| (status.to_owned(), reason.to_owned());
        assert_eq!(summary(&cluster(), &Observed::default()), told("False", "Founding"));
        assert_eq!(summary(&cluster(), &observed(false, &[])), told("False", "NodesNotReady"));
        assert_eq!(
            summary(&cluster(), &observed(true, &["node 3 is away"])),
            told("True", "Degraded")
        );
        assert_eq!(summary(&cluster(), &observed(true, &[])), told("True", "Ready"));
        let silent = Observed { database: None, ..observed(true, &[]) };
        assert_eq!(summary(&cluster(), &silent), told("False", "Unreachable"));
    }

    #[test]
    fn what_cannot_be_read_is_said_and_the_summary_stays() {
        let (mut cluster, observed) = (cluster(), observed(true, &[]));
        let word = |status: &VectorClusterStatus, kind: &str| {
            let condition =
                status.conditions.iter().find(|it| it.type_ == kind).expect("it is there");
            format!("{} {} {}", condition.status, condition.reason, condition.message)
        };
        let first = unread(&cluster, "failed to list the pods", at(1));
        for (kind, said) in [(PROGRESSING, "True"), (READY, "False")] {
            assert_eq!(word(&first, kind), format!("{said} Retrying failed to list the pods"));
        }
        cluster.status = Some(status(&cluster, &observed, &plan(&cluster, &observed), None, at(1)));
        let later = unread(&cluster, "failed to list the pods", at(2));
        assert_eq!(word(&later, PROGRESSING), "True Retrying failed to list the pods");
        assert_eq!(word(&later, READY), "True Ready 1 nodes serve");
    }

    #[test]
    fn an_empty_disk_under_an_old_name_is_a_node_of_its_own() {
        let mut observed = observed(true, &["node 1 does not answer"]);
        let node = |id: u64| admin::Node { id, name: "demo-0".into(), ..admin::Node::default() };
        observed.database.as_mut().expect("it is there").nodes = vec![node(1), node(2)];
        let status = status(&cluster(), &observed, &plan(&cluster(), &observed), None, at(1));
        let numbers: Vec<i64> = status.members.iter().map(|it| it.node_id).collect();
        assert_eq!(
            numbers,
            [1, 2],
            "the key of the list, by which the API server tells them apart"
        );
        let ready = status.conditions.iter().find(|it| it.type_ == READY).expect("it is there");
        assert_eq!((ready.status.as_str(), ready.reason.as_str()), ("True", "Degraded"));
        assert!(
            ready.message.contains("demo-0 came with an empty disk: it was node 1 and is node 2"),
            "{ready:?}"
        );
    }

    #[test]
    fn a_status_that_says_the_same_is_the_same() {
        let (mut cluster, observed) = (cluster(), observed(true, &[]));
        let first = status(&cluster, &observed, &plan(&cluster, &observed), None, at(1));
        cluster.status = Some(first.clone());
        let observed = Observed { founded: remembers_founding(&cluster), ..observed };
        let second = status(&cluster, &observed, &plan(&cluster, &observed), None, at(99));
        assert_eq!(first, second);
    }
}
