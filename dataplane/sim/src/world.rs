//! The cluster and its clients, from the founding to the last check.

use vane_raft::Conf;
use vane_types::GroupId;

use crate::env::{End, Env};
use crate::event::{Body, Event, Step};
use crate::history::{Kind, NEVER, Outcome};
use crate::machine::Write;
use crate::members::Members;
use crate::node::Node;
use crate::queue::{TICK, Time};

/// Time before the first fault: every group has a leader then.
pub(crate) const CALM: Time = 20 * TICK;
/// Time between looks of whoever changes members.
const MEMBERS_PAUSE: Time = TICK;
/// Requests that must have been answered while things went wrong: a run that did nothing
/// shows nothing.
const ACKNOWLEDGED_MIN: usize = 40;
/// Time that a cluster that suffers much has beyond its own, again and again, to answer them.
const MORE_FAULTS: Time = 50 * TICK;
const HEALED_BY: Time = 2000 * TICK;

/// A client has one request on its way, or none.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Client {
    /// The request, and the node that it was sent to.
    pub(crate) busy: Option<(usize, u64)>,
}

/// What the clients do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Anything.
    Load,
    /// Nothing new.
    Rest,
    /// They read each point once more.
    LastReads(Vec<(GroupId, u64)>),
}

pub(crate) struct World {
    pub(crate) env: Env,
    pub(crate) nodes: Vec<Node>,
    pub(crate) members: Members,
    pub(crate) clients: Vec<Client>,
    pub(crate) stage: Stage,
    pub(crate) healed_at: Option<(Time, u64)>,
    pub(crate) done: bool,
    /// Time from the healing until every replica had everything.
    pub(crate) recovered_in: Time,
    /// Points whose requests were too many for the search of an order.
    pub(crate) undecided: usize,
    next_value: u64,
}

impl World {
    /// A cluster that was just founded.
    pub(crate) fn found(mut env: Env, faults_last: Time) -> Self {
        let mut nodes: Vec<Node> = (1..=env.nodes).map(|id| Node::new(id, &env)).collect();
        nodes.iter_mut().for_each(|it| it.start(&mut env));
        let mut members = Members::default();
        for group in env.groups.clone() {
            let mut places: Vec<u64> = (1..=env.nodes).collect();
            while places.len() > group.replicas {
                let out = env.random.below(places.len() as u64);
                places.remove(out as usize);
            }
            let peers: Vec<u64> =
                places.iter().map(|node| members.new_peer(group.id, *node)).collect();
            let conf = Conf::founding(&peers);
            env.checks.founded(group.id, conf.clone());
            for (node, peer) in places.into_iter().zip(peers) {
                nodes[(node - 1) as usize].create(&mut env, group.id, peer, Some(&conf));
            }
        }
        let clients = vec![Client::default(); env.swarm.load.clients];
        for client in 0..clients.len() {
            env.queue.after(client as u64, Event::Client(client));
        }
        env.queue.at(CALM, Event::Fault);
        env.queue.at(MEMBERS_PAUSE, Event::Members);
        env.queue.at(CALM + faults_last, Event::Heal);
        Self {
            env,
            nodes,
            members,
            clients,
            stage: Stage::Load,
            healed_at: None,
            done: false,
            recovered_in: 0,
            undecided: 0,
            next_value: 1,
        }
    }

    /// Runs until it is done, or failed.
    pub(crate) fn run(&mut self, events_max: u64) {
        let mut events = 0;
        while !self.done && self.env.checks.failure().is_none() {
            let Some(event) = self.env.queue.pop() else { break };
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
            Event::Arrive { from, to, body } => self.arrive(from, to, body),
            Event::Start(node) => self.start(node),
            Event::Mend(links) => self.env.network.mend(&links),
            Event::Client(client) => self.next_request(client),
            Event::Fault if self.healed_at.is_none() => self.fault(),
            Event::Fault => {}
            Event::Members => {
                self.members.look(&mut self.env, &mut self.nodes);
                self.env.queue.after(MEMBERS_PAUSE, Event::Members);
            }
            Event::Heal => self.heal(),
            Event::Look => self.look(),
        }
    }

    fn node(&mut self, node: u64) -> &mut Node {
        &mut self.nodes[(node - 1) as usize]
    }

    fn step(&mut self, id: u64, number: u64, step: Step) {
        let node = &mut self.nodes[(id - 1) as usize];
        let Some(process) = node.process.as_mut().filter(|it| it.id.1 == number) else { return };
        if node.frozen_until > self.env.now() {
            return self
                .env
                .queue
                .at(node.frozen_until, Event::Step { node: id, process: number, step });
        }
        process.step(&mut node.disks, &mut self.env, step);
    }

    fn arrive(&mut self, from: u64, to: u64, body: Box<Body>) {
        let node = &mut self.nodes[(to - 1) as usize];
        let now = self.env.now();
        match &mut node.process {
            Some(_) if node.frozen_until > now => {
                self.env.queue.at(node.frozen_until, Event::Arrive { from, to, body });
            }
            Some(process) => process.arrive(&mut node.disks, &mut self.env, from, *body),
            None => {
                if let Body::Snapshot { announcement, sender, .. } = *body {
                    let (group, to) = (announcement.group, announcement.to());
                    self.env.step(1, (from, sender), Step::SnapshotSent { group, to, ok: false });
                }
            }
        }
    }

    fn start(&mut self, id: u64) {
        if self.node(id).process.is_some() {
            return;
        }
        if self.env.random.chance(self.env.swarm.disk.flipped) {
            self.flip_bit(id);
        }
        self.nodes[(id - 1) as usize].start(&mut self.env);
    }

    /// A bit of one group's log is found flipped, where the others can do without it.
    fn flip_bit(&mut self, id: u64) {
        let disks = &self.nodes[(id - 1) as usize].disks;
        let groups = disks.log.groups();
        let Some(group) = self.env.random.pick(&groups) else { return };
        let Some(peer) = self.nodes[(id - 1) as usize].peer(group) else { return };
        if self.members.may_lose(&self.env, &self.nodes, group, peer) {
            self.env.note("bit flipped", &[("group", group.0), ("peer", peer)]);
            self.node(id).disks.damaged.insert(group);
        }
    }

    fn crash(&mut self, end: End) {
        let was_up = self.node(end.node).process.is_some();
        self.nodes[(end.node - 1) as usize].crash(&mut self.env, end.crash);
        if was_up {
            self.ended(end.node, end.is_short);
        }
    }

    /// A process has ended: its clients are left without an answer, and it starts again
    /// some time.
    pub(crate) fn ended(&mut self, id: u64, is_short: bool) {
        for client in 0..self.clients.len() {
            let Some((operation, _)) = self.clients[client].busy.filter(|it| it.1 == id) else {
                continue;
            };
            // The answer may have left before the end.
            if self.env.history.operations[operation].returned == NEVER {
                let moment = self.env.queue.count();
                self.env.history.end(operation, Outcome::Unknown, moment);
                self.clients[client].busy = None;
                self.env.queue.after(0, Event::Client(client));
            }
        }
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
        if let Some((operation, _)) = self.clients[client].busy.take() {
            let it = &env.history.operations[operation];
            let numbers = [
                ("client", client as u64),
                ("operation", operation as u64),
                ("told", it.is_acknowledged().into()),
            ];
            env.note("answer", &numbers);
            let pause = env.random.within(&env.swarm.load.pause);
            return env.queue.after(pause, Event::Client(client));
        }
        let (group, kind) = match &mut self.stage {
            Stage::Load => draw_request(env, &mut self.next_value),
            Stage::Rest => return env.queue.after(TICK, Event::Client(client)),
            Stage::LastReads(left) => match left.pop() {
                Some((group, point)) => (group, Kind::Read { point, linearizable: true }),
                None => return,
            },
        };
        let up: Vec<u64> = env.up.iter().copied().collect();
        let Some(node) = env.random.pick(&up) else {
            return env.queue.after(TICK / 10, Event::Client(client));
        };
        let Some(process) = &self.nodes[(node - 1) as usize].process else { return };
        let moment = env.queue.count();
        let operation = env.history.begin(client, group, kind, moment);
        env.step(1, process.id, Step::Begin(operation));
        self.clients[client].busy = Some((operation, node));
    }

    fn heal(&mut self) {
        let env = &mut self.env;
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
        env.swarm = env.swarm.healed();
        env.network.mend_all();
        for node in &mut self.nodes {
            node.frozen_until = 0;
            if node.process.is_none() {
                env.queue.after(0, Event::Start(node.id));
            }
        }
        env.queue.after(TICK, Event::Look);
    }
}

/// A request by the seed's weights.
fn draw_request(env: &mut Env, next_value: &mut u64) -> (GroupId, Kind) {
    let group = env.random.below(env.groups.len() as u64) as usize;
    let group = env.groups[group].id;
    let (load, random) = (env.swarm.load.clone(), &mut env.random);
    let point = 1 + random.below(load.points);
    let kind = if random.chance(load.reads) {
        Kind::Read { point, linearizable: !random.chance(load.default_reads) }
    } else if random.chance(load.deletes) {
        Kind::Write(Write { point, value: None })
    } else {
        *next_value += 1;
        Kind::Write(Write { point, value: Some(*next_value) })
    };
    (group, kind)
}
