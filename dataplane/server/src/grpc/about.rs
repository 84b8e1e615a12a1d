//! What clients and probes ask a server about itself.

use std::sync::Arc;

use tokio_stream::Empty;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::Health;
use tonic_health::pb::{HealthCheckRequest as Probe, HealthCheckResponse};
use vane_api::rest::cluster::Version;
use vane_wire::qdrant::qdrant_server::Qdrant;
use vane_wire::qdrant::{HealthCheckReply, HealthCheckRequest};

use super::missing;
use crate::state::AppState;

/// `qdrant.Qdrant`.
pub(super) struct AboutDoor;

#[tonic::async_trait]
impl Qdrant for AboutDoor {
    async fn health_check(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckReply>, Status> {
        let Version { title, version, commit, .. } = Version::of_this_build();
        Ok(Response::new(HealthCheckReply {
            title: title.to_owned(),
            version: version.to_owned(),
            commit: Some(commit.to_owned()),
        }))
    }
}

/// `grpc.health.v1.Health`: whether calls should be sent here, as `/readyz` says it.
pub(super) struct HealthDoor(pub(super) Arc<AppState>);

#[tonic::async_trait]
impl Health for HealthDoor {
    type WatchStream = Empty<Result<HealthCheckResponse, Status>>;

    /// Of any service: they are ready together.
    async fn check(&self, _: Request<Probe>) -> Result<Response<HealthCheckResponse>, Status> {
        let status = match self.0.check_ready() {
            Ok(()) => ServingStatus::Serving,
            Err(_) => ServingStatus::NotServing,
        };
        Ok(Response::new(HealthCheckResponse { status: status.into() }))
    }

    async fn watch(&self, _: Request<Probe>) -> Result<Response<Self::WatchStream>, Status> {
        missing("grpc.health.v1.Health/Watch", "ask Check again")
    }
}
