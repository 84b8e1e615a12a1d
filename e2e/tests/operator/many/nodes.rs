//! Stands for nodes of many clusters, one each: a thousand processes do not fit on a machine. They
//! answer what the operator asks of a cluster at rest, and count how often they were asked.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use vane_operator::names::PEER_PORT;
use vane_proto::admin;
use vane_proto::admin::admin_server::{Admin, AdminServer};

/// A node, as far as the operator sees it.
#[derive(Clone, Default)]
pub(crate) struct Node {
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    /// Name of its pod.
    pod: String,
    /// UUID of the database that was founded on it.
    database: Option<String>,
    /// It takes calls and never answers.
    hangs: bool,
    /// When it was last asked for its disk.
    asked: Option<Instant>,
    /// The longest time between two of these since somebody began to watch.
    longest: Duration,
}

impl Node {
    /// The node of the pod `name`, at the address of that number.
    pub(crate) async fn start(number: usize, pod: String) -> Self {
        let node = Self::default();
        node.seen.lock().pod = pod;
        let port = u16::try_from(PEER_PORT).unwrap();
        let listener = TcpListener::bind(SocketAddr::new(address(number), port)).await.unwrap();
        let server = Server::builder().add_service(AdminServer::new(node.clone()));
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        node
    }

    /// Whether it takes calls and never answers.
    pub(crate) fn hang(&self, hangs: bool) {
        self.seen.lock().hangs = hangs;
    }

    /// Begins to measure how long nobody asks it.
    pub(crate) fn watch_silence(&self) {
        let mut seen = self.seen.lock();
        (seen.asked, seen.longest) = (Some(Instant::now()), Duration::ZERO);
    }

    /// The longest time that nobody asked it for, since that began.
    pub(crate) fn longest_silence(&self) -> Duration {
        let seen = self.seen.lock();
        let until_now = seen.asked.map(|asked| asked.elapsed()).unwrap_or_default();
        seen.longest.max(until_now)
    }

    async fn answer<T>(&self, reply: impl FnOnce(&mut Seen) -> T) -> Result<Response<T>, Status> {
        if self.seen.lock().hangs {
            std::future::pending::<()>().await;
        }
        Ok(Response::new(reply(&mut self.seen.lock())))
    }
}

/// Address of the node of that number: beside those that kubelets of tests give.
pub(crate) fn address(number: usize) -> IpAddr {
    let (high, low) = (u8::try_from(number / 200).unwrap(), u8::try_from(number % 200).unwrap());
    Ipv4Addr::new(127, 1, high, 11 + low).into()
}

fn disk(seen: &Seen) -> admin::Disk {
    let state = match seen.database {
        Some(_) => admin::disk::State::Member,
        None => admin::disk::State::Empty,
    };
    let cluster_id = seen.database.clone().unwrap_or_default();
    admin::Disk { state: state.into(), format: 1, cluster_id, ..admin::Disk::default() }
}

/// What the operator never asks of a cluster at rest without collections. As `async_trait` writes
/// it, which does not see into macros.
macro_rules! never_asked {
    ($($call:ident: $request:ident -> $reply:ident,)*) => {$(
        fn $call<'a, 'b>(
            &'a self,
            _: Request<admin::$request>,
        ) -> Pin<Box<dyn Future<Output = Result<Response<admin::$reply>, Status>> + Send + 'b>>
        where
            'a: 'b,
            Self: 'b,
        {
            Box::pin(async { Err(Status::unimplemented(stringify!($call))) })
        }
    )*};
}

#[tonic::async_trait]
impl Admin for Node {
    async fn get_disk(
        &self,
        _: Request<admin::GetDiskRequest>,
    ) -> Result<Response<admin::Disk>, Status> {
        {
            let mut seen = self.seen.lock();
            let since = seen.asked.map(|asked| asked.elapsed()).unwrap_or_default();
            seen.longest = seen.longest.max(since);
            seen.asked = Some(Instant::now());
        }
        self.answer(|seen| disk(seen)).await
    }

    async fn bootstrap(
        &self,
        request: Request<admin::BootstrapRequest>,
    ) -> Result<Response<admin::Disk>, Status> {
        let database = request.into_inner().cluster_id;
        self.answer(|seen| {
            seen.database = Some(database);
            disk(seen)
        })
        .await
    }

    async fn catch_up(
        &self,
        _: Request<admin::CatchUpRequest>,
    ) -> Result<Response<admin::CatchUpReply>, Status> {
        self.answer(|_| admin::CatchUpReply { index: 7 }).await
    }

    async fn get_cluster(
        &self,
        _: Request<admin::GetClusterRequest>,
    ) -> Result<Response<admin::Cluster>, Status> {
        self.answer(|seen| admin::Cluster {
            cluster_id: seen.database.clone().unwrap_or_default(),
            node_id: 1,
            nodes: 1,
            nodes_alive: 1,
            ..admin::Cluster::default()
        })
        .await
    }

    async fn list_nodes(
        &self,
        _: Request<admin::ListNodesRequest>,
    ) -> Result<Response<admin::ListNodesReply>, Status> {
        let node = |seen: &mut Seen| admin::Node {
            id: 1,
            name: seen.pod.clone(),
            version: "0.1.0".into(),
            alive: true,
            meta_voter: true,
            ..admin::Node::default()
        };
        self.answer(|seen| admin::ListNodesReply { nodes: vec![node(seen)] }).await
    }

    async fn get_safety(
        &self,
        _: Request<admin::GetSafetyRequest>,
    ) -> Result<Response<admin::GetSafetyReply>, Status> {
        let verdict = admin::Safety { without: vec![1], ok: true, ..admin::Safety::default() };
        self.answer(|_| admin::GetSafetyReply { verdicts: vec![verdict] }).await
    }

    async fn list_shards(
        &self,
        _: Request<admin::ListShardsRequest>,
    ) -> Result<Response<admin::ListShardsReply>, Status> {
        self.answer(|_| admin::ListShardsReply::default()).await
    }

    never_asked! {
        list_memory: ListMemoryRequest -> ListMemoryReply,
        set_node_zone: SetNodeZoneRequest -> SetNodeZoneReply,
        set_node_leaving: SetNodeLeavingRequest -> SetNodeLeavingReply,
        evacuate_node: EvacuateNodeRequest -> EvacuateNodeReply,
        remove_node: RemoveNodeRequest -> RemoveNodeReply,
        get_collection: GetCollectionRequest -> Collection,
        list_collections: ListCollectionsRequest -> ListCollectionsReply,
        create_collection: CreateCollectionRequest -> Collection,
        update_collection: UpdateCollectionRequest -> Collection,
        delete_collection: DeleteCollectionRequest -> DeleteCollectionReply,
        add_vector: AddVectorRequest -> AddVectorReply,
        remove_vector: RemoveVectorRequest -> RemoveVectorReply,
        set_payload_index: SetPayloadIndexRequest -> SetPayloadIndexReply,
        add_alias: AddAliasRequest -> AddAliasReply,
        reconfigure_shard: ReconfigureShardRequest -> ReconfigureShardReply,
        set_node_follows_only: SetNodeFollowsOnlyRequest -> SetNodeFollowsOnlyReply,
        hold_feature_level: HoldFeatureLevelRequest -> HoldFeatureLevelReply,
        raise_feature_level: RaiseFeatureLevelRequest -> RaiseFeatureLevelReply,
        set_settings: SetSettingsRequest -> SetSettingsReply,
        pin_shard: PinShardRequest -> PinShardReply,
        get_balance: GetBalanceRequest -> Balance,
        set_policy: Policy -> SetPolicyReply,
        transfer_leader: TransferLeaderRequest -> TransferLeaderReply,
    }
}
