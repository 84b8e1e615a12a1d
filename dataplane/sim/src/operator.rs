//! The administrator: moves replicas for no reason, as people do. And nodes that have replicas
//! filled again that are shut.

use std::path::{Path, PathBuf};

use vane_catalog::{MetaCommand, ShardEntry, State, WantedReplica};
use vane_raft::LogStore;
use vane_types::{GroupId, NodeId, PeerId};

use crate::env::Env;
use crate::founding::{FACTORS, shuffle};
use crate::node::Node;
use crate::process::CHANGE_MAX;
use crate::process::Owner;
use crate::random::Random;
use crate::world::{World, place};

/// The file of a segment's vectors, and where they begin in it.
const ROWS: &str = "vec.f32";
const ROWS_FROM: usize = 64;

impl World {
    /// What the catalog says on a node that is up.
    pub(crate) fn catalog<T>(&self, node: NodeId, read: impl FnOnce(&State) -> T) -> Option<T> {
        let process = self.nodes[place(node)].process.as_ref()?;
        Some(process.catalog.read(read))
    }

    /// Asks for other replicas of some shard.
    pub(crate) fn reconfigure_some(&mut self) {
        let up: Vec<NodeId> = self.env.up.iter().copied().collect();
        let Some(node) = self.env.random.pick(&up) else { return };
        let shards = self.catalog(node, |state| state.shards.keys().copied().collect());
        let shards: Vec<GroupId> = shards.unwrap_or_default();
        let Some(group) = self.env.random.pick(&shards) else { return };
        let entry = self.catalog(node, |state| state.shards.get(&group).cloned()).flatten();
        if let Some(entry) = entry {
            let wanted = draw_wanted(&mut self.env, &entry);
            self.reconfigure(node, group, &entry, wanted);
        }
    }

    /// Has replicas that are shut filled again, as their nodes do. Their groups can do without
    /// them: no other is lost.
    pub(crate) fn refill_shut_replicas(&mut self) {
        let shut = self.nodes.iter().flat_map(|node| {
            node.shut().into_iter().map(move |(group, peer)| (node.id, group, peer))
        });
        let shut: Vec<(NodeId, GroupId, PeerId)> = shut.collect();
        for (node, group, peer) in shut {
            let entry = self.catalog(node, |state| state.shards.get(&group).cloned()).flatten();
            let is_due = entry.is_some_and(|entry| !entry.gives_up(peer));
            let Some(process) = self.nodes[place(node)].process.as_mut().filter(|_| is_due) else {
                continue;
            };
            self.env.note("refill", &[("group", group.0), ("peer", peer.0)]);
            self.reconfigured_at.insert(group, self.env.now());
            let by = self.env.now() + CHANGE_MAX;
            let command = MetaCommand::Refill { group, peer };
            process.change(&self.env, Owner::Administrator, command, by);
            process.run_tasks(&mut self.env);
        }
    }

    /// Changes where a shard's replicas should be, by what one node knows of it.
    pub(crate) fn reconfigure(
        &mut self,
        node: NodeId,
        group: GroupId,
        entry: &ShardEntry,
        replicas: Vec<WantedReplica>,
    ) {
        // What waits for the machine that is away is to go on waiting.
        if replicas.is_empty() || (self.env.swarm.is_absent && entry.target.is_some()) {
            return;
        }
        let if_revision = self.env.random.chance(500_000).then_some(entry.revision);
        let Some(process) = &mut self.nodes[place(node)].process else { return };
        let numbers = [
            ("group", group.0),
            ("revision", entry.revision),
            ("first", replicas.first().map_or(0, |replica| replica.node.0)),
            ("count", replicas.len() as u64),
        ];
        self.env.note("reconfigure", &numbers);
        self.reconfigured_at.insert(group, self.env.now());
        let command = MetaCommand::Reconfigure { group, replicas, if_revision };
        let by = self.env.now() + CHANGE_MAX;
        process.change(&self.env, Owner::Administrator, command, by);
        process.run_tasks(&mut self.env);
    }

    /// A bit of one group's log is found flipped, or is flipped in its rows, where the others can
    /// do without it.
    pub(crate) fn flip_bit(&mut self, id: NodeId) {
        let disks = &self.nodes[place(id)].disks;
        let mut groups = disks.log.groups();
        // A node whose catalog is lost does not start: that is another story.
        groups.retain(|group| *group != GroupId::META);
        let Some(group) = self.env.random.pick(&groups) else { return };
        let Some(peer) = self.nodes[place(id)].disks.peer(group) else { return };
        if !self.may_lose(group, peer) {
            return;
        }
        let of_rows = rows_of(&self.env.directory.of_replica(peer, group));
        match self.env.random.pick(&[None, of_rows.as_deref()]).flatten() {
            Some(rows) => {
                self.env.note("row damaged", &[("group", group.0), ("peer", peer.0)]);
                if let Err(error) = flip(&mut self.env.random, rows) {
                    self.env.checks.fail(|| format!("no bit could be flipped: {error}"));
                }
                self.node(id).disks.flipped.insert((group, peer));
            }
            None => {
                self.env.note("bit flipped", &[("group", group.0), ("peer", peer.0)]);
                self.node(id).disks.damaged.insert(group);
            }
        }
    }

    fn has_target(&self, node: NodeId, group: GroupId) -> bool {
        let target = self.catalog(node, |state| state.shards.get(&group)?.target.clone());
        target.flatten().is_some()
    }

    /// Whether a replica may be lost for ever: the others can do without it.
    fn may_lose(&self, group: GroupId, peer: PeerId) -> bool {
        // By the truth, which no node knows: a loss must not come on top of another.
        let Some(log) = self.env.checks.log(group) else { return false };
        let (last, conf, now) = (log.last(), &log.conf, self.env.now());
        let asked_at = self.reconfigured_at.get(&group);
        let is_moving = asked_at.is_some_and(|at| now.saturating_sub(*at) < CHANGE_MAX)
            || self.nodes.iter().any(|node| self.has_target(node.id, group));
        // A replica that has the last change of members in its log, but does not know for good
        // that it is committed, still waits for those that were removed.
        let is_healthy = |voter: &PeerId| {
            let Node { disks, .. } = &self.nodes[place(voter.node())];
            let has_it = disks.log.group(group).ok().flatten();
            let knows = disks.durable.get(&group).is_none_or(|index| *index >= log.conf_index);
            !self.env.past.contains(&voter.node())
                && has_it.is_some_and(|found| found.peer == *voter && found.installing.is_none())
                && !disks.log.has_member_changes_behind(group, last)
                && !disks.damaged.contains(&group)
                && knows
        };
        !is_moving
            && !conf.is_joint()
            && conf.learners.is_empty()
            // Of two the other alone is no majority.
            && conf.voters.len() > 2
            && conf.voters.contains(&peer)
            && conf.voters.iter().all(is_healthy)
    }
}

/// The file with a replica's vectors, of the first segment by name that has one.
fn rows_of(dir: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(dir).ok()?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths.into_iter().find_map(|path| match path.is_dir() {
        true => rows_of(&path),
        false => path.ends_with(ROWS).then_some(path),
    })
}

/// Flips a bit behind a file's header.
fn flip(random: &mut Random, path: &Path) -> std::io::Result<()> {
    let mut bytes = std::fs::read(path)?;
    let at = ROWS_FROM + random.below(bytes.len().saturating_sub(ROWS_FROM).max(1) as u64) as usize;
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << random.below(8);
    }
    // Into a file of its own: a copy of the disk, or a snapshot, may have it too.
    std::fs::remove_file(path)?;
    std::fs::write(path, bytes)
}

/// Replicas for a shard: mostly as many as now, some of them where they are.
fn draw_wanted(env: &mut Env, entry: &ShardEntry) -> Vec<WantedReplica> {
    let there = entry.nodes();
    let count = match env.random.chance(600_000) {
        true => entry.conf.voters.len(),
        false => env.random.pick(&FACTORS).unwrap_or(1),
    };
    let mut nodes: Vec<NodeId> = env.all_nodes().collect();
    shuffle(env, &mut nodes);
    if env.random.chance(500_000) {
        // Mostly where they are: moves of one replica are what happens in practice.
        nodes.sort_by_key(|node| !there.contains(node));
        let stays = nodes.len().min(count.max(1));
        // One of them makes room for another.
        if let Some(last) = nodes.len().checked_sub(1).filter(|last| *last > stays - 1) {
            nodes.swap(stays - 1, last);
        }
    }
    let learners = usize::from(env.random.chance(150_000));
    let replicas = nodes.into_iter().take(count.max(1) + learners).enumerate();
    replicas.map(|(at, node)| WantedReplica { node, learner: at >= count.max(1) }).collect()
}
