//! Disks that are put back to an earlier copy, as with a snapshot of a machine, and what a person
//! does about it: the node says that it is refused, and gets its newest disk again.
//!
//! The cluster promises to find such a disk out while somebody is there who knows of a later start
//! (docs/decisions/0034). So all others know of one when it is put back, one disk at a time is
//! from the past, and nothing cuts it off before it is refused.

use vane_types::NodeId;

use crate::env::Crash;
use crate::node::Node;
use crate::queue::{TICK, Time};
use crate::world::{World, place};

/// Time after which a disk from the past must have been refused, with the others there.
const UNNOTICED_MAX: Time = 200 * TICK;

impl World {
    /// Keeps copies of all disks, as of one moment.
    pub(crate) fn keep_all_disks(&mut self) {
        for node in self.nodes.iter_mut().filter(|node| node.newest.is_none()) {
            if let Err(error) = node.keep_disks(&self.env) {
                self.env.checks.fail(|| format!("a disk could not be copied: {error}"));
            }
        }
        self.env.note("kept", &[]);
    }

    /// Puts some disk back, whose copy all others can tell from the disk.
    pub(crate) fn put_a_disk_back(&mut self) {
        let may: Vec<NodeId> =
            self.nodes.iter().filter(|node| self.may_put_back(node)).map(|it| it.id).collect();
        let Some(id) = self.env.random.pick(&may) else { return };
        self.nodes[place(id)].crash(&mut self.env, Crash::Power);
        let node = &mut self.nodes[place(id)];
        let Some(kept) = node.kept.take() else { return };
        self.env.note("put back", &[("node", id.0), ("starts", kept.disks.starts)]);
        self.env.past.insert(id);
        match node.exchange(&self.env, kept) {
            Ok(newest) => node.newest = Some(newest),
            Err(error) => self.env.checks.fail(|| format!("a disk could not be put back: {error}")),
        }
        self.ended(id, false);
    }

    fn may_put_back(&self, node: &Node) -> bool {
        let Some(kept) = &node.kept else { return false };
        let knows = |other: &Node| {
            let since = other.disks.lives.address_since(node.id, kept.disks.starts);
            other.id == node.id || other.is_gone || since.is_some()
        };
        let is_there = |other: &&Node| {
            let has_links = !self.env.network.has_cut(other.id);
            other.process.is_some() && other.frozen_until <= self.env.now() && has_links
        };
        // Two at a time would be two disks that failed.
        self.env.past.is_empty()
            && is_there(&node)
            && self.nodes.iter().all(knows)
            && self.nodes.iter().filter(is_there).count() * 2 > self.nodes.len()
    }

    /// Whether a disk from the past is not found out yet.
    pub(crate) fn has_unnoticed_past(&self) -> bool {
        self.nodes.iter().any(Node::is_unnoticed)
    }

    /// Gives nodes their newest disks again that say that theirs is refused.
    pub(crate) fn restore_refused(&mut self) {
        self.restore(|node| !node.is_unnoticed());
    }

    /// Gives all nodes their newest disks again, and throws the copies away.
    pub(crate) fn restore_all(&mut self) {
        self.restore(|_| true);
        self.nodes.iter_mut().for_each(|node| node.kept = None);
    }

    fn restore(&mut self, which: fn(&Node) -> bool) {
        let past = self.env.past.iter().copied();
        let due: Vec<NodeId> = past.filter(|id| which(&self.nodes[place(*id)])).collect();
        for id in due {
            self.nodes[place(id)].crash(&mut self.env, Crash::Killed);
            let node = &mut self.nodes[place(id)];
            let Some(newest) = node.newest.take() else { continue };
            self.env.note("restored", &[("node", id.0)]);
            self.env.past.remove(&id);
            if let Err(error) = node.exchange(&self.env, newest) {
                self.env.checks.fail(|| format!("a disk could not be put back: {error}"));
            }
            self.notice_end(id);
            self.ended(id, false);
        }
    }

    /// Disks from the past are refused, with somebody there who knows better.
    pub(crate) fn watch_past(&mut self) {
        let now = self.env.now();
        let unnoticed = self.nodes.iter().find(|node| {
            let is_long = now.saturating_sub(node.disturbed_at) > UNNOTICED_MAX;
            node.is_unnoticed() && node.process.is_some() && is_long
        });
        if let Some(id) = unnoticed.map(|node| node.id) {
            self.env
                .checks
                .fail(|| format!("node {id} is on a disk from the past, and nobody refuses it"));
        }
    }
}
