//! Groups in which nothing happens: their clocks stand still, and no heartbeat travels. What took
//! their place is one pulse between each two nodes that have such a group in common.
//!
//! A leader that has all members where it is, for some time, says so and falls quiet, and so do
//! they. Whatever happens to a replica wakes it. Where a node is silent for as long as a follower
//! waits for its leader at least, all replicas wake that count on it; and where two nodes differ
//! for long about which groups the one leads in quiet (a message was lost, or a replica is gone),
//! those wake. So a group is never quiet about a leader that is not there for longer than a few
//! intervals. Pure: what a replica is, and who sends, is the callers'.

use std::collections::{BTreeMap, BTreeSet};

use vane_types::{GroupId, NodeId, PeerId, Term};

use crate::codec::Envelope;
use crate::pulse::{PARTS, Parts, Pulse, Sums};

/// Pulses in a row that differ about a part before its groups wake: while a group falls quiet or
/// wakes, its leader and its followers differ for a moment.
const DIFFERING_MAX: u8 = 5;

/// What a quiet replica counts on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CountsOn {
    /// The replica itself.
    pub(crate) peer: PeerId,
    /// Who leads, in which term: itself, or another.
    pub(crate) leader: PeerId,
    pub(crate) term: Term,
    /// The nodes that it counts on: a follower on its leader's, a leader on those of all members
    /// that answered.
    pub(crate) nodes: Vec<NodeId>,
    /// A leader's: the nodes of members that did not answer.
    pub(crate) without: Vec<NodeId>,
}

impl CountsOn {
    fn leads(&self) -> bool {
        self.peer == self.leader
    }
}

/// Why a replica wakes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Something happens in its group, or is to.
    Work,
    /// These nodes are silent, for so many ticks.
    Silence(BTreeSet<NodeId>, usize),
}

/// What this node and another have in common.
#[derive(Debug, Default)]
struct Common {
    groups: BTreeSet<GroupId>,
    /// Those of the groups that are led here, and those that are led there.
    led_here: Sums,
    led_there: Sums,
    /// Ticks since its last pulse.
    ticks: usize,
    /// By part, in how many pulses in a row the two differed.
    differing: [u8; PARTS],
    /// Parts about which the other node is to be told so.
    speak: Parts,
}

/// The quiet groups of a node, by the nodes that they count on.
#[derive(Debug, Default)]
pub(crate) struct Quiet {
    groups: BTreeMap<GroupId, CountsOn>,
    common: BTreeMap<NodeId, Common>,
    /// Groups that are led here, by the nodes that they have to do without: once one is there
    /// again, their leaders speak to it. It may know of no member, and so cannot begin.
    missed: BTreeMap<NodeId, BTreeSet<GroupId>>,
    ticks: usize,
}

impl Quiet {
    /// Notes that a replica fell quiet.
    pub(crate) fn insert(&mut self, group: GroupId, counts_on: CountsOn) {
        self.remove(group);
        for node in &counts_on.nodes {
            let common = self.common.entry(*node).or_default();
            common.groups.insert(group);
            common.sums(&counts_on).toggle(group, counts_on.term);
        }
        for node in &counts_on.without {
            self.missed.entry(*node).or_default().insert(group);
        }
        self.groups.insert(group, counts_on);
    }

    /// Notes that a replica woke, or is gone.
    pub(crate) fn remove(&mut self, group: GroupId) {
        let Some(counts_on) = self.groups.remove(&group) else { return };
        for node in &counts_on.nodes {
            let Some(common) = self.common.get_mut(node) else { continue };
            common.groups.remove(&group);
            common.sums(&counts_on).toggle(group, counts_on.term);
            if common.groups.is_empty() {
                self.common.remove(node);
            }
        }
        for node in &counts_on.without {
            let Some(missed) = self.missed.get_mut(node) else { continue };
            missed.remove(&group);
            if missed.is_empty() {
                self.missed.remove(node);
            }
        }
    }

    /// What a quiet group's replica was noted to count on.
    pub(crate) fn of(&self, group: GroupId) -> Option<&CountsOn> {
        self.groups.get(&group)
    }

    /// All quiet groups.
    pub(crate) fn groups(&self) -> Vec<GroupId> {
        self.groups.keys().copied().collect()
    }

    /// Those that another node leads.
    pub(crate) fn led_by(&self, node: NodeId) -> Vec<GroupId> {
        let Some(common) = self.common.get(&node) else { return Vec::new() };
        let is_led_there = |group: &GroupId| {
            self.groups.get(group).is_some_and(|counts_on| counts_on.leader.node() == node)
        };
        common.groups.iter().copied().filter(is_led_there).collect()
    }

    /// A tick went by: the nodes that have been silent for `silence` ticks, and the groups that
    /// count on them.
    pub(crate) fn tick(&mut self, silence: usize) -> (BTreeSet<NodeId>, BTreeSet<GroupId>) {
        self.ticks += 1;
        self.common.values_mut().for_each(|common| common.ticks += 1);
        let silent = self.common.iter().filter(|(_, common)| common.ticks >= silence);
        let (mut nodes, mut groups) = (BTreeSet::new(), BTreeSet::new());
        for (node, common) in silent {
            nodes.insert(*node);
            groups.extend(&common.groups);
        }
        (nodes, groups)
    }

    /// What is to be said to other nodes at this tick, each `interval` ticks.
    pub(crate) fn pulses(&mut self, interval: usize) -> Vec<Envelope> {
        if !self.ticks.is_multiple_of(interval.max(1)) {
            return Vec::new();
        }
        let me = self.groups.values().next().map(|counts_on| counts_on.peer.node());
        let Some(me) = me else { return Vec::new() };
        let nodes: BTreeSet<NodeId> =
            self.common.keys().chain(self.missed.keys()).copied().collect();
        let pulse = |node: NodeId| {
            let mut pulse = Pulse { asks: self.missed.contains_key(&node), ..Pulse::default() };
            if let Some(common) = self.common.get_mut(&node) {
                pulse.led = common.led_here;
                pulse.speak = std::mem::take(&mut common.speak);
            }
            pulse.envelope(me, node)
        };
        nodes.into_iter().map(pulse).collect()
    }

    /// Takes another node's pulse in: the groups that have to wake.
    pub(crate) fn hear(&mut self, from: NodeId, pulse: Pulse) -> Vec<GroupId> {
        let missed = self.missed.get(&from).into_iter().flatten().copied();
        let mut waking: Vec<GroupId> = missed.collect();
        // Without a quiet group in common nothing is said back, and the other side wakes.
        let Some(common) = self.common.get_mut(&from) else { return waking };
        common.ticks = 0;
        let differing = common.led_there.differing(&pulse.led);
        let mut to_wake = Parts::default();
        for (part, times) in common.differing.iter_mut().enumerate() {
            *times = if differing.has(part) { *times + 1 } else { 0 };
            if *times >= DIFFERING_MAX {
                *times = 0;
                to_wake.insert(part);
                // Its leaders' heartbeats then come before anybody here stands for election.
                common.speak.insert(part);
            }
        }
        // As mostly: there may be very many groups.
        if to_wake == Parts::default() && pulse.speak == Parts::default() {
            return waking;
        }
        let groups = common.groups.iter().copied();
        let has_to_wake = |group: &GroupId| {
            let leads = self.groups.get(group).is_some_and(CountsOn::leads);
            if leads { pulse.speak.has_group(*group) } else { to_wake.has_group(*group) }
        };
        waking.extend(groups.filter(has_to_wake));
        waking
    }
}

impl Common {
    fn sums(&mut self, counts_on: &CountsOn) -> &mut Sums {
        if counts_on.leads() { &mut self.led_here } else { &mut self.led_there }
    }
}

#[cfg(test)]
mod tests;
