use std::net::Ipv4Addr;

use serde_json::json;
use vane_crds::VectorCluster;
use vane_operator::cluster::build;
use vane_operator::cluster::validate::{ValidatedCluster, validate};

use super::*;
use crate::addresses::address;
use crate::set::pod_of;

fn cluster() -> ValidatedCluster {
    let object: VectorCluster = serde_json::from_value(json!({
        "apiVersion": "vanedb.io/v1alpha1", "kind": "VectorCluster",
        "metadata": {"name": "demo", "namespace": "one", "uid": "6c0f2c62-5b3c-4a53-a5bb-8a2d9c9a6f11"},
        "spec": {"nodes": 3, "version": "0.1.0", "storage": {"size": "1Gi"}, "settings": {"LOG__LEVEL": "debug"}},
    }))
    .unwrap();
    validate(&object).unwrap()
}

fn place(ordinal: i32) -> Place {
    let of = |ordinal| address(0, ordinal).unwrap();
    let neighbours = (0..3).map(|ordinal| (format!("demo-{ordinal}"), of(ordinal))).collect();
    Place { dir: "/tmp/here".into(), address: of(ordinal), neighbours }
}

fn sources() -> Sources {
    let cluster = cluster();
    Sources {
        config_maps: [build::settings(&cluster)].map(|map| (map.name_any(), map)).into(),
        secrets: [("demo-token".into(), build::secret(&cluster, "hush"))].into(),
    }
}

#[test]
fn the_operators_pod_becomes_a_process() {
    let pod = pod_of(&build::stateful_set(&cluster(), 3), 1);
    let plan = plan(&pod, &sources(), &place(1)).unwrap();
    assert_eq!((plan.name.as_str(), plan.args.as_slice()), ("demo-1", &["serve".to_owned()][..]));
    for (key, value) in [
        ("VANE_CLUSTER__NAME", "demo-1"),
        ("VANE_HOST", "127.0.0.12"),
        ("VANE_HTTP_PORT", "6333"),
        ("VANE_DATA_DIR", "/tmp/here/data-demo-1"),
        ("VANE_CLUSTER__SEEDS", "127.0.0.11:6335,127.0.0.12:6335,127.0.0.13:6335"),
        ("VANE_CLUSTER__ADDRESS", "127.0.0.12:6335"),
        ("VANE_CLUSTER__REST_ADDRESS", "127.0.0.12:6333"),
        ("VANE_CLUSTER__TOKEN_FILE", "/tmp/here/demo-1/token/token"),
        ("VANE_LOG__LEVEL", "debug"),
    ] {
        assert_eq!(plan.env.get(key).map(String::as_str), Some(value), "{key}");
    }
    assert_eq!(
        plan.files,
        [File { path: "/tmp/here/demo-1/token/token".into(), bytes: b"hush".into() }]
    );
    assert_eq!(plan.readiness, Some(Readiness { port: 6333, path: "/readyz".into(), failures: 2 }));
    assert_eq!(claims(&pod), ["data-demo-1"]);
    // Nothing of the container's world is left.
    let left = plan
        .env
        .values()
        .find(|value| value.contains(".svc") || value.contains("$(") || value.starts_with("/var"));
    assert_eq!(left, None);
}

#[test]
fn pods_are_named_and_labelled_as_the_controller_does() {
    let pod = pod_of(&build::stateful_set(&cluster(), 3), 2);
    assert_eq!(pod.name_any(), "demo-2");
    assert_eq!(pod.labels()["apps.kubernetes.io/pod-index"], "2");
    assert_eq!(pod.labels()["vanedb.io/cluster"], "demo");
    let spec = pod.spec.unwrap();
    assert_eq!(
        (spec.hostname.unwrap(), spec.subdomain.unwrap()),
        ("demo-2".into(), "demo-nodes".into())
    );
}

#[test]
fn what_is_missing_is_named() {
    let pod = pod_of(&build::stateful_set(&cluster(), 3), 0);
    let without = |change: fn(&mut Sources)| {
        let mut sources = sources();
        change(&mut sources);
        plan(&pod, &sources, &place(0)).unwrap_err().to_string()
    };
    assert!(without(|sources| sources.secrets.clear()).contains("Secret demo-token"));
    assert!(without(|sources| sources.config_maps.clear()).contains("ConfigMap demo-settings-"));
    let no_key = without(|sources| {
        sources.secrets.values_mut().for_each(|secret| secret.string_data = None)
    });
    assert!(no_key.contains("demo-token/token"), "{no_key}");
}

#[test]
fn names_of_others_are_left_alone() {
    let pod = pod_of(&build::stateful_set(&cluster(), 3), 0);
    for value in [
        "other-0.demo-nodes.one.svc:6335",
        "dns:demo-nodes.two.svc:6335",
        "/var/lib/vanes",
        "plain:x",
    ] {
        let mounts = [("/var/lib/vane".to_owned(), "/x".into())];
        assert_eq!(translate(&pod, value, &place(0), &mounts), value);
    }
    assert_eq!(place(0).address, Ipv4Addr::new(127, 0, 0, 11));
}
