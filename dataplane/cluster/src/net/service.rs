//! What the other nodes call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tonic::{Request, Response, Status, Streaming};
use vane_proto::peer::peer_server::Peer;
use vane_proto::peer::{
    DirectReply, DirectRequest, Done, JoinReply, JoinRequest, ProposeReply, ProposeRequest,
    RaftBatch, ReadReply, ReadRequest, ReportReply, ReportRequest, SnapshotPart,
};
use vane_raft::Envelope;
use vane_types::GroupId;

use super::auth::cluster_of;
use super::take_snapshot;
use crate::host::Host;
use crate::inner::Inner;
use crate::{direct, report, wire};

/// Longest time that a call may ask for.
const TIMEOUT_MAX: Duration = Duration::from_secs(24 * 3600);

/// The service. It answers once the node is a member.
pub(crate) struct PeerService(pub(crate) Host);

impl PeerService {
    /// The running node, if the caller is of the same cluster.
    fn running<T>(&self, request: &Request<T>) -> Result<Arc<Inner>, Status> {
        let inner = self.0.inner().ok_or_else(|| {
            Status::unavailable(
                "this node belongs to no cluster yet; it waits to join one or to be bootstrapped",
            )
        })?;
        match cluster_of(request.metadata()) {
            Some(cluster) if cluster == inner.cluster_id => Ok(inner),
            other => Err(Status::failed_precondition(format!(
                "this node belongs to cluster {}, the caller to {}; nothing was changed",
                inner.cluster_id,
                other.map_or_else(|| "none".to_owned(), |it| it.to_string())
            ))),
        }
    }
}

fn deadline(timeout_ms: u64) -> Instant {
    Instant::now() + Duration::from_millis(timeout_ms).min(TIMEOUT_MAX)
}

#[tonic::async_trait]
impl Peer for PeerService {
    async fn raft(&self, request: Request<Streaming<RaftBatch>>) -> Result<Response<Done>, Status> {
        let inner = self.running(&request)?;
        let mut batches = request.into_inner();
        while let Some(RaftBatch { to_node, envelopes, .. }) = batches.message().await? {
            if to_node != inner.me {
                return Err(Status::failed_precondition(format!(
                    "this is node {}, not node {to_node}",
                    inner.me
                )));
            }
            let full = inner.space.is_exhausted();
            let mut messages = Vec::with_capacity(envelopes.len());
            for envelope in envelopes {
                let message = Envelope::decode(GroupId(envelope.group), &envelope.message)
                    .map_err(Status::invalid_argument)?;
                // Without room for the entries this replica is as good as away; a failed
                // write would end the process.
                if !(full && message.has_entries()) {
                    messages.push(message);
                }
            }
            inner.node.step(messages);
        }
        Ok(Response::new(Done {}))
    }

    async fn snapshot(
        &self,
        request: Request<Streaming<SnapshotPart>>,
    ) -> Result<Response<Done>, Status> {
        let inner = self.running(&request)?;
        let root = inner.data_dir.snapshots_dir();
        take_snapshot::take(inner.me, &inner.node, &inner.space, &root, request.into_inner())
            .await?;
        Ok(Response::new(Done {}))
    }

    async fn join(&self, request: Request<JoinRequest>) -> Result<Response<JoinReply>, Status> {
        let inner = self
            .0
            .inner()
            .ok_or_else(|| Status::unavailable("this node belongs to no cluster yet"))?;
        let reply = crate::admission::admit(&inner, request.into_inner()).await;
        reply.map(Response::new).map_err(|e| Status::unavailable(e.to_string()))
    }

    async fn propose(
        &self,
        request: Request<ProposeRequest>,
    ) -> Result<Response<ProposeReply>, Status> {
        let inner = self.running(&request)?;
        let ProposeRequest { group, command, timeout_ms, replicas, basis, grows } =
            request.into_inner();
        let proposal =
            crate::propose::Proposal { group: GroupId(group), command, replicas, basis, grows };
        let outcome = crate::propose::propose_here(&inner, proposal, deadline(timeout_ms)).await;
        Ok(Response::new(wire::outcome_to_wire(outcome)))
    }

    async fn read(&self, request: Request<ReadRequest>) -> Result<Response<ReadReply>, Status> {
        let inner = self.running(&request)?;
        let request = request.into_inner();
        let (group, deadline) = (GroupId(request.group), deadline(request.timeout_ms));
        let (freshness, read) = wire::read_from_wire(request).map_err(Status::invalid_argument)?;
        let answer = crate::local::read_here(&inner, group, read, freshness, deadline).await;
        Ok(Response::new(wire::answer_to_wire(answer)))
    }

    async fn report(
        &self,
        request: Request<ReportRequest>,
    ) -> Result<Response<ReportReply>, Status> {
        let inner = self.running(&request)?;
        Ok(Response::new(report::report(&inner, request.into_inner()).await))
    }

    async fn direct(
        &self,
        request: Request<DirectRequest>,
    ) -> Result<Response<DirectReply>, Status> {
        let inner = self.running(&request)?;
        Ok(Response::new(direct::direct_here(&inner, request.into_inner()).await))
    }
}
