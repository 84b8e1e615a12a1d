//! All objects of an API server, and what changed between two looks.

use std::collections::BTreeMap;

use kube::ResourceExt;
use kube::api::{Api, DynamicObject, ListParams};
use kube::discovery::{Discovery, verbs};
use serde_json::Value;
use vane_testbed::ApiServer;

/// What changes all the time, in any Kubernetes.
const ALWAYS: &str = "Lease";
/// Who writes events about what a test has in place of machines: claims without volumes, and
/// addresses of loopback, which Services cannot have.
const KUBERNETES: [&str; 3] =
    ["persistentvolume-controller", "endpoint-controller", "endpoint-slice-controller"];

/// Every object that can be listed, but Leases: kind, namespace and name, and what it is.
pub(crate) struct Snapshot(BTreeMap<String, Value>);

impl Snapshot {
    pub(crate) async fn take(api: &ApiServer) -> Self {
        let client = api.client().await.unwrap();
        let discovery = Discovery::new(client.clone()).run_aggregated().await.unwrap();
        let mut objects = BTreeMap::new();
        for group in discovery.groups() {
            for (resource, can) in group.recommended_resources() {
                if resource.kind == ALWAYS || !can.supports_operation(verbs::LIST) {
                    continue;
                }
                let all: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
                // No pages: a list of one moment.
                for object in all.list(&ListParams::default()).await.unwrap() {
                    if is_kubernetes_own(&object) {
                        continue;
                    }
                    let namespace = object.namespace().unwrap_or_default();
                    let name = object.name_any();
                    let key = format!("{}.{} {namespace}/{name}", resource.kind, resource.group);
                    objects.insert(key, serde_json::to_value(object).unwrap());
                }
            }
        }
        Self(objects)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Objects whose name begins so.
    pub(crate) fn count(&self, kind: &str) -> usize {
        self.0.keys().filter(|key| key.starts_with(kind)).count()
    }

    /// Objects that came, went or were written since, with what of them changed.
    pub(crate) fn changes(&self, now: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        for (key, before) in &self.0 {
            match now.0.get(key) {
                None => changes.push(format!("{key} is gone")),
                Some(after) if version(before) != version(after) => {
                    changes.push(format!(
                        "{key} was written:\n{}",
                        differences(before, after).join("\n")
                    ));
                }
                Some(_) => {}
            }
        }
        let new = now.0.iter().filter(|(key, _)| !self.0.contains_key(*key));
        changes.extend(new.map(|(key, object)| format!("{key} is new: {object}")));
        changes
    }
}

/// Whether it is an event about what a test has in place of machines.
fn is_kubernetes_own(object: &DynamicObject) -> bool {
    ["reportingComponent", "reportingController"]
        .into_iter()
        .filter_map(|field| object.data[field].as_str())
        .any(|reporter| KUBERNETES.contains(&reporter))
}

fn version(object: &Value) -> &Value {
    &object["metadata"]["resourceVersion"]
}

/// Paths at which two values differ, with both.
fn differences(before: &Value, after: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", before, after, &mut found);
    found
}

fn compare(path: &str, before: &Value, after: &Value, found: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for key in keys {
                compare(&format!("{path}.{key}"), &before[key], &after[key], found);
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (position, (old, new)) in old.iter().zip(new).enumerate() {
                compare(&format!("{path}[{position}]"), old, new, found);
            }
        }
        _ if before == after => {}
        _ => found.push(format!("  {path}: {before} -> {after}")),
    }
}
