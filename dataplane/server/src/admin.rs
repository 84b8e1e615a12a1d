//! Administration over gRPC: what operators, command lines and scripts call.

mod collections;

use std::sync::Arc;
use std::time::Duration;

use tonic::service::interceptor::InterceptedService;
use tonic::{Request, Response, Status};
use vane_api::admin::{convert, failure, request};
use vane_cluster::Cluster;
use vane_proto::admin::admin_server::{Admin, AdminServer};
use vane_proto::admin::{
    AddAliasReply, AddAliasRequest, BootstrapRequest, Cluster as ClusterOut, Collection,
    CreateCollectionRequest, DeleteCollectionReply, DeleteCollectionRequest, Disk,
    GetClusterRequest, GetCollectionRequest, GetDiskRequest, ListCollectionsReply,
    ListCollectionsRequest, ListNodesReply, ListNodesRequest, ListShardsReply, ListShardsRequest,
    ReconfigureShardReply, ReconfigureShardRequest, SetNodeZoneReply, SetNodeZoneRequest,
    SetPayloadIndexReply, SetPayloadIndexRequest, TransferLeaderReply, TransferLeaderRequest,
    UpdateCollectionRequest,
};
use vane_types::GroupId;

use crate::node::Node;

/// Time for a call that changes something.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The service, with the check of the token before it.
pub(crate) fn server(
    node: Arc<Node>,
) -> InterceptedService<
    AdminServer<impl Admin>,
    impl FnMut(Request<()>) -> Result<Request<()>, Status> + Clone + use<>,
> {
    let token = node.host.token();
    InterceptedService::new(AdminServer::new(Service(node)), move |request| token.check(request))
}

struct Service(Arc<Node>);

/// The status of a call that failed here or in the engine.
fn failed(error: impl Into<vane_api::Error>) -> Status {
    failure::failed(&error.into())
}

impl Service {
    fn cluster(&self) -> Result<Cluster, Status> {
        self.0.cluster().map_err(failed)
    }

    async fn collection(&self, name: &str) -> Result<Collection, Status> {
        let cluster = self.cluster()?;
        let collection = cluster.collection(name).map_err(failed)?;
        let overviews = cluster.collection_overviews().await;
        let overview = overviews.into_iter().find(|it| it.name == collection.name());
        let gone = || {
            failed(vane_cluster::Error::NotFound(format!(
                "Collection `{name}` was deleted meanwhile"
            )))
        };
        Ok(convert::collection(&collection, overview.ok_or_else(gone)?))
    }
}

#[tonic::async_trait]
impl Admin for Service {
    async fn get_disk(&self, _: Request<GetDiskRequest>) -> Result<Response<Disk>, Status> {
        Ok(Response::new(convert::disk(&self.0.host.disk())))
    }

    async fn bootstrap(
        &self,
        request: Request<BootstrapRequest>,
    ) -> Result<Response<Disk>, Status> {
        let cluster_id = request::cluster_id(&request.into_inner().cluster_id).map_err(failed)?;
        let disk = self.0.host.bootstrap(cluster_id).await.map_err(failed)?;
        Ok(Response::new(convert::disk(&disk)))
    }

    async fn get_cluster(
        &self,
        _: Request<GetClusterRequest>,
    ) -> Result<Response<ClusterOut>, Status> {
        let summary = self.cluster()?.summary().await;
        Ok(Response::new(convert::cluster(summary)))
    }

    async fn list_nodes(
        &self,
        _: Request<ListNodesRequest>,
    ) -> Result<Response<ListNodesReply>, Status> {
        let nodes = self.cluster()?.node_overviews().await;
        Ok(Response::new(ListNodesReply { nodes: nodes.into_iter().map(convert::node).collect() }))
    }

    async fn set_node_zone(
        &self,
        request: Request<SetNodeZoneRequest>,
    ) -> Result<Response<SetNodeZoneReply>, Status> {
        let SetNodeZoneRequest { node_id, zone } = request.into_inner();
        let zone = Some(zone).filter(|it| !it.is_empty());
        self.cluster()?.set_zone(node_id, zone, TIMEOUT).await.map_err(failed)?;
        Ok(Response::new(SetNodeZoneReply {}))
    }

    async fn get_collection(
        &self,
        request: Request<GetCollectionRequest>,
    ) -> Result<Response<Collection>, Status> {
        collections::get(self, request.into_inner()).await.map(Response::new)
    }

    async fn set_payload_index(
        &self,
        request: Request<SetPayloadIndexRequest>,
    ) -> Result<Response<SetPayloadIndexReply>, Status> {
        collections::set_payload_index(self, request.into_inner()).await.map(Response::new)
    }

    async fn add_alias(
        &self,
        request: Request<AddAliasRequest>,
    ) -> Result<Response<AddAliasReply>, Status> {
        collections::add_alias(self, request.into_inner()).await.map(Response::new)
    }

    async fn list_collections(
        &self,
        _: Request<ListCollectionsRequest>,
    ) -> Result<Response<ListCollectionsReply>, Status> {
        let cluster = self.cluster()?;
        let one = |overview: vane_cluster::CollectionOverview| {
            let collection = cluster.collection(&overview.name).ok()?;
            Some(convert::collection(&collection, overview))
        };
        let collections =
            cluster.collection_overviews().await.into_iter().filter_map(one).collect();
        Ok(Response::new(ListCollectionsReply { collections }))
    }

    async fn create_collection(
        &self,
        request: Request<CreateCollectionRequest>,
    ) -> Result<Response<Collection>, Status> {
        let CreateCollectionRequest { name, body, idempotency_key } = request.into_inner();
        let (config, spread) = request::new_collection(&body).map_err(failed)?;
        let cluster = self.cluster()?;
        let created =
            cluster.create_collection(&name, config, spread, &idempotency_key, TIMEOUT).await;
        created.map_err(failed)?;
        self.collection(&name).await.map(Response::new)
    }

    async fn update_collection(
        &self,
        request: Request<UpdateCollectionRequest>,
    ) -> Result<Response<Collection>, Status> {
        let UpdateCollectionRequest { name, body } = request.into_inner();
        let body = request::parse(&body).map_err(failed)?;
        let cluster = self.cluster()?;
        let collection = cluster.collection(&name).map_err(failed)?;
        let (change, factor) =
            request::collection_change(body, &collection.config(), collection.spread())
                .map_err(failed)?;
        let updated = cluster.update_collection(collection.name(), change, factor, TIMEOUT).await;
        updated.map_err(failed)?;
        self.collection(&name).await.map(Response::new)
    }

    async fn delete_collection(
        &self,
        request: Request<DeleteCollectionRequest>,
    ) -> Result<Response<DeleteCollectionReply>, Status> {
        let DeleteCollectionRequest { name, idempotency_key } = request.into_inner();
        let deleted = self.cluster()?.delete_collection(&name, &idempotency_key, TIMEOUT).await;
        Ok(Response::new(DeleteCollectionReply { deleted: deleted.map_err(failed)? }))
    }

    async fn list_shards(
        &self,
        request: Request<ListShardsRequest>,
    ) -> Result<Response<ListShardsReply>, Status> {
        let name = request.into_inner().collection;
        let cluster = self.cluster()?;
        let collection = match name.as_str() {
            "" => None,
            name => Some(cluster.collection(name).map_err(failed)?),
        };
        let shards = cluster.shard_overviews(collection.as_ref().map(|it| it.name())).await;
        Ok(Response::new(ListShardsReply {
            shards: shards.into_iter().map(convert::shard).collect(),
        }))
    }

    async fn reconfigure_shard(
        &self,
        request: Request<ReconfigureShardRequest>,
    ) -> Result<Response<ReconfigureShardReply>, Status> {
        let request = request.into_inner();
        let wanted = request::wanted_replicas(&request).map_err(failed)?;
        let ReconfigureShardRequest { group, replicas: _, if_revision } = request;
        let recorded =
            self.cluster()?.reconfigure(GroupId(group), wanted, if_revision, TIMEOUT).await;
        recorded.map_err(failed)?;
        Ok(Response::new(ReconfigureShardReply {}))
    }

    async fn transfer_leader(
        &self,
        request: Request<TransferLeaderRequest>,
    ) -> Result<Response<TransferLeaderReply>, Status> {
        let TransferLeaderRequest { group, node_id } = request.into_inner();
        let term =
            self.cluster()?.transfer_leader(GroupId(group), node_id).await.map_err(failed)?;
        Ok(Response::new(TransferLeaderReply { term }))
    }
}
