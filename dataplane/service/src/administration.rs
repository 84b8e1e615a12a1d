//! The cluster itself: looked at as a whole, founded, and where its replicas should be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;
use vane_api::rest::cluster::{ConsensusThread, MemberState};
use vane_api::{Error, Kind};
use vane_types::{FeatureLevel, GroupId, NodeId, Term};

use crate::call::Call;
use crate::engine::{
    Collection, CollectionOverview, Marker, Member, MemoryOverview, NodeOverview, Safety,
    ShardOverview, Summary, WantedReplica,
};
use crate::operation::Operation;
use crate::service::{Answering, Service};

/// A collection with its figures.
pub struct CollectionState {
    /// Handle on it.
    pub collection: Arc<Collection>,
    /// Its figures, at the leaders that answer.
    pub overview: CollectionOverview,
}

/// The meta group as this node sees it.
#[derive(Debug)]
pub struct MetaState {
    /// This node.
    pub node: NodeId,
    /// Members, as this node knows them.
    pub members: Vec<MemberState>,
    /// The group, by the thread of this node's log.
    pub thread: ConsensusThread,
}

impl Service {
    /// Whose the disk of this node is.
    pub fn disk(&self) -> Marker {
        self.node.disk()
    }

    /// Founds a cluster of this node alone. Where it did so before under the same id, nothing
    /// happens.
    ///
    /// # Errors
    ///
    /// [`Kind::AlreadyExists`] where the disk belongs to another cluster, or what keeps it from
    /// being written.
    pub fn bootstrap<'a>(
        self: &'a Arc<Self>,
        call: &'a Call,
        cluster_id: Option<Uuid>,
    ) -> Answering<'a, Marker> {
        Box::pin(async move {
            let node = self.node.clone();
            let founding = async move { node.bootstrap(cluster_id).await };
            self.change(call, Operation::Bootstrap, "", founding).await
        })
    }

    /// Members and consensus, as this node sees them.
    ///
    /// # Errors
    ///
    /// [`Kind::Unavailable`] while this node belongs to no member.
    pub fn meta_state<'a>(&'a self, call: &'a Call) -> Answering<'a, MetaState> {
        let asking = async move {
            // Within the operation, so that its failure is counted and timed like any other.
            let member = self.member()?;
            Ok::<_, Error>(meta_state_of(&member).await)
        };
        Box::pin(self.run(call, Operation::GetCluster, "", asking))
    }

    /// The cluster as a whole.
    ///
    /// # Errors
    ///
    /// [`Kind::Unavailable`] while this node belongs to no member.
    pub fn summary<'a>(&'a self, call: &'a Call) -> Answering<'a, Summary> {
        let asking = async move { Ok::<_, Error>(self.member()?.summary().await) };
        Box::pin(self.run(call, Operation::GetCluster, "", asking))
    }

    /// Members with what they hold.
    ///
    /// # Errors
    ///
    /// [`Kind::Unavailable`] while this node belongs to no member.
    pub fn nodes<'a>(&'a self, call: &'a Call) -> Answering<'a, Vec<NodeOverview>> {
        let asking = async move { Ok::<_, Error>(self.member()?.node_overviews().await) };
        Box::pin(self.run(call, Operation::ListNodes, "", asking))
    }

    /// What the absence of these nodes together would be to each group; of each member alone where
    /// none are named.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`] where a node is no member, or [`Kind::Unavailable`] while this node
    /// belongs to no cluster.
    pub fn safety<'a>(
        &'a self,
        call: &'a Call,
        without: &'a BTreeSet<NodeId>,
    ) -> Answering<'a, Vec<Safety>> {
        let asking = async move {
            let member = self.member()?;
            let members: BTreeSet<NodeId> =
                member.nodes().into_iter().map(|node| node.id).collect();
            // One that is no member takes nothing along, and was hardly meant.
            if let Some(stranger) = without.difference(&members).next() {
                let detail = format!("there is no node {stranger}");
                return Err(Error::new(Kind::NotFound, "", detail));
            }
            Ok(member.safety(without).await)
        };
        Box::pin(self.run(call, Operation::GetSafety, "", asking))
    }

    /// The collection of a name; none where the name is empty, which stands for all.
    async fn named(&self, call: &Call, name: &str) -> Result<Option<Arc<Collection>>, Error> {
        match name {
            "" => Ok(None),
            name => self.collection(call, name).await.map(Some),
        }
    }

    /// What the members have memory for.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`] where `name` is not empty and no collection's, or
    /// [`Kind::Unavailable`] while this node belongs to no member.
    pub fn memory<'a>(
        &'a self,
        call: &'a Call,
        name: &'a str,
    ) -> Answering<'a, Vec<MemoryOverview>> {
        Box::pin(async move {
            let asking = async {
                let member = self.member()?;
                let collection = self.named(call, name).await?;
                let mut overviews = member.memory_overviews().await;
                // By its own name: `name` may be an alias.
                if let Some(collection) = collection {
                    let of_nodes = overviews.iter_mut().filter_map(|it| it.memory.as_mut());
                    of_nodes.for_each(|memory| {
                        memory.collections.retain(|name, _| name == collection.name());
                    });
                }
                Ok::<_, Error>(overviews)
            };
            self.run(call, Operation::ListMemory, name, asking).await
        })
    }

    /// Shards of one collection by name, or of all where it is empty.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`], or [`Kind::Unavailable`] while this node belongs to no member.
    pub fn shards<'a>(
        &'a self,
        call: &'a Call,
        name: &'a str,
    ) -> Answering<'a, Vec<ShardOverview>> {
        Box::pin(async move {
            let asking = async {
                let member = self.member()?;
                let collection = self.named(call, name).await?;
                // By its own name, which the overviews have: `name` may be an alias.
                let name = collection.as_ref().map(|collection| collection.name());
                Ok::<_, Error>(member.shard_overviews(name).await)
            };
            self.run(call, Operation::ListShards, name, asking).await
        })
    }

    /// All collections with their figures.
    ///
    /// # Errors
    ///
    /// [`Kind::Unavailable`] while this node belongs to no member.
    pub fn collection_states<'a>(&'a self, call: &'a Call) -> Answering<'a, Vec<CollectionState>> {
        Box::pin(async move {
            let asking = async {
                let overviews = self.member()?.collection_overviews().await.into_iter();
                let coordinator = self.coordinator()?;
                // One that was deleted while leaders answered is left out.
                let states = overviews.filter_map(|overview| {
                    let collection = coordinator.known_collection(&overview.name)?;
                    Some(CollectionState { collection, overview })
                });
                Ok::<_, Error>(states.collect())
            };
            self.run(call, Operation::ListCollections, "", asking).await
        })
    }

    /// One collection with its figures, by its name or an alias of it.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`], or [`Kind::Unavailable`] while this node belongs to no member.
    pub fn collection_state<'a>(
        &'a self,
        call: &'a Call,
        name: &'a str,
    ) -> Answering<'a, CollectionState> {
        Box::pin(async move {
            let asking = async {
                let member = self.member()?;
                let collection = self.collection(call, name).await?;
                let mut overviews = member.collection_overviews().await.into_iter();
                match overviews.find(|overview| overview.name == collection.name()) {
                    Some(overview) => Ok(CollectionState { collection, overview }),
                    None => {
                        let detail = format!("Collection `{name}` was deleted meanwhile");
                        Err(Error::new(Kind::NotFound, "", detail))
                    }
                }
            };
            self.run(call, Operation::GetCollection, name, asking).await
        })
    }

    /// Says in which zone a node is; `None` for in none.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`] where there is no such node, or what keeps the meta group from deciding.
    pub fn set_node_zone<'a>(
        self: &'a Arc<Self>,
        call: &'a Call,
        node: NodeId,
        zone: Option<String>,
    ) -> Answering<'a, ()> {
        Box::pin(async move {
            // Before the task begins: what cannot be asked of anybody needs none.
            let (member, timeout) = (self.member()?, call.timeout);
            let changing = async move { member.set_zone(node, zone, timeout).await };
            self.change(call, Operation::SetNodeZone, &format!("node {node}"), changing).await
        })
    }

    /// Says whether a node is to go.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`] where there is no such node, or what keeps the meta group from deciding.
    pub fn set_node_leaving<'a>(
        self: &'a Arc<Self>,
        call: &'a Call,
        node: NodeId,
        leaving: bool,
    ) -> Answering<'a, ()> {
        Box::pin(async move {
            let (member, timeout) = (self.member()?, call.timeout);
            let changing = async move { member.set_leaving(node, leaving, timeout).await };
            self.change(call, Operation::SetNodeLeaving, &format!("node {node}"), changing).await
        })
    }

    /// Says for how many seconds at most a node is to lead nothing; `None` takes it back.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`], [`Kind::BadInput`] where it is too long, or what keeps the meta group
    /// from deciding.
    pub fn set_node_follows_only<'a>(
        self: &'a Arc<Self>,
        call: &'a Call,
        node: NodeId,
        seconds: Option<u32>,
    ) -> Answering<'a, ()> {
        Box::pin(async move {
            let (member, timeout) = (self.member()?, call.timeout);
            let changing = async move { member.set_follows_only(node, seconds, timeout).await };
            let subject = format!("node {node}");
            self.change(call, Operation::SetNodeFollowsOnly, &subject, changing).await
        })
    }

    /// Says whether the feature level waits for somebody to raise it.
    ///
    /// # Errors
    ///
    /// What keeps the meta group from deciding.
    pub fn hold_feature_level<'a>(
        self: &'a Arc<Self>,
        call: &'a Call,
        held: bool,
    ) -> Answering<'a, ()> {
        Box::pin(async move {
            let (member, timeout) = (self.member()?, call.timeout);
            let changing = async move { member.hold_level(held, timeout).await };
            self.change(call, Operation::HoldFeatureLevel, "", changing).await
        })
    }

    /// Says which settings all nodes have while they run; whether they can have them, the door
    /// looked at.
    ///
    /// # Errors
    ///
    /// [`Kind::BadInput`] where they are too many, or what keeps the meta group from deciding.
    pub fn set_settings<'a>(
        self: &'a Arc<Self>,
        call: &'a Call,
        settings: BTreeMap<String, String>,
    ) -> Answering<'a, ()> {
        Box::pin(async move {
            let (member, timeout) = (self.member()?, call.timeout);
            let changing = async move { member.set_settings(settings, timeout).await };
            self.change(call, Operation::SetSettings, "", changing).await
        })
    }

    /// Raises the feature level as far as all members speak; the level that holds then.
    ///
    /// # Errors
    ///
    /// [`Kind::Conflict`] where members came or were started again meanwhile, or what keeps the
    /// meta group from deciding.
    pub fn raise_feature_level<'a>(
        self: &'a Arc<Self>,
        call: &'a Call,
    ) -> Answering<'a, FeatureLevel> {
        Box::pin(async move {
            let (member, timeout) = (self.member()?, call.timeout);
            let changing = async move { member.raise_level(timeout).await };
            self.change(call, Operation::RaiseFeatureLevel, "", changing).await
        })
    }

    /// Takes a member away for good, with its disk.
    ///
    /// # Errors
    ///
    /// [`Kind::Conflict`] while a shard names it or it votes, [`Kind::NotFound`], or what keeps the
    /// meta group from deciding.
    pub fn remove_node<'a>(
        self: &'a Arc<Self>,
        call: &'a Call,
        node: NodeId,
        disk_id: Uuid,
    ) -> Answering<'a, ()> {
        Box::pin(async move {
            let (member, timeout) = (self.member()?, call.timeout);
            let changing = async move { member.remove_node(node, disk_id, timeout).await };
            self.change(call, Operation::RemoveNode, &format!("node {node}"), changing).await
        })
    }

    /// Records where the replicas of a shard should be, for the meta leader to bring about.
    ///
    /// # Errors
    ///
    /// [`Kind::Conflict`] where the shard is not at `if_revision`, [`Kind::BadInput`],
    /// [`Kind::NotFound`], or what keeps the meta group from deciding.
    pub fn reconfigure_shard<'a>(
        self: &'a Arc<Self>,
        call: &'a Call,
        group: GroupId,
        replicas: Vec<WantedReplica>,
        if_revision: Option<u64>,
    ) -> Answering<'a, ()> {
        Box::pin(async move {
            let (member, timeout) = (self.member()?, call.timeout);
            let changing =
                async move { member.reconfigure(group, replicas, if_revision, timeout).await };
            self.change(call, Operation::ReconfigureShard, &format!("group {group}"), changing)
                .await
        })
    }

    /// Hands the leadership of a group to its voter on a node. Returns the term that it leads in.
    ///
    /// # Errors
    ///
    /// [`Kind::Unavailable`] without a leader, [`Kind::BadInput`] where the node is no voter.
    pub fn transfer_leader<'a>(
        self: &'a Arc<Self>,
        call: &'a Call,
        group: GroupId,
        node: NodeId,
    ) -> Answering<'a, Term> {
        Box::pin(async move {
            let member = self.member()?;
            let changing = async move { member.transfer_leader(group, node).await };
            self.change(call, Operation::TransferLeader, &format!("group {group}"), changing).await
        })
    }
}

/// The members, and the meta group as this one sees it.
pub(crate) async fn meta_state_of(member: &Member) -> MetaState {
    // Members are known also while the log's thread does not say how its group stands.
    let standing_still = || member.coordinator().catalog().standing_still();
    let thread = match member.meta_status().await.map(Box::new) {
        None => ConsensusThread::Silent,
        Some(status) => match standing_still() {
            None => ConsensusThread::Working(status),
            Some(why) => ConsensusThread::StandingStill(status, why.to_owned()),
        },
    };
    let state = |overview: NodeOverview| MemberState {
        node: overview.node.id,
        address: overview.node.entry.address,
        failed: overview.failed,
    };
    let members = member.node_overviews().await.into_iter().map(state).collect();
    MetaState { node: member.node_id(), members, thread }
}
