//! What is said about a cluster, from what was planned and seen. Pure.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use vane_crds::cluster::{BalanceStatus, LeavingStatus, Member, VectorClusterStatus};
use vane_crds::conditions::{
    ACCEPTED, BALANCED, FOUNDED, PROGRESSING, READY, SAFE_TO_DISRUPT, UPDATED, VOLUMES_HEALTHY,
    is_true,
};
use vane_proto::admin;
use vane_proto::admin::balance::Standing;

use super::observed::Observed;
use super::plan::{Founding, Leaving, Plan, Refusal, Stand, largest_volume};
use super::updated;
use super::validate::ValidatedCluster;
use super::volumes;
use crate::database::Database;
use crate::error::ApplyError;
use crate::names;
use crate::status::{Finding, rounded};

/// Problems of the database that are told in one message.
const PROBLEMS_MAX: usize = 3;

/// The status after a pass. `failed` is the change that did not succeed, if one did not.
pub(crate) fn status(
    cluster: &ValidatedCluster,
    observed: &Observed,
    plan: &Plan,
    failed: Option<&ApplyError>,
    now: &Time,
) -> VectorClusterStatus {
    let mut status = cluster.status.clone();
    status.observed_generation = cluster.generation;
    status.nodes = observed.set.as_ref().map(|set| set.replicas);
    status.ready_nodes = Some(count(observed.ready_pods()));
    status.selector = Some(names::selector(&cluster.name));
    // Disks that are silent now take no id away that was known.
    if let Founding::Done(Some(id)) = &plan.founding {
        status.cluster_id = Some(id.clone());
    }
    // Where no node answers, the figures stay: they are the last that were known.
    if let Some(database) = &observed.database {
        status.collections = Some(count(database.cluster.collections as usize));
        status.shards = Some(count(database.cluster.shards as usize));
        status.members = members(cluster, observed, database);
        status.settings = database.cluster.settings.clone().into_iter().collect();
        // A node of an older version does not say.
        status.feature_level = Some(database.cluster.feature_level)
            .filter(|level| *level > 0)
            .map(|level| count(level as usize));
    }
    // While the claims cannot be seen it is what it was.
    status.volume_size = largest_volume(observed).or(status.volume_size);
    status.leaving = plan.leaving.as_ref().map(leaving);
    status.stranded = plan.stranded.iter().map(|pod| pod.status.clone()).collect();
    status.draining = plan.drains.iter().map(|drain| drain.status.clone()).collect();
    status.update = updated::figures(cluster, observed, plan.roll.as_ref(), now);
    for (kind, finding) in [
        (ACCEPTED, accepted(&plan.refusals)),
        (FOUNDED, founded(observed, plan)),
        (PROGRESSING, progressing(cluster, plan, failed)),
        (READY, ready(cluster, observed, plan)),
        (SAFE_TO_DISRUPT, safe_to_disrupt(observed, plan)),
        (UPDATED, updated::updated(cluster, observed, plan.roll.as_ref())),
    ] {
        finding.write(kind, &mut status.conditions, cluster.generation, now);
    }
    // Only where the database's version says: of others nothing is known.
    let balance = observed.database.as_ref().and_then(|database| database.balance.as_ref());
    if let Some(balance) = balance {
        status.balance = Some(balance_figures(balance));
        let finding = balanced(balance);
        finding.write(BALANCED, &mut status.conditions, cluster.generation, now);
    }
    // What one node says by itself is no news of any disk.
    if let Some(finding) = volumes::healthy(cluster, observed, plan) {
        finding.write(VOLUMES_HEALTHY, &mut status.conditions, cluster.generation, now);
    }
    status
}

fn leaving(leaving: &Leaving) -> LeavingStatus {
    LeavingStatus {
        pod: leaving.pod.clone(),
        node_id: leaving.node.and_then(|node| i64::try_from(node).ok()),
        shards_left: count(leaving.shards),
        bytes_left: rounded(leaving.bytes),
        waits_for: leaving.waits_for.clone(),
    }
}

/// Whether status remembers that the database was founded.
pub(super) fn remembers_founding(status: &VectorClusterStatus) -> bool {
    is_true(&status.conditions, FOUNDED)
}

fn accepted(refusals: &[Refusal]) -> Finding {
    match refusals {
        [] => Finding::yes("Accepted", "everything that the spec asks for is possible"),
        [first, ..] => {
            // A condition has one reason; the messages are all told.
            let messages: Vec<&str> =
                refusals.iter().map(|refusal| refusal.message.as_str()).collect();
            Finding::no(first.reason, messages.join("; "))
        }
    }
}

fn founded(observed: &Observed, plan: &Plan) -> Finding {
    match &plan.founding {
        // Never `False` again: a database whose disks are silent now was founded all the same.
        _ if observed.founded => Finding::yes("Founded", "the database was founded, once"),
        Founding::Done(_) => Finding::yes("Founded", "the database was founded, once"),
        Founding::Stuck(refusal) => Finding::no(refusal.reason, &*refusal.message),
        Founding::Waiting(why) => Finding::no("Founding", why),
    }
}

fn progressing(cluster: &ValidatedCluster, plan: &Plan, failed: Option<&ApplyError>) -> Finding {
    // Before the pause: what is told of a paused cluster can fail as well.
    if let Some(failed) = failed {
        return Finding::yes("Retrying", failed.to_string());
    }
    if cluster.spec.paused {
        return Finding::no("Paused", "spec.paused is set: nothing is changed");
    }
    if let Some(lost) = plan.lost.iter().find(|lost| lost.is_given_up) {
        let what = format!(
            "node {} takes the place of node {}, whose disk {} lost: {}",
            lost.new, lost.old, lost.pod, lost.waits_for
        );
        return Finding::yes("Replacing", what);
    }
    if let Some(leaving) = &plan.leaving {
        let what = format!(
            "{} goes; it has copies of {} shards: {}",
            leaving.pod, leaving.shards, leaving.waits_for
        );
        return Finding::yes("ScalingIn", what);
    }
    let stand = plan.roll.as_ref().map(|roll| &roll.stand);
    match (plan.steps.first(), &plan.founding) {
        (Some(step), _) => Finding::yes(step.reason(), step.to_string()),
        (None, Founding::Waiting(why)) => Finding::yes("Founding", why),
        (None, Founding::Done(_)) if let Some(Stand::Rolling(what)) = stand => {
            Finding::yes("Rolling", what)
        }
        (None, Founding::Done(_) | Founding::Stuck(_)) => {
            Finding::no("Settled", "nothing is under way")
        }
    }
}

/// Whether any one node may go.
fn safe_to_disrupt(observed: &Observed, plan: &Plan) -> Finding {
    if let Founding::Waiting(_) | Founding::Stuck(_) = &plan.founding {
        return Finding::no("Founding", "there is no database yet that could be asked");
    }
    let database = observed.database.as_ref().filter(|_| observed.is_confirmed());
    let Some(database) = database else {
        return Finding::no("Unknown", "no majority of the database says so: no node may go");
    };
    let harmful: Vec<&admin::Safety> = database.safety.iter().filter(|it| !it.ok).collect();
    let Some(first) = harmful.first() else {
        let pauses = database.safety.iter().map(|safety| safety.pauses).max().unwrap_or_default();
        let message = match pauses {
            0 => "any one node may go, and everything goes on".to_owned(),
            pauses => format!(
                "any one node may go; up to {pauses} groups with one or two copies stand still \
                 until it is back, and lose nothing"
            ),
        };
        return Finding::yes("Safe", message);
    };
    let names = harmful.iter().flat_map(|safety| &safety.without);
    let names: Vec<String> = names.map(|id| database.name_of(*id)).collect();
    let why = first.why.first().map(String::as_str).unwrap_or_default();
    Finding::no("CopiesMissing", format!("without {}, {why}", names.join(" or ")))
}

fn balance_figures(balance: &admin::Balance) -> BalanceStatus {
    BalanceStatus {
        worst_percent: i32::try_from(balance.worst_percent).unwrap_or(i32::MAX),
        moves: i32::try_from(balance.moves).unwrap_or(i32::MAX),
    }
}

/// Whether the nodes carry alike, in the database's words.
fn balanced(balance: &admin::Balance) -> Finding {
    let message = &*balance.message;
    match balance.standing() {
        Standing::Balanced => Finding::yes("Balanced", message),
        Standing::Moving => Finding::no("Moving", message),
        Standing::Resting => Finding::no("Resting", message),
        Standing::OffByPolicy => Finding::no("OffByPolicy", message),
        Standing::Pinned => Finding::no("Pinned", message),
        Standing::NoRoom => Finding::no("NoRoom", message),
        // Another version may know more reasons.
        Standing::Waiting | Standing::Unspecified => Finding::no("Waiting", message),
    }
}

fn ready(cluster: &ValidatedCluster, observed: &Observed, plan: &Plan) -> Finding {
    match &plan.founding {
        Founding::Stuck(refusal) => return Finding::no(refusal.reason, &*refusal.message),
        Founding::Waiting(why) => return Finding::no("Founding", why),
        Founding::Done(_) => {}
    }
    let Some(database) = &observed.database else {
        return Finding::no("Unreachable", "no node of the database answers the operator");
    };
    if database.confirmed.is_none() {
        return Finding::no(
            "NoQuorum",
            "no majority of the nodes that vote in the meta group answers: what is shown is one \
             node's own view, and nothing is changed",
        );
    }
    // Of a set that is larger than the spec asks for all pods count, but for one whose node is
    // no member any more.
    let has_left = plan.leaving.as_ref().is_some_and(|leaving| leaving.node.is_none());
    let running = observed.set.as_ref().map_or(0, |set| set.replicas) - i32::from(has_left);
    let (wanted, ready) = (running.max(cluster.spec.nodes), count(observed.ready_pods()));
    if ready < wanted {
        return Finding::no("NodesNotReady", format!("{ready} of {wanted} nodes serve"));
    }
    let mut problems: Vec<String> =
        database.replaced().into_iter().map(|(old, new)| replaced(old, new)).collect();
    problems.extend(database.cluster.problems.iter().cloned());
    match (database.cluster.shards_without_leader, problems.is_empty()) {
        (0, true) => Finding::yes("Ready", format!("{ready} nodes serve")),
        // Every shard takes writes: that is what clients wait for.
        (0, false) => Finding::yes("Degraded", format!("{ready} nodes serve; {}", told(&problems))),
        (without, _) => Finding::no(
            "ShardsWithoutLeader",
            format!("{without} shards take no writes: {}", told(&problems)),
        ),
    }
}

fn replaced(old: &admin::Node, new: &admin::Node) -> String {
    format!(
        "{} came with an empty disk: it was node {} and is node {} now, and copies that were on \
         the old disk are not made again yet",
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

fn members(cluster: &ValidatedCluster, observed: &Observed, database: &Database) -> Vec<Member> {
    let volume = |node: &admin::Node| observed.claim_of(cluster, node);
    let mut members: Vec<Member> =
        database.nodes.iter().map(|node| member(node, volume(node))).collect();
    // In one order, so that a status that says the same is the same.
    members.sort_by_key(|member| member.node_id);
    members
}

fn member(node: &admin::Node, volume: Option<String>) -> Member {
    Member {
        name: node.name.clone(),
        node_id: i64::try_from(node.id).unwrap_or(i64::MAX),
        zone: node.zone.clone(),
        version: node.version.clone(),
        alive: node.alive,
        meta_voter: node.meta_voter,
        volume,
    }
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;
    use vane_crds::VectorCluster;

    use super::*;
    use crate::cluster::observed::{Pod, Set};
    use crate::cluster::plan::plan;
    use crate::cluster::validate::validate;
    use crate::database::{Disk, PodState};
    use crate::status::unread;

    fn at(second: i64) -> Time {
        Time(jiff::Timestamp::from_second(second).expect("it is in range"))
    }

    fn cluster() -> ValidatedCluster {
        let object: VectorCluster = serde_json::from_value(json!({
            "apiVersion": "vanedb.io/v1alpha1", "kind": "VectorCluster",
            "metadata": {"name": "demo", "namespace": "data", "uid": Uuid::nil(), "generation": 2},
            "spec": {"nodes": 1, "version": "0.1.0", "storage": {"size": "10Gi"}},
        }))
        .expect("the object is valid");
        validate(&object).expect("the object has what the API server gives each")
    }

    /// The status after a pass in which every change succeeded.
    fn status_at(
        second: i64,
        cluster: &ValidatedCluster,
        observed: &Observed,
    ) -> VectorClusterStatus {
        status(cluster, observed, &plan(cluster, observed), None, &at(second))
    }

    fn observed(ready: bool, problems: &[&str]) -> Observed {
        let disk = Disk::Member { cluster_id: "a".into(), node_id: 1 };
        let state = PodState::default();
        let pod = Pod { name: "demo-0".into(), ready, zone: None, disk, state };
        let problems = problems.iter().map(|text| (*text).to_owned()).collect();
        let cluster = admin::Cluster { problems, ..admin::Cluster::default() };
        let safety = vec![admin::Safety { ok: true, ..admin::Safety::default() }];
        Observed {
            set: Some(Set { replicas: 1, owned: true, ..Set::default() }),
            pods: [(0, pod)].into(),
            database: Some(Database { cluster, confirmed: Some(1), safety, ..Database::default() }),
            ..Observed::default()
        }
    }

    fn summary(cluster: &ValidatedCluster, observed: &Observed) -> (String, String) {
        let status = status_at(1, cluster, observed);
        let ready = status
            .conditions
            .iter()
            .find(|condition| condition.type_ == READY)
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
        let mut alone = observed(true, &[]);
        alone.database.as_mut().expect("it is there").confirmed = None;
        assert_eq!(summary(&cluster(), &alone), told("False", "NoQuorum"));
    }

    #[test]
    fn whether_a_node_may_go_is_said_with_what_speaks_against_it() {
        let said = |verdicts: Vec<admin::Safety>, confirmed: Option<u64>| {
            let mut observed = observed(true, &[]);
            let database = observed.database.as_mut().expect("it is there");
            (database.safety, database.confirmed) = (verdicts, confirmed);
            let node = |id: u64| admin::Node {
                id,
                name: format!("demo-{}", id - 1),
                ..admin::Node::default()
            };
            database.nodes = vec![node(1), node(2)];
            let status = status_at(1, &cluster(), &observed);
            let mut found = status.conditions.into_iter();
            let found = found.find(|it| it.type_ == SAFE_TO_DISRUPT).expect("it is there");
            format!("{} {} {}", found.status, found.reason, found.message)
        };
        let verdict = |id: u64, ok: bool, pauses: u32| {
            let why = if ok { Vec::new() } else { vec!["shard 0: no leader answers".to_owned()] };
            admin::Safety { without: vec![id], ok, pauses, why, ..admin::Safety::default() }
        };
        let pauses = said(vec![verdict(1, true, 0), verdict(2, true, 3)], Some(1));
        assert!(pauses.starts_with("True Safe any one node may go; up to 3 groups"), "{pauses}");
        assert_eq!(
            said(vec![verdict(1, false, 0), verdict(2, false, 0)], Some(1)),
            "False CopiesMissing without demo-0 or demo-1, shard 0: no leader answers"
        );
        assert!(said(vec![verdict(1, true, 0)], None).starts_with("False Unknown"));
    }

    #[test]
    fn what_cannot_be_read_is_said_and_the_summary_stays() {
        let (mut cluster, observed) = (cluster(), observed(true, &[]));
        let word = |status: &VectorClusterStatus, kind: &str| {
            let condition =
                status.conditions.iter().find(|found| found.type_ == kind).expect("it is there");
            format!("{} {} {}", condition.status, condition.reason, condition.message)
        };
        let unread = |cluster: &ValidatedCluster, second| {
            let why = "failed to list the pods";
            unread(cluster.status.clone(), cluster.generation, why, &at(second))
        };
        let first = unread(&cluster, 1);
        for (kind, said) in [(PROGRESSING, "True"), (READY, "False")] {
            assert_eq!(word(&first, kind), format!("{said} Retrying failed to list the pods"));
        }
        cluster.status = status_at(1, &cluster, &observed);
        let later = unread(&cluster, 2);
        assert_eq!(word(&later, PROGRESSING), "True Retrying failed to list the pods");
        assert_eq!(word(&later, READY), "True Ready 1 nodes serve");
    }

    #[test]
    fn an_empty_disk_under_an_old_name_is_a_node_of_its_own() {
        let mut observed = observed(true, &["node 1 does not answer"]);
        let node = |id: u64| admin::Node { id, name: "demo-0".into(), ..admin::Node::default() };
        observed.database.as_mut().expect("it is there").nodes = vec![node(1), node(2)];
        let status = status_at(1, &cluster(), &observed);
        let numbers: Vec<i64> = status.members.iter().map(|member| member.node_id).collect();
        assert_eq!(
            numbers,
            [1, 2],
            "the key of the list, by which the API server tells them apart"
        );
        let ready =
            status.conditions.iter().find(|found| found.type_ == READY).expect("it is there");
        assert_eq!((ready.status.as_str(), ready.reason.as_str()), ("True", "Degraded"));
        assert!(
            ready.message.contains("demo-0 came with an empty disk: it was node 1 and is node 2"),
            "{ready:?}"
        );
    }

    #[test]
    fn a_status_that_says_the_same_is_the_same() {
        let (mut cluster, observed) = (cluster(), observed(true, &[]));
        let first = status_at(1, &cluster, &observed);
        cluster.status = first.clone();
        let observed = Observed { founded: remembers_founding(&cluster.status), ..observed };
        let second = status_at(99, &cluster, &observed);
        assert_eq!(first, second);
    }
}
