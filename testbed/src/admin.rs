//! The admin interface, for callers that do not wait for several things at once.

use std::time::Duration;

use tokio::runtime::Runtime;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Request, Response, Status};
use vane_proto::admin::admin_client::AdminClient;
use vane_proto::admin::{
    Balance, BootstrapRequest, Cluster, GetBalanceRequest, GetClusterRequest, ListNodesRequest,
    ListShardsRequest, Node, PinShardRequest, Policy, ReconfigureShardRequest, ReplicaTarget, Role,
    SetNodeFollowsOnlyRequest, Shard, TransferLeaderRequest,
};

use crate::error::Error;
use crate::wait::wait_until;

/// Time for nodes to join.
const VOTERS_TIMEOUT: Duration = Duration::from_secs(60);
/// Time for a replica to have what its leader has.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(60);

/// What a call comes to.
type Answer<R> = Result<Response<R>, Status>;

/// A connection to one node's admin interface.
pub struct Admin {
    runtime: Runtime,
    address: String,
    token: MetadataValue<Ascii>,
}

impl Admin {
    /// The admin interface of the node that listens at `address` (host:port). It connects with
    /// each call.
    ///
    /// # Errors
    ///
    /// The token is not ASCII, or the system gives no runtime.
    pub fn new(address: &str, token: &str) -> Result<Self, Error> {
        let failed = |e: String| Error::request(format!("admin interface at {address}"), e);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|e| failed(e.to_string()))?;
        let token = format!("Bearer {token}")
            .parse()
            .map_err(|_| failed("the token is not ASCII".into()))?;
        Ok(Self { runtime, address: address.to_owned(), token })
    }

    /// Founds a cluster on the node.
    ///
    /// # Errors
    ///
    /// The node does not answer, or refuses.
    pub fn bootstrap(&self) -> Result<(), Error> {
        self.call("bootstrap", BootstrapRequest::default(), AdminClient::bootstrap).map(drop)
    }

    /// The cluster as a whole.
    ///
    /// # Errors
    ///
    /// The node does not answer, or refuses.
    pub fn cluster(&self) -> Result<Cluster, Error> {
        self.call("get cluster", GetClusterRequest {}, AdminClient::get_cluster)
    }

    /// All members.
    ///
    /// # Errors
    ///
    /// The node does not answer, or refuses.
    pub fn nodes(&self) -> Result<Vec<Node>, Error> {
        Ok(self.call("list nodes", ListNodesRequest {}, AdminClient::list_nodes)?.nodes)
    }

    /// Shards of a collection; of all when it is empty.
    ///
    /// # Errors
    ///
    /// The node does not answer, or refuses.
    pub fn shards(&self, collection: &str) -> Result<Vec<Shard>, Error> {
        let request = ListShardsRequest { collection: collection.to_owned() };
        Ok(self.call("list shards", request, AdminClient::list_shards)?.shards)
    }

    /// Asks for a shard's voters to be on these nodes.
    ///
    /// # Errors
    ///
    /// The node does not answer, or refuses.
    pub fn reconfigure(&self, group: u64, nodes: &[u64]) -> Result<(), Error> {
        let replicas = nodes
            .iter()
            .map(|node_id| ReplicaTarget { node_id: *node_id, role: Role::Voter.into() })
            .collect();
        let request = ReconfigureShardRequest { group, replicas, if_revision: None };
        self.call("reconfigure shard", request, AdminClient::reconfigure_shard).map(drop)
    }

    /// Changes what is named of the policy for moves.
    ///
    /// # Errors
    ///
    /// The node does not answer, or refuses.
    pub fn set_policy(&self, policy: Policy) -> Result<(), Error> {
        self.call("set policy", policy, AdminClient::set_policy).map(drop)
    }

    /// Says whether a shard's replicas stay where they are, whatever the balance.
    ///
    /// # Errors
    ///
    /// The node does not answer, or refuses.
    pub fn pin(&self, group: u64, pinned: bool) -> Result<(), Error> {
        let request = PinShardRequest { group, pinned };
        self.call("pin shard", request, AdminClient::pin_shard).map(drop)
    }

    /// How even the nodes are.
    ///
    /// # Errors
    ///
    /// The node does not answer, or refuses.
    pub fn balance(&self) -> Result<Balance, Error> {
        self.call("get balance", GetBalanceRequest {}, AdminClient::get_balance)
    }

    /// Hands a group's leadership to a node.
    ///
    /// # Errors
    ///
    /// The node does not answer, or refuses.
    pub fn transfer(&self, group: u64, node_id: u64) -> Result<(), Error> {
        let request = TransferLeaderRequest { group, node_id };
        self.call("transfer leader", request, AdminClient::transfer_leader).map(drop)
    }

    /// Says for how many seconds a node is to lead nothing; 0 takes it back.
    ///
    /// # Errors
    ///
    /// The node does not answer, or refuses.
    pub fn follow(&self, node_id: u64, seconds: u32) -> Result<(), Error> {
        let request = SetNodeFollowsOnlyRequest { node_id, seconds };
        self.call("have a node follow", request, AdminClient::set_node_follows_only).map(drop)
    }

    /// Waits until a cluster of so many nodes has all of them, and the meta group the votes
    /// that it should have.
    ///
    /// # Errors
    ///
    /// It has not in time.
    pub fn wait_voters(&self, nodes: usize) -> Result<(), Error> {
        // As the cluster hands them out: an odd number, up to five.
        let votes = match nodes {
            0..3 => 1,
            3..5 => 3,
            _ => 5,
        };
        wait_until("the meta group to have its votes", VOTERS_TIMEOUT, || {
            let known = self.nodes().ok()?;
            (known.len() == nodes && known.iter().filter(|node| node.meta_voter).count() == votes)
                .then_some(())
        })
    }

    /// Waits until every replica of a collection answers its leader and trails it by at most
    /// so many entries.
    ///
    /// # Errors
    ///
    /// One does not in time.
    pub fn wait_caught_up(&self, collection: &str, lag_max: u64) -> Result<(), Error> {
        wait_until("all replicas to have caught up", CATCH_UP_TIMEOUT, || {
            // Empty is the answer of a node that does not know the collection yet.
            let shards = self.shards(collection).ok().filter(|shards| !shards.is_empty())?;
            let groups = shards.iter().map(|shard| shard.group.as_ref());
            let caught_up = groups.flatten().flat_map(|group| &group.replicas).all(|replica| {
                let runs = replica.known && replica.active && !replica.snapshot;
                runs && replica.lag <= lag_max
            });
            let all_known = shards.iter().all(|shard| shard.group.is_some());
            (all_known && caught_up).then_some(())
        })
    }

    /// Name of the node that the cluster knows by this id.
    ///
    /// # Errors
    ///
    /// The node does not answer, or the cluster does not know the id.
    pub fn name_of(&self, node_id: u64) -> Result<String, Error> {
        let known = self.nodes()?.into_iter().find(|node| node.id == node_id);
        known.map(|node| node.name).ok_or_else(|| {
            Error::request(format!("node id {node_id}"), "the cluster does not know it")
        })
    }

    fn call<M, R>(
        &self,
        what: &str,
        message: M,
        send: impl AsyncFnOnce(&mut AdminClient<Channel>, Request<M>) -> Answer<R>,
    ) -> Result<R, Error> {
        let failed = |e: String| Error::request(format!("{what} at {}", self.address), e);
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", self.token.clone());
        self.runtime.block_on(async {
            // Anew for each call: nodes are killed between two of them.
            let client = AdminClient::connect(format!("http://{}", self.address)).await;
            let mut client = client.map_err(|e| failed(e.to_string()))?;
            let answer = send(&mut client, request).await;
            Ok(answer.map_err(|e| failed(e.message().to_owned()))?.into_inner())
        })
    }
}
