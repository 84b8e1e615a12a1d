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
use vane_crds::VectorCluster;
use vane_crds::cluster::{PullPolicy, TaintEffect, TopologySpread};
use vane_crds::quantity::Amounts;

use super::{name, namespace};
use crate::names::{self, TOKEN_KEY};

/// Where the volume is mounted.
const DATA_DIR: &str = "/var/lib/vane";
/// Where the token is mounted.
const TOKEN_DIR: &str = "/etc/vane/token";
/// The token in a pod.
pub const TOKEN_FILE: &str = "/etc/vane/token/token";
/// Nobody: the image and the volume need no other.
const USER: i64 = 65532;
/// Seconds in which Services stop sending new connections, before the node is told to stop.
const LEAVE_SERVICE_S: i64 = 5;
/// Seconds to hand leaders over, finish what is on its way and leave a clean disk.
const GRACE_S: i64 = 60;

/// One container; the StatefulSet adds the volume.
pub(super) fn pod(cluster: &VectorCluster) -> PodSpec {
    let spec = &cluster.spec;
    let secrets =
        spec.image.pull_secrets.iter().map(|it| LocalObjectReference { name: it.clone() });
    let selector = &spec.placement.node_selector;
    PodSpec {
        automount_service_account_token: Some(false),
        // Each name of a Service would be an environment variable of the node.
        enable_service_links: Some(false),
        service_account_name: Some(name(cluster).to_owned()),
        termination_grace_period_seconds: Some(LEAVE_SERVICE_S + GRACE_S),
        image_pull_secrets: Some(secrets.collect()).filter(|it: &Vec<_>| !it.is_empty()),
        node_selector: Some(selector.clone()).filter(|it| !it.is_empty()),
        tolerations: Some(tolerations(cluster)).filter(|it| !it.is_empty()),
        topology_spread_constraints: Some(spread(cluster)),
        affinity: None::<Affinity>,
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(USER),
            run_as_group: Some(USER),
            fs_group: Some(USER),
            // A large volume is not walked through at each start.
            fs_group_change_policy: Some("OnRootMismatch".into()),
            seccomp_profile: Some(SeccompProfile {
                type_: "RuntimeDefault".into(),
                ..SeccompProfile::default()
            }),
            ..PodSecurityContext::default()
        }),
        containers: vec![container(cluster)],
        volumes: Some(vec![Volume {
            name: "token".into(),
            secret: Some(SecretVolumeSource {
                secret_name: Some(names::token_secret(name(cluster))),
                items: Some(vec![KeyToPath {
                    key: TOKEN_KEY.into(),
                    path: TOKEN_KEY.into(),
                    mode: None,
                }]),
                default_mode: Some(0o440),
                ..SecretVolumeSource::default()
            }),
            ..Volume::default()
        }]),
        ..PodSpec::default()
    }
}

fn container(cluster: &VectorCluster) -> Container {
    let image = &cluster.spec.image;
    let pull = match image.pull_policy {
        PullPolicy::Always => "Always",
        PullPolicy::IfNotPresent => "IfNotPresent",
        PullPolicy::Never => "Never",
    };
    let port = |name: &str, port| ContainerPort {
        name: Some(name.into()),
        container_port: port,
        ..ContainerPort::default()
    };
    let mount = |name: &str, path: &str, read_only| VolumeMount {
        name: name.into(),
        mount_path: path.into(),
        read_only: Some(read_only),
        ..VolumeMount::default()
    };
    Container {
        name: "vane".into(),
        image: Some(format!("{}:{}", image.repository, cluster.spec.version)),
        image_pull_policy: Some(pull.into()),
        args: Some(vec!["serve".into()]),
        env: Some(environment(cluster)),
        env_from: Some(vec![EnvFromSource {
            config_map_ref: Some(ConfigMapEnvSource {
                name: names::config_map(name(cluster)),
                ..ConfigMapEnvSource::default()
            }),
            ..EnvFromSource::default()
        }]),
        ports: Some(vec![port("rest", names::REST_PORT), port("peer", names::PEER_PORT)]),
        volume_mounts: Some(vec![
            mount(names::DATA_VOLUME, DATA_DIR, false),
            mount("token", TOKEN_DIR, true),
        ]),
        resources: resources(cluster),
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

/// What the operator sets itself. A list in the pod wins over the ConfigMap.
fn environment(cluster: &VectorCluster) -> Vec<EnvVar> {
    let headless = format!("{}.{}.svc", names::headless_service(name(cluster)), namespace(cluster));
    let value = |name: &str, value: String| EnvVar {
        name: name.into(),
        value: Some(value),
        value_from: None,
    };
    let pod_name = EnvVarSource {
        field_ref: Some(ObjectFieldSelector {
            field_path: "metadata.name".into(),
            ..ObjectFieldSelector::default()
        }),
        ..EnvVarSource::default()
    };
    vec![
        EnvVar { name: "VANE_CLUSTER__NAME".into(), value: None, value_from: Some(pod_name) },
        value("VANE_HOST", "0.0.0.0".into()),
        value("VANE_HTTP_PORT", names::REST_PORT.to_string()),
        value("VANE_PEER_PORT", names::PEER_PORT.to_string()),
        value("VANE_DATA_DIR", DATA_DIR.into()),
        value("VANE_CLUSTER__SEEDS", format!("dns:{headless}:{}", names::PEER_PORT)),
        // A pod's name outlives its IP address.
        value(
            "VANE_CLUSTER__ADDRESS",
            format!("$(VANE_CLUSTER__NAME).{headless}:{}", names::PEER_PORT),
        ),
        value(
            "VANE_CLUSTER__REST_ADDRESS",
            format!("$(VANE_CLUSTER__NAME).{headless}:{}", names::REST_PORT),
        ),
        value("VANE_CLUSTER__TOKEN_FILE", TOKEN_FILE.into()),
    ]
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

fn resources(cluster: &VectorCluster) -> Option<ResourceRequirements> {
    let resources = cluster.spec.resources.as_ref()?;
    let amounts = |it: &Amounts| -> BTreeMap<String, Quantity> {
        let named = [("cpu", &it.cpu), ("memory", &it.memory)];
        named
            .into_iter()
            .filter_map(|(name, it)| Some((name.to_owned(), Quantity(it.as_ref()?.0.clone()))))
            .collect()
    };
    Some(ResourceRequirements {
        requests: resources.requests.as_ref().map(amounts),
        limits: resources.limits.as_ref().map(amounts),
        ..ResourceRequirements::default()
    })
}

fn tolerations(cluster: &VectorCluster) -> Vec<Toleration> {
    let effect = |it| match it {
        TaintEffect::NoSchedule => "NoSchedule",
        TaintEffect::PreferNoSchedule => "PreferNoSchedule",
        TaintEffect::NoExecute => "NoExecute",
    };
    let one = |it: &vane_crds::cluster::Toleration| Toleration {
        key: it.key.clone(),
        operator: Some(if it.value.is_some() { "Equal" } else { "Exists" }.into()),
        value: it.value.clone(),
        effect: it.effect.map(|it| effect(it).to_owned()),
        toleration_seconds: None,
    };
    cluster.spec.placement.tolerations.iter().map(one).collect()
}

/// Over zones and over machines. A copy of a shard counts on the nodes of its majority
/// failing apart from each other.
fn spread(cluster: &VectorCluster) -> Vec<TopologySpreadConstraint> {
    let placement = &cluster.spec.placement;
    let over = |key: &str, spread| TopologySpreadConstraint {
        max_skew: 1,
        topology_key: key.into(),
        when_unsatisfiable: match spread {
            TopologySpread::Preferred => "ScheduleAnyway",
            TopologySpread::Required => "DoNotSchedule",
        }
        .into(),
        label_selector: Some(names::label_selector(name(cluster))),
        ..TopologySpreadConstraint::default()
    };
    vec![
        over("topology.kubernetes.io/zone", placement.zones),
        over("kubernetes.io/hostname", placement.machines),
    ]
}
