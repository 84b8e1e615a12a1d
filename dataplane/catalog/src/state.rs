//! What the cluster agrees on: nodes, collections, aliases, shards and their replicas.
//!
//! Pure: a change gives the same answer and the same state wherever it is applied.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use vane_raft::Conf;
use vane_types::limits::COLLECTIONS_MAX;
use vane_types::{CollectionConfig, GroupId, NodeId, PeerId, PointId, Refusal};

use crate::command::{AliasChange, Configure, Create, MetaCommand, NodeEntry, Wanted};

/// A member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its number; never given to another.
    pub id: NodeId,
    /// As it presents itself.
    pub entry: NodeEntry,
    /// Where it stands, if that was said.
    pub zone: Option<String>,
}

/// A collection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CollectionEntry {
    /// Parameters. Payload indexes are each shard's own.
    pub config: CollectionConfig,
    /// Its shards by ordinal.
    pub shards: Vec<GroupId>,
    /// Voters of each shard.
    pub replication_factor: u32,
    /// Replicas that must have a write on disk before it is acknowledged.
    pub write_consistency_factor: u32,
    /// Key of the call that made it.
    pub key: String,
}

/// A shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardEntry {
    /// Its collection.
    pub collection: String,
    /// Its place among the collection's shards.
    pub ordinal: usize,
    /// Peers that it began with.
    pub first: Vec<PeerId>,
    /// Its members, as last reported; Raft's own may be ahead.
    pub conf: Conf,
    /// Changes of members that were reported.
    pub epoch: u64,
    /// Where the replicas should be, while that differs.
    pub target: Option<Vec<TargetReplica>>,
    /// Changes of the target and reports of members, counted: a change that was decided on
    /// one count can be refused at another.
    #[serde(default)]
    pub revision: u64,
    /// Replicas that each node ever had.
    incarnations: BTreeMap<NodeId, u32>,
}

/// A replica that should be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetReplica {
    /// Its peer id.
    pub peer: PeerId,
    /// Follows without a vote.
    pub learner: bool,
}

/// What the cluster agrees on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    /// The cluster.
    pub cluster_id: Uuid,
    /// Members by number.
    pub nodes: BTreeMap<NodeId, Member>,
    /// Collections by name.
    pub collections: BTreeMap<String, CollectionEntry>,
    /// Collections by alias.
    pub aliases: BTreeMap<String, String>,
    /// Shards by group.
    pub shards: BTreeMap<GroupId, ShardEntry>,
    pub(crate) next_node: u64,
    pub(crate) next_group: u64,
}

/// An object that a change made, changed or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Touched {
    Node(NodeId),
    Collection(String),
    Alias(String),
    Shard(GroupId),
    Counters,
}

/// What a change came to: a refusal leaves everything as it was.
type Changed = Result<Vec<Touched>, Refusal>;

impl ShardEntry {
    /// The peer that a node has of the shard, or is to have.
    pub fn peer_on(&self, node: NodeId) -> Option<PeerId> {
        let target = self.target.iter().flatten().map(|it| it.peer);
        // Of two the later one: the earlier is on its way out.
        target.chain(self.conf.members()).filter(|peer| peer.node() == node).max()
    }

    /// Where the replicas should be: where they are, unless a change is under way.
    fn wanted(&self) -> Vec<Wanted> {
        let wanted = |peer: PeerId, learner| Wanted { node: peer.node(), learner };
        match &self.target {
            Some(target) => target.iter().map(|it| wanted(it.peer, it.learner)).collect(),
            None => {
                let learner = |it: PeerId| !self.conf.voters.contains(&it);
                self.conf.members().into_iter().map(|it| wanted(it, learner(it))).collect()
            }
        }
    }

    /// Nodes that have a replica.
    pub fn nodes(&self) -> Vec<NodeId> {
        let mut nodes: Vec<NodeId> = self.conf.members().into_iter().map(PeerId::node).collect();
        nodes.dedup();
        nodes
    }
}

impl CollectionEntry {
    /// Ordinal of the shard that a point belongs to: shards are equal ranges of the hash.
    pub fn shard_of(&self, id: PointId) -> usize {
        shard_of(id, self.shards.len())
    }
}

/// Ordinal of the shard, of so many, that a point belongs to.
pub fn shard_of(id: PointId, shards: usize) -> usize {
    ((u128::from(id.routing_hash()) * shards as u128) >> 64) as usize
}

impl State {
    /// A collection by its name or an alias, with its name.
    pub fn collection(&self, name_or_alias: &str) -> Option<(&str, &CollectionEntry)> {
        let name = self.aliases.get(name_or_alias).map_or(name_or_alias, String::as_str);
        self.collections.get_key_value(name).map(|(name, entry)| (name.as_str(), entry))
    }

    /// The member that a disk is of.
    pub fn node_of_disk(&self, disk_id: Uuid) -> Option<&Member> {
        self.nodes.values().find(|it| it.entry.disk_id == disk_id)
    }

    pub(crate) fn apply(&mut self, command: MetaCommand) -> Changed {
        match command {
            MetaCommand::PutNode(entry) => self.put_node(entry),
            MetaCommand::SetZone { node, zone } => {
                let known = self.nodes.get_mut(&node).ok_or_else(|| no_node(node))?;
                known.zone = zone;
                Ok(vec![Touched::Node(node)])
            }
            MetaCommand::Create(create) => self.create(create),
            MetaCommand::Configure(configure) => self.configure(configure),
            MetaCommand::Delete { name, key } => self.delete(&name, &key),
            MetaCommand::Aliases(changes) => self.change_aliases(&changes),
            MetaCommand::Reconfigure { group, replicas, if_revision } => {
                self.reconfigure(group, &replicas, if_revision)
            }
            MetaCommand::Settle { group, conf } => self.settle(group, conf),
        }
    }

    fn put_node(&mut self, entry: NodeEntry) -> Changed {
        let known = self.nodes.values_mut().find(|it| it.entry.disk_id == entry.disk_id);
        let id = match known {
            Some(node) if node.entry.start > entry.start => {
                return Err(Refusal::Conflict(format!(
                    "node {} was started {} times and this is of start {}; nothing was changed",
                    node.id, node.entry.start, entry.start
                )));
            }
            Some(node) => {
                node.entry = entry;
                node.id
            }
            None => {
                self.next_node += 1;
                let id = NodeId(self.next_node);
                self.nodes.insert(id, Member { id, entry, zone: None });
                id
            }
        };
        Ok(vec![Touched::Node(id), Touched::Counters])
    }

    fn create(&mut self, create: Create) -> Changed {
        let Create { name, config, replication_factor, write_consistency_factor, placement, key } =
            create;
        if let Some(known) = self.collections.get(&name) {
            let same = !key.is_empty() && known.key == key;
            return if same {
                Ok(Vec::new())
            } else {
                Err(Refusal::AlreadyExists(format!("Collection `{name}`")))
            };
        }
        if self.aliases.contains_key(&name) {
            return Err(Refusal::AlreadyExists(format!("Alias `{name}`")));
        }
        if self.collections.len() >= COLLECTIONS_MAX {
            let text = format!(
                "there are {COLLECTIONS_MAX} collections, which is the most; delete one first"
            );
            return Err(Refusal::Invalid(text));
        }
        if let Some(node) = placement.iter().flatten().find(|it| !self.nodes.contains_key(it)) {
            return Err(no_node(*node));
        }
        let mut touched = vec![Touched::Counters, Touched::Collection(name.clone())];
        let mut shards = Vec::with_capacity(placement.len());
        for (ordinal, nodes) in placement.into_iter().enumerate() {
            let group = GroupId(self.next_group);
            self.next_group += 1;
            let first: Vec<PeerId> = nodes.iter().map(|node| PeerId::new(*node, 1)).collect();
            let (conf, incarnations) =
                (Conf::founding(&first), nodes.into_iter().map(|it| (it, 1)).collect());
            let collection = name.clone();
            let (epoch, target, revision) = (0, None, 0);
            let entry = ShardEntry {
                collection,
                ordinal,
                first,
                conf,
                epoch,
                target,
                revision,
                incarnations,
            };
            self.shards.insert(group, entry);
            shards.push(group);
            touched.push(Touched::Shard(group));
        }
        self.collections.insert(
            name,
            CollectionEntry { config, shards, replication_factor, write_consistency_factor, key },
        );
        Ok(touched)
    }

    fn configure(&mut self, configure: Configure) -> Changed {
        let Configure { name, config, write_consistency_factor } = configure;
        let known = self.collections.get_mut(&name).ok_or_else(|| collection_not_found(&name))?;
        known.config = CollectionConfig { payload_schema: BTreeMap::new(), ..config };
        known.write_consistency_factor =
            write_consistency_factor.unwrap_or(known.write_consistency_factor);
        Ok(vec![Touched::Collection(name)])
    }

    fn delete(&mut self, name: &str, key: &str) -> Changed {
        let known = self.collections.get(name).ok_or_else(|| collection_not_found(name))?;
        if !key.is_empty() && known.key != key {
            return Err(Refusal::NotFound(format!("Collection `{name}` with the key `{key}`")));
        }
        let mut touched = vec![Touched::Collection(name.to_owned())];
        for group in self.collections.remove(name).into_iter().flat_map(|it| it.shards) {
            self.shards.remove(&group);
            touched.push(Touched::Shard(group));
        }
        let gone = self
            .aliases
            .iter()
            .filter(|(_, it)| *it == name)
            .map(|(alias, _)| Touched::Alias(alias.clone()));
        touched.extend(gone);
        self.aliases.retain(|_, it| it != name);
        Ok(touched)
    }

    fn change_aliases(&mut self, changes: &[AliasChange]) -> Changed {
        let before = self.aliases.clone();
        let mut touched = Vec::new();
        for change in changes {
            if let Err(refusal) = self.change_alias(change, &mut touched) {
                self.aliases = before;
                return Err(refusal);
            }
        }
        Ok(touched)
    }

    fn change_alias(
        &mut self,
        change: &AliasChange,
        touched: &mut Vec<Touched>,
    ) -> Result<(), Refusal> {
        let (old, new) = match change {
            AliasChange::Create { collection, alias } => (None, Some((alias, collection.clone()))),
            AliasChange::Delete { alias } => (Some(alias), None),
            AliasChange::Rename { old, new } => {
                let target = self
                    .aliases
                    .get(old)
                    .ok_or_else(|| Refusal::NotFound(format!("Alias `{old}`")))?;
                (Some(old), Some((new, target.clone())))
            }
        };
        if let Some(old) = old {
            self.aliases.remove(old);
            touched.push(Touched::Alias(old.clone()));
        }
        let Some((alias, target)) = new else { return Ok(()) };
        if !self.collections.contains_key(&target) {
            return Err(collection_not_found(&target));
        }
        if self.collections.contains_key(alias) {
            return Err(Refusal::AlreadyExists(format!("Collection `{alias}`")));
        }
        self.aliases.insert(alias.clone(), target);
        touched.push(Touched::Alias(alias.clone()));
        Ok(())
    }

    fn reconfigure(
        &mut self,
        group: GroupId,
        replicas: &[Wanted],
        if_revision: Option<u64>,
    ) -> Changed {
        if let Some(wanted) = replicas.iter().find(|it| !self.nodes.contains_key(&it.node)) {
            return Err(no_node(wanted.node));
        }
        let mut nodes: Vec<NodeId> = replicas.iter().map(|it| it.node).collect();
        nodes.sort_unstable();
        nodes.dedup();
        let invalid = |text: &str| {
            Err(Refusal::Invalid(format!("shard {group}: {text}; nothing was changed")))
        };
        if nodes.len() < replicas.len() {
            return invalid("a node is named twice, but can have one replica of a shard");
        }
        if replicas.iter().all(|it| it.learner) {
            return invalid("at least one replica must have a vote");
        }
        let entry = self
            .shards
            .get_mut(&group)
            .ok_or_else(|| Refusal::NotFound(format!("Shard {group}")))?;
        let there = entry.wanted();
        // First: a call that is repeated meets the revision that it made itself.
        if there.len() == replicas.len() && replicas.iter().all(|it| there.contains(it)) {
            return Ok(Vec::new());
        }
        if let Some(expected) = if_revision.filter(|it| *it != entry.revision) {
            return Err(Refusal::Conflict(format!(
                "shard {group} is at revision {}, not {expected}: its replicas are to be on nodes {} by now; nothing \
                 was changed, look at the shard again and decide anew",
                entry.revision,
                listed(&there)
            )));
        }
        let mut target = Vec::with_capacity(replicas.len());
        for Wanted { node, learner } in replicas {
            let peer = entry.peer_on(*node).unwrap_or_else(|| {
                let incarnation = entry.incarnations.entry(*node).or_insert(0);
                *incarnation += 1;
                PeerId::new(*node, *incarnation)
            });
            target.push(TargetReplica { peer, learner: *learner });
        }
        entry.target = Some(target);
        entry.revision += 1;
        Ok(vec![Touched::Shard(group)])
    }

    fn settle(&mut self, group: GroupId, conf: Conf) -> Changed {
        let entry = self
            .shards
            .get_mut(&group)
            .ok_or_else(|| Refusal::NotFound(format!("Shard {group}")))?;
        let wanted = |learner: bool| {
            let mut peers: Vec<PeerId> = entry
                .target
                .iter()
                .flatten()
                .filter(|it| it.learner == learner)
                .map(|it| it.peer)
                .collect();
            peers.sort_unstable();
            peers
        };
        if entry.target.is_some() && wanted(false) == conf.voters && wanted(true) == conf.learners {
            entry.target = None;
        }
        entry.conf = conf;
        entry.epoch += 1;
        entry.revision += 1;
        Ok(vec![Touched::Shard(group)])
    }
}

/// The refusal, and the text of every request to a collection that is not there.
pub fn collection_not_found(name: &str) -> Refusal {
    Refusal::NotFound(format!("Collection `{name}`"))
}

/// Replicas as people write them: `1,2,3:learner`.
fn listed(replicas: &[Wanted]) -> String {
    let one = |it: &Wanted| format!("{}{}", it.node, if it.learner { ":learner" } else { "" });
    replicas.iter().map(one).collect::<Vec<_>>().join(",")
}

fn no_node(node: NodeId) -> Refusal {
    Refusal::NotFound(format!("Node {node}"))
}
