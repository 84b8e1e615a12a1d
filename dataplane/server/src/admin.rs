//! Administration over gRPC: what operators, command lines and scripts call.

use std::sync::Arc;
use std::time::Duration;

use tonic::service::interceptor::InterceptedService;
use tonic::{Request, Response, Status};
use vane_api::admin::failure::failed;
use vane_api::admin::{convert, request};
use vane_proto::admin::admin_server::{Admin, AdminServer};
use vane_proto::admin::{
    AddAliasReply, AddAliasRequest, BootstrapRequest, Cluster, Collection, CreateCollectionRequest,
    DeleteCollectionReply, DeleteCollectionRequest, Disk, GetClusterRequest, GetCollectionRequest,
    GetDiskRequest, ListCollectionsReply, ListCollectionsRequest, ListNodesReply, ListNodesRequest,
    ListShardsReply, ListShardsRequest, ReconfigureShardReply, ReconfigureShardRequest,
    SetNodeZoneReply, SetNodeZoneRequest, SetPayloadIndexReply, SetPayloadIndexRequest,
    TransferLeaderReply, TransferLeaderRequest, UpdateCollectionRequest,
};
use vane_service::{Call, CollectionState, Door, Principal, Service};
use vane_types::{GroupId, NodeId};

use crate::state::AppState;

/// Time for an operation.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The service, with the check of the token before it.
pub(crate) fn server(
    state: &AppState,
) -> InterceptedService<
    AdminServer<impl Admin + use<>>,
    impl FnMut(Request<()>) -> Result<Request<()>, Status> + Clone + use<>,
> {
    let token = state.node.token();
    let door = AdminDoor(Arc::clone(&state.service));
    InterceptedService::new(AdminServer::new(door), move |request| token.check(request))
}

/// The administration's interface of the service.
struct AdminDoor(Arc<Service>);

/// A call of somebody whose token was checked.
fn call() -> Call {
    Call::new(Principal::Administrator, Door::Admin, TIMEOUT)
}

fn answer<T>(result: Result<T, vane_api::Error>) -> Result<Response<T>, Status> {
    result.map(Response::new).map_err(|error| failed(&error))
}

fn collection(state: CollectionState) -> Collection {
    let CollectionState { collection, overview } = state;
    convert::collection(collection.config(), collection.layout(), overview)
}

#[tonic::async_trait]
impl Admin for AdminDoor {
    async fn get_disk(&self, _: Request<GetDiskRequest>) -> Result<Response<Disk>, Status> {
        answer(Ok(convert::disk(&self.0.disk())))
    }

    async fn bootstrap(
        &self,
        request: Request<BootstrapRequest>,
    ) -> Result<Response<Disk>, Status> {
        answer(self.found(request.into_inner()).await)
    }

    async fn get_cluster(
        &self,
        _: Request<GetClusterRequest>,
    ) -> Result<Response<Cluster>, Status> {
        answer(self.0.summary(&call()).await.map(convert::cluster))
    }

    async fn list_nodes(
        &self,
        _: Request<ListNodesRequest>,
    ) -> Result<Response<ListNodesReply>, Status> {
        let nodes = self.0.nodes(&call()).await;
        answer(
            nodes.map(|nodes| ListNodesReply {
                nodes: nodes.into_iter().map(convert::node).collect(),
            }),
        )
    }

    async fn set_node_zone(
        &self,
        request: Request<SetNodeZoneRequest>,
    ) -> Result<Response<SetNodeZoneReply>, Status> {
        let SetNodeZoneRequest { node_id, zone } = request.into_inner();
        // A message has no other way to say none: an empty text takes the zone away.
        let zone = Some(zone).filter(|zone| !zone.is_empty());
        let set = self.0.set_node_zone(&call(), NodeId(node_id), zone).await;
        answer(set.map(|()| SetNodeZoneReply {}))
    }

    async fn get_collection(
        &self,
        request: Request<GetCollectionRequest>,
    ) -> Result<Response<Collection>, Status> {
        answer(self.with_indexes(&request.into_inner().name).await)
    }

    async fn set_payload_index(
        &self,
        request: Request<SetPayloadIndexRequest>,
    ) -> Result<Response<SetPayloadIndexReply>, Status> {
        answer(self.make_index(request.into_inner()).await)
    }

    async fn add_alias(
        &self,
        request: Request<AddAliasRequest>,
    ) -> Result<Response<AddAliasReply>, Status> {
        let AddAliasRequest { collection, alias } = request.into_inner();
        let holder = self.0.add_alias(&call(), collection, alias).await;
        answer(holder.map(|collection| AddAliasReply { collection }))
    }

    async fn list_collections(
        &self,
        _: Request<ListCollectionsRequest>,
    ) -> Result<Response<ListCollectionsReply>, Status> {
        let states = self.0.collection_states(&call()).await;
        answer(states.map(|states| ListCollectionsReply {
            collections: states.into_iter().map(collection).collect(),
        }))
    }

    async fn create_collection(
        &self,
        request: Request<CreateCollectionRequest>,
    ) -> Result<Response<Collection>, Status> {
        answer(self.create(request.into_inner()).await)
    }

    async fn update_collection(
        &self,
        request: Request<UpdateCollectionRequest>,
    ) -> Result<Response<Collection>, Status> {
        answer(self.update(request.into_inner()).await)
    }

    async fn delete_collection(
        &self,
        request: Request<DeleteCollectionRequest>,
    ) -> Result<Response<DeleteCollectionReply>, Status> {
        let DeleteCollectionRequest { name, idempotency_key } = request.into_inner();
        let deleted = self.0.delete_collection(&call(), name, idempotency_key).await;
        answer(deleted.map(|deleted| DeleteCollectionReply { deleted }))
    }

    async fn list_shards(
        &self,
        request: Request<ListShardsRequest>,
    ) -> Result<Response<ListShardsReply>, Status> {
        let shards = self.0.shards(&call(), &request.into_inner().collection).await;
        answer(shards.map(|shards| ListShardsReply {
            shards: shards.into_iter().map(convert::shard).collect(),
        }))
    }

    async fn reconfigure_shard(
        &self,
        request: Request<ReconfigureShardRequest>,
    ) -> Result<Response<ReconfigureShardReply>, Status> {
        answer(self.reconfigure(request.into_inner()).await)
    }

    async fn transfer_leader(
        &self,
        request: Request<TransferLeaderRequest>,
    ) -> Result<Response<TransferLeaderReply>, Status> {
        let TransferLeaderRequest { group, node_id } = request.into_inner();
        let term = self.0.transfer_leader(&call(), GroupId(group), NodeId(node_id)).await;
        answer(term.map(|term| TransferLeaderReply { term: term.0 }))
    }
}

/// Operations that read what they are asked for first.
impl AdminDoor {
    async fn found(&self, asked: BootstrapRequest) -> Result<Disk, vane_api::Error> {
        let cluster_id = request::cluster_id(&asked.cluster_id)?;
        Ok(convert::disk(&self.0.bootstrap(&call(), cluster_id).await?))
    }

    /// One collection, with its indexes as its shards' leaders have them.
    async fn with_indexes(&self, name: &str) -> Result<Collection, vane_api::Error> {
        let mut found = collection(self.0.collection_state(&call(), name).await?);
        // Apart: indexes are known to the shards, everything else to the catalogue.
        let collection = self.0.collection(&call(), name).await?;
        let info = self.0.collection_info(&call(), &collection).await?;
        found.payload_indexes = convert::payload_indexes(&info);
        Ok(found)
    }

    /// Makes an index; one of the same type that is there stays.
    async fn make_index(
        &self,
        asked: SetPayloadIndexRequest,
    ) -> Result<SetPayloadIndexReply, vane_api::Error> {
        let write = request::payload_index(&asked.field, asked.r#type)?;
        let collection = self.0.collection(&call(), &asked.collection).await?;
        self.0.write(&call(), collection, write).await?;
        Ok(SetPayloadIndexReply {})
    }

    async fn create(&self, asked: CreateCollectionRequest) -> Result<Collection, vane_api::Error> {
        let CreateCollectionRequest { name, body, idempotency_key } = asked;
        let wanted = request::new_collection(&body)?;
        self.0.create_collection(&call(), name.clone(), wanted, idempotency_key).await?;
        // Read back, so that the answer has the defaults that the body left out.
        Ok(collection(self.0.collection_state(&call(), &name).await?))
    }

    async fn update(&self, asked: UpdateCollectionRequest) -> Result<Collection, vane_api::Error> {
        let UpdateCollectionRequest { name, body } = asked;
        let body = request::parse(&body)?;
        let found = self.0.collection(&call(), &name).await?;
        let (change, factor) = request::collection_change(body, found.config(), found.layout())?;
        self.0.update_collection(&call(), found, change, factor).await?;
        Ok(collection(self.0.collection_state(&call(), &name).await?))
    }

    async fn reconfigure(
        &self,
        asked: ReconfigureShardRequest,
    ) -> Result<ReconfigureShardReply, vane_api::Error> {
        let wanted = request::wanted_replicas(&asked)?;
        let group = GroupId(asked.group);
        self.0.reconfigure_shard(&call(), group, wanted, asked.if_revision).await?;
        Ok(ReconfigureShardReply {})
    }
}
