#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use vane_proto::admin;

use super::*;

fn collection(change: impl FnOnce(&mut Value)) -> Collection {
    let mut it = json!({
        "apiVersion": "vanedb.io/v1alpha1", "kind": "Collection", "metadata": {"name": "docs"},
        "spec": {
            "clusterRef": {"name": "demo"}, "shards": 2, "replicationFactor": 3,
            "vectors": [{"size": 4, "distance": "Cosine", "hnsw": {"m": 16}}],
            "payloadIndexes": [{"field": "lang", "type": "Keyword"}], "aliases": ["latest"],
        },
    });
    change(&mut it);
    serde_json::from_value(it).unwrap()
}

fn found(change: impl FnOnce(&mut Value)) -> admin::Collection {
    let mut config = json!({"params": {
        "vectors": {"size": 4, "distance": "Cosine", "hnsw_config": {"m": 16}},
        "shard_number": 2, "replication_factor": 3, "write_consistency_factor": 2,
    }});
    change(&mut config);
    admin::Collection {
        name: "docs".into(),
        config: config.to_string(),
        idempotency_key: "k".into(),
        ..Default::default()
    }
}

fn observed(found: Option<admin::Collection>) -> Observed {
    let cluster = Cluster::There(3);
    Observed { cluster, found, key: "k".into(), ..Observed::default() }
}

#[test]
fn one_that_is_not_there_is_made_and_then_completed() {
    let plan_of = |it| plan(&collection(|_| ()), &observed(it));
    let body = json!({
        "vectors": {"size": 4, "distance": "Cosine", "hnsw_config": {"m": 16}}, "shard_number": 2, "replication_factor": 3,
    });
    assert_eq!(plan_of(None).steps, [Step::Create(body)]);
    let index = Step::SetIndex { field: "lang".into(), kind: "keyword" };
    assert_eq!(plan_of(Some(found(|_| ()))).steps, [index, Step::AddAlias("latest".into())]);
    let mut whole = found(|_| ());
    whole.payload_indexes.insert("lang".into(), "keyword".into());
    whole.payload_indexes.insert("other".into(), "integer".into());
    whole.aliases.push("latest".into());
    assert_eq!(plan_of(Some(whole)).steps, []);
}

#[test]
fn declared_parameters_win_over_those_that_are_there() {
    let declared = collection(|it| {
        it["spec"]["writeConsistencyFactor"] = 3.into();
        it["spec"]["vectors"][0]["hnsw"] = json!({"m": 32});
        it["spec"]["payloadIndexes"] = json!([]);
    });
    let mut known = observed(Some(found(|_| ())));
    known.was_there = true;
    let body = json!({"params": {"write_consistency_factor": 3}, "vectors": {"": {"hnsw_config": {"m": 32}}}});
    assert_eq!(plan(&declared, &known).steps, [Step::Update(body)]);
}

#[test]
fn an_alias_that_moved_is_not_taken_back() {
    let mut known = observed(Some(found(|_| ())));
    known.was_there = true;
    let steps = plan(&collection(|_| ()), &known).steps;
    assert!(!steps.iter().any(|it| matches!(it, Step::AddAlias(_))), "{steps:?}");
}

#[test]
fn one_of_another_shape_is_left_alone() {
    for change in [
        (|it: &mut Value| it["params"]["shard_number"] = 3.into()) as fn(&mut Value),
        |it| it["params"]["replication_factor"] = 1.into(),
        |it| it["params"]["vectors"]["size"] = 5.into(),
        |it| it["params"]["vectors"] = json!({"a": {"size": 4, "distance": "Cosine"}}),
    ] {
        let plan = plan(&collection(|_| ()), &observed(Some(found(change))));
        assert!(matches!(plan.verdict, Verdict::Refused("ShapeDiffers", _)), "{plan:?}");
        assert_eq!(plan.steps, []);
    }
}

#[test]
fn one_that_an_application_deleted_is_not_made_again() {
    let gone = Observed { was_there: true, ..observed(None) };
    let plan = plan(&collection(|_| ()), &gone);
    assert!(
        matches!(plan.verdict, Verdict::Refused("Deleted", _)) && plan.steps.is_empty(),
        "{plan:?}"
    );
}

#[test]
fn what_cannot_be_spread_or_asked_for_waits() {
    let reason = |cluster| match plan(&collection(|_| ()), &Observed { cluster, ..observed(None) })
    {
        Plan { verdict: Verdict::Refused(reason, _) | Verdict::Waiting(reason, _), steps }
            if steps.is_empty() =>
        {
            reason
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(reason(Cluster::There(2)), "TooFewNodes");
    let joining =
        Observed { cluster: Cluster::There(2), awaited: Some("demo-2".into()), ..observed(None) };
    let joining = plan(&collection(|_| ()), &joining);
    assert!(
        matches!(joining.verdict, Verdict::Waiting("NodesJoining", it) if it.contains("demo-2"))
    );
    assert_eq!(joining.steps, []);
    assert_eq!(reason(Cluster::Absent), "ClusterNotFound");
    assert_eq!(reason(Cluster::Silent("no answer".into())), "ClusterNotReady");
}

#[test]
fn points_go_only_with_an_object_that_says_so() {
    assert_eq!(plan(&deletes(false), &observed(None)).steps[0], Step::Finalizer(true));
    let going = |cluster, found| Observed { going: true, cluster, ..observed(found) };
    let there = Some(found(|_| ()));
    let delete = [Step::Delete("k".into()), Step::Finalizer(false)];
    assert_eq!(plan(&deletes(true), &going(Cluster::There(3), there.clone())).steps, delete);
    assert_eq!(
        plan(&deletes(true), &going(Cluster::There(3), None)).steps,
        [Step::Finalizer(false)]
    );
    assert_eq!(plan(&deletes(true), &going(Cluster::Silent("x".into()), None)).steps, []);
    assert_eq!(plan(&deletes(true), &going(Cluster::Absent, None)).steps, [Step::Finalizer(false)]);
    assert_eq!(plan(&collection(|_| ()), &going(Cluster::There(3), there)).steps, []);
}

fn deletes(finalizer: bool) -> Collection {
    collection(|it| {
        it["spec"]["deletionPolicy"] = "Delete".into();
        if finalizer {
            it["metadata"]["finalizers"] = json!([FINALIZER]);
        }
    })
}

#[test]
fn points_that_were_never_the_objects_stay() {
    let theirs = || admin::Collection { idempotency_key: "theirs".into(), ..found(|_| ()) };
    let going = |found, was_there| Observed { going: true, was_there, ..observed(Some(found)) };
    let let_go = [Step::Finalizer(false)];
    // Refused for its shape, also when one of the declared shape was adopted before.
    let other = admin::Collection {
        idempotency_key: "theirs".into(),
        ..found(|it| it["params"]["shard_number"] = 3.into())
    };
    assert_eq!(plan(&deletes(true), &going(other.clone(), false)).steps, let_go);
    assert_eq!(plan(&deletes(true), &going(other, true)).steps, let_go);
    // Adopted, which status remembers. Without it the points stay.
    assert_eq!(
        plan(&deletes(true), &going(theirs(), true)).steps,
        [Step::Delete("theirs".into()), Step::Finalizer(false)]
    );
    assert_eq!(plan(&deletes(true), &going(theirs(), false)).steps, let_go);
    // Made by this object, which the database remembers.
    assert_eq!(
        plan(&deletes(true), &going(found(|_| ()), false)).steps[0],
        Step::Delete("k".into())
    );
}

#[test]
fn one_that_has_no_points_is_not_kept() {
    let refused = observed(Some(found(|it| it["params"]["shard_number"] = 3.into())));
    assert_eq!(plan(&deletes(false), &refused).steps, []);
    assert_eq!(plan(&deletes(true), &refused).steps, [Step::Finalizer(false)]);
    let silent =
        |was_there| Observed { cluster: Cluster::Silent("x".into()), was_there, ..observed(None) };
    assert_eq!(plan(&deletes(false), &silent(false)).steps, []);
    assert_eq!(plan(&deletes(false), &silent(true)).steps, [Step::Finalizer(true)]);
    assert_eq!(plan(&deletes(true), &silent(false)).steps, []);
}

#[test]
fn one_that_an_older_object_has_is_touched_by_no_other() {
    for found in [None, Some(found(|_| ()))] {
        let taken = Observed { taken_by: Some("older".into()), was_there: true, ..observed(found) };
        let plan_of = |observed: &Observed| plan(&deletes(true), observed);
        let Plan { steps, verdict: Verdict::Refused("Taken", message) } = plan_of(&taken) else {
            panic!("{taken:?}")
        };
        assert!(message.contains("older"), "{message}");
        assert_eq!(steps, [Step::Finalizer(false)]);
        let silent = Cluster::Silent("x".into());
        for cluster in [Cluster::There(3), Cluster::Absent, silent] {
            let going = Observed { going: true, cluster, ..taken.clone() };
            assert_eq!(plan_of(&going).steps, [Step::Finalizer(false)]);
        }
    }
}

#[test]
fn a_paused_cluster_keeps_its_collections_as_they_are() {
    for (found, going) in [(None, false), (Some(found(|_| ())), false), (Some(found(|_| ())), true)]
    {
        let paused = Observed { paused: true, going, ..observed(found) };
        assert_eq!(plan(&deletes(going), &paused).steps, []);
        assert_ne!(plan(&deletes(going), &Observed { paused: false, ..paused }).steps, []);
    }
}
