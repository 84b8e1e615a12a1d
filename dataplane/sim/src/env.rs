//! What all parts of a run share: time, chance, the network, what is checked, what is noted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use vane_transport::Life;
use vane_types::{GroupId, NodeId};

use crate::bug::Bug;
use crate::checks::Checks;
use crate::event::{Body, Event, Step};
use crate::files::Directory;
use crate::history::{History, Lives, Names};
use crate::network::Network;
use crate::queue::{Queue, Time};
use crate::random::Random;
use crate::swarm::Swarm;
use crate::trace::{Numbers, Trace};

/// How a process ends against its will.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Crash {
    /// What was written stays, synced or not.
    Killed,
    /// What was not synced may be gone.
    Power,
}

/// The end of a process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End {
    pub(crate) node: NodeId,
    pub(crate) crash: Crash,
    /// The next process starts before anybody has noticed.
    pub(crate) is_short: bool,
}

/// What all parts of a run share.
pub(crate) struct Env {
    pub(crate) queue: Queue<Event>,
    pub(crate) random: Random,
    pub(crate) trace: Trace,
    pub(crate) network: Network,
    pub(crate) checks: Checks,
    pub(crate) history: History,
    pub(crate) lives: Lives,
    pub(crate) names: Names,
    pub(crate) swarm: Swarm,
    pub(crate) bug: Option<Bug>,
    /// Disks are lost, one after the other, and nothing else goes wrong.
    pub(crate) loses_disks: bool,
    /// Collections have points of tenants.
    pub(crate) by_tenant: bool,
    pub(crate) directory: Directory,
    /// Processes that end once the event is over.
    pub(crate) ends: Vec<End>,
    pub(crate) nodes: u64,
    /// Nodes that have a process.
    pub(crate) up: BTreeSet<NodeId>,
    /// The start of each that runs, or ran last, as its calls name it.
    pub(crate) speaking: BTreeMap<NodeId, Life>,
    /// Nodes on an earlier copy of their disk.
    pub(crate) past: BTreeSet<NodeId>,
}

impl Env {
    pub(crate) fn new(
        random: Random,
        trace: Trace,
        swarm: Swarm,
        bug: Option<Bug>,
        directory: Directory,
        nodes: u64,
    ) -> Self {
        Self {
            queue: Queue::new(),
            random,
            trace,
            network: Network::default(),
            checks: Checks::default(),
            history: History::default(),
            lives: Lives::default(),
            names: Names::default(),
            swarm,
            bug,
            loses_disks: false,
            by_tenant: false,
            directory,
            ends: Vec::new(),
            nodes,
            up: BTreeSet::new(),
            speaking: BTreeMap::new(),
            past: BTreeSet::new(),
        }
    }

    pub(crate) fn now(&self) -> Time {
        self.queue.now()
    }

    /// A time as code with a clock sees it.
    pub(crate) fn instant(&self, time: Time) -> Instant {
        self.queue.clock().instant(time)
    }

    pub(crate) fn note(&mut self, what: &'static str, numbers: Numbers<'_>) {
        self.trace.note(self.queue.now(), what, numbers);
    }

    /// Points of a group are numbered from 1; those of the meta group are nodes.
    pub(crate) fn points(&self, group: GroupId) -> u64 {
        if group == GroupId::META { self.nodes } else { self.swarm.load.points }
    }

    /// All nodes.
    pub(crate) fn all_nodes(&self) -> impl Iterator<Item = NodeId> + use<> {
        (1..=self.nodes).map(NodeId)
    }

    /// Any node.
    pub(crate) fn any_node(&mut self) -> NodeId {
        NodeId(1 + self.random.below(self.nodes))
    }

    /// Sends a message; the network may lose it.
    pub(crate) fn send(&mut self, from: NodeId, to: NodeId, body: Body) {
        let Some(by) = self.speaking.get(&from).copied() else { return };
        let now = self.now();
        let mut arrivals =
            self.network.arrivals(&mut self.random, &self.swarm.network, (from, to), now);
        if !matches!(body, Body::Raft(_)) {
            // A call comes once or not at all.
            arrivals.truncate(1);
        }
        for at in arrivals {
            self.queue.at(at, Event::Arrive { by, to, body: Box::new(body.clone()) });
        }
    }

    /// Lets a process go on after some time.
    pub(crate) fn step(&mut self, time: Time, (node, process): (NodeId, u64), step: Step) {
        self.queue.after(time, Event::Step { node, process, step });
    }

    /// The clock of a process, which goes a little faster or slower than others.
    pub(crate) fn own_clock(&self, seed: u64) -> vane_raft::Clock {
        let per_mille = 960 + Random::new(seed).below(81);
        let clock = self.queue.clock().clone();
        vane_raft::Clock::new(move || clock.instant(clock.now() * per_mille / 1000))
    }

    /// Time of a sync of the log.
    pub(crate) fn sync_time(&mut self) -> Time {
        let rates = &self.swarm.disk;
        let time = self.random.within(&rates.sync);
        if self.random.chance(rates.slow) { time + self.random.below(rates.late) } else { time }
    }

    /// A process is to end.
    pub(crate) fn crash(&mut self, node: NodeId, is_short: bool) {
        // Drawn for every crash, so that a seed without power failures has the same other draws.
        let is_power = self.random.chance(self.swarm.disk.power);
        let crash = if is_power { Crash::Power } else { Crash::Killed };
        self.ends.push(End { node, crash, is_short });
    }

    /// A process is to end because of its disk.
    pub(crate) fn fail_disk(&mut self, node: NodeId) {
        self.ends.push(End { node, crash: Crash::Power, is_short: false });
    }
}
