//! What the cluster agrees on: members, collections, aliases, shards and their replicas.
//!
//! Pure: a change gives the same answer and the same state wherever it is applied. Each kind of
//! change is in the file of what it changes; a change that is refused has changed nothing.

mod aliases;
mod collections;
mod members;
mod metadata;
mod policy;
mod refill;
pub(crate) mod requests;
mod settings;
mod shards;
mod tenants;
mod vectors;

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;
use vane_raft::Answer;
use vane_types::{
    FeatureLevel, GroupId, LogIndex, NodeId, Policy, Quotas, Refusal, ShardRange, TenantId,
};

use crate::command::{Logged, MetaCommand};

pub use collections::{CollectionEntry, Route, collection_not_found};
pub use members::{FOLLOWS_ONLY_SECONDS_MAX, Member, meta_peer, removed};
pub use refill::{REFILLS_MAX, REFILLS_OF_NODE_MAX, Refill};
pub(crate) use requests::Remembered;
pub use requests::Requests;
pub use shards::{ShardEntry, TargetReplica};
pub use tenants::{TenantEntry, Tenants};
pub use vectors::FirstVectors;

/// What the cluster agrees on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    /// The cluster, told apart from every other.
    pub cluster_id: Uuid,
    /// Members by number.
    pub nodes: BTreeMap<NodeId, Member>,
    /// Disks of members that were removed, which do not come back.
    pub removed: BTreeMap<NodeId, Uuid>,
    /// Collections by name.
    pub collections: BTreeMap<String, CollectionEntry>,
    /// Collections by alias.
    pub aliases: BTreeMap<String, String>,
    /// Shards by group.
    pub shards: BTreeMap<GroupId, ShardEntry>,
    /// Tenants of collections that have some.
    pub tenants: Tenants,
    /// What people keep for the cluster as a whole, by key.
    pub metadata: BTreeMap<String, Value>,
    /// What may be written, as all members can read it.
    pub level: FeatureLevel,
    /// Settings that all nodes have while they run, by name.
    pub settings: BTreeMap<String, String>,
    /// The level is raised when somebody says so, and not by itself.
    pub level_is_held: bool,
    /// How much of its memory and of its disk each node may use.
    pub quotas: Quotas,
    /// How replicas and leaders are moved by the cluster itself.
    pub policy: Policy,
    /// What became of the requests of the last entries.
    pub requests: Requests,
    /// The number that the last member got.
    pub(crate) next_node: u64,
    /// The group that the next shard gets.
    pub(crate) next_group: u64,
}

/// An object that a change made, changed or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Touched {
    Node(NodeId),
    Removed(NodeId),
    Collection(String),
    Alias(String),
    Shard(GroupId),
    Tenant(TenantId),
    LastTenant,
    Metadata(String),
    Counters,
    Level,
    LevelHold,
    Settings,
    Quotas,
    Policy,
    Request(LogIndex),
}

/// What a change came to: a refusal leaves everything as it was.
pub(crate) type Changed = Result<Vec<Touched>, Refusal>;

impl State {
    /// A collection by its name or an alias, with its name.
    pub fn collection(&self, name_or_alias: &str) -> Option<(&str, &CollectionEntry)> {
        let name = self.aliases.get(name_or_alias).map_or(name_or_alias, String::as_str);
        self.collections.get_key_value(name).map(|(name, entry)| (name.as_str(), entry))
    }

    /// Nodes that may lead a group, in order: of the meta group all members, of a shard those
    /// that have a replica as last reported, then those that are to have one.
    pub fn nodes_of(&self, group: GroupId) -> Vec<NodeId> {
        match group {
            GroupId::META => self.nodes.keys().copied().collect(),
            _ => self.shards.get(&group).map(ShardEntry::nodes_to_ask).unwrap_or_default(),
        }
    }

    /// The hashes that belong to a group's shard; `None` where there is no such shard.
    pub fn range_of(&self, group: GroupId) -> Option<ShardRange> {
        let shard = self.shards.get(&group)?;
        self.collections.get(&shard.collection)?.range_at(shard.ordinal)
    }

    /// Whether there was such a group, and its collection was deleted: no number of a group is
    /// given twice. Of a group that this catalog is too old to know it says no.
    pub fn was_deleted(&self, group: GroupId) -> bool {
        let was_made = group != GroupId::META && group.0 < self.next_group;
        was_made && !self.shards.contains_key(&group)
    }

    /// The member whose disk it is.
    pub fn node_of_disk(&self, disk_id: Uuid) -> Option<&Member> {
        self.nodes.values().find(|member| member.entry.disk_id == disk_id)
    }

    /// Makes a change that is logged at an index, unless it is a copy of one that was made or
    /// refused: that changes nothing, and is answered as the first.
    pub(crate) fn apply_logged(
        &mut self,
        index: LogIndex,
        logged: Logged,
    ) -> (Answer, Vec<Touched>) {
        let Logged { request, command } = logged;
        if let Some(answer) = request.and_then(|request| self.requests.answer(&request, index)) {
            return (answer, Vec::new());
        }
        let (answer, mut touched) = match self.apply(command) {
            Ok(touched) => (Ok(()), touched),
            Err(refusal) => (Err(refusal), Vec::new()),
        };
        if let Some(request) = request {
            let changed = self.requests.remember(index, &request, &answer);
            touched.extend(changed.into_iter().map(Touched::Request));
        }
        (answer, touched)
    }

    pub(crate) fn apply(&mut self, command: MetaCommand) -> Changed {
        match command {
            MetaCommand::PutNode(entry) => self.put_node(entry),
            MetaCommand::SetZone { node, zone } => self.set_zone(node, zone),
            MetaCommand::SetLeaving { node, leaving } => self.set_leaving(node, leaving),
            MetaCommand::SetFollowsOnly { node, seconds } => self.set_follows_only(node, seconds),
            MetaCommand::RemoveNode { node, disk_id } => self.remove_node(node, disk_id),
            MetaCommand::Create(create) => self.create(create),
            MetaCommand::Configure(configure) => self.configure(configure),
            MetaCommand::AddVector { collection, vector, spec, hints } => {
                self.add_vector(collection, &vector, spec, hints)
            }
            MetaCommand::RemoveVector { collection, vector, if_revision } => {
                self.remove_vector(collection, &vector, if_revision)
            }
            MetaCommand::VectorsTold { collection, revision } => {
                Ok(self.vectors_told(collection, revision))
            }
            MetaCommand::Delete { name, key } => self.delete(&name, &key),
            MetaCommand::CreateTenant { collection, key } => self.create_tenant(collection, key),
            MetaCommand::DeleteTenant { collection, tenant } => {
                self.delete_tenant(&collection, tenant)
            }
            MetaCommand::Aliases(changes) => self.change_aliases(&changes),
            MetaCommand::Reconfigure { group, replicas, if_revision } => {
                self.reconfigure(group, &replicas, if_revision)
            }
            MetaCommand::Refill { group, peer } => self.refill(group, peer),
            MetaCommand::Settle { group, conf, seen } => self.settle(group, conf, seen),
            MetaCommand::SetReplicationFactor { collection, factor } => {
                self.set_replication_factor(collection, factor)
            }
            MetaCommand::SetMetadata { key, value } => self.set_metadata(key, value),
            MetaCommand::SetQuotas(quotas) => {
                self.quotas = quotas;
                Ok(vec![Touched::Quotas])
            }
            MetaCommand::SetPolicy(policy) => self.set_policy(policy),
            MetaCommand::Rebalance { group, from, to, revision, at } => {
                self.rebalance(group, (from, to), revision, at)
            }
            MetaCommand::SetPinned { group, pinned } => self.set_pinned(group, pinned),
            MetaCommand::HoldFeatureLevel(held) => {
                self.level_is_held = held;
                Ok(vec![Touched::LevelHold])
            }
            MetaCommand::SetSettings(settings) => self.set_settings(settings),
            MetaCommand::RaiseFeatureLevel { to, spoken_by } => self.raise_level(to, &spoken_by),
        }
    }
}
