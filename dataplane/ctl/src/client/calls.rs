//! The calls of the interface, each with the words that name it when it fails.

use std::collections::HashMap;

use vane_proto::admin::admin_client::AdminClient;
use vane_proto::admin::{
    Balance, BootstrapRequest, Cluster, Collection, CreateCollectionRequest,
    DeleteCollectionRequest, Disk, GetBalanceRequest, GetClusterRequest, GetCollectionRequest,
    GetDiskRequest, GetSafetyRequest, HoldFeatureLevelRequest, ListCollectionsRequest,
    ListMemoryRequest, ListNodesRequest, ListShardsRequest, Node, NodeMemory, PinShardRequest,
    Policy, RaiseFeatureLevelRequest, ReconfigureShardRequest, RemoveNodeRequest, ReplicaTarget,
    Safety, SetNodeFollowsOnlyRequest, SetNodeLeavingRequest, SetNodeZoneRequest,
    SetSettingsRequest, Shard, TransferLeaderRequest, UpdateCollectionRequest,
};

use super::Client;
use crate::error::{Doing, Error};

impl Client {
    pub(crate) async fn disk(&mut self) -> Result<Disk, Error> {
        let doing = Doing::read("read what the disk belongs to");
        self.call(doing, GetDiskRequest {}, AdminClient::get_disk).await
    }

    pub(crate) async fn bootstrap(&mut self, cluster_id: String) -> Result<Disk, Error> {
        let doing = Doing::change(match cluster_id.as_str() {
            "" => "found a cluster".into(),
            id => format!("found cluster {id}"),
        });
        self.call(doing, BootstrapRequest { cluster_id }, AdminClient::bootstrap).await
    }

    pub(crate) async fn cluster(&mut self) -> Result<Cluster, Error> {
        let doing = Doing::read("read the state of the cluster");
        self.call(doing, GetClusterRequest {}, AdminClient::get_cluster).await
    }

    pub(crate) async fn nodes(&mut self) -> Result<Vec<Node>, Error> {
        let doing = Doing::read("list nodes");
        Ok(self.call(doing, ListNodesRequest {}, AdminClient::list_nodes).await?.nodes)
    }

    /// What the absence of nodes would be: of these together, or of each alone.
    pub(crate) async fn safety(&mut self, without: Vec<u64>) -> Result<Vec<Safety>, Error> {
        let doing = Doing::read("read whether nodes may go");
        let request = GetSafetyRequest { without };
        Ok(self.call(doing, request, AdminClient::get_safety).await?.verdicts)
    }

    /// What the nodes have memory for; of collections one, or all when the name is empty.
    pub(crate) async fn memory(&mut self, collection: String) -> Result<Vec<NodeMemory>, Error> {
        let doing = Doing::read("read what the nodes have memory for");
        let request = ListMemoryRequest { collection };
        Ok(self.call(doing, request, AdminClient::list_memory).await?.nodes)
    }

    pub(crate) async fn set_node_zone(&mut self, node_id: u64, zone: String) -> Result<(), Error> {
        let doing = Doing::change(format!("set the zone of node {node_id}"));
        let request = SetNodeZoneRequest { node_id, zone };
        self.call(doing, request, AdminClient::set_node_zone).await.map(drop)
    }

    pub(crate) async fn set_node_leaving(
        &mut self,
        node_id: u64,
        leaving: bool,
    ) -> Result<(), Error> {
        let doing = Doing::change(format!("say whether node {node_id} is to go"));
        let request = SetNodeLeavingRequest { node_id, leaving };
        self.call(doing, request, AdminClient::set_node_leaving).await.map(drop)
    }

    pub(crate) async fn set_node_follows_only(
        &mut self,
        node_id: u64,
        seconds: u32,
    ) -> Result<(), Error> {
        let doing = Doing::change(format!("say whether node {node_id} only follows"));
        let request = SetNodeFollowsOnlyRequest { node_id, seconds };
        self.call(doing, request, AdminClient::set_node_follows_only).await.map(drop)
    }

    pub(crate) async fn hold_feature_level(&mut self, held: bool) -> Result<(), Error> {
        let doing = Doing::change("say whether the feature level is held");
        let request = HoldFeatureLevelRequest { held };
        self.call(doing, request, AdminClient::hold_feature_level).await.map(drop)
    }

    pub(crate) async fn set_settings(
        &mut self,
        settings: HashMap<String, String>,
    ) -> Result<(), Error> {
        let doing = Doing::change("change the settings of the nodes");
        let request = SetSettingsRequest { settings };
        self.call(doing, request, AdminClient::set_settings).await.map(drop)
    }

    pub(crate) async fn raise_feature_level(&mut self) -> Result<u32, Error> {
        let doing = Doing::change("raise the feature level");
        let request = RaiseFeatureLevelRequest {};
        Ok(self.call(doing, request, AdminClient::raise_feature_level).await?.level)
    }

    pub(crate) async fn remove_node(&mut self, node_id: u64, disk_id: String) -> Result<(), Error> {
        let doing = Doing::change(format!("remove node {node_id}"));
        let request = RemoveNodeRequest { node_id, disk_id };
        self.call(doing, request, AdminClient::remove_node).await.map(drop)
    }

    pub(crate) async fn collections(&mut self) -> Result<Vec<Collection>, Error> {
        let doing = Doing::read("list collections");
        let reply = self.call(doing, ListCollectionsRequest {}, AdminClient::list_collections);
        Ok(reply.await?.collections)
    }

    /// One collection, with its payload indexes.
    pub(crate) async fn collection(&mut self, name: String) -> Result<Collection, Error> {
        let doing = Doing::read("read the collection");
        self.call(doing, GetCollectionRequest { name }, AdminClient::get_collection).await
    }

    pub(crate) async fn create_collection(
        &mut self,
        request: CreateCollectionRequest,
    ) -> Result<Collection, Error> {
        let doing = Doing::change(format!("create collection {}", request.name));
        self.call(doing, request, AdminClient::create_collection).await
    }

    pub(crate) async fn update_collection(
        &mut self,
        request: UpdateCollectionRequest,
    ) -> Result<Collection, Error> {
        let doing = Doing::change(format!("update collection {}", request.name));
        self.call(doing, request, AdminClient::update_collection).await
    }

    /// Deletes a collection; whether there was one.
    pub(crate) async fn delete_collection(
        &mut self,
        request: DeleteCollectionRequest,
    ) -> Result<bool, Error> {
        let doing = Doing::change(format!("delete collection {}", request.name));
        Ok(self.call(doing, request, AdminClient::delete_collection).await?.deleted)
    }

    /// The shards of one collection, or all when the name is empty.
    pub(crate) async fn shards(&mut self, collection: String) -> Result<Vec<Shard>, Error> {
        let doing = Doing::read(match collection.as_str() {
            "" => "list shards".into(),
            name => format!("list the shards of collection {name}"),
        });
        let request = ListShardsRequest { collection };
        Ok(self.call(doing, request, AdminClient::list_shards).await?.shards)
    }

    /// Refused when the shard has left the revision that the caller decided on.
    pub(crate) async fn reconfigure_shard(
        &mut self,
        group: u64,
        replicas: Vec<ReplicaTarget>,
        revision: u64,
    ) -> Result<(), Error> {
        let doing = Doing::change(format!("change the replicas of group {group}"));
        // Always guarded: what is asked for was decided on the shard as it was read.
        let request = ReconfigureShardRequest { group, replicas, if_revision: Some(revision) };
        self.call(doing, request, AdminClient::reconfigure_shard).await.map(drop)
    }

    /// Says whether a shard's replicas stay where they are, whatever the balance.
    pub(crate) async fn pin_shard(&mut self, group: u64, pinned: bool) -> Result<(), Error> {
        let doing = Doing::change(format!("say whether group {group} is pinned"));
        let request = PinShardRequest { group, pinned };
        self.call(doing, request, AdminClient::pin_shard).await.map(drop)
    }

    /// The policy for moves, and how even the nodes are.
    pub(crate) async fn balance(&mut self) -> Result<Balance, Error> {
        let doing = Doing::read("read how even the nodes are");
        self.call(doing, GetBalanceRequest {}, AdminClient::get_balance).await
    }

    pub(crate) async fn set_policy(&mut self, policy: Policy) -> Result<(), Error> {
        let doing = Doing::change("change the policy for moves".to_owned());
        self.call(doing, policy, AdminClient::set_policy).await.map(drop)
    }

    /// Hands the leadership of a group to a node; the term of the new leader.
    pub(crate) async fn transfer_leader(&mut self, group: u64, node_id: u64) -> Result<u64, Error> {
        let doing =
            Doing::change(format!("hand the leadership of group {group} to node {node_id}"));
        let request = TransferLeaderRequest { group, node_id };
        Ok(self.call(doing, request, AdminClient::transfer_leader).await?.term)
    }
}
