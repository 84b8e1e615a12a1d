//! The steps by which members leave the database, and their pods and volumes with them; and those
//! of volumes that stay.

use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};
use vane_proto::admin;

use super::any_member;
use crate::cluster::dereference::Dereferenced;
use crate::cluster::validate::ValidatedCluster;
use crate::error::{ApplyError, Request, database, kubernetes};
use crate::names::{self, MANAGER};

/// A cluster in a pass, for the steps of a member that leaves.
pub(super) struct Members<'a> {
    pub(super) client: &'a kube::Client,
    pub(super) cluster: &'a ValidatedCluster,
    pub(super) seen: &'a Dereferenced,
    /// What is asked for, for errors.
    pub(super) request: Request,
}

impl Members<'_> {
    /// Tells the database whether a node is to go.
    pub(super) async fn set_leaving(&self, node: u64, leaving: bool) -> Result<(), ApplyError> {
        let asked = admin::SetNodeLeavingRequest { node_id: node, leaving };
        let done = any_member(self.cluster, self.seen)?.set_node_leaving(asked).await;
        Ok(done.map(drop).map_err(database(self.request.clone()))?)
    }

    /// Has the copies of a node moved. Where none can be, what keeps them is told.
    pub(super) async fn move_copies(
        &self,
        node: u64,
        pod: &str,
        successor: u64,
    ) -> Result<(), ApplyError> {
        let asked = admin::EvacuateNodeRequest { node_id: node, preferred: successor };
        let done = any_member(self.cluster, self.seen)?.evacuate_node(asked).await;
        let reply = done.map_err(database(self.request.clone()))?.into_inner();
        match (reply.asked, reply.staying) {
            (0, staying) if staying > 0 => Err(ApplyError::Stays {
                pod: pod.to_owned(),
                why: reply.stays.join("; "),
                shards: staying,
            }),
            _ => Ok(()),
        }
    }

    /// Has the database forget a node. It refuses while anything needs it.
    pub(super) async fn remove(&self, node: u64, disk: &str) -> Result<(), ApplyError> {
        let asked = admin::RemoveNodeRequest { node_id: node, disk_id: disk.to_owned() };
        let done = any_member(self.cluster, self.seen)?.remove_node(asked).await;
        Ok(done.map(drop).map_err(database(self.request.clone()))?)
    }

    /// Says of a claim which node its disk was; `None` takes it back.
    pub(super) async fn retire(&self, claim: &str, node: Option<u64>) -> Result<(), ApplyError> {
        let node: Option<String> = node.map(|node| node.to_string());
        let labels = json!({names::RETIRED_LABEL: node});
        let patch = json!({"metadata": {"uid": self.uid(claim), "labels": labels}});
        self.patch(claim, &patch).await
    }

    /// Has a claim ask for another size. Kubernetes refuses where its class does not allow it.
    pub(super) async fn resize(&self, claim: &str, size: &str) -> Result<(), ApplyError> {
        let resources = json!({"requests": {"storage": size}});
        let patch = json!({
            "metadata": {"uid": self.uid(claim)}, "spec": {"resources": resources},
        });
        self.patch(claim, &patch).await
    }

    /// Of the claim that was seen: one that was made anew meanwhile is another disk.
    fn uid(&self, claim: &str) -> Option<&str> {
        let ordinal = names::claim_ordinal(&self.cluster.name, claim)?;
        self.seen.observed.claims.get(&ordinal).map(|seen| seen.uid.as_str())
    }

    async fn patch(&self, claim: &str, patch: &Value) -> Result<(), ApplyError> {
        let claims: Api<PersistentVolumeClaim> =
            Api::namespaced(self.client.clone(), &self.cluster.namespace);
        let how = PatchParams { field_manager: Some(MANAGER.into()), ..PatchParams::default() };
        let patched = claims.patch(claim, &how, &Patch::Merge(patch)).await;
        Ok(patched.map(drop).map_err(kubernetes(self.request.clone()))?)
    }
}
