//! The far end of the wire: a node that gives canned answers and remembers the calls.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::metadata::MetadataValue;
use tonic::transport::Server;
use tonic::{Code, Request, Response, Status};
use vane_proto::admin as wire;
use vane_proto::admin::admin_server::{Admin, AdminServer};

use crate::canned;

pub(crate) const TOKEN: &str = "s3cret";

/// A running node; stops when dropped.
pub(crate) struct Node {
    address: SocketAddr,
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What the node answers, and what it was asked.
#[derive(Default)]
struct State {
    /// Answers to GetCluster that say "not healthy" before the healthy ones come.
    unhealthy: AtomicU32,
    calls: Mutex<Vec<String>>,
}

impl Node {
    pub(crate) fn start() -> Self {
        Self::start_with(State::default())
    }

    /// A node that finds the cluster unhealthy so many times.
    pub(crate) fn start_unhealthy(times: u32) -> Self {
        Self::start_with(State { unhealthy: times.into(), ..State::default() })
    }

    fn start_with(state: State) -> Self {
        let state = Arc::new(state);
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let service = AdminServer::new(Answers(Arc::clone(&state)));
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                let incoming = TcpListenerStream::new(listener);
                let serving = Server::builder().add_service(service).serve_with_incoming(incoming);
                tokio::select! {
                    served = serving => served.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        Self { address, state, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn endpoint(&self) -> String {
        self.address.to_string()
    }

    /// The calls so far that change something, each with what it carried.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.state.calls.lock().clone()
    }

    /// Runs `vanectl` against this node with the right token.
    pub(crate) fn run(&self, arguments: &[&str]) -> crate::vanectl::Ran {
        let endpoint = self.endpoint();
        let mut all = vec!["--endpoint", endpoint.as_str(), "--token", TOKEN];
        all.extend(arguments);
        crate::vanectl::run(&all)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Answers(Arc<State>);

impl Answers {
    fn check<M>(&self, request: &Request<M>) -> Result<(), Status> {
        match request.metadata().get("authorization").map(MetadataValue::as_bytes) {
            Some(value) if value == format!("Bearer {TOKEN}").as_bytes() => Ok(()),
            _ => Err(Status::unauthenticated("the token is missing or wrong")),
        }
    }

    /// Checks the token and remembers the call.
    fn note<M>(&self, request: Request<M>, line: impl Fn(&M) -> String) -> Result<M, Status> {
        self.check(&request)?;
        let message = request.into_inner();
        self.0.calls.lock().push(line(&message));
        Ok(message)
    }
}

fn refused(code: Code, message: &str, changed: &'static str, retry: &'static str) -> Status {
    let mut status = Status::new(code, message);
    status.metadata_mut().insert("vane-changed", MetadataValue::from_static(changed));
    status.metadata_mut().insert("vane-retry", MetadataValue::from_static(retry));
    status
}

type Answer<R> = Result<Response<R>, Status>;

#[tonic::async_trait]
impl Admin for Answers {
    async fn get_disk(&self, request: Request<wire::GetDiskRequest>) -> Answer<wire::Disk> {
        self.check(&request)?;
        Ok(Response::new(wire::Disk {
            state: wire::disk::State::Empty.into(),
            format: 1,
            ..canned::disk("")
        }))
    }

    async fn bootstrap(&self, request: Request<wire::BootstrapRequest>) -> Answer<wire::Disk> {
        let request = self.note(request, |message| format!("bootstrap {}", message.cluster_id))?;
        Ok(Response::new(canned::disk(&request.cluster_id)))
    }

    async fn get_cluster(
        &self,
        request: Request<wire::GetClusterRequest>,
    ) -> Answer<wire::Cluster> {
        self.check(&request)?;
        let left = self
            .0
            .unhealthy
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        Ok(Response::new(canned::cluster(left.is_err())))
    }

    async fn list_nodes(
        &self,
        request: Request<wire::ListNodesRequest>,
    ) -> Answer<wire::ListNodesReply> {
        self.check(&request)?;
        Ok(Response::new(wire::ListNodesReply { nodes: canned::nodes() }))
    }

    async fn catch_up(&self, request: Request<wire::CatchUpRequest>) -> Answer<wire::CatchUpReply> {
        self.check(&request)?;
        Ok(Response::new(wire::CatchUpReply { index: 1 }))
    }

    async fn get_safety(
        &self,
        request: Request<wire::GetSafetyRequest>,
    ) -> Answer<wire::GetSafetyReply> {
        self.check(&request)?;
        let without = request.into_inner().without;
        Ok(Response::new(wire::GetSafetyReply { verdicts: canned::safety(&without) }))
    }

    async fn list_memory(
        &self,
        request: Request<wire::ListMemoryRequest>,
    ) -> Answer<wire::ListMemoryReply> {
        self.check(&request)?;
        Ok(Response::new(wire::ListMemoryReply { nodes: canned::memory() }))
    }

    async fn set_node_zone(
        &self,
        request: Request<wire::SetNodeZoneRequest>,
    ) -> Answer<wire::SetNodeZoneReply> {
        self.note(request, |message| format!("zone {} {}", message.node_id, message.zone))?;
        Ok(Response::new(wire::SetNodeZoneReply {}))
    }

    async fn set_node_leaving(
        &self,
        request: Request<wire::SetNodeLeavingRequest>,
    ) -> Answer<wire::SetNodeLeavingReply> {
        self.note(request, |message| format!("leaving {} {}", message.node_id, message.leaving))?;
        Ok(Response::new(wire::SetNodeLeavingReply {}))
    }

    async fn set_node_follows_only(
        &self,
        request: Request<wire::SetNodeFollowsOnlyRequest>,
    ) -> Answer<wire::SetNodeFollowsOnlyReply> {
        self.note(request, |message| format!("follows {} {}", message.node_id, message.seconds))?;
        Ok(Response::new(wire::SetNodeFollowsOnlyReply {}))
    }

    async fn hold_feature_level(
        &self,
        request: Request<wire::HoldFeatureLevelRequest>,
    ) -> Answer<wire::HoldFeatureLevelReply> {
        self.note(request, |message| format!("hold {}", message.held))?;
        Ok(Response::new(wire::HoldFeatureLevelReply {}))
    }

    async fn set_settings(
        &self,
        request: Request<wire::SetSettingsRequest>,
    ) -> Answer<wire::SetSettingsReply> {
        self.note(request, |message| {
            let settings: std::collections::BTreeMap<_, _> = message.settings.iter().collect();
            format!("settings {settings:?}")
        })?;
        Ok(Response::new(wire::SetSettingsReply {}))
    }

    async fn raise_feature_level(
        &self,
        request: Request<wire::RaiseFeatureLevelRequest>,
    ) -> Answer<wire::RaiseFeatureLevelReply> {
        self.note(request, |_| "raise".into())?;
        Ok(Response::new(wire::RaiseFeatureLevelReply { level: 11 }))
    }

    async fn evacuate_node(
        &self,
        _: Request<wire::EvacuateNodeRequest>,
    ) -> Answer<wire::EvacuateNodeReply> {
        Err(Status::unimplemented("not called by vanectl"))
    }

    async fn remove_node(
        &self,
        request: Request<wire::RemoveNodeRequest>,
    ) -> Answer<wire::RemoveNodeReply> {
        self.note(request, |message| format!("remove {} {}", message.node_id, message.disk_id))?;
        Ok(Response::new(wire::RemoveNodeReply {}))
    }

    async fn get_collection(
        &self,
        request: Request<wire::GetCollectionRequest>,
    ) -> Answer<wire::Collection> {
        self.check(&request)?;
        match request.into_inner().name.as_str() {
            "docs" => Ok(Response::new(canned::collection("docs"))),
            name => Err(Status::not_found(format!("collection {name} does not exist"))),
        }
    }

    async fn set_payload_index(
        &self,
        _: Request<wire::SetPayloadIndexRequest>,
    ) -> Answer<wire::SetPayloadIndexReply> {
        Err(Status::unimplemented("vanectl does not call it"))
    }

    async fn add_alias(&self, _: Request<wire::AddAliasRequest>) -> Answer<wire::AddAliasReply> {
        Err(Status::unimplemented("vanectl does not call it"))
    }

    async fn list_collections(
        &self,
        request: Request<wire::ListCollectionsRequest>,
    ) -> Answer<wire::ListCollectionsReply> {
        self.check(&request)?;
        Ok(Response::new(wire::ListCollectionsReply {
            collections: vec![canned::collection("docs")],
        }))
    }

    async fn create_collection(
        &self,
        request: Request<wire::CreateCollectionRequest>,
    ) -> Answer<wire::Collection> {
        let request = self.note(request, |message| {
            format!("create {} {} {}", message.name, message.body, message.idempotency_key)
        })?;
        match request.name.as_str() {
            "taken" => Err(refused(
                Code::AlreadyExists,
                "collection taken exists with another key",
                "no",
                "no",
            )),
            "lost" => {
                Err(refused(Code::Unavailable, "the meta leader went away", "unknown", "yes"))
            }
            "slow" => {
                tokio::time::sleep(Duration::from_secs(60)).await;
                Err(Status::internal("nobody waits so long"))
            }
            name => Ok(Response::new(canned::collection(name))),
        }
    }

    async fn update_collection(
        &self,
        request: Request<wire::UpdateCollectionRequest>,
    ) -> Answer<wire::Collection> {
        let request =
            self.note(request, |message| format!("update {} {}", message.name, message.body))?;
        Ok(Response::new(canned::collection(&request.name)))
    }

    async fn delete_collection(
        &self,
        request: Request<wire::DeleteCollectionRequest>,
    ) -> Answer<wire::DeleteCollectionReply> {
        let request = self.note(request, |message| {
            format!("delete {} {}", message.name, message.idempotency_key)
        })?;
        Ok(Response::new(wire::DeleteCollectionReply { deleted: request.name == "docs" }))
    }

    async fn add_vector(&self, _: Request<wire::AddVectorRequest>) -> Answer<wire::AddVectorReply> {
        Err(Status::unimplemented("vanectl does not call it"))
    }

    async fn remove_vector(
        &self,
        _: Request<wire::RemoveVectorRequest>,
    ) -> Answer<wire::RemoveVectorReply> {
        Err(Status::unimplemented("vanectl does not call it"))
    }

    async fn list_shards(
        &self,
        request: Request<wire::ListShardsRequest>,
    ) -> Answer<wire::ListShardsReply> {
        self.check(&request)?;
        let wanted = request.into_inner().collection;
        let mut shards = canned::shards();
        shards.retain(|shard| wanted.is_empty() || shard.collection == wanted);
        Ok(Response::new(wire::ListShardsReply { shards }))
    }

    async fn pin_shard(
        &self,
        request: Request<wire::PinShardRequest>,
    ) -> Answer<wire::PinShardReply> {
        self.note(request, |message| format!("pin {} {}", message.group, message.pinned))?;
        Ok(Response::new(wire::PinShardReply {}))
    }

    async fn get_balance(
        &self,
        request: Request<wire::GetBalanceRequest>,
    ) -> Answer<wire::Balance> {
        self.check(&request)?;
        Ok(Response::new(canned::balance()))
    }

    async fn set_policy(&self, request: Request<wire::Policy>) -> Answer<wire::SetPolicyReply> {
        self.note(request, |policy| {
            format!("policy {:?} {:?}", policy.bytes_per_second, policy.leaders)
        })?;
        Ok(Response::new(wire::SetPolicyReply {}))
    }

    async fn reconfigure_shard(
        &self,
        request: Request<wire::ReconfigureShardRequest>,
    ) -> Answer<wire::ReconfigureShardReply> {
        let request = self.note(request, |message| {
            let replicas: Vec<String> = message
                .replicas
                .iter()
                .map(|replica| format!("{}:{}", replica.node_id, replica.role().as_str_name()))
                .collect();
            format!(
                "reconfigure {} {} at {}",
                message.group,
                replicas.join(" "),
                message.if_revision.unwrap_or_default()
            )
        })?;
        if request.if_revision.is_some_and(|revision| revision != 5) {
            let text = "shard 7 is at revision 5, not 4: \
                        its replicas are to be on nodes 1,2,3:learner by now";
            return Err(refused(Code::FailedPrecondition, text, "no", "no"));
        }
        Ok(Response::new(wire::ReconfigureShardReply {}))
    }

    async fn transfer_leader(
        &self,
        request: Request<wire::TransferLeaderRequest>,
    ) -> Answer<wire::TransferLeaderReply> {
        self.note(request, |message| format!("transfer {} {}", message.group, message.node_id))?;
        Ok(Response::new(wire::TransferLeaderReply { term: 9 }))
    }
}
