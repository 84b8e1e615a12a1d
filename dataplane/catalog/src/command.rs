//! Changes of what the cluster agrees on, as logged.

mod stored;

use std::collections::BTreeMap;

use derive_more::Display;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;
use vane_raft::Conf;
use vane_types::command::RequestId;
use vane_types::{
    CollectionConfig, FeatureLevel, GroupId, LogIndex, NodeId, PeerId, Policy, Quotas, ShardKey,
    TenantId, Term, VectorSpec,
};

pub use stored::{DecodeError, EncodeError};

/// A change of the meta group's state. Fields and variants are only ever added, and what is
/// added needs a higher level ([`MetaCommand::level`]).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetaCommand {
    /// Makes a disk a member's, or brings what is known of the member up to date.
    PutNode(NodeEntry),
    /// Says where a node stands; `None` takes it back.
    SetZone { node: NodeId, zone: Option<String> },
    /// Says whether a node is to go: it gets no new replicas and gives its meta vote up.
    SetLeaving { node: NodeId, leaving: bool },
    /// Says for how many seconds at most a node is only to follow, until it is started again;
    /// `None` takes it back.
    SetFollowsOnly { node: NodeId, seconds: Option<u32> },
    /// Takes a member away for good, with its disk; refused while a shard names it.
    RemoveNode { node: NodeId, disk_id: Uuid },
    /// Makes a collection.
    Create(Create),
    /// New parameters of a collection.
    Configure(Configure),
    /// Gives a collection a vector, which its points do not have yet; nothing happens where it has
    /// the same one.
    AddVector {
        collection: String,
        vector: String,
        spec: VectorSpec,
        /// What was said of it that has no effect.
        #[serde(default, skip_serializing_if = "Map::is_empty")]
        hints: Map<String, Value>,
    },
    /// Takes a vector of a collection away; nothing happens where there is none. With a revision of
    /// the vectors only while the collection is at it.
    RemoveVector {
        collection: String,
        vector: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        if_revision: Option<u64>,
    },
    /// Says that all shards of a collection know its vectors as of a revision of them.
    VectorsTold { collection: String, revision: u64 },
    /// Deletes a collection and its aliases; with a key only the one made with it.
    Delete { name: String, key: String },
    /// Gives a tenant of a collection, by its shard key, a number.
    CreateTenant { collection: String, key: ShardKey },
    /// Forgets a tenant, whose points are gone.
    DeleteTenant { collection: String, tenant: TenantId },
    /// Changes of aliases that happen together.
    Aliases(Vec<AliasChange>),
    /// Where a shard's replicas should be; with a revision only while the shard is at it.
    Reconfigure {
        group: GroupId,
        replicas: Vec<WantedReplica>,
        #[serde(default)]
        if_revision: Option<u64>,
    },
    /// Where a shard's replicas are, after a change of them.
    Settle {
        group: GroupId,
        conf: Conf,
        /// What it was read off; versions before [`FeatureLevel::PROVEN`] do not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seen: Option<Seen>,
    },
    /// Moves a shard's voter from one node to another, to even out what nodes have: only while the
    /// shard is at the revision that it was decided on, and not pinned. `at` is when that was, in
    /// seconds since 1970: what has just moved rests.
    Rebalance { group: GroupId, from: NodeId, to: NodeId, revision: u64, at: u64 },
    /// Says whether a shard's replicas stay where people want them, whatever the balance.
    SetPinned { group: GroupId, pinned: bool },
    /// Replaces a replica that is lost or damaged by a new one on the same node.
    Refill { group: GroupId, peer: PeerId },
    /// How many voters the shards of a collection should have; where they are is said of each.
    SetReplicationFactor { collection: String, factor: u32 },
    /// Keeps a value for the cluster as a whole; `null` forgets it.
    SetMetadata { key: String, value: Value },
    /// How much of its memory and of its disk each node may use.
    SetQuotas(Quotas),
    /// How replicas and leaders are moved by the cluster itself.
    SetPolicy(Policy),
    /// Says whether the level waits for somebody to raise it.
    HoldFeatureLevel(bool),
    /// Settings that all nodes have while they run, in place of those that each was started with.
    SetSettings(BTreeMap<String, String>),
    /// What may be written from now on. `spoken_by` are all members, each with the start
    /// ([`NodeEntry::start`]) that said that it speaks the level; refused when they are others
    /// by now.
    RaiseFeatureLevel { to: FeatureLevel, spoken_by: BTreeMap<NodeId, u64> },
}

/// A change as it is logged.
#[derive(Debug, Clone, PartialEq)]
pub struct Logged {
    /// The request that it is of: all copies of one request are the same change, made once.
    /// Versions before [`FeatureLevel::PROVEN`] name none.
    pub request: Option<RequestId>,
    /// What is changed.
    pub command: MetaCommand,
}

impl From<MetaCommand> for Logged {
    fn from(command: MetaCommand) -> Self {
        Self { request: None, command }
    }
}

/// When the members of a shard's group were looked at: of two looks one is the older.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Changes of members that the catalog had recorded by then.
    pub epoch: u64,
    /// Term of the leader that told them.
    pub term: Term,
    /// Entry that the leader had applied: they were the members as of it.
    pub index: LogIndex,
}

/// A node as it presents itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeEntry {
    /// Id of its disk. One disk is one member for ever, at whatever address.
    pub disk_id: Uuid,
    /// A name for people, such as the host's.
    pub name: String,
    /// Where peers reach it: host:port.
    pub address: String,
    /// Where clients reach its REST API: host:port.
    pub rest_address: String,
    /// Version that it runs.
    pub version: String,
    /// Which start of the node says so, counted on its disk; 0 before it belonged to the
    /// cluster. An earlier start's word, come late, does not take the place of a later's.
    #[serde(default)]
    pub start: u64,
    /// What it can read. [`FeatureLevel::FIRST`] is not written.
    #[serde(default, skip_serializing_if = "FeatureLevel::is_first")]
    pub level: FeatureLevel,
}

/// A collection to make, with its shards placed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Create {
    /// The name, which is neither a collection's nor an alias yet.
    pub name: String,
    /// What its shards begin with.
    pub config: CollectionConfig,
    /// Voters of each shard.
    pub replication_factor: u32,
    /// Replicas that must have a write on disk before it is acknowledged; a majority at least.
    pub write_consistency_factor: u32,
    /// Per shard its nodes; the first stands for election at once.
    pub placement: Vec<Vec<NodeId>>,
    /// Idempotency key: a second call with the same is the same call. Empty for none.
    #[serde(default)]
    pub key: String,
}

/// New parameters of a collection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Configure {
    /// The collection's own name.
    pub name: String,
    /// The whole configuration. Payload indexes in it are passed over, and so is which vectors
    /// there are.
    pub config: CollectionConfig,
    /// Replicas that must have a write on disk, when it changes.
    pub write_consistency_factor: Option<u32>,
}

/// A replica that should be there, on whatever peer id its node gets for it. People write it as
/// `3`, or `3:learner`.
#[derive(Debug, Display, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[display("{node}{}", if *learner { ":learner" } else { "" })]
pub struct WantedReplica {
    /// The member that is to hold it.
    pub node: NodeId,
    /// Follows without a vote.
    pub learner: bool,
}

/// A change of one alias.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AliasChange {
    /// Makes an alias, or points an existing one elsewhere.
    Create { collection: String, alias: String },
    /// Removes an alias; nothing happens when there is none.
    Delete { alias: String },
    /// Gives an alias another name.
    Rename { old: String, new: String },
}
