//! Administration over gRPC: what operators, command lines and scripts call.

use std::sync::Arc;
use std::time::Duration;

use tonic::service::interceptor::InterceptedService;
use tonic::{Request, Response, Status};
use vane_api::admin::{balance, convert, request};
use vane_proto::admin::admin_server::{Admin, AdminServer};
use vane_proto::admin::{
    AddAliasReply, AddAliasRequest, AddVectorReply, AddVectorRequest, Balance, BootstrapRequest,
    CatchUpReply, CatchUpRequest, Cluster, Collection, CreateCollectionRequest,
    DeleteCollectionReply, DeleteCollectionRequest, Disk, EvacuateNodeReply, EvacuateNodeRequest,
    GetBalanceRequest, GetClusterRequest, GetCollectionRequest, GetDiskRequest, GetSafetyReply,
    GetSafetyRequest, HoldFeatureLevelReply, HoldFeatureLevelRequest, ListCollectionsReply,
    ListCollectionsRequest, ListMemoryReply, ListMemoryRequest, ListNodesReply, ListNodesRequest,
    ListShardsReply, ListShardsRequest, PinShardReply, PinShardRequest, Policy,
    RaiseFeatureLevelReply, RaiseFeatureLevelRequest, ReconfigureShardReply,
    ReconfigureShardRequest, RemoveNodeReply, RemoveNodeRequest, RemoveVectorReply,
    RemoveVectorRequest, SetNodeFollowsOnlyReply, SetNodeFollowsOnlyRequest, SetNodeLeavingReply,
    SetNodeLeavingRequest, SetNodeZoneReply, SetNodeZoneRequest, SetPayloadIndexReply,
    SetPayloadIndexRequest, SetPolicyReply, SetSettingsReply, SetSettingsRequest,
    TransferLeaderReply, TransferLeaderRequest, UpdateCollectionRequest,
};
use vane_service::{Call, CollectionState, Door, Principal, Service};
use vane_types::{GroupId, LogIndex, NodeId};

use crate::live;
use crate::state::AppState;

/// Time for an operation.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Shards that are told which stay on a node that is to go.
const STAYS_TOLD_MAX: usize = 10;

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

/// What a call answers.
type Answer<T> = Result<Response<T>, Status>;

/// A call of somebody whose token was checked.
fn call() -> Call {
    Call::new(Principal::Administrator, Door::Admin, TIMEOUT)
}

fn answer<T>(message: T) -> Answer<T> {
    Ok(Response::new(message))
}

fn shown(state: CollectionState) -> Collection {
    let CollectionState { collection, overview } = state;
    convert::collection(collection.config(), collection.layout(), overview)
}

#[tonic::async_trait]
impl Admin for AdminDoor {
    async fn get_disk(&self, _: Request<GetDiskRequest>) -> Answer<Disk> {
        answer(convert::disk(&self.0.disk()))
    }

    async fn bootstrap(&self, request: Request<BootstrapRequest>) -> Answer<Disk> {
        let cluster_id = request::cluster_id(&request.into_inner().cluster_id)?;
        answer(convert::disk(&self.0.bootstrap(&call(), cluster_id).await?))
    }

    async fn catch_up(&self, request: Request<CatchUpRequest>) -> Answer<CatchUpReply> {
        let least = LogIndex(request.into_inner().min_index);
        let index = self.0.recover_catalog(&call(), least).await?;
        answer(CatchUpReply { index: index.0 })
    }

    async fn get_cluster(&self, _: Request<GetClusterRequest>) -> Answer<Cluster> {
        answer(convert::cluster(self.0.summary(&call()).await?))
    }

    async fn list_nodes(&self, _: Request<ListNodesRequest>) -> Answer<ListNodesReply> {
        let nodes = self.0.nodes(&call()).await?.into_iter();
        answer(ListNodesReply { nodes: nodes.map(convert::node).collect() })
    }

    async fn get_safety(&self, request: Request<GetSafetyRequest>) -> Answer<GetSafetyReply> {
        let without = request.into_inner().without.into_iter().map(NodeId).collect();
        let verdicts = self.0.safety(&call(), &without).await?.into_iter();
        answer(GetSafetyReply { verdicts: verdicts.map(convert::safety).collect() })
    }

    async fn list_memory(&self, request: Request<ListMemoryRequest>) -> Answer<ListMemoryReply> {
        let ListMemoryRequest { collection } = request.into_inner();
        let nodes = self.0.memory(&call(), &collection).await?.into_iter();
        answer(ListMemoryReply { nodes: nodes.map(convert::memory).collect() })
    }

    async fn set_node_zone(
        &self,
        request: Request<SetNodeZoneRequest>,
    ) -> Answer<SetNodeZoneReply> {
        let SetNodeZoneRequest { node_id, zone } = request.into_inner();
        // A message has no other way to say none: an empty text takes the zone away.
        let zone = Some(zone).filter(|zone| !zone.is_empty());
        self.0.set_node_zone(&call(), NodeId(node_id), zone).await?;
        answer(SetNodeZoneReply {})
    }

    async fn set_node_leaving(
        &self,
        request: Request<SetNodeLeavingRequest>,
    ) -> Answer<SetNodeLeavingReply> {
        let SetNodeLeavingRequest { node_id, leaving } = request.into_inner();
        self.0.set_node_leaving(&call(), NodeId(node_id), leaving).await?;
        answer(SetNodeLeavingReply {})
    }

    async fn set_node_follows_only(
        &self,
        request: Request<SetNodeFollowsOnlyRequest>,
    ) -> Answer<SetNodeFollowsOnlyReply> {
        let SetNodeFollowsOnlyRequest { node_id, seconds } = request.into_inner();
        // A message has no other way to say none.
        let seconds = Some(seconds).filter(|seconds| *seconds > 0);
        self.0.set_node_follows_only(&call(), NodeId(node_id), seconds).await?;
        answer(SetNodeFollowsOnlyReply {})
    }

    async fn hold_feature_level(
        &self,
        request: Request<HoldFeatureLevelRequest>,
    ) -> Answer<HoldFeatureLevelReply> {
        let HoldFeatureLevelRequest { held } = request.into_inner();
        self.0.hold_feature_level(&call(), held).await?;
        answer(HoldFeatureLevelReply {})
    }

    async fn set_settings(&self, request: Request<SetSettingsRequest>) -> Answer<SetSettingsReply> {
        let settings = request.into_inner().settings.into_iter().collect();
        live::check(&settings)?;
        self.0.set_settings(&call(), settings).await?;
        answer(SetSettingsReply {})
    }

    async fn raise_feature_level(
        &self,
        _: Request<RaiseFeatureLevelRequest>,
    ) -> Answer<RaiseFeatureLevelReply> {
        let level = self.0.raise_feature_level(&call()).await?;
        answer(RaiseFeatureLevelReply { level: level.0 })
    }

    async fn evacuate_node(
        &self,
        request: Request<EvacuateNodeRequest>,
    ) -> Answer<EvacuateNodeReply> {
        let EvacuateNodeRequest { node_id, preferred } = request.into_inner();
        let preferred = (preferred != 0).then_some(NodeId(preferred));
        let (asked, stays) = self.0.evacuate_node(&call(), NodeId(node_id), preferred).await?;
        let staying = u32::try_from(stays.len()).unwrap_or(u32::MAX);
        let stays = stays.into_iter().take(STAYS_TOLD_MAX).collect();
        answer(EvacuateNodeReply { asked, stays, staying })
    }

    async fn remove_node(&self, request: Request<RemoveNodeRequest>) -> Answer<RemoveNodeReply> {
        let RemoveNodeRequest { node_id, disk_id } = request.into_inner();
        let disk_id = request::disk_id(&disk_id)?;
        self.0.remove_node(&call(), NodeId(node_id), disk_id).await?;
        answer(RemoveNodeReply {})
    }

    /// One collection, with its indexes as its shards' leaders have them.
    async fn get_collection(&self, request: Request<GetCollectionRequest>) -> Answer<Collection> {
        let GetCollectionRequest { name } = request.into_inner();
        let mut found = shown(self.0.collection_state(&call(), &name).await?);
        // Apart: indexes are known to the shards, everything else to the catalogue.
        let collection = self.0.collection(&call(), &name).await?;
        let info = self.0.collection_info(&call(), &collection).await?;
        found.payload_indexes = convert::payload_indexes(&info);
        found.text_indexes = convert::text_indexes(&info);
        found.recall = convert::recall(&self.0.collection_recall(&call(), &collection).await);
        answer(found)
    }

    /// Makes an index; one of the same type that is there stays.
    async fn set_payload_index(
        &self,
        request: Request<SetPayloadIndexRequest>,
    ) -> Answer<SetPayloadIndexReply> {
        let asked = request.into_inner();
        let collection = self.0.collection(&call(), &asked.collection).await?;
        let wanted = request::WantedIndex::of(asked)?;
        let options = wanted.options(collection.config());
        self.0.make_index(&call(), collection, wanted.write, options, false).await?;
        answer(SetPayloadIndexReply {})
    }

    async fn add_alias(&self, request: Request<AddAliasRequest>) -> Answer<AddAliasReply> {
        let AddAliasRequest { collection, alias } = request.into_inner();
        let collection = self.0.add_alias(&call(), collection, alias).await?;
        answer(AddAliasReply { collection })
    }

    async fn list_collections(
        &self,
        _: Request<ListCollectionsRequest>,
    ) -> Answer<ListCollectionsReply> {
        let states = self.0.collection_states(&call()).await?.into_iter();
        answer(ListCollectionsReply { collections: states.map(shown).collect() })
    }

    async fn create_collection(
        &self,
        request: Request<CreateCollectionRequest>,
    ) -> Answer<Collection> {
        let CreateCollectionRequest { name, body, idempotency_key } = request.into_inner();
        let wanted = request::new_collection(&body)?;
        self.0.create_collection(&call(), name.clone(), wanted, idempotency_key).await?;
        // Read back, so that the answer has the defaults that the body left out.
        answer(shown(self.0.collection_state(&call(), &name).await?))
    }

    async fn update_collection(
        &self,
        request: Request<UpdateCollectionRequest>,
    ) -> Answer<Collection> {
        let UpdateCollectionRequest { name, body } = request.into_inner();
        let body = request::parse(&body)?;
        let found = self.0.collection(&call(), &name).await?;
        let (change, layout) = request::collection_change(body, found.config(), found.layout())?;
        self.0.update_collection(&call(), found, change, layout).await?;
        answer(shown(self.0.collection_state(&call(), &name).await?))
    }

    async fn delete_collection(
        &self,
        request: Request<DeleteCollectionRequest>,
    ) -> Answer<DeleteCollectionReply> {
        let DeleteCollectionRequest { name, idempotency_key } = request.into_inner();
        let deleted = self.0.delete_collection(&call(), name, idempotency_key).await?;
        answer(DeleteCollectionReply { deleted })
    }

    async fn add_vector(&self, request: Request<AddVectorRequest>) -> Answer<AddVectorReply> {
        let AddVectorRequest { collection, vector, body } = request.into_inner();
        let wanted = request::new_vector(&body)?;
        let collection = self.0.collection(&call(), &collection).await?;
        self.0.add_vector(&call(), collection, vector, wanted).await?;
        answer(AddVectorReply {})
    }

    async fn remove_vector(
        &self,
        request: Request<RemoveVectorRequest>,
    ) -> Answer<RemoveVectorReply> {
        let RemoveVectorRequest { collection, vector, if_revision } = request.into_inner();
        let collection = self.0.collection(&call(), &collection).await?;
        self.0.remove_vector(&call(), collection, vector, if_revision).await?;
        answer(RemoveVectorReply {})
    }

    async fn list_shards(&self, request: Request<ListShardsRequest>) -> Answer<ListShardsReply> {
        let shards = self.0.shards(&call(), &request.into_inner().collection).await?.into_iter();
        answer(ListShardsReply { shards: shards.map(convert::shard).collect() })
    }

    async fn reconfigure_shard(
        &self,
        request: Request<ReconfigureShardRequest>,
    ) -> Answer<ReconfigureShardReply> {
        let asked = request.into_inner();
        let (group, wanted) = (GroupId(asked.group), request::wanted_replicas(&asked)?);
        self.0.reconfigure_shard(&call(), group, wanted, asked.if_revision).await?;
        answer(ReconfigureShardReply {})
    }

    async fn pin_shard(&self, request: Request<PinShardRequest>) -> Answer<PinShardReply> {
        let PinShardRequest { group, pinned } = request.into_inner();
        self.0.pin_shard(&call(), GroupId(group), pinned).await?;
        answer(PinShardReply {})
    }

    async fn get_balance(&self, _: Request<GetBalanceRequest>) -> Answer<Balance> {
        answer(balance::balance(self.0.balance(&call()).await?))
    }

    async fn set_policy(&self, request: Request<Policy>) -> Answer<SetPolicyReply> {
        let change = balance::policy_change(request.into_inner())?;
        self.0.change_policy(&call(), change).await?;
        answer(SetPolicyReply {})
    }

    async fn transfer_leader(
        &self,
        request: Request<TransferLeaderRequest>,
    ) -> Answer<TransferLeaderReply> {
        let TransferLeaderRequest { group, node_id } = request.into_inner();
        let term = self.0.transfer_leader(&call(), GroupId(group), NodeId(node_id)).await?;
        answer(TransferLeaderReply { term: term.0 })
    }
}
