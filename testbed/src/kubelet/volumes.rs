//! Volumes that are local to a machine, as a provisioner of such makes them: where a claim's is,
//! its pods run.

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use kube::api::{Api, PostParams};
use kube::{Client, ResourceExt};
use serde_json::json;

use super::machines::HOSTNAME_LABEL;
use crate::error::Error;

/// The machine that a claim's volume is local to; `None` where it has no volume yet.
pub(super) async fn machine(
    client: &Client,
    claim: &PersistentVolumeClaim,
) -> Result<Option<String>, Error> {
    let volumes: Api<PersistentVolume> = Api::all(client.clone());
    let found = volumes.get_opt(&name(claim)).await;
    let found = found.map_err(Error::api("read the volume of a claim"))?;
    Ok(found.and_then(|volume| volume.labels().get(HOSTNAME_LABEL).cloned()))
}

/// Makes the volume of a claim on a machine.
pub(super) async fn make(
    client: &Client,
    claim: &PersistentVolumeClaim,
    machine: &str,
) -> Result<(), Error> {
    let requests = claim.spec.clone().and_then(|spec| spec.resources?.requests);
    let here = json!({"key": HOSTNAME_LABEL, "operator": "In", "values": [machine]});
    let volume = json!({
        "metadata": {"name": name(claim), "labels": {HOSTNAME_LABEL: machine}},
        "spec": {
            "capacity": requests, "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "local": {"path": "/"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
            "claimRef": {
                "kind": "PersistentVolumeClaim", "apiVersion": "v1",
                "namespace": claim.namespace(), "name": claim.name_any(), "uid": claim.uid(),
            },
        },
    });
    let volume: PersistentVolume = serde_json::from_value(volume).expect("a volume is plain");
    let volumes: Api<PersistentVolume> = Api::all(client.clone());
    match volumes.create(&PostParams::default(), &volume).await {
        // By a look that ended here.
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
        made => made.map(drop).map_err(Error::api("make the volume of a claim")),
    }
}

fn name(claim: &PersistentVolumeClaim) -> String {
    format!("local-{}", claim.uid().unwrap_or_default())
}
