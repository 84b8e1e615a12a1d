//! What a pod comes to as a process: pure, from the pod and what it names.
//!
//! Paths of volumes become folders of this machine; names of the cluster become loopback
//! addresses, since nothing here answers for them.

mod environment;
mod start;
#[cfg(test)]
mod tests;
mod volumes;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::{ConfigMap, Container, Pod, Secret};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::ResourceExt;

use crate::error::Error;

/// Looks at `/readyz` and its like that fail before a pod counts as not ready, where it does
/// not say.
const FAILURES: u32 = 3;
/// Seconds to end in order, where the pod does not say; Kubernetes' own default.
const GRACE_S: u64 = 30;

/// What a pod may name.
#[derive(Debug, Default)]
pub struct Sources {
    /// ConfigMaps of its namespace, by name.
    pub config_maps: BTreeMap<String, ConfigMap>,
    /// Secrets of its namespace, by name.
    pub secrets: BTreeMap<String, Secret>,
}

/// Where the process is to run.
#[derive(Debug, Clone)]
pub struct Place {
    /// Folder of the namespace: a claim's data is in `<claim>`, other files of a pod in `<pod>`.
    pub dir: PathBuf,
    /// The pod's own address.
    pub address: Ipv4Addr,
    /// All pods of its set by name, itself too, in the order of their ordinals.
    pub neighbours: Vec<(String, Ipv4Addr)>,
}

/// A file to write before the process starts; only its owner may read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Where to write it.
    pub path: PathBuf,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// How to ask whether a process is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    /// Port of its address.
    pub port: u16,
    /// Path of the URL.
    pub path: String,
    /// Looks in a row that fail before it is not ready any more.
    pub failures: u32,
}

/// The process that a pod comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Name of the pod.
    pub name: String,
    /// Name of its container.
    pub container: String,
    /// Its image, which is not used.
    pub image: String,
    /// Arguments of the node binary.
    pub args: Vec<String>,
    /// Environment, by name.
    pub env: BTreeMap<String, String>,
    /// Folders that must be there.
    pub dirs: Vec<PathBuf>,
    /// Files that must be there.
    pub files: Vec<File>,
    /// How to ask whether it is ready; a process without counts as ready while it runs.
    pub readiness: Option<Readiness>,
    /// Seconds to end in order.
    pub grace_s: u64,
}

/// Plans the process of a pod.
///
/// # Errors
///
/// What it names is not there, or it cannot be without containers.
pub fn plan(pod: &Pod, sources: &Sources, place: &Place) -> Result<Plan, Error> {
    let name = pod.name_any();
    let spec = pod.spec.as_ref().ok_or_else(|| Error::pod(&name, "has no spec"))?;
    let [container] = spec.containers.as_slice() else {
        return Err(Error::pod(&name, "has several containers; run it in Kubernetes"));
    };
    let volumes = volumes::volumes(pod, container, sources, &place.dir)?;
    let translate = |value: &str| translate(pod, value, place, &volumes.mounts);
    let env = environment::environment(pod, container, sources)?;
    Ok(Plan {
        container: container.name.clone(),
        image: container.image.clone().unwrap_or_default(),
        args: container.args.iter().flatten().map(|argument| translate(argument)).collect(),
        env: env.into_iter().map(|(key, value)| (key, translate(&value))).collect(),
        dirs: volumes.dirs,
        files: volumes.files,
        readiness: readiness(container),
        grace_s: spec
            .termination_grace_period_seconds
            .and_then(|seconds| seconds.try_into().ok())
            .unwrap_or(GRACE_S),
        name,
    })
}

/// Claims of a pod: its disks outlive it.
pub fn claims(pod: &Pod) -> Vec<String> {
    let volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
    volumes
        .filter_map(|volume| Some(volume.persistent_volume_claim.as_ref()?.claim_name.clone()))
        .collect()
}

/// A value in a pod, as it reads on this machine.
fn translate(pod: &Pod, value: &str, place: &Place, mounts: &[(String, PathBuf)]) -> String {
    // On one machine all addresses would be every other pod's too.
    if ["0.0.0.0", "::"].contains(&value) {
        return place.address.to_string();
    }
    if let Some(path) = mounts.iter().find_map(|(mount, dir)| below(value, mount, dir)) {
        return path.display().to_string();
    }
    let Some((name, port)) = value.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok())
    else {
        return value.to_owned();
    };
    let subdomain =
        pod.spec.as_ref().and_then(|spec| spec.subdomain.as_deref()).unwrap_or_default();
    let service = format!("{subdomain}.{}.svc", pod.namespace().as_deref().unwrap_or("default"));
    if name.strip_prefix("dns:") == Some(&service) {
        let all: Vec<String> =
            place.neighbours.iter().map(|(_, address)| format!("{address}:{port}")).collect();
        return all.join(",");
    }
    // `demo-1.demo-nodes.one.svc` is what a pod is called within the cluster.
    let host = name.strip_suffix(&service).and_then(|host| host.strip_suffix('.'));
    match place.neighbours.iter().find(|(name, _)| Some(name.as_str()) == host) {
        Some((_, address)) => format!("{address}:{port}"),
        None => value.to_owned(),
    }
}

fn below(value: &str, mount: &str, dir: &Path) -> Option<PathBuf> {
    match value.strip_prefix(mount)? {
        "" => Some(dir.to_owned()),
        rest => Some(dir.join(rest.strip_prefix('/')?)),
    }
}

fn readiness(container: &Container) -> Option<Readiness> {
    let probe = container.readiness_probe.as_ref()?;
    let get = probe.http_get.as_ref()?;
    let port = match &get.port {
        IntOrString::Int(port) => *port,
        IntOrString::String(name) => {
            container
                .ports
                .iter()
                .flatten()
                .find(|port| port.name.as_ref() == Some(name))?
                .container_port
        }
    };
    Some(Readiness {
        port: port.try_into().ok()?,
        path: get.path.clone().unwrap_or_else(|| "/".into()),
        failures: probe
            .failure_threshold
            .and_then(|failures| failures.try_into().ok())
            .unwrap_or(FAILURES),
    })
}
