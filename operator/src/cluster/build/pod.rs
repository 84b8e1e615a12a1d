//! The pod of a node.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Affinity, Capabilities, ConfigMapEnvSource, Container, ContainerPort, EnvFromSource, EnvVar,
    EnvVarSource, HTTPGetAction, KeyToPath, Lifecycle, LifecycleHandler, LocalObjectReference,
    ObjectFieldSelector, PodSecurityContext, PodSpec, Probe, ResourceRequirements, SeccompProfile,
    SecretVolumeSource, SecurityContext, SleepAction, Toleration, TopologySpreadConstraint, Volume,
    VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;
use vane_crds::cluster::{self, PodOptions, PodUser, TopologySpread};
use vane_crds::quantity::Amounts;

use super::word;
use crate::cluster::recipe;
use crate::cluster::validate::ValidatedCluster;
use crate::names::{self, TOKEN_KEY};

/// Where the volume is mounted.
const DATA_DIR: &str = "/var/lib/vane";
/// Where the token is mounted.
const TOKEN_DIR: &str = "/etc/vane/token";
/// The token in a pod.
pub const TOKEN_FILE: &str = "/etc/vane/token/token";
/// Nobody: the image and the volume need no other.
const USER: i64 = 65532;
/// What a pod asks for where the spec says nothing: enough to start and to serve a little.
const REQUESTS: [(&str, &str); 2] = [("cpu", "500m"), ("memory", "1Gi")];
/// Seconds in which Services stop sending new connections, before the node is told to stop.
const LEAVE_SERVICE_S: i64 = 5;
/// Seconds to hand leaders over, finish what is on its way and leave a clean disk.
const GRACE_S: i64 = 60;

/// One container; the StatefulSet adds the volume.
pub(super) fn pod(cluster: &ValidatedCluster) -> PodSpec {
    let spec = &cluster.spec;
    let placement = &spec.placement;
    let secrets = spec.image.pull_secrets.iter();
    PodSpec {
        // Nodes know no Kubernetes.
        automount_service_account_token: Some(false),
        // Each name of a Service would be an environment variable of the node.
        enable_service_links: Some(false),
        service_account_name: Some(cluster.name.clone()),
        termination_grace_period_seconds: Some(LEAVE_SERVICE_S + GRACE_S),
        image_pull_secrets: some(
            secrets.map(|secret| LocalObjectReference { name: secret.clone() }),
        ),
        node_selector: Some(placement.node_selector.clone()).filter(|labels| !labels.is_empty()),
        tolerations: some(placement.tolerations.iter().map(toleration)),
        topology_spread_constraints: Some(spread(cluster)),
        affinity: affinity(&spec.pod).ok().flatten(),
        priority_class_name: spec.pod.priority_class_name.clone(),
        runtime_class_name: spec.pod.runtime_class_name.clone(),
        security_context: Some(security(spec.pod.user)),
        containers: vec![container(cluster)],
        volumes: Some(vec![Volume {
            name: "token".into(),
            secret: Some(SecretVolumeSource {
                secret_name: Some(names::token_secret(&cluster.name)),
                items: Some(vec![KeyToPath {
                    key: TOKEN_KEY.into(),
                    path: TOKEN_KEY.into(),
                    mode: None,
                }]),
                // Files of a Secret belong to root; the node reads them by its group (`fs_group`).
                default_mode: Some(0o440),
                ..SecretVolumeSource::default()
            }),
            ..Volume::default()
        }]),
        ..PodSpec::default()
    }
}

fn security(user: PodUser) -> PodSecurityContext {
    // A platform that gives each namespace its users refuses pods that bring their own.
    let user = Some(USER).filter(|_| user == PodUser::Fixed);
    PodSecurityContext {
        run_as_non_root: Some(true),
        run_as_user: user,
        run_as_group: user,
        fs_group: user,
        // A large volume is not walked through at each start.
        fs_group_change_policy: Some("OnRootMismatch".into()),
        seccomp_profile: Some(SeccompProfile {
            type_: "RuntimeDefault".into(),
            ..SeccompProfile::default()
        }),
        ..PodSecurityContext::default()
    }
}

/// The affinity of the pods.
///
/// # Errors
/// A text that says what of it no Pod has: the API server takes whatever stands there.
pub(crate) fn affinity(options: &PodOptions) -> Result<Option<Affinity>, String> {
    let Some(given) = &options.affinity else { return Ok(None) };
    let given = Value::Object(given.clone());
    let read: Affinity = serde_json::from_value(given.clone()).map_err(|e| e.to_string())?;
    let kept = serde_json::to_value(&read).map_err(|e| e.to_string())?;
    match lost(&given, &kept) {
        Some(path) => Err(format!("a Pod has no {}", path.trim_start_matches('.'))),
        None => Ok(Some(read)),
    }
}

/// The path of a field that is in one value and not in the other.
fn lost(given: &Value, kept: &Value) -> Option<String> {
    match (given, kept) {
        (Value::Object(given), kept) => given.iter().find_map(|(name, value)| {
            // What is empty may be left out.
            let is_empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
            match kept.get(name) {
                Some(kept) => lost(value, kept).map(|path| format!(".{name}{path}")),
                None => (!is_empty).then(|| format!(".{name}")),
            }
        }),
        (Value::Array(given), kept) => given
            .iter()
            .enumerate()
            .find_map(|(at, value)| lost(value, kept.get(at)?).map(|path| format!("[{at}]{path}"))),
        _ => None,
    }
}

/// The items, or no list where there are none.
fn some<T>(items: impl Iterator<Item = T>) -> Option<Vec<T>> {
    Some(items.collect::<Vec<T>>()).filter(|items| !items.is_empty())
}

fn container(cluster: &ValidatedCluster) -> Container {
    let image = &cluster.spec.image;
    Container {
        name: "vane".into(),
        image: Some(match &image.digest {
            // Without the tag: not every runtime takes both.
            Some(digest) => format!("{}@{digest}", image.repository),
            None => format!("{}:{}", image.repository, cluster.spec.version),
        }),
        image_pull_policy: word(image.pull_policy),
        args: Some(vec!["serve".into()]),
        env: Some(environment(cluster)),
        env_from: Some(vec![EnvFromSource {
            config_map_ref: Some(ConfigMapEnvSource {
                name: names::settings(&cluster.name, &recipe::of_spec(cluster)),
                ..ConfigMapEnvSource::default()
            }),
            ..EnvFromSource::default()
        }]),
        ports: Some(vec![
            port("rest", names::REST_PORT),
            port("grpc", names::GRPC_PORT),
            port("peer", names::PEER_PORT),
        ]),
        volume_mounts: Some(vec![
            mount(names::DATA_VOLUME, DATA_DIR, false),
            mount("token", TOKEN_DIR, true),
        ]),
        resources: resources(cluster),
        // A node answers /livez before it opens its disk, so these five minutes are for a machine
        // that is slow to start it. One to answer again, four seconds to leave the Services.
        startup_probe: Some(probe("/livez", 2, 5, 150)),
        liveness_probe: Some(probe("/livez", 10, 5, 6)),
        readiness_probe: Some(probe("/readyz", 2, 3, 2)),
        lifecycle: Some(Lifecycle {
            pre_stop: Some(LifecycleHandler {
                sleep: Some(SleepAction { seconds: LEAVE_SERVICE_S }),
                ..LifecycleHandler::default()
            }),
            ..Lifecycle::default()
        }),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            read_only_root_filesystem: Some(true),
            capabilities: Some(Capabilities { drop: Some(vec!["ALL".into()]), add: None }),
            ..SecurityContext::default()
        }),
        ..Container::default()
    }
}

fn port(name: &str, port: i32) -> ContainerPort {
    ContainerPort { name: Some(name.into()), container_port: port, ..ContainerPort::default() }
}

fn mount(name: &str, path: &str, read_only: bool) -> VolumeMount {
    VolumeMount {
        name: name.into(),
        mount_path: path.into(),
        read_only: Some(read_only),
        ..VolumeMount::default()
    }
}

/// What the operator sets itself. A list in the pod wins over the ConfigMap.
fn environment(cluster: &ValidatedCluster) -> Vec<EnvVar> {
    let headless = format!("{}.{}.svc", names::headless_service(&cluster.name), cluster.namespace);
    let pod_name = EnvVarSource {
        field_ref: Some(ObjectFieldSelector {
            field_path: "metadata.name".into(),
            ..ObjectFieldSelector::default()
        }),
        ..EnvVarSource::default()
    };
    vec![
        EnvVar { name: "VANE_CLUSTER__NAME".into(), value: None, value_from: Some(pod_name) },
        // Of both families: a cluster of Kubernetes may have either.
        variable("VANE_HOST", "::".into()),
        variable("VANE_HTTP_PORT", names::REST_PORT.to_string()),
        variable("VANE_GRPC_PORT", names::GRPC_PORT.to_string()),
        variable("VANE_PEER_PORT", names::PEER_PORT.to_string()),
        variable("VANE_DATA_DIR", DATA_DIR.into()),
        variable("VANE_CLUSTER__SEEDS", format!("dns:{headless}:{}", names::PEER_PORT)),
        // A pod's name outlives its IP address.
        variable(
            "VANE_CLUSTER__ADDRESS",
            format!("$(VANE_CLUSTER__NAME).{headless}:{}", names::PEER_PORT),
        ),
        variable(
            "VANE_CLUSTER__REST_ADDRESS",
            format!("$(VANE_CLUSTER__NAME).{headless}:{}", names::REST_PORT),
        ),
        variable("VANE_CLUSTER__TOKEN_FILE", TOKEN_FILE.into()),
    ]
}

fn variable(name: &str, value: String) -> EnvVar {
    EnvVar { name: name.into(), value: Some(value), value_from: None }
}

fn probe(path: &str, period_s: i32, timeout_s: i32, failures: i32) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.into()),
            port: IntOrString::String("rest".into()),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(period_s),
        timeout_seconds: Some(timeout_s),
        failure_threshold: Some(failures),
        ..Probe::default()
    }
}

fn resources(cluster: &ValidatedCluster) -> Option<ResourceRequirements> {
    let Some(resources) = &cluster.spec.resources else {
        // Pods that ask for nothing are the first to be evicted. Not a part of the recipe: pods
        // that are there get it when they are made again.
        let requests = REQUESTS.map(|(name, amount)| (name.to_owned(), Quantity(amount.into())));
        return Some(ResourceRequirements {
            requests: Some(requests.into()),
            ..ResourceRequirements::default()
        });
    };
    Some(ResourceRequirements {
        requests: resources.requests.as_ref().map(amounts),
        limits: resources.limits.as_ref().map(amounts),
        ..ResourceRequirements::default()
    })
}

fn amounts(amounts: &Amounts) -> BTreeMap<String, Quantity> {
    let named = [("cpu", &amounts.cpu), ("memory", &amounts.memory)];
    named
        .into_iter()
        .filter_map(|(name, amount)| Some((name.to_owned(), Quantity(amount.as_ref()?.0.clone()))))
        .collect()
}

fn toleration(declared: &cluster::Toleration) -> Toleration {
    Toleration {
        key: declared.key.clone(),
        // Without a value it must be `Exists`: `Equal` would ask for a taint with an empty value.
        operator: Some(if declared.value.is_some() { "Equal" } else { "Exists" }.into()),
        value: declared.value.clone(),
        effect: declared.effect.and_then(word),
        toleration_seconds: None,
    }
}

/// Over zones and over machines. A copy of a shard counts on the nodes of its majority
/// failing apart from each other.
fn spread(cluster: &ValidatedCluster) -> Vec<TopologySpreadConstraint> {
    let placement = &cluster.spec.placement;
    vec![
        spread_over("topology.kubernetes.io/zone", placement.zones, &cluster.name),
        spread_over("kubernetes.io/hostname", placement.machines, &cluster.name),
    ]
}

fn spread_over(key: &str, spread: TopologySpread, cluster: &str) -> TopologySpreadConstraint {
    let otherwise = match spread {
        TopologySpread::Preferred => "ScheduleAnyway",
        TopologySpread::Required => "DoNotSchedule",
    };
    TopologySpreadConstraint {
        max_skew: 1,
        topology_key: key.into(),
        when_unsatisfiable: otherwise.into(),
        label_selector: Some(names::label_selector(cluster)),
        ..TopologySpreadConstraint::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(affinity: Value) -> Result<bool, String> {
        let affinity = serde_json::from_value(affinity).expect("an object");
        let options = PodOptions { affinity: Some(affinity), ..PodOptions::default() };
        super::affinity(&options).map(|affinity| affinity.is_some())
    }

    #[test]
    fn of_an_affinity_nothing_is_passed_over_in_silence() {
        let term = json!({"topologyKey": "zone", "labelSelector": {"matchLabels": {"a": "b"}}});
        let with = |terms: Value| json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}});
        assert_eq!(told(with(json!([term]))), Ok(true));
        assert_eq!(told(with(json!([]))), Ok(true));
        let mut misspelt = term.clone();
        misspelt["labelSelector"]["matchLabel"] = json!({"a": "b"});
        assert_eq!(
            told(with(json!([term, misspelt]))),
            Err("a Pod has no podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[1]\
                 .labelSelector.matchLabel"
                .to_owned())
        );
        assert_eq!(told(json!({"pods": {}})), Err("a Pod has no pods".to_owned()));
        assert!(told(with(json!({"a": "b"}))).is_err(), "not a list");
    }
}
