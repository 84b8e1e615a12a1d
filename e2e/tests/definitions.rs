//! The API as a real API server has it: what it refuses and in which words, what it fills in,
//! what kubectl shows. One server for all of these, a namespace for each.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use tokio::sync::OnceCell;
use vane_testbed::ApiServer;

/// The server, and an empty namespace in it.
async fn server(namespace: &str) -> &'static ApiServer {
    static SERVER: OnceCell<ApiServer> = OnceCell::const_new();
    let api = SERVER.get_or_init(async || {
        let api = ApiServer::start().await.unwrap();
        api.install_definitions().await.unwrap();
        api
    });
    let api = api.await;
    api.namespace(namespace).await.unwrap();
    api
}

fn cluster() -> Value {
    json!({
        "apiVersion": "vanedb.io/v1alpha1", "kind": "VectorCluster", "metadata": {"name": "demo"},
        "spec": {"nodes": 3, "version": "0.1.0", "storage": {"size": "10Gi", "className": "fast"}},
    })
}

fn collection() -> Value {
    json!({
        "apiVersion": "vanedb.io/v1alpha1", "kind": "Collection", "metadata": {"name": "docs"},
        "spec": {
            "clusterRef": {"name": "demo"}, "shards": 3, "replicationFactor": 3,
            "vectors": [
                {"name": "a", "size": 4, "distance": "Cosine"},
                {"name": "b", "size": 8, "distance": "Dot"},
            ],
        },
    })
}

fn placement() -> Value {
    json!({
        "apiVersion": "vanedb.io/v1alpha1", "kind": "ShardPlacement",
        "metadata": {"name": "docs-0"},
        "spec": {"clusterRef": {"name": "demo"}, "collection": "docs", "shard": 0},
    })
}

/// Applies one as a person does.
async fn apply(api: &ApiServer, namespace: &str, object: &Value) -> Result<String, String> {
    let args = ["-n", namespace, "apply", "--server-side", "--validate=strict", "-f", "-"];
    api.admin().kubectl_reading(&object.to_string(), &args).await.map_err(|e| e.to_string())
}

/// What there is, at a JSON pointer.
async fn stored(api: &ApiServer, namespace: &str, object: &str, pointer: &str) -> Value {
    let text = api.kubectl(&["-n", namespace, "get", object, "-o", "json"]).await.unwrap();
    let object: Value = serde_json::from_str(&text).unwrap();
    object.pointer(pointer).cloned().unwrap_or_default()
}

/// Fails unless each change of the object is refused, in words that name the field.
async fn refused(
    api: &ApiServer,
    namespace: &str,
    object: &Value,
    changes: &[(&str, Value, &str)],
) {
    for (pointer, value, words) in changes {
        let mut changed = object.clone();
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        match changed.pointer_mut(parent).unwrap() {
            Value::Array(list) => list.push(value.clone()),
            map => map[field] = value.clone(),
        }
        let error = apply(api, namespace, &changed)
            .await
            .expect_err(&format!("{pointer} {value} was accepted"));
        for word in words.split(" & ") {
            assert!(error.contains(word), "{pointer} {value}: {word:?} is not in\n{error}");
        }
    }
}

#[tokio::test]
async fn a_cluster_that_cannot_be_is_refused() {
    let name = "bad-clusters";
    let api = server(name).await;
    refused(
        api,
        name,
        &cluster(),
        &[
            ("/metadata/name", "a".repeat(41).into(), "metadata.name must have at most 40"),
            ("/metadata/name", "1a".into(), "metadata.name & begin with a letter"),
            ("/spec/nodes", 0.into(), "spec.nodes & greater than or equal to 1"),
            ("/spec/nodes", 101.into(), "spec.nodes & less than or equal to 100"),
            ("/spec/nodes", Value::Null, "spec.nodes"),
            ("/spec/version", "a b".into(), "spec.version"),
            ("/spec/version", "".into(), "spec.version"),
            ("/spec/image", json!({"repository": "Not Allowed"}), "spec.image.repository"),
            ("/spec/image", json!({"pullPolicy": "Sometimes"}), "spec.image.pullPolicy & Always"),
            ("/spec/storage/size", "ten".into(), "spec.storage.size"),
            ("/spec/storage/size", 0.into(), "spec.storage.size & more than 0"),
            ("/spec/storage/size", (-1).into(), "spec.storage.size & greater than or equal to 0"),
            ("/spec/storage/size", "-1Gi".into(), "spec.storage.size"),
            ("/spec/storage", json!({}), "spec.storage.size & Required"),
            ("/spec/resources", json!({"requests": {"cpu": "two"}}), "spec.resources.requests.cpu"),
            ("/spec/settings", json!({"CLUSTER__TOKEN": "x"}), "spec.settings & itself"),
            ("/spec/settings", json!({"log": "x"}), "spec.settings & upper-case"),
            ("/spec/placement", json!({"zones": "Never"}), "spec.placement.zones"),
            (
                "/spec/update",
                json!({"minReadySeconds": -1}),
                "spec.update.minReadySeconds & greater than or equal to 0",
            ),
            (
                "/spec/update",
                json!({"progressDeadlineSeconds": 9}),
                "spec.update.progressDeadlineSeconds & greater than or equal to 10",
            ),
            ("/spec/update", json!({"strategy": "Never"}), "spec.update.strategy"),
            ("/spec/nodez", 3.into(), "spec.nodez"),
            ("/spec/image", json!({"digest": "sha256:4b"}), "spec.image.digest"),
            ("/spec/pod", json!({"label": {}}), "spec.pod.label"),
            (
                "/spec/pod",
                json!({"labels": {"vanedb.io/cluster": "x"}}),
                "spec.pod.labels & itself",
            ),
            ("/spec/pod", json!({"user": "Root"}), "spec.pod.user & Platform"),
            ("/spec/pod", json!({"affinity": []}), "spec.pod.affinity & object"),
            (
                "/spec/service",
                json!({"type": "LoadBalancer"}),
                "spec.service.sourceRanges & from where clients come",
            ),
            (
                "/spec/service",
                json!({"type": "LoadBalancer", "sourceRanges": ["all"]}),
                "spec.service.sourceRanges[0]",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_cluster_keeps_what_its_volumes_keep() {
    let name = "changed-clusters";
    let api = server(name).await;
    apply(api, name, &cluster()).await.unwrap();
    let mut less = cluster();
    less["spec"]["storage"]["size"] = "9Gi".into();
    apply(api, name, &less).await.unwrap();
    apply(api, name, &cluster()).await.unwrap();
    let has = r#"{"status": {"volumeSize": "10Gi"}}"#;
    let patch = ["-n", name, "patch", "vc", "demo", "--type=merge", "--subresource=status"];
    api.kubectl(&[&patch[..], &["-p", has]].concat()).await.unwrap();
    refused(
        api,
        name,
        &cluster(),
        &[
            ("/spec/storage/size", "9Gi".into(), "spec.storage.size & smaller"),
            ("/spec/storage/size", 10_000.into(), "spec.storage.size & smaller"),
            (
                "/spec/storage/className",
                "slow".into(),
                "spec.storage.className & cannot be changed",
            ),
            (
                "/spec/storage",
                json!({"size": "10Gi"}),
                "spec.storage.className & cannot be changed",
            ),
        ],
    )
    .await;
    for size in [json!("10240Mi"), json!("11Gi"), json!(20_000_000_000_i64)] {
        let mut grown = cluster();
        grown["spec"]["storage"]["size"] = size;
        apply(api, name, &grown).await.unwrap();
    }
}

#[tokio::test]
async fn a_collection_that_cannot_be_is_refused() {
    let name = "bad-collections";
    let api = server(name).await;
    let twice = json!([
        {"name": "a", "size": 4, "distance": "Dot"}, {"name": "a", "size": 5, "distance": "Dot"},
    ]);
    refused(
        api,
        name,
        &collection(),
        &[
            ("/spec/vectors", json!([]), "spec.vectors & dense or sparse"),
            ("/spec/sparseVectors", json!([{"name": "a"}]), "spec.sparseVectors & no other"),
            ("/spec/sparseVectors", json!([{"name": ""}]), "spec.sparseVectors[0].name"),
            ("/spec/vectors", twice, "spec.vectors & duplicate entries"),
            (
                "/spec/vectors",
                json!([{"name": "a/b", "size": 4, "distance": "Dot"}]),
                "spec.vectors[0].name",
            ),
            ("/spec/vectors", json!([{"size": 0, "distance": "Dot"}]), "spec.vectors[0].size"),
            ("/spec/vectors", json!([{"size": 65_537, "distance": "Dot"}]), "spec.vectors[0].size"),
            (
                "/spec/vectors",
                json!([{"size": 4, "distance": "Taxicab"}]),
                "spec.vectors[0].distance & Cosine",
            ),
            (
                "/spec/vectors",
                json!([{"size": 4, "distance": "Dot", "hnsw": {"m": 1}}]),
                "spec.vectors[0].hnsw.m",
            ),
            ("/spec/shards", 0.into(), "spec.shards"),
            ("/spec/shards", 257.into(), "spec.shards"),
            ("/spec/replicationFactor", 10.into(), "spec.replicationFactor"),
            (
                "/spec/writeConsistencyFactor",
                4.into(),
                "spec.writeConsistencyFactor & replicationFactor",
            ),
            ("/spec/name", "a/b".into(), "spec.name"),
            ("/spec/name", "a\nb".into(), "spec.name"),
            ("/spec/clusterRef", json!({"name": ""}), "spec.clusterRef.name"),
            ("/spec/aliases", json!(["a/b"]), "spec.aliases[0]"),
            ("/spec/aliases", json!(["x", "x"]), "spec.aliases"),
            (
                "/spec/payloadIndexes",
                json!([{"field": "f", "type": "Words"}]),
                "spec.payloadIndexes[0].type",
            ),
            (
                "/spec/payloadIndexes",
                json!([{"field": "f", "type": "Keyword", "text": {}}]),
                "spec.payloadIndexes[0].text & type Text",
            ),
            ("/spec/shard", 3.into(), "spec.shard"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_collection_keeps_its_shape() {
    let name = "changed-collections";
    let api = server(name).await;
    apply(api, name, &collection()).await.unwrap();
    let vectors = |a: Value, b: Value| json!([a, b]);
    let a = json!({"name": "a", "size": 4, "distance": "Cosine"});
    let b = json!({"name": "b", "size": 8, "distance": "Dot"});
    let with = |vector: &Value, field: &str, value: Value| {
        let mut changed = vector.clone();
        changed[field] = value;
        changed
    };
    refused(
        api,
        name,
        &collection(),
        &[
            ("/spec/clusterRef/name", "other".into(), "spec.clusterRef & cannot be changed"),
            ("/spec/shards", 4.into(), "spec.shards & cannot be changed"),
            ("/spec/replicationFactor", 1.into(), "spec.replicationFactor & cannot be changed"),
            ("/spec/shardingMethod", "Custom".into(), "spec.shardingMethod & cannot be changed"),
            ("/spec/name", "other".into(), "spec.name & cannot be changed"),
            (
                "/spec/vectors",
                vectors(with(&a, "size", 5.into()), b.clone()),
                "spec.vectors & size",
            ),
            // In another order: they are known by their names.
            (
                "/spec/vectors",
                vectors(b.clone(), with(&a, "distance", "Dot".into())),
                "spec.vectors & distance",
            ),
            // Of another kind, and not beside another.
            (
                "/spec",
                json!({
                    "clusterRef": {"name": "demo"}, "shards": 3, "replicationFactor": 3,
                    "vectors": [a], "sparseVectors": [{"name": "b"}],
                }),
                "spec.sparseVectors & cannot become a sparse one",
            ),
            (
                "/spec/vectors",
                vectors(with(&a, "multi", true.into()), b.clone()),
                "spec.vectors & multi",
            ),
            (
                "/spec/vectors",
                vectors(a.clone(), with(&b, "datatype", "Uint8".into())),
                "spec.vectors & datatype",
            ),
        ],
    )
    .await;
    let mut tuned = collection();
    tuned["spec"]["vectors"] = vectors(b, with(&a, "hnsw", json!({"m": 32})));
    apply(api, name, &tuned).await.unwrap();
}

#[tokio::test]
async fn vectors_are_added_to_a_collection_and_removed_from_it() {
    let name = "changed-vectors";
    let api = server(name).await;
    apply(api, name, &collection()).await.unwrap();
    let (a, b) = (collection()["spec"]["vectors"][0].clone(), json!({"name": "b"}));
    let c = json!({"name": "c", "size": 2, "distance": "Dot"});
    let unnamed = json!({"name": "", "size": 2, "distance": "Dot"});
    let other = json!({"name": "a", "size": 9, "distance": "Dot"});
    for (dense, sparse) in [
        (json!([a, c]), json!([{"name": "words"}])),
        // What was a dense vector is a sparse one once nothing else has the name.
        (json!([a, unnamed]), json!([b])),
        (json!([]), json!([b])),
        (json!([other]), json!([])),
    ] {
        let mut changed = collection();
        changed["spec"]["vectors"] = dense.clone();
        changed["spec"]["sparseVectors"] = sparse.clone();
        apply(api, name, &changed).await.unwrap();
        let kept = stored(api, name, "col/docs", "/spec/vectors").await;
        let names = |list: &Value| {
            let list = list.as_array().cloned().unwrap_or_default();
            list.iter().map(|vector| vector["name"].to_string()).collect::<Vec<_>>()
        };
        assert_eq!(names(&kept), names(&dense));
    }
}

#[tokio::test]
async fn a_placement_names_one_shard_for_good() {
    let name = "placements";
    let api = server(name).await;
    apply(api, name, &placement()).await.unwrap();
    refused(
        api,
        name,
        &placement(),
        &[
            ("/spec/shard", 1.into(), "spec & shard & cannot be changed"),
            ("/spec/collection", "other".into(), "spec & collection & cannot be changed"),
            ("/spec/clusterRef", json!({"name": "other"}), "spec & clusterRef & cannot be changed"),
            ("/spec/shard", 1024.into(), "spec.shard"),
            ("/spec/replicas", json!([]), "spec.replicas & at least 1"),
            (
                "/spec/replicas",
                json!([{"node": "n", "role": "Leader"}]),
                "spec.replicas[0].role & Voter",
            ),
            (
                "/spec/replicas",
                json!([{"node": "n"}, {"node": "n", "role": "Learner"}]),
                "spec.replicas",
            ),
        ],
    )
    .await;
    let mut pinned = placement();
    pinned["spec"]["replicas"] = json!([{"node": "demo-0"}]);
    apply(api, name, &pinned).await.unwrap();
    assert_eq!(stored(api, name, "sp/docs-0", "/spec/replicas/0/role").await, "Voter");
}

#[tokio::test]
async fn defaults_are_stored_and_numbers_are_amounts() {
    let name = "defaults";
    let api = server(name).await;
    let mut bare = cluster();
    bare["spec"] = json!({"nodes": 1, "version": "0.1.0", "storage": {"size": "1Gi"},
        "resources": {"requests": {"cpu": 2, "memory": "4Gi"}}});
    apply(api, name, &bare).await.unwrap();
    let spec = stored(api, name, "vc/demo", "/spec").await;
    assert_eq!(spec["image"], json!({"repository": "vanedb/vane", "pullPolicy": "IfNotPresent"}));
    assert_eq!(spec["placement"], json!({"zones": "Preferred", "machines": "Preferred"}));
    assert_eq!(
        spec["storage"]["retention"],
        json!({"whenDeleted": "Retain", "whenScaled": "Retain"})
    );
    assert_eq!(spec["storage"]["recovery"], json!({"mode": "Manual", "afterMinutes": 30}));
    assert_eq!(spec["service"], json!({"type": "ClusterIP", "ipFamilyPolicy": "PreferDualStack"}));
    assert_eq!(spec["pod"], json!({"user": "Fixed"}));
    assert_eq!(spec["paused"], false);
    assert_eq!(
        spec["update"],
        json!({
            "strategy": "Rolling", "minReadySeconds": 10, "progressDeadlineSeconds": 600,
            "finalize": "Automatic", "soakMinutes": 60,
        })
    );
    assert_eq!(spec["resources"]["requests"]["cpu"], 2);
    // What is given in part is completed.
    bare["spec"]["image"] = json!({"repository": "registry.test:5000/vane"});
    apply(api, name, &bare).await.unwrap();
    assert_eq!(stored(api, name, "vc/demo", "/spec/image/pullPolicy").await, "IfNotPresent");

    let mut bare = collection();
    bare["spec"] =
        json!({"clusterRef": {"name": "demo"}, "vectors": [{"size": 4, "distance": "Dot"}]});
    apply(api, name, &bare).await.unwrap();
    let spec = stored(api, name, "col/docs", "/spec").await;
    assert_eq!((&spec["shards"], &spec["replicationFactor"]), (&json!(1), &json!(1)));
    assert_eq!(
        (&spec["deletionPolicy"], &spec["shardingMethod"]),
        (&json!("Retain"), &json!("Auto"))
    );
    let vector = &spec["vectors"][0];
    assert_eq!((&vector["name"], &vector["multi"]), (&json!(""), &json!(false)));
    assert_eq!(vector["datatype"], "Float32");
    // Sparse vectors alone are enough.
    bare["metadata"]["name"] = "words".into();
    bare["spec"] = json!({
        "clusterRef": {"name": "demo"}, "sparseVectors": [{"name": "words", "modifier": "Idf"}],
        "payloadIndexes": [{"field": "body", "type": "Text", "text": {"stemmer": "english"}}],
    });
    apply(api, name, &bare).await.unwrap();
}

/// The words of each line.
fn words(text: &str) -> Vec<Vec<&str>> {
    text.lines().map(|line| line.split_whitespace().collect()).collect()
}

#[tokio::test]
async fn kubectl_shows_scales_and_selects() {
    let name = "shown";
    let api = server(name).await;
    for object in [cluster(), collection(), placement()] {
        apply(api, name, &object).await.unwrap();
    }
    let mut other = collection();
    other["metadata"]["name"] = "elsewhere".into();
    other["spec"]["clusterRef"]["name"] = "other".into();
    apply(api, name, &other).await.unwrap();
    let status = json!({"status": {
        "nodes": 3, "readyNodes": 2, "selector": "app.kubernetes.io/instance=demo",
        "conditions": [
            {"type": "Ready", "status": "False", "reason": "NodesNotReady",
             "message": "one is away", "lastTransitionTime": "2025-01-01T00:00:00Z"},
            {"type": "Accepted", "status": "False", "reason": "TooFewForCopies",
             "message": "", "lastTransitionTime": "2025-01-01T00:00:00Z"},
            {"type": "Updated", "status": "False", "reason": "Rolling",
             "message": "", "lastTransitionTime": "2025-01-01T00:00:00Z"},
        ],
    }});
    let patch = ["-n", name, "patch", "vc/demo", "--subresource=status", "--type=merge", "-p"];
    api.kubectl(&[&patch[..], &[&status.to_string()]].concat()).await.unwrap();

    let all = api.kubectl(&["-n", name, "get", "vc,col,sp"]).await.unwrap();
    let lines = words(&all);
    assert_eq!(
        lines[0],
        ["NAME", "NODES", "UP", "READY", "STATUS", "SPEC", "PODS", "VERSION", "AGE"],
        "{all}"
    );
    let shown = [
        "vectorcluster.vanedb.io/demo",
        "3",
        "2",
        "False",
        "NodesNotReady",
        "TooFewForCopies",
        "Rolling",
        "0.1.0",
    ];
    assert_eq!(lines[1][..8], shown, "{all}");
    assert_eq!(
        lines[3],
        ["NAME", "CLUSTER", "SHARDS", "REPLICAS", "POINTS", "READY", "STATUS", "AGE"],
        "{all}"
    );
    assert_eq!(lines[4][..4], ["collection.vanedb.io/docs", "demo", "3", "3"], "{all}");
    assert_eq!(lines[7][..5], ["NAME", "CLUSTER", "COLLECTION", "SHARD", "LEADER"], "{all}");
    assert_eq!(lines[8][..4], ["shardplacement.vanedb.io/docs-0", "demo", "docs", "0"], "{all}");
    let shown = api.kubectl(&["-n", name, "get", "vane"]).await.unwrap();
    assert!(shown.contains("shardplacement.vanedb.io/docs-0"), "{shown}");

    api.kubectl(&["-n", name, "scale", "vc", "demo", "--replicas=4"]).await.unwrap();
    assert_eq!(stored(api, name, "vc/demo", "/spec/nodes").await, 4);
    assert!(api.kubectl(&["-n", name, "scale", "vc", "demo", "--replicas=0"]).await.is_err());

    let selector = "--field-selector=spec.clusterRef.name=demo";
    let selected = api.kubectl(&["-n", name, "get", "col", selector, "-o", "name"]).await.unwrap();
    assert_eq!(selected.trim(), "collection.vanedb.io/docs");
    let selector = "--field-selector=spec.clusterRef.name=demo,spec.collection=docs";
    let selected = api.kubectl(&["-n", name, "get", "sp", selector, "-o", "name"]).await.unwrap();
    assert_eq!(selected.trim(), "shardplacement.vanedb.io/docs-0");
    let explained = api.kubectl(&["explain", "vc.spec.storage.size"]).await.unwrap();
    assert!(explained.contains("allowVolumeExpansion"), "{explained}");
}
