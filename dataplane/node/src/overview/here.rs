//! Collections as this node knows them by itself: nobody else is asked, so that it costs little and
//! waits for nothing.

use std::collections::BTreeMap;

use vane_catalog::{CollectionEntry, ShardEntry, State};
use vane_coordinator::Layout;
use vane_shard::{Info, Outlook, SegmentFigures, Unindexed, Usage};
use vane_types::{CollectionConfig, Durations, GroupId, JsonPath, NodeId, PeerId};

use crate::member::Member;

/// A collection.
#[derive(Debug, Clone)]
pub struct CollectionHere {
    /// Its name.
    pub name: String,
    /// How its points are stored and searched.
    pub config: CollectionConfig,
    /// How it is laid out.
    pub layout: Layout,
    /// Its shards by ordinal.
    pub shards: Vec<ShardHere>,
}

/// A shard.
#[derive(Debug, Clone)]
pub struct ShardHere {
    /// Its place in the collection.
    pub ordinal: usize,
    /// Its group.
    pub group: GroupId,
    /// Its replicas, by the members that were last reported.
    pub replicas: Vec<ReplicaHere>,
    /// Who leads, as the replica here knows.
    pub leader: Option<NodeId>,
    /// Nodes that are to get a replica with a vote and do not have one.
    pub incoming: Vec<NodeId>,
    /// Whether other replicas go for them.
    pub is_move: bool,
    /// What the replica here holds, where there is one that is in use.
    pub info: Option<Info>,
}

/// A replica of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplicaHere {
    /// The node that has it.
    pub node: NodeId,
    /// It is on the node that tells.
    pub is_here: bool,
    /// The node answers; of the replica here, that it is in use.
    pub answers: bool,
    /// It counts for a majority.
    pub votes: bool,
    /// It is to.
    pub will_vote: bool,
}

/// What the background jobs of a replica here did and do.
#[derive(Debug, Clone)]
pub struct JobsHere {
    /// What they are at.
    pub outlook: Outlook,
    /// How long those that made segments took.
    pub durations: Durations,
}

impl Member {
    /// All collections, with what replicas here hold where `counted` says so: that counts vectors,
    /// so it is not for a thread that answers requests.
    pub fn collections_here(&self, counted: bool) -> Vec<CollectionHere> {
        let mut collections: Vec<CollectionHere> = self.ground.catalog.read(|state| {
            let all = state.collections.iter();
            all.map(|(name, entry)| self.collection_here(state, name, entry)).collect()
        });
        // Without the catalog's lock: what a shard holds is counted.
        let shards = collections.iter_mut().flat_map(|collection| &mut collection.shards);
        for shard in shards.filter(|_| counted) {
            self.look_at(shard);
        }
        collections
    }

    fn collection_here(
        &self,
        state: &State,
        name: &str,
        entry: &CollectionEntry,
    ) -> CollectionHere {
        let shards = entry.shards.iter().filter_map(|group| {
            let shard = state.shards.get(group)?;
            Some(self.shard_here(*group, shard))
        });
        CollectionHere {
            name: name.to_owned(),
            config: entry.config.clone(),
            layout: Layout {
                // Bounded by `limits::SHARDS_MAX`.
                shards: entry.shards.len() as u32,
                replication_factor: entry.replication_factor,
                write_consistency_factor: entry.write_consistency_factor,
            },
            shards: shards.collect(),
        }
    }

    fn shard_here(&self, group: GroupId, shard: &ShardEntry) -> ShardHere {
        let target = || shard.target.iter().flatten().filter(|replica| !replica.learner);
        let votes = |peer: PeerId| {
            shard.conf.voters.contains(&peer) || shard.conf.voters_outgoing.contains(&peer)
        };
        let replica = |peer: PeerId| ReplicaHere {
            node: peer.node(),
            is_here: peer.node() == self.ground.me,
            answers: self.serving.liveness.is_alive(peer.node()),
            votes: votes(peer),
            will_vote: target().any(|replica| replica.peer == peer),
        };
        let incoming = target().map(|replica| replica.peer).filter(|peer| !votes(*peer));
        let incoming: Vec<NodeId> = incoming.map(PeerId::node).collect();
        let stays = |voter: &PeerId| target().any(|replica| replica.peer == *voter);
        ShardHere {
            ordinal: shard.ordinal,
            group,
            replicas: shard.conf.members().into_iter().map(replica).collect(),
            leader: None,
            is_move: !incoming.is_empty() && !shard.conf.voters.iter().all(stays),
            incoming,
            info: None,
        }
    }

    fn look_at(&self, shard: &mut ShardHere) {
        let Some(opened) = self.serving.replicas.get(shard.group) else { return };
        if let Ok(replica) = &opened {
            let waiting = replica.watch.lag();
            shard.info = Some(Info { waiting, ..replica.shard.info() });
            shard.leader = replica.watch.leader().map(PeerId::node);
        }
        let own = shard.replicas.iter_mut().filter(|replica| replica.is_here);
        own.for_each(|replica| replica.answers = opened.is_ok());
    }

    /// What the jobs of the replica of a group here did and do; `None` without one.
    pub fn jobs_here(&self, group: GroupId, ended: usize) -> Option<JobsHere> {
        let replica = self.serving.replicas.get(group)?.ok()?;
        let (durations, _) = replica.shard.jobs_done();
        Some(JobsHere { outlook: replica.shard.outlook(ended), durations })
    }

    /// What each segment of a replica here holds; `None` where it is not in use.
    pub fn segments_here(&self, group: GroupId) -> Option<Vec<SegmentFigures>> {
        let replica = self.serving.replicas.get(group)?.ok()?;
        Some(replica.shard.segment_figures())
    }

    /// Fields that requests looked for in many payloads, by collection, on replicas here.
    pub fn unindexed(&self) -> BTreeMap<String, BTreeMap<JsonPath, Unindexed>> {
        let mut found: BTreeMap<String, BTreeMap<JsonPath, Unindexed>> = BTreeMap::new();
        for (group, replica) in self.serving.replicas.all() {
            let noted = replica.shard.unindexed();
            let Some(name) = self.collection_of(group).filter(|_| !noted.is_empty()) else {
                continue;
            };
            let of_collection = found.entry(name).or_default();
            for (path, noted) in noted {
                let known = of_collection.entry(path).or_insert_with(|| noted.clone());
                known.since_ms = known.since_ms.min(noted.since_ms);
            }
        }
        found
    }

    /// Forgets those fields.
    pub fn forget_unindexed(&self) {
        self.serving.replicas.all().iter().for_each(|(_, it)| it.shard.forget_unindexed());
    }

    /// What the replicas of some groups here have memory and files for. Looks at every value of
    /// each payload index.
    pub fn usage_here(&self, groups: &[GroupId]) -> Usage {
        let mut usage = Usage::default();
        for group in groups {
            if let Some(Ok(replica)) = self.serving.replicas.get(*group) {
                usage.add(replica.shard.usage());
            }
        }
        usage
    }

    fn collection_of(&self, group: GroupId) -> Option<String> {
        let name = |state: &State| state.shards.get(&group).map(|it| it.collection.clone());
        self.ground.catalog.read(name)
    }
}
