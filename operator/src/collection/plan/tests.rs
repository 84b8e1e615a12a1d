#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod vectors;

use serde_json::{Value, json};
use vane_proto::admin;

use super::*;
use crate::collection::observed::Cluster;
use crate::collection::validate::validate;

fn collection(change: impl FnOnce(&mut Value)) -> ValidatedCollection {
    let mut object = json!({
        "apiVersion": "vanedb.io/v1alpha1", "kind": "Collection",
        "metadata": {"name": "docs", "namespace": "data", "uid": "k"},
        "spec": {
            "clusterRef": {"name": "demo"}, "shards": 2, "replicationFactor": 3,
            "vectors": [{"size": 4, "distance": "Cosine", "hnsw": {"m": 16}}],
            "payloadIndexes": [{"field": "lang", "type": "Keyword"}], "aliases": ["latest"],
        },
    });
    change(&mut object);
    validate(&serde_json::from_value(object).unwrap()).unwrap()
}

/// The same object while it is being deleted.
fn leaving(collection: ValidatedCollection) -> ValidatedCollection {
    ValidatedCollection { going: true, ..collection }
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
    Observed { cluster, found, ..Observed::default() }
}

#[test]
fn one_that_is_not_there_is_made_and_then_completed() {
    let plan_of = |found| plan(&collection(|_| ()), &observed(found));
    let body = json!({
        "vectors": {"size": 4, "distance": "Cosine", "hnsw_config": {"m": 16}},
        "shard_number": 2, "replication_factor": 3,
    });
    assert_eq!(plan_of(None).steps, [Step::Create(body)]);
    let index = Step::SetIndex { field: "lang".into(), kind: "keyword", tenant: None, text: None };
    assert_eq!(plan_of(Some(found(|_| ()))).steps, [index, Step::AddAlias("latest".into())]);
    let mut whole = found(|_| ());
    whole.payload_indexes.insert("lang".into(), "keyword".into());
    whole.payload_indexes.insert("other".into(), "integer".into());
    whole.aliases.push("latest".into());
    assert_eq!(plan_of(Some(whole)).steps, []);
}

#[test]
fn a_vector_that_shows_nothing_of_its_own_has_what_all_have() {
    let found = found(|config| {
        config["params"]["vectors"]["hnsw_config"] = json!({});
        config["hnsw_config"] = json!({"m": 16, "ef_construct": 100});
    });
    let mut known = observed(Some(found));
    known.was_there = true;
    let declared = collection(|object| object["spec"]["payloadIndexes"] = json!([]));
    assert_eq!(plan(&declared, &known).steps, []);
}

#[test]
fn declared_parameters_win_over_those_that_are_there() {
    let declared = collection(|object| {
        object["spec"]["writeConsistencyFactor"] = 3.into();
        object["spec"]["vectors"][0]["hnsw"] = json!({"m": 32});
        object["spec"]["payloadIndexes"] = json!([]);
    });
    let mut known = observed(Some(found(|_| ())));
    known.was_there = true;
    let body = json!({
        "params": {"write_consistency_factor": 3}, "vectors": {"": {"hnsw_config": {"m": 32}}},
    });
    assert_eq!(plan(&declared, &known).steps, [Step::Update(body)]);
}

#[test]
fn what_searches_find_and_what_is_kept_in_memory_is_brought_to_what_is_declared() {
    let declared = collection(|object| {
        object["spec"]["search"] = json!({"minRecall": 0.97});
        object["spec"]["vectors"][0]["memory"] = "Pinned".into();
        object["spec"]["vectors"][0]["hnsw"] = json!({"memory": "Cold"});
    });
    let body = json!({
        "search": {"min_recall": 0.97},
        "vectors": {"": {"memory": "pinned", "hnsw_config": {"memory": "cold"}}},
    });
    let step = |declared: &ValidatedCollection, there: &Value| {
        let mut known = observed(Some(found(|config| {
            config["search"] = there.clone();
            if !there.is_null() {
                config["params"]["vectors"]["memory"] = "pinned".into();
                config["params"]["vectors"]["hnsw_config"] = json!({"memory": "cold", "m": 16});
            }
        })));
        known.found.as_mut().expect("it is there").payload_indexes =
            [("lang".to_owned(), "keyword".to_owned())].into();
        known.was_there = true;
        plan(declared, &known).steps
    };
    assert_eq!(step(&declared, &Value::Null), [Step::Update(body)]);
    let there = json!({"min_recall": 0.97});
    assert_eq!(step(&declared, &there), []);
    let taken_away = json!({"search": {"min_recall": null}});
    let none = collection(|object| object["spec"]["search"] = json!({}));
    assert_eq!(step(&none, &there), [Step::Update(taken_away)]);
    assert_eq!(step(&collection(|_| ()), &there), [], "what is not spoken of is left alone");
}

#[test]
fn an_index_is_said_to_be_of_tenants_where_that_is_declared() {
    let steps = |tenant: Value, there: Option<&str>| {
        let declared = collection(|object| {
            object["spec"]["payloadIndexes"][0]["tenant"] = tenant;
        });
        let mut known = observed(Some(found(|_| ())));
        let collection = known.found.as_mut().unwrap();
        collection.payload_indexes.insert("lang".into(), "keyword".into());
        collection.tenant_field = there.map(str::to_owned);
        known.was_there = true;
        plan(&declared, &known).steps
    };
    let step = |tenant| {
        let (field, kind, tenant) = ("lang".to_owned(), "keyword", Some(tenant));
        [Step::SetIndex { field, kind, tenant, text: None }]
    };
    assert_eq!(steps(true.into(), None), step(true));
    assert_eq!(steps(true.into(), Some("other")), step(true));
    assert_eq!(steps(true.into(), Some("lang")), []);
    assert_eq!(steps(false.into(), Some("lang")), step(false));
    assert_eq!(steps(Value::Null, Some("lang")), [], "what is not declared is left alone");
}

#[test]
fn an_alias_that_moved_is_not_taken_back() {
    let mut known = observed(Some(found(|_| ())));
    known.was_there = true;
    let steps = plan(&collection(|_| ()), &known).steps;
    assert!(!steps.iter().any(|step| matches!(step, Step::AddAlias(_))), "{steps:?}");
}

#[test]
fn one_by_tenant_is_made_so_and_is_of_its_shape() {
    let declared = collection(|object| object["spec"]["shardingMethod"] = "Custom".into());
    let steps = plan(&declared, &observed(None)).steps;
    let [Step::Create(body)] = &steps[..] else { panic!("{steps:?}") };
    assert_eq!(body["sharding_method"], "custom");
    let there = found(|config| config["params"]["sharding_method"] = "custom".into());
    let verdict = plan(&declared, &observed(Some(there))).verdict;
    assert!(!matches!(verdict, Verdict::Refused(..)), "{verdict:?}");
    let verdict = plan(&declared, &observed(Some(found(|_| ())))).verdict;
    assert!(matches!(verdict, Verdict::Refused("ShapeDiffers", _)), "{verdict:?}");
}

#[test]
fn one_of_another_shape_is_left_alone() {
    for change in [
        (|config: &mut Value| config["params"]["shard_number"] = 3.into()) as fn(&mut Value),
        |config| config["params"]["replication_factor"] = 1.into(),
        |config| config["params"]["vectors"]["size"] = 5.into(),
        |config| config["params"]["sharding_method"] = "custom".into(),
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
        matches!(joining.verdict, Verdict::Waiting("NodesJoining", why) if why.contains("demo-2"))
    );
    assert_eq!(joining.steps, []);
    assert_eq!(reason(Cluster::Absent), "ClusterNotFound");
    assert_eq!(reason(Cluster::Silent("no answer".into())), "ClusterNotReady");
}

#[test]
fn points_go_only_with_an_object_that_says_so() {
    assert_eq!(plan(&deletes(false), &observed(None)).steps[0], Step::Finalizer(true));
    let steps = |collection, cluster, found| {
        plan(&leaving(collection), &Observed { cluster, ..observed(found) }).steps
    };
    let there = Some(found(|_| ()));
    let (delete, let_go) = (Step::Delete("k".into()), Step::Finalizer(false));
    let (both, let_go) = ([delete, let_go.clone()], [let_go]);
    assert_eq!(steps(deletes(true), Cluster::There(3), there.clone()), both);
    assert_eq!(steps(deletes(true), Cluster::There(3), None), let_go);
    assert_eq!(steps(deletes(true), Cluster::Silent("x".into()), None), []);
    assert_eq!(steps(deletes(true), Cluster::Absent, None), let_go);
    assert_eq!(steps(collection(|_| ()), Cluster::There(3), there), []);
}

fn deletes(finalizer: bool) -> ValidatedCollection {
    collection(|object| {
        object["spec"]["deletionPolicy"] = "Delete".into();
        if finalizer {
            object["metadata"]["finalizers"] = json!([FINALIZER]);
        }
    })
}

#[test]
fn points_that_were_never_the_objects_stay() {
    let theirs = || admin::Collection { idempotency_key: "theirs".into(), ..found(|_| ()) };
    let steps = |found, was_there| {
        plan(&leaving(deletes(true)), &Observed { was_there, ..observed(Some(found)) }).steps
    };
    let let_go = [Step::Finalizer(false)];
    // Refused for its shape, also when one of the declared shape was adopted before.
    let other = admin::Collection {
        idempotency_key: "theirs".into(),
        ..found(|config| config["params"]["shard_number"] = 3.into())
    };
    assert_eq!(steps(other.clone(), false), let_go);
    assert_eq!(steps(other, true), let_go);
    // Adopted, which status remembers. Without it the points stay.
    let adopted = [Step::Delete("theirs".into()), Step::Finalizer(false)];
    assert_eq!(steps(theirs(), true), adopted);
    assert_eq!(steps(theirs(), false), let_go);
    // Made by this object, which the database remembers.
    assert_eq!(steps(found(|_| ()), false)[0], Step::Delete("k".into()));
}

#[test]
fn one_that_has_no_points_is_not_kept() {
    let refused = observed(Some(found(|config| config["params"]["shard_number"] = 3.into())));
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
        let plan = plan(&deletes(true), &taken);
        let Plan { steps, verdict: Verdict::Refused("Taken", message) } = plan else {
            panic!("{taken:?}")
        };
        assert!(message.contains("older"), "{message}");
        assert_eq!(steps, [Step::Finalizer(false)]);
        let silent = Cluster::Silent("x".into());
        for cluster in [Cluster::There(3), Cluster::Absent, silent] {
            let going = Observed { cluster, ..taken.clone() };
            let plan = super::plan(&leaving(deletes(true)), &going);
            assert_eq!(plan.steps, [Step::Finalizer(false)]);
        }
    }
}

#[test]
fn a_paused_cluster_keeps_its_collections_as_they_are() {
    let there = || Some(found(|_| ()));
    for (found, collection) in
        [(None, deletes(false)), (there(), deletes(false)), (there(), leaving(deletes(true)))]
    {
        let paused = Observed { paused: true, ..observed(found) };
        assert_eq!(plan(&collection, &paused).steps, []);
        assert_ne!(plan(&collection, &Observed { paused: false, ..paused }).steps, []);
    }
}

#[test]
fn vectors_of_every_kind_are_made_as_they_are_declared() {
    let declared = collection(|object| {
        object["spec"]["vectors"] = json!([
            {"name": "parts", "size": 4, "distance": "Manhattan", "multi": true},
            {"name": "small", "size": 8, "distance": "Dot", "datatype": "Uint8"},
        ]);
        object["spec"]["sparseVectors"] = json!([
            {"name": "words", "modifier": "Idf", "memory": "Cold"}, {"name": "plain"},
        ]);
    });
    let body = json!({
        "vectors": {
            "parts": {"size": 4, "distance": "Manhattan",
                "multivector_config": {"comparator": "max_sim"}},
            "small": {"size": 8, "distance": "Dot", "datatype": "uint8"},
        },
        "sparse_vectors": {"words": {"modifier": "idf", "index": {"memory": "cold"}}, "plain": {}},
        "shard_number": 2, "replication_factor": 3,
    });
    assert_eq!(plan(&declared, &observed(None)).steps, [Step::Create(body.clone())]);
    let there = |change: fn(&mut Value)| {
        let mut known = observed(Some(found(|config| {
            config["params"]["vectors"] = body["vectors"].clone();
            config["params"]["sparse_vectors"] = body["sparse_vectors"].clone();
            change(config);
        })));
        known.found.as_mut().unwrap().payload_indexes = [("lang".into(), "keyword".into())].into();
        known.was_there = true;
        plan(&declared, &known)
    };
    assert_eq!(there(|_| ()).steps, []);
    let without_modifier = |config: &mut Value| {
        config["params"]["sparse_vectors"]["words"] = json!({"index": {"memory": "cold"}});
    };
    let change = json!({"sparse_vectors": {"words": {"modifier": "idf"}}});
    assert_eq!(there(without_modifier).steps, [Step::Update(change)]);
    for (place, value) in [
        ("/params/vectors/parts/multivector_config", Value::Null),
        ("/params/vectors/small/datatype", json!("float16")),
    ] {
        let mut config = json!({"params": {"shard_number": 2, "replication_factor": 3}});
        config["params"]["vectors"] = body["vectors"].clone();
        config["params"]["sparse_vectors"] = body["sparse_vectors"].clone();
        *config.pointer_mut(place).unwrap() = value;
        let known = observed(Some(found(|there| *there = config)));
        let verdict = plan(&declared, &known).verdict;
        assert!(matches!(verdict, Verdict::Refused(..)), "{place}: {verdict:?}");
    }
}

#[test]
fn a_text_index_is_made_again_where_it_takes_texts_apart_otherwise() {
    let declared = collection(|object| {
        object["spec"]["payloadIndexes"] =
            json!([{"field": "body", "type": "Text", "text": {"minTokenLen": 2}}]);
    });
    let wanted = json!({"tokenizer": "word", "min_token_len": 2});
    let steps = |there: Option<&str>| {
        let mut known = observed(Some(found(|_| ())));
        known.was_there = true;
        let found = known.found.as_mut().unwrap();
        found.payload_indexes.insert("body".into(), "text".into());
        found.text_indexes.extend(there.map(|text| ("body".to_owned(), text.to_owned())));
        plan(&declared, &known).steps
    };
    let made = Step::SetIndex {
        field: "body".into(),
        kind: "text",
        tenant: None,
        text: Some(wanted.clone()),
    };
    assert_eq!(steps(Some(r#"{"tokenizer": "word"}"#)), [made]);
    assert_eq!(steps(Some(&wanted.to_string())), []);
    assert_eq!(steps(None), [], "an older node does not say");
}
