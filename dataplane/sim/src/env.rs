//! What all parts of a run share: time, chance, the network, what is checked, what is noted.

use std::collections::BTreeSet;

use vane_types::GroupId;

use crate::bug::Bug;
use crate::checks::Checks;
use crate::event::{Body, Event, Step};
use crate::files::Directory;
use crate::history::History;
use crate::machine::Kind;
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
    pub(crate) node: u64,
    pub(crate) crash: Crash,
    /// The next process starts before anybody has noticed.
    pub(crate) is_short: bool,
}

/// A group of the cluster.
#[derive(Clone)]
pub(crate) struct Group {
    pub(crate) id: GroupId,
    pub(crate) kind: &'static dyn Kind,
    /// Replicas that it should have.
    pub(crate) replicas: usize,
    /// Copies of a write may be sent: they are applied once.
    pub(crate) dedupes: bool,
}

/// What all parts of a run share.
pub(crate) struct Env {
    pub(crate) queue: Queue<Event>,
    pub(crate) random: Random,
    pub(crate) trace: Trace,
    pub(crate) network: Network,
    pub(crate) checks: Checks,
    pub(crate) history: History,
    pub(crate) swarm: Swarm,
    pub(crate) bug: Option<Bug>,
    pub(crate) directory: Directory,
    pub(crate) groups: Vec<Group>,
    /// Processes that end once the event is over.
    pub(crate) ends: Vec<End>,
    pub(crate) nodes: u64,
    /// Nodes that have a process.
    pub(crate) up: BTreeSet<u64>,
}

impl Env {
    pub(crate) fn now(&self) -> Time {
        self.queue.now()
    }

    pub(crate) fn note(&mut self, what: &'static str, numbers: Numbers<'_>) {
        self.trace.note(self.queue.now(), what, numbers);
    }

    pub(crate) fn group(&self, id: GroupId) -> &Group {
        self.groups.iter().find(|it| it.id == id).expect("groups are made before anything happens")
    }

    /// Sends a message; the network may lose it.
    pub(crate) fn send(&mut self, from: u64, to: u64, body: Body) {
        let now = self.now();
        let mut arrivals =
            self.network.arrivals(&mut self.random, &self.swarm.network, (from, to), now);
        if !matches!(body, Body::Raft(_)) {
            // A call comes once or not at all.
            arrivals.truncate(1);
        }
        for at in arrivals {
            self.queue.at(at, Event::Arrive { from, to, body: Box::new(body.clone()) });
        }
    }

    /// Lets a process go on after some time.
    pub(crate) fn step(&mut self, time: Time, (node, process): (u64, u64), step: Step) {
        self.queue.after(time, Event::Step { node, process, step });
    }

    /// Time of a sync of the log.
    pub(crate) fn sync_time(&mut self) -> Time {
        let rates = &self.swarm.disk;
        let time = self.random.within(&rates.sync);
        if self.random.chance(rates.slow) { time + self.random.below(rates.late) } else { time }
    }

    /// A process is to end.
    pub(crate) fn crash(&mut self, node: u64, is_short: bool) {
        let crash =
            if self.random.chance(self.swarm.disk.power) { Crash::Power } else { Crash::Killed };
        self.ends.push(End { node, crash, is_short });
    }

    /// A process is to end because of its disk.
    pub(crate) fn fail_disk(&mut self, node: u64) {
        self.ends.push(End { node, crash: Crash::Power, is_short: false });
    }
}
