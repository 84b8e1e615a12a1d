//! What pods are made from: a recipe, which has a hash for its name. Pure.
//!
//! The hash is over the fields listed here and no others, each in words of its own and left out
//! where it is the default: neither a field that the API gains later nor another way to write the
//! same amount changes the hash of a spec that is there. `VERSION` changes with what the list
//! means, and restarts every pod of everybody.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use vane_crds::cluster::{PodOptions, PodUser, PullPolicy, TaintEffect, TopologySpread};
use vane_crds::quantity::Amounts;
use vane_crds::{Quantity, cluster};
use xxhash_rust::xxh3::xxh3_64;

use super::live;
use super::observed::Set;
use super::validate::ValidatedCluster;

const VERSION: &str = "1";
/// The repository that is left out. A constant of its own: another default of the API would
/// otherwise change what is left out.
const REPOSITORY: &str = "vanedb/vane";

/// The name of the recipe that a spec asks for, of pods that are made from now on.
pub fn of_spec(cluster: &ValidatedCluster) -> String {
    hash(&json!(fields(cluster)).to_string())
}

/// The name of the recipe that a spec asks for, where there are pods: that of the pods, where an
/// operator that knew no recipes made them from the same spec.
///
/// A spec that differs only in settings that nodes take while they run asks for the recipe that
/// there is: its pods are told.
pub fn wanted(cluster: &ValidatedCluster, set: &Set) -> String {
    let plain = of_either(cluster, set);
    if !set.changes_live || set.recipe.as_ref() == Some(&plain) {
        return plain;
    }
    let as_made = of_either(&live::as_made(cluster, &set.live), set);
    if set.recipe.as_ref() == Some(&as_made) { as_made } else { plain }
}

fn of_either(cluster: &ValidatedCluster, set: &Set) -> String {
    let before = set.before_recipes.clone().filter(|there| *there == before_recipes(cluster, set));
    before.unwrap_or_else(|| of_spec(cluster))
}

fn hash(text: &str) -> String {
    format!("{:016x}", xxh3_64(text.as_bytes()))
}

/// Each field with its value, in this order.
fn fields(cluster: &ValidatedCluster) -> Vec<[String; 2]> {
    let spec = &cluster.spec;
    let mut fields = Fields(Vec::new());
    fields.add("recipe", Some(VERSION));
    fields.add("version", Some(&spec.version));
    fields.add(
        "repository",
        Some(&*spec.image.repository).filter(|repository| *repository != REPOSITORY),
    );
    fields.add("digest", spec.image.digest.as_deref());
    fields.add("pullPolicy", pull_policy(spec.image.pull_policy));
    for secret in &spec.image.pull_secrets {
        fields.add("pullSecret", Some(secret));
    }
    let resources = spec.resources.as_ref();
    fields.amounts("request", resources.and_then(|resources| resources.requests.as_ref()));
    fields.amounts("limit", resources.and_then(|resources| resources.limits.as_ref()));
    fields.add("zones", spread(spec.placement.zones));
    fields.add("machines", spread(spec.placement.machines));
    for (label, value) in &spec.placement.node_selector {
        fields.add(&format!("nodeSelector {label}"), Some(value));
    }
    for toleration in &spec.placement.tolerations {
        fields.toleration(toleration);
    }
    fields.pod(&spec.pod);
    for (setting, value) in &spec.settings {
        fields.add(&format!("setting {setting}"), Some(value));
    }
    fields.add("restart", cluster.restart.as_deref());
    fields.0
}

struct Fields(Vec<[String; 2]>);

impl Fields {
    fn add(&mut self, name: &str, value: Option<&str>) {
        self.0.extend(value.map(|value| [name.to_owned(), value.to_owned()]));
    }

    fn amounts(&mut self, what: &str, amounts: Option<&Amounts>) {
        let Some(amounts) = amounts else { return };
        for (resource, amount) in [("cpu", &amounts.cpu), ("memory", &amounts.memory)] {
            // By amount, as the API server compares: 10Gi and 10240Mi are the same.
            let amount = amount.as_ref().map(|amount| {
                amount.milli().map_or_else(|| amount.0.clone(), |milli| milli.to_string())
            });
            self.add(&format!("{what} {resource}"), amount.as_deref());
        }
    }

    fn pod(&mut self, pod: &PodOptions) {
        for (label, value) in &pod.labels {
            self.add(&format!("podLabel {label}"), Some(value));
        }
        for (annotation, value) in &pod.annotations {
            self.add(&format!("podAnnotation {annotation}"), Some(value));
        }
        self.add("priorityClass", pod.priority_class_name.as_deref());
        self.add("runtimeClass", pod.runtime_class_name.as_deref());
        let affinity = pod.affinity.clone().map(|affinity| sorted(Value::Object(affinity)));
        self.add("affinity", affinity.map(|affinity| affinity.to_string()).as_deref());
        self.add("user", user(pod.user));
    }

    fn toleration(&mut self, toleration: &cluster::Toleration) {
        self.add("toleration", Some(""));
        self.add("key", toleration.key.as_deref());
        self.add("value", toleration.value.as_deref());
        self.add("effect", toleration.effect.map(effect));
    }
}

/// The same value with the fields of each object in one order, however it was written.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<String, Value> = fields.into_iter().collect();
            Value::Object(fields.into_iter().map(|(name, value)| (name, sorted(value))).collect())
        }
        Value::Array(values) => values.into_iter().map(sorted).collect(),
        plain => plain,
    }
}

// Words of this file, and not those of the API: these never change.

fn pull_policy(policy: PullPolicy) -> Option<&'static str> {
    match policy {
        PullPolicy::IfNotPresent => None,
        PullPolicy::Always => Some("Always"),
        PullPolicy::Never => Some("Never"),
    }
}

fn spread(spread: TopologySpread) -> Option<&'static str> {
    match spread {
        TopologySpread::Preferred => None,
        TopologySpread::Required => Some("Required"),
    }
}

fn user(user: PodUser) -> Option<&'static str> {
    match user {
        PodUser::Fixed => None,
        PodUser::Platform => Some("Platform"),
    }
}

fn effect(effect: TaintEffect) -> &'static str {
    match effect {
        TaintEffect::NoSchedule => "NoSchedule",
        TaintEffect::PreferNoSchedule => "PreferNoSchedule",
        TaintEffect::NoExecute => "NoExecute",
    }
}

/// The hash that operators wrote before there were recipes. Size and retention were part of it:
/// here they are those of the StatefulSet, since they are none of the pods' business.
fn before_recipes(cluster: &ValidatedCluster, set: &Set) -> String {
    let spec = &cluster.spec;
    let size = set.size.as_deref().map_or_else(|| spec.storage.size.clone(), Quantity::from);
    let shape = json!({
        "version": spec.version,
        "image": spec.image,
        "size": size.milli().map(|milli| milli.to_string()),
        "retention": set.retention.as_ref().unwrap_or(&spec.storage.retention),
        "resources": spec.resources,
        "placement": spec.placement,
        "settings": spec.settings,
    });
    hash(&shape.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use vane_crds::VectorCluster;

    use super::*;
    use crate::cluster::validate::validate;

    fn cluster(more: &Value) -> ValidatedCluster {
        let mut object = json!({
            "apiVersion": "vanedb.io/v1alpha1", "kind": "VectorCluster",
            "metadata": {"name": "demo", "namespace": "data", "uid": uuid::Uuid::nil()},
            "spec": {"nodes": 3, "version": "0.1.0", "storage": {"size": "10Gi"}},
        });
        for (key, value) in more.as_object().unwrap() {
            object["spec"][key] = value.clone();
        }
        let object: VectorCluster = serde_json::from_value(object).unwrap();
        validate(&object).unwrap()
    }

    fn everything() -> Value {
        json!({
            "image": {
                "repository": "registry.test/vane", "pullPolicy": "Always",
                "pullSecrets": ["a", "b"],
            },
            "resources": {"requests": {"cpu": 1, "memory": "1Gi"}, "limits": {"memory": "2Gi"}},
            "placement": {
                "zones": "Required", "machines": "Required", "nodeSelector": {"disk": "fast"},
                "tolerations": [{"key": "db", "effect": "NoSchedule"}, {}],
            },
            "settings": {"LOG__LEVEL": "debug", "STORAGE__MIN_FREE_MB": "64"},
        })
    }

    /// What recipes have had since pods can have more than the operator gives them.
    fn of_pods() -> Value {
        json!({
            "image": {"digest": format!("sha256:{}", "0".repeat(64))},
            "pod": {
                "labels": {"team": "search"}, "annotations": {"team": "search"},
                "priorityClassName": "high", "runtimeClassName": "high", "user": "Platform",
                "affinity": {"podAffinity": {}, "nodeAffinity": {}},
            },
        })
    }

    /// Of these no operator may ever make anything else: each pod of everybody would be
    /// replaced.
    #[test]
    fn names_of_recipes_stay_for_ever() {
        let of = |more: Value| of_spec(&cluster(&more));
        let restarted = ValidatedCluster { restart: Some("now".into()), ..cluster(&json!({})) };
        assert_eq!(
            [
                of(json!({})),
                of(json!({"settings": {"LOG__LEVEL": "info"}})),
                of(json!({"resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}})),
                of(everything()),
                of_spec(&restarted),
                of(of_pods()),
            ],
            [
                "8a42a850536bedec",
                "ea08ccac26b945e3",
                "4d5cdcf016abe6f9",
                "3b34dc59a0ecffd9",
                "39aac8a39736b751",
                "9473b2c94d343a87",
            ]
        );
    }

    #[test]
    fn what_pods_are_not_made_from_is_not_in_their_recipe() {
        let plain = of_spec(&cluster(&json!({})));
        for more in [
            json!({"nodes": 5}),
            json!({"paused": true}),
            json!({"storage": {"size": "20Gi", "retention": {"whenScaled": "Delete"}}}),
            json!({"service": {"type": "NodePort", "ipFamilyPolicy": "SingleStack"}}),
            json!({"pod": {"labels": {}, "user": "Fixed"}}),
            json!({"update": {"minReadySeconds": 0}}),
            json!({"image": {"repository": "vanedb/vane"}}),
            json!({"resources": {}}),
        ] {
            assert_eq!(of_spec(&cluster(&more)), plain, "{more}");
        }
        let memory =
            |amount: &str| of_spec(&cluster(&json!({"resources": {"limits": {"memory": amount}}})));
        assert_eq!(memory("1Gi"), memory("1024Mi"));
    }

    #[test]
    fn every_part_of_a_recipe_is_in_its_name() {
        let mut names = std::collections::BTreeSet::from([of_spec(&cluster(&json!({})))]);
        let (before, since) = (everything(), of_pods());
        let parts = before.as_object().unwrap().iter().chain(since.as_object().unwrap());
        for (part, value) in parts {
            for (field, value) in value.as_object().unwrap() {
                let name = of_spec(&cluster(&json!({part: {field: value}})));
                assert!(names.insert(name), "{part}.{field}");
            }
        }
        let affinity = |text: &str| {
            let affinity: Value = serde_json::from_str(text).unwrap();
            of_spec(&cluster(&json!({"pod": {"affinity": affinity}})))
        };
        let [one, other] = [r#"{"a": [{"b": 1, "c": 2}]}"#, r#"{"a": [{"c": 2, "b": 1}]}"#];
        assert_eq!(affinity(one), affinity(other), "however it is written");
        // Where one field ends and the next begins is part of it too.
        let tolerations =
            |list: Value| of_spec(&cluster(&json!({"placement": {"tolerations": list}})));
        assert_ne!(
            tolerations(json!([{"key": "a"}, {"value": "b"}])),
            tolerations(json!([{"key": "a", "value": "b"}]))
        );
    }

    #[test]
    fn pods_from_before_recipes_have_the_recipe_of_the_same_spec() {
        let old = |more: Value| {
            let set = Set { size: Some("10Gi".into()), ..Set::default() };
            before_recipes(&cluster(&more), &set)
        };
        // What operators wrote that knew no recipes.
        let small = json!({
            "storage": {"size": "1Gi"}, "settings": {"LOG__LEVEL": "info"},
            "resources": {"requests": {"cpu": 1, "memory": "1Gi"}},
        });
        let of_e2e = before_recipes(&cluster(&small), &Set::default());
        assert_eq!(
            [old(json!({})), old(everything()), of_e2e],
            ["120454970dbeb371", "e2ac6644eb818f54", "2b4cac1d2d0ddbc3"]
        );
        let set = Set {
            before_recipes: Some(old(json!({}))),
            size: Some("10Gi".into()),
            retention: Some(cluster::Retention::default()),
            ..Set::default()
        };
        let there = set.before_recipes.clone().unwrap();
        assert_eq!(wanted(&cluster(&json!({})), &set), there);
        // What was refused then, and is refused now, is not another recipe.
        let storage = json!({"size": "20Gi", "retention": {"whenDeleted": "Delete"}});
        assert_eq!(wanted(&cluster(&json!({"storage": storage})), &set), there);
        let other = cluster(&json!({"version": "0.2.0"}));
        assert_eq!(wanted(&other, &set), of_spec(&other));
    }

    #[test]
    fn what_nodes_take_while_they_run_is_no_other_recipe() {
        let made = cluster(&json!({"settings": {"LOG__LEVEL": "info", "SEARCH__THREADS": "2"}}));
        let set = |changes_live| Set {
            recipe: Some(of_spec(&made)),
            live: [("LOG__LEVEL".to_owned(), "info".to_owned())].into(),
            changes_live,
            ..Set::default()
        };
        let there = of_spec(&made);
        for settings in [
            json!({"LOG__LEVEL": "debug", "SEARCH__THREADS": "2"}),
            json!({"SEARCH__THREADS": "2"}),
            json!({"SEARCH__THREADS": "2", "LOG__LEVEL": "info", "REQUEST_TIMEOUT_S": "5"}),
        ] {
            let spec = cluster(&json!({"settings": settings}));
            assert_eq!(wanted(&spec, &set(true)), there, "{settings}");
            assert_eq!(
                wanted(&spec, &set(false)),
                of_spec(&spec),
                "nodes that have to be restarted"
            );
        }
        for settings in
            [json!({"LOG__LEVEL": "debug", "SEARCH__THREADS": "3"}), json!({"LOG__LEVEL": "info"})]
        {
            let spec = cluster(&json!({"settings": settings}));
            assert_eq!(wanted(&spec, &set(true)), of_spec(&spec), "with all that it asks for");
        }
    }
}
