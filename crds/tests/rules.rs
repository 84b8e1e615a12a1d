//! The rules of the API, without an API server: kube evaluates the same CEL.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use vane_crds::{Collection, ShardPlacement, VectorCluster};

fn cluster(change: impl FnOnce(&mut Value)) -> VectorCluster {
    let mut object = json!({
        "apiVersion": "vanedb.io/v1alpha1", "kind": "VectorCluster", "metadata": {"name": "demo"},
        "spec": {"nodes": 3, "version": "0.1.0", "storage": {"size": "10Gi", "className": "fast"}},
    });
    change(&mut object);
    serde_json::from_value(object).unwrap()
}

fn collection(change: impl FnOnce(&mut Value)) -> Collection {
    let mut object = json!({
        "apiVersion": "vanedb.io/v1alpha1", "kind": "Collection", "metadata": {"name": "docs"},
        "spec": {
            "clusterRef": {"name": "demo"}, "shards": 3, "replicationFactor": 3,
            "vectors": [
                {"name": "a", "size": 4, "distance": "Cosine"},
                {"name": "b", "size": 8, "distance": "Dot"},
            ],
        },
    });
    change(&mut object);
    serde_json::from_value(object).unwrap()
}

/// Fails unless the rules refuse it, with this word in the message.
#[track_caller]
fn refused<E: std::fmt::Debug>(outcome: Result<(), E>, word: &str) {
    let text = format!("{:?}", outcome.expect_err("it was accepted"));
    assert!(text.contains(word), "{word:?} is not in {text}");
}

#[test]
fn names_are_those_that_pods_and_services_can_have() {
    cluster(|_| ()).validate_cel().unwrap();
    refused(
        cluster(|object| object["metadata"]["name"] = "a".repeat(41).into()).validate_cel(),
        "40",
    );
    refused(cluster(|object| object["metadata"]["name"] = "1a".into()).validate_cel(), "letter");
    refused(cluster(|object| object["metadata"]["name"] = "a.b".into()).validate_cel(), "letter");
}

#[test]
fn what_the_operator_writes_on_pods_is_not_asked_for() {
    let with = |pod: Value| cluster(|object| object["spec"]["pod"] = pod).validate_cel();
    with(json!({"labels": {"team": "search"}, "annotations": {"team": "search"}})).unwrap();
    for label in ["vanedb.io/cluster", "app.kubernetes.io/name", "app.kubernetes.io/part-of"] {
        refused(with(json!({"labels": {label: "x"}})), "itself");
    }
    refused(with(json!({"annotations": {"vanedb.io/recipe": "x"}})), "itself");
}

#[test]
fn nobody_is_published_to_the_world_by_one_word() {
    let with =
        |service: Value| cluster(|object| object["spec"]["service"] = service).validate_cel();
    with(json!({})).unwrap();
    with(json!({"type": "LoadBalancer", "sourceRanges": ["0.0.0.0/0"]})).unwrap();
    with(json!({"type": "NodePort", "externalTrafficPolicy": "Local"})).unwrap();
    for ranges in [json!({}), json!({"sourceRanges": []})] {
        let mut service = ranges;
        service["type"] = "LoadBalancer".into();
        refused(with(service), "from where clients come");
    }
    refused(with(json!({"sourceRanges": ["10.0.0.0/8"]})), "of a LoadBalancer");
    refused(with(json!({"externalTrafficPolicy": "Local"})), "of a NodePort");
}

#[test]
fn volumes_never_shrink_and_keep_their_class() {
    let old = cluster(|object| object["status"] = json!({"volumeSize": "10Gi"}));
    let with = |size: Value| cluster(|object| object["spec"]["storage"]["size"] = size);
    with("20Gi".into()).validate_cel_update(&old).unwrap();
    with("10240Mi".into()).validate_cel_update(&old).unwrap();
    // While nothing is known to have grown a size can be taken back, and what is not changed stands.
    with("9Gi".into()).validate_cel_update(&cluster(|_| ())).unwrap();
    let larger = cluster(|object| object["status"] = json!({"volumeSize": "20Gi"}));
    with("10Gi".into()).validate_cel_update(&larger).unwrap();
    refused(with("11Gi".into()).validate_cel_update(&larger), "no volume becomes smaller");
    with(20_000_000_000_i64.into()).validate_cel_update(&old).unwrap();
    refused(with("9Gi".into()).validate_cel_update(&old), "no volume becomes smaller");
    refused(with("10G".into()).validate_cel_update(&old), "no volume becomes smaller");
    refused(with(0.into()).validate_cel(), "more than 0");
    refused(with("0.0Gi".into()).validate_cel(), "more than 0");
    let class =
        |class: &str| cluster(|object| object["spec"]["storage"]["className"] = class.into());
    refused(class("slow").validate_cel_update(&old), "className");
    let none = cluster(|object| {
        drop(object["spec"]["storage"].as_object_mut().unwrap().remove("className"))
    });
    refused(none.validate_cel_update(&old), "className");
    refused(old.validate_cel_update(&none), "className");
    none.validate_cel_update(&none).unwrap();
}

#[test]
fn settings_of_the_operator_are_not_the_users() {
    let with = |name: &str, value: &str| {
        cluster(|object| object["spec"]["settings"] = json!({name: value}))
    };
    with("LOG__LEVEL", "debug").validate_cel().unwrap();
    refused(with("CLUSTER__TOKEN", "x").validate_cel(), "itself");
    for name in ["HOST", "HTTP_PORT", "GRPC_PORT", "PEER_PORT", "DATA_DIR"] {
        refused(with(name, "1").validate_cel(), "itself");
    }
    refused(with("log.level", "x").validate_cel(), "upper-case");
}

#[test]
fn a_collection_keeps_its_shape() {
    let old = collection(|_| ());
    old.validate_cel().unwrap();
    let change =
        |path: &str, value: Value| collection(|object| *object.pointer_mut(path).unwrap() = value);
    for (path, value) in [
        ("/spec/clusterRef/name", json!("other")),
        ("/spec/shards", json!(4)),
        ("/spec/replicationFactor", json!(1)),
        ("/spec/vectors/0/size", json!(5)),
        ("/spec/vectors/1/distance", json!("Euclid")),
    ] {
        refused(change(path, value).validate_cel_update(&old), "cannot be changed");
    }
    refused(
        collection(|object| object["spec"]["shardingMethod"] = "Custom".into())
            .validate_cel_update(&old),
        "cannot be changed",
    );
    // One goes and another comes.
    change("/spec/vectors/0/name", json!("c")).validate_cel_update(&old).unwrap();
    let more = collection(|object| {
        object["spec"]["vectors"]
            .as_array_mut()
            .unwrap()
            .push(json!({"name": "c", "size": 2, "distance": "Dot"}));
    });
    more.validate_cel_update(&old).unwrap();
    old.validate_cel_update(&more).unwrap();
    let unnamed = change("/spec/vectors/0/name", json!(""));
    unnamed.validate_cel().unwrap();
    collection(|object| object["spec"]["vectors"][0]["hnsw"] = json!({"m": 32}))
        .validate_cel_update(&old)
        .unwrap();
    collection(|object| object["spec"]["vectors"].as_array_mut().unwrap().reverse())
        .validate_cel_update(&old)
        .unwrap();
    let of_tenants = |others: bool| {
        collection(|object| {
            object["spec"]["payloadIndexes"] = json!([
                {"field": "customer", "type": "Keyword", "tenant": true},
                {"field": "team", "type": "Keyword", "tenant": others},
                {"field": "year", "type": "Integer"},
            ]);
        })
    };
    of_tenants(false).validate_cel().unwrap();
    refused(of_tenants(true).validate_cel(), "only one can be of tenants");
    refused(
        collection(|object| object["spec"]["name"] = "n".into()).validate_cel_update(&old),
        "cannot be changed",
    );
    refused(
        collection(|object| object["spec"]["writeConsistencyFactor"] = 4.into()).validate_cel(),
        "replicationFactor",
    );
}

#[test]
fn a_placement_names_one_shard_for_good() {
    let placement = |shard: i64| -> ShardPlacement {
        serde_json::from_value(json!({
            "apiVersion": "vanedb.io/v1alpha1", "kind": "ShardPlacement", "metadata": {"name": "p"},
            "spec": {"clusterRef": {"name": "demo"}, "collection": "docs", "shard": shard},
        }))
        .unwrap()
    };
    placement(1).validate_cel_update(&placement(1)).unwrap();
    refused(placement(2).validate_cel_update(&placement(1)), "cannot be changed");
}

#[test]
fn a_collection_has_vectors_of_one_kind_or_the_other() {
    let sparse = json!([{"name": "words", "modifier": "Idf"}]);
    let only_sparse = |object: &mut Value| {
        object["spec"].as_object_mut().unwrap().remove("vectors");
        object["spec"]["sparseVectors"] = sparse.clone();
    };
    let both = |object: &mut Value| object["spec"]["sparseVectors"] = sparse.clone();
    collection(only_sparse).validate_cel().unwrap();
    collection(both).validate_cel().unwrap();
    let none = |object: &mut Value| object["spec"]["vectors"] = json!([]);
    refused(collection(none).validate_cel(), "dense or sparse");
    let twice = |object: &mut Value| object["spec"]["sparseVectors"] = json!([{"name": "a"}]);
    refused(collection(twice).validate_cel(), "no other vector");
    for (before, after) in
        [(collection(|_| ()), collection(both)), (collection(both), collection(only_sparse))]
    {
        after.validate_cel_update(&before).unwrap();
        before.validate_cel_update(&after).unwrap();
    }
    let other_kind = |object: &mut Value| {
        let b = json!({"name": "words", "size": 8, "distance": "Dot"});
        object["spec"]["vectors"].as_array_mut().unwrap().push(b);
    };
    let (dense, sparse) = (collection(other_kind), collection(both));
    refused(dense.validate_cel_update(&sparse), "sparse vector cannot become a dense");
    refused(sparse.validate_cel_update(&dense), "dense vector cannot become a sparse");
}

#[test]
fn what_a_vector_is_stays() {
    let with = |field: &str, value: Value| {
        collection(|object| object["spec"]["vectors"][0][field] = value)
    };
    let before = collection(|_| ());
    for (field, value) in
        [("multi", json!(true)), ("datatype", json!("Uint8")), ("distance", json!("Manhattan"))]
    {
        refused(with(field, value).validate_cel_update(&before), "cannot be changed");
    }
    with("multi", json!(false)).validate_cel_update(&before).unwrap();
    with("datatype", json!("Float32")).validate_cel_update(&before).unwrap();
}

#[test]
fn only_texts_are_taken_apart() {
    let index = |kind: &str| {
        let text = json!({"tokenizer": "Word", "stopwords": {"languages": ["english"]}});
        let index = json!({"field": "body", "type": kind, "text": text});
        collection(|object| object["spec"]["payloadIndexes"] = json!([index]))
    };
    index("Text").validate_cel().unwrap();
    refused(index("Keyword").validate_cel(), "type Text");
}
