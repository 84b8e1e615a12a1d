//! The cluster and its clients, from the founding to the last check.

use std::collections::BTreeMap;

use vane_transport::Life;
use vane_types::{GroupId, NodeId};

use crate::env::{Crash, End, Env};
use crate::event::{Body, Event, Step};
use crate::history::{Kind, ReadOf, names};
use crate::liveness::Liveness;
use crate::node::{FOUNDER, Node};
use crate::queue::{TICK, Time};
use crate::swarm::Swarm;

/// Time between looks at whether groups are led, and at replicas that are shut.
const WATCH_PAUSE: Time = TICK;
const OPERATE_PAUSE: Time = 10 * TICK;
/// Requests that must have been answered while things went wrong: a run that did nothing
/// shows nothing.
const ACKNOWLEDGED_MIN: usize = 40;
/// Time that a cluster that suffers much has beyond its own, again and again, to answer them.
const MORE_FAULTS: Time = 50 * TICK;
const HEALED_BY: Time = 2000 * TICK;

/// A client has one request on its way, or none.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Client {
    /// Number of the request, and the node that it was sent to.
    pub(crate) busy: Option<(usize, NodeId)>,
}

/// What the clients do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nothing: the cluster is being founded.
    Founding,
    /// Anything.
    Load,
    /// Nothing new.
    Rest,
    /// They read each point once more.
    LastReads(Vec<(Option<String>, u64)>),
}

pub(crate) struct World {
    pub(crate) env: Env,
    pub(crate) nodes: Vec<Node>,
    pub(crate) clients: Vec<Client>,
    pub(crate) stage: Stage,
    pub(crate) liveness: Liveness,
    /// When an administrator last asked for other replicas of a shard.
    pub(crate) reconfigured_at: BTreeMap<GroupId, Time>,
    /// What the cluster has to suffer once it is founded.
    pub(crate) sufferings: Swarm,
    /// Time that faults go on once the cluster is founded.
    pub(crate) faults_last: Time,
    pub(crate) healed_at: Option<(Time, u64)>,
    pub(crate) done: bool,
    /// Time from the healing until every replica had everything.
    pub(crate) recovered_in: Time,
    /// Points whose requests were too many for the search of an order.
    pub(crate) undecided: usize,
    pub(crate) next_number: u64,
}

impl World {
    /// A cluster of which the founder has just started.
    pub(crate) fn found(mut env: Env, faults_last: Time) -> Self {
        let calm = env.swarm.healed();
        let sufferings = std::mem::replace(&mut env.swarm, calm.clone());
        let mut nodes: Vec<Node> = env.all_nodes().map(|id| Node::new(id, &env)).collect();
        nodes[place(FOUNDER)].start(&mut env);
        let clients = vec![Client::default(); env.swarm.load.clients];
        env.queue.at(TICK, Event::Found);
        env.queue.at(WATCH_PAUSE, Event::Watch);
        env.queue.at(OPERATE_PAUSE, Event::Operate);
        let is_story = Self::is_story(&env);
        let mut world = Self {
            env,
            nodes,
            clients,
            stage: Stage::Founding,
            liveness: Liveness::default(),
            reconfigured_at: BTreeMap::new(),
            sufferings,
            faults_last,
            healed_at: None,
            done: false,
            recovered_in: 0,
            undecided: 0,
            next_number: 1,
        };
        if is_story {
            world.calm_sufferings(calm);
        }
        world
    }

    /// Runs until it is done, or failed.
    pub(crate) fn run(&mut self, events_max: u64) {
        let mut events = 0;
        while !self.done && self.env.checks.failure().is_none() {
            let Some(event) = self.env.queue.pop() else { break };
            self.env.checks.now = self.env.queue.now();
            self.happen(event);
            while let Some(end) = self.env.ends.pop() {
                self.crash(end);
            }
            events += 1;
            if events > events_max {
                self.env.checks.fail(|| format!("the run did not end within {events_max} events"));
            }
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Step { node, process, step } => self.step(node, process, step),
            Event::Arrive { by, to, body } => self.arrive(by, to, body),
            Event::Start(node) => self.start(node),
            Event::Mend(links) => {
                self.env.network.mend(&links);
                self.disturb(links.into_iter().flat_map(|(from, to)| [from, to]));
            }
            Event::Client(client) => self.next_request(client),
            Event::Found => self.go_on_founding(),
            Event::Fault if self.healed_at.is_none() => self.fault(),
            Event::Fault => {}
            Event::Operate => {
                self.refill_shut_replicas();
                self.look_after_losses();
                self.restore_refused();
                self.env.queue.after(OPERATE_PAUSE, Event::Operate);
            }
            Event::Watch => {
                self.watch_leaders();
                self.watch_moves();
                self.watch_majorities();
                self.watch_past();
                self.env.queue.after(WATCH_PAUSE, Event::Watch);
            }
            Event::Heal => self.heal(),
            Event::Look => self.look(),
        }
    }

    pub(crate) fn node(&mut self, node: NodeId) -> &mut Node {
        &mut self.nodes[place(node)]
    }

    /// Notes that something happened to nodes.
    pub(crate) fn disturb(&mut self, nodes: impl IntoIterator<Item = NodeId>) {
        let now = self.env.now();
        for node in nodes {
            self.node(node).disturbed_at = now;
        }
    }

    fn step(&mut self, id: NodeId, number: u64, step: Step) {
        let node = &mut self.nodes[place(id)];
        // What an ended process had planned is not its successor's.
        let process = node.process.as_mut().filter(|process| process.id.1 == number);
        let Some(process) = process else { return };
        if node.frozen_until > self.env.now() {
            // Late as a whole: a frozen process loses nothing and notices nothing.
            let later = Event::Step { node: id, process: number, step };
            return self.env.queue.at(node.frozen_until, later);
        }
        process.step(&mut node.disks, &mut self.env, step);
    }

    fn arrive(&mut self, by: Life, to: NodeId, body: Box<Body>) {
        let node = &mut self.nodes[place(to)];
        let now = self.env.now();
        match &mut node.process {
            Some(_) if node.frozen_until > now => {
                self.env.queue.at(node.frozen_until, Event::Arrive { by, to, body });
            }
            Some(process) => process.arrive(&mut node.disks, &mut self.env, by, *body),
            None => {
                if let Body::Snapshot { announcement, sender, .. } = *body {
                    let (group, to) = (announcement.group, announcement.to());
                    self.env.step(
                        1,
                        (by.node, sender),
                        Step::SnapshotSent { group, to, ok: false },
                    );
                }
            }
        }
    }

    fn start(&mut self, id: NodeId) {
        if self.node(id).process.is_some() || self.node(id).is_gone {
            return;
        }
        // Found at a start, since open replicas have their logs in memory. What is wrong with a
        // disk from the past is nobody's loss.
        let is_past = self.env.past.contains(&id);
        if !is_past && self.env.random.chance(self.env.swarm.disk.flipped) {
            self.flip_bit(id);
        }
        self.nodes[place(id)].start(&mut self.env);
    }

    fn crash(&mut self, end: End) {
        let was_up = self.node(end.node).process.is_some();
        self.nodes[place(end.node)].crash(&mut self.env, end.crash);
        if was_up {
            if end.crash == Crash::Killed {
                self.notice_end(end.node);
            }
            self.ended(end.node, end.is_short);
        }
    }

    /// The machine of a process that ended goes on, and closes its connections.
    pub(crate) fn notice_end(&mut self, ended: NodeId) {
        for process in self.nodes.iter().filter_map(|node| node.process.as_ref()) {
            let soon = self.env.random.below(TICK / 50);
            self.env.step(soon, process.id, Step::Knock(ended, 1));
        }
    }

    /// A process has ended: its clients are left without an answer, and it starts again
    /// some time.
    pub(crate) fn ended(&mut self, id: NodeId, is_short: bool) {
        for client in 0..self.clients.len() {
            let busy = self.clients[client].busy.filter(|(_, node)| *node == id);
            let Some((number, _)) = busy else { continue };
            // The answer may have left before the end.
            if !self.env.history.requests[number].is_over {
                self.env.history.requests[number].is_over = true;
                self.env.queue.after(0, Event::Client(client));
            }
        }
        self.env.lives.ended(id);
        self.env.names.ended(id);
        let lasts = match self.healed_at {
            Some(_) => 0..TICK,
            None if is_short => 0..TICK / 10,
            None => self.env.swarm.faults.lasts.clone(),
        };
        let down = self.env.random.within(&lasts);
        self.env.queue.after(down, Event::Start(id));
    }

    /// A client's request was answered, or it begins.
    fn next_request(&mut self, client: usize) {
        let env = &mut self.env;
        if let Some((number, _)) = self.clients[client].busy.take() {
            let parts = env.history.requests[number].operations.values();
            let told = parts.filter(|part| env.history.operations[**part].is_acknowledged());
            let numbers = [
                ("client", client as u64),
                ("request", number as u64),
                ("told", told.count() as u64),
            ];
            env.note("answer", &numbers);
            let pause = env.random.within(&env.swarm.load.pause);
            return env.queue.after(pause, Event::Client(client));
        }
        let (collection, kind) = match &mut self.stage {
            Stage::Load => crate::load::draw_request(env, &names(), &mut self.next_number),
            Stage::Founding | Stage::Rest => return env.queue.after(TICK, Event::Client(client)),
            Stage::LastReads(left) => match left.pop() {
                Some((collection, point)) => {
                    (collection, Kind::Read { of: ReadOf::Point(point), linearizable: true })
                }
                None => return,
            },
        };
        let up: Vec<NodeId> = env.up.iter().copied().collect();
        let asked = env.random.pick(&up).map(|node| &mut self.nodes[place(node)]);
        // A connection to a frozen process is not even opened.
        let asked = asked.filter(|node| node.frozen_until <= env.now());
        let Some(process) = asked.and_then(|node| node.process.as_mut()) else {
            return env.queue.after(TICK / 10, Event::Client(client));
        };
        let number = env.history.ask(client, collection, kind);
        self.clients[client].busy = Some((number, process.id.0));
        process.ask(env, number);
    }

    fn heal(&mut self) {
        let env = &mut self.env;
        // Faults go on until something was done under them.
        let acknowledged = env.history.acknowledged();
        if acknowledged < ACKNOWLEDGED_MIN && env.now() < HEALED_BY {
            return env.queue.after(MORE_FAULTS, Event::Heal);
        }
        env.note("heal", &[]);
        if acknowledged < ACKNOWLEDGED_MIN {
            env.checks.fail(|| {
                format!("only {acknowledged} requests were acknowledged before the healing")
            });
        }
        self.healed_at = Some((env.now(), env.queue.count()));
        self.end_absence();
        self.restore_all();
        let env = &mut self.env;
        env.swarm = env.swarm.healed();
        env.network.mend_all();
        for node in &mut self.nodes {
            node.frozen_until = 0;
            if node.process.is_none() && !node.is_gone {
                env.queue.after(0, Event::Start(node.id));
            }
        }
        env.queue.after(TICK, Event::Look);
    }
}

/// Where a node stands among all.
pub(crate) fn place(node: NodeId) -> usize {
    (node.0 - 1) as usize
}
