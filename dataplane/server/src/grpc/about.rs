//! What clients ask a server about itself.

use tonic::{Request, Response, Status};
use vane_api::rest::cluster::Version;
use vane_wire::qdrant::qdrant_server::Qdrant;
use vane_wire::qdrant::{HealthCheckReply, HealthCheckRequest};

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
