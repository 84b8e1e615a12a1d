#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::json;
use uuid::Uuid;
use vane_crds::VectorCluster;
use vane_crds::cluster::{Retain, Retention, VectorClusterSpec};
use vane_crds::conditions::{SAFE_TO_DISRUPT, condition};
use vane_proto::admin::{Node, Safety};

use super::*;
use crate::cluster::observed::{Pod, Set};
use crate::cluster::standing::{Child, Standing};
use crate::cluster::validate::validate;
use crate::database::{Database, Disk, NoToken, PodState};

const ID: Uuid = Uuid::from_u128(7);

fn cluster(nodes: i32) -> ValidatedCluster {
    let object: VectorCluster = serde_json::from_value(json!({
        "apiVersion": "vanedb.io/v1alpha1", "kind": "VectorCluster",
        "metadata": {"name": "demo", "namespace": "data", "uid": ID},
        "spec": {"nodes": nodes, "version": "0.1.0", "storage": {"size": "10Gi"}},
    }))
    .unwrap();
    validate(&object).unwrap()
}

fn member(id: &str) -> Disk {
    Disk::Member { cluster_id: id.into(), node_id: 1 }
}

/// A cluster with a StatefulSet and these disks.
fn observed(disks: &[Disk]) -> Observed {
    let pods = disks.iter().enumerate().map(|(ordinal, disk)| {
        let name = format!("demo-{ordinal}");
        let (zone, state) = (Some(format!("zone-{ordinal}")), PodState::default());
        let pod = Pod { name, ready: true, zone, disk: disk.clone(), state };
        (i32::try_from(ordinal).unwrap(), pod)
    });
    let replicas = i32::try_from(disks.len()).unwrap();
    let set = Some(Set { replicas, owned: true, size: Some("10Gi".into()), ..Set::default() });
    Observed { set, pods: pods.collect(), ..Observed::default() }
}

/// A database that a majority has spoken for, and that can do without any one node.
fn confirmed() -> Database {
    let safety = vec![Safety { ok: true, ..Safety::default() }];
    Database { confirmed: Some(1), safety, ..Database::default() }
}

fn reasons(plan: &Plan) -> Vec<&'static str> {
    plan.refusals.iter().map(|refusal| refusal.reason).collect()
}

#[test]
fn pods_come_first_and_those_of_retained_volumes_with_them() {
    let empty = Observed::default();
    assert_eq!(plan(&cluster(3), &empty).steps, [Step::CreateSet(3)]);
    let retained = Observed { highest_claim: Some(4), ..empty };
    assert_eq!(plan(&cluster(3), &retained).steps, [Step::CreateSet(5)]);
}

#[test]
fn no_first_pod_is_made_from_what_no_pod_has_and_a_set_that_was_deleted_comes_back() {
    let mut misspelt = cluster(3);
    let affinity = json!({"podAffinities": {}});
    misspelt.spec.pod.affinity = affinity.as_object().cloned();
    let empty = Observed::default();
    let refused = plan(&misspelt, &empty);
    assert_eq!((reasons(&refused), refused.steps), (vec!["InvalidPod"], vec![]));
    let retained = Observed { highest_claim: Some(2), ..empty.clone() };
    let founded = Observed { founded: true, ..empty };
    for there in [retained, founded] {
        assert_eq!(plan(&misspelt, &there).steps, [Step::CreateSet(3)]);
    }
}

#[test]
fn a_database_is_founded_once_every_disk_said_that_it_is_empty() {
    let all = observed(&[Disk::Empty, Disk::Empty, Disk::Empty]);
    assert_eq!(plan(&cluster(3), &all).steps, [Step::Bootstrap(ID)]);
    let silent = observed(&[Disk::Empty, Disk::Empty, Disk::Unreachable("no answer".into())]);
    let waits = plan(&cluster(3), &silent);
    assert_eq!(waits.steps, []);
    assert!(
        matches!(&waits.founding, Founding::Waiting(why) if why.contains("pod 2: no answer")),
        "{waits:?}"
    );
    let mut missing = observed(&[Disk::Empty, Disk::Empty, Disk::Empty]);
    missing.pods.remove(&1);
    assert_eq!(plan(&cluster(3), &missing).steps, []);
}

#[test]
fn one_disk_that_has_a_database_is_enough() {
    for disks in [
        [Disk::Empty, Disk::Empty, member("a")],
        [Disk::Unreachable("x".into()), member("a"), Disk::Empty],
        [member("a"), member("a"), member("a")],
    ] {
        let plan = plan(&cluster(3), &observed(&disks));
        assert_eq!(plan.founding, Founding::Done(Some("a".into())));
        assert_eq!(plan.steps, []);
    }
}

#[test]
fn a_lost_status_founds_no_second_database() {
    let mut all = observed(&[member("a"), Disk::Empty, Disk::Empty]);
    all.founded = false;
    assert_eq!(plan(&cluster(3), &all).steps, []);
}

#[test]
fn lost_volumes_found_no_second_database() {
    let mut all = observed(&[Disk::Empty, Disk::Empty, Disk::Empty]);
    all.founded = true;
    let plan = plan(&cluster(3), &all);
    assert_eq!(plan.steps, []);
    assert_eq!(reasons(&plan), ["VolumesLost"]);
}

#[test]
fn volumes_of_two_databases_are_a_persons_business() {
    let plan = plan(&cluster(3), &observed(&[member("a"), member("b"), Disk::Empty]));
    assert_eq!(
        (plan.steps.as_slice(), reasons(&plan).as_slice()),
        (&[][..], &["TwoDatabases"][..])
    );
}

#[test]
fn more_nodes_come_once_there_is_a_database() {
    let mut founded = observed(&[member("a"), member("a"), member("a")]);
    assert_eq!(plan(&cluster(4), &founded).steps, [Step::ScaleOut(4)]);
    founded.database = Some(Database { confirmed: None, ..confirmed() });
    assert_eq!(plan(&cluster(4), &founded).steps, [], "without a majority");
    founded.database = Some(confirmed());
    assert_eq!(plan(&cluster(4), &founded).steps, [Step::ScaleOut(4)]);
    let empty = observed(&[Disk::Empty, Disk::Empty, Disk::Unreachable("x".into())]);
    assert_eq!(plan(&cluster(4), &empty).steps, []);
}

#[test]
fn the_database_is_told_where_nodes_stand() {
    let mut founded = observed(&[member("a"), member("a"), member("a")]);
    let node = |id: u64, zone: &str| {
        let name = format!("demo-{}", id - 1);
        Node { id, name, zone: zone.into(), ..Node::default() }
    };
    // demo-0 has another disk than it had as node 1.
    let again = Node { id: 4, ..node(1, "zone-0") };
    let nodes = vec![node(1, "zone-8"), node(2, ""), node(3, "zone-9"), again];
    founded.database = Some(Database { nodes, ..confirmed() });
    let zone = |node, ordinal: i32| Step::SetZone {
        node,
        pod: format!("demo-{ordinal}"),
        zone: format!("zone-{ordinal}"),
    };
    assert_eq!(plan(&cluster(3), &founded).steps, [zone(2, 1), zone(3, 2)]);
    founded.database.as_mut().unwrap().confirmed = None;
    assert_eq!(plan(&cluster(3), &founded).steps, [], "by the word of one node");
}

#[test]
fn what_is_not_possible_yet_is_said_and_touches_nothing() {
    let mut founded = observed(&[member("a"), member("a"), member("a")]);
    founded.set.as_mut().unwrap().retention = Some(Retention::default());
    let change = |change: fn(&mut VectorClusterSpec)| {
        let mut cluster = cluster(3);
        change(&mut cluster.spec);
        plan(&cluster, &founded)
    };
    let plan = change(|spec| spec.storage.retention.when_scaled = Retain::Delete);
    assert_eq!(
        (reasons(&plan).as_slice(), plan.steps.as_slice()),
        (&["RetentionNotSupported"][..], &[][..])
    );
    assert_eq!(reasons(&change(|spec| spec.storage.size = "20Gi".into())), Vec::<&str>::new());
}

#[test]
fn a_paused_cluster_is_left_alone() {
    let mut paused = cluster(4);
    paused.spec.paused = true;
    assert_eq!(plan(&paused, &observed(&[member("a"), member("a"), member("a")])).steps, []);
}

#[test]
fn a_token_is_made_while_nobody_has_one_and_never_under_running_nodes() {
    let lacks =
        |observed: Observed, why| Observed { no_token: Some(why), founded: true, ..observed };
    let nothing = Observed::default();
    let made = plan(&cluster(3), &lacks(nothing.clone(), NoToken::Absent));
    assert_eq!(
        (made.steps.as_slice(), made.refusals.len()),
        (&[Step::MakeToken, Step::CreateSet(3)][..], 0)
    );

    let silent = || Disk::Unreachable("nobody can be asked".into());
    let runs = observed(&[silent(), silent(), silent()]);
    let orphans = Observed { set: None, ..runs.clone() };
    for (observed, why) in [
        (runs.clone(), NoToken::Absent),
        (runs, NoToken::Empty),
        (orphans, NoToken::Absent),
        (nothing, NoToken::Empty),
    ] {
        let plan = plan(&cluster(3), &lacks(observed, why));
        assert_eq!((plan.steps.as_slice(), reasons(&plan).as_slice()), (&[][..], &["NoToken"][..]));
    }
}

fn child(standing: Standing) -> Child {
    Child { object: "service demo".into(), standing, version: None }
}

#[test]
fn nothing_is_made_beside_what_belongs_to_others() {
    let foreign = || vec![child(Standing::Foreign("Helm release demo".into()))];
    let empty = Observed { children: foreign(), ..Observed::default() };
    let stuck = plan(&cluster(3), &empty);
    assert_eq!((stuck.steps.as_slice(), stuck.keeps_children), (&[][..], false));
    assert!(matches!(&stuck.founding, Founding::Stuck(why) if why.reason == "NameTaken"));
    assert_eq!(reasons(&stuck), ["NameTaken"], "told once");
    // A database that runs is not stuck: it serves, and only what is asked for waits.
    let disks = [member("a"), member("a"), member("a")];
    let running = Observed { children: foreign(), ..observed(&disks) };
    let refused = plan(&cluster(5), &running);
    assert_eq!((refused.steps.as_slice(), refused.keeps_children), (&[][..], false));
    assert_eq!(refused.founding, Founding::Done(Some("a".into())));
    assert_eq!(reasons(&refused), ["NameTaken"]);
}

#[test]
fn what_a_deleted_cluster_leaves_is_waited_for_or_taken_over() {
    let going = Observed { children: vec![child(Standing::Going)], ..Observed::default() };
    let waits = plan(&cluster(3), &going);
    assert_eq!((waits.steps.as_slice(), waits.keeps_children), (&[][..], false));
    assert!(matches!(&waits.founding, Founding::Waiting(why) if why.contains("service demo")));
    assert_eq!(reasons(&waits), [""; 0]);
    let mut left = observed(&[member("a"), member("a"), member("a")]);
    left.set.as_mut().unwrap().owned = false;
    assert_eq!(plan(&cluster(5), &left).steps, [Step::TakeSet]);
    left.set.as_mut().unwrap().owned = true;
    left.database = Some(confirmed());
    assert_eq!(plan(&cluster(5), &left).steps, [Step::ScaleOut(5)]);
}

#[test]
fn a_node_may_go_after_two_looks_and_none_after_one_that_says_no() {
    let mut founded = observed(&[member("a"), member("a"), member("a")]);
    let mut told = cluster(3);
    assert!(plan(&told, &Observed::default()).may_disrupt, "there is nothing to lose yet");
    assert!(!plan(&told, &founded).may_disrupt, "nobody answers");
    founded.database = Some(confirmed());
    assert!(!plan(&told, &founded).may_disrupt, "the first look");
    let said = condition(SAFE_TO_DISRUPT, true, "Safe", "", None, Time(Timestamp::UNIX_EPOCH));
    told.status.conditions.push(said);
    assert!(plan(&told, &founded).may_disrupt, "the second");
    founded.database.as_mut().unwrap().safety.push(Safety::default());
    assert!(!plan(&told, &founded).may_disrupt);
}
