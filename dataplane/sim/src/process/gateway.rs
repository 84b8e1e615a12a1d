//! The way of a request to whoever leads its group: the coordinator's [`Attempt`] and
//! [`Router`] decide, this carries their decisions out over the simulated network.

use std::collections::BTreeMap;

use vane_catalog::MetaCommand;
use vane_coordinator::{Attempt, Failure, Next, Purpose, Router};
use vane_transport::{NotRead, Outcome as Proposed, Proposal};
use vane_types::command::RequestId;
use vane_types::{GroupId, LogIndex, NodeId, PeerId};

use super::Process;
use crate::env::Env;
use crate::event::{Answer, Asked, Body, Event, Found, Office, ReadOf, Step, What};
use crate::history::{Kind, Outcome};
use crate::machine;
use crate::queue::{TICK, Time};
use crate::write::Write;

/// Time for a change of the catalog that nobody waits at a keyboard for.
pub(crate) const CHANGE_MAX: Time = 100 * TICK;

/// Whose request it is.
#[derive(Debug, Clone)]
pub(crate) enum Owner {
    /// A client's operation, by its number.
    Client(usize),
    /// A step of the founding.
    Founding(MetaCommand),
    /// An administrator's change.
    Administrator(MetaCommand),
    /// What the node says of its own start.
    Announcement(MetaCommand),
    /// The reconciler's record of a shard's members.
    Settle(MetaCommand),
}

/// What is on its way.
enum Stage {
    Read { of: ReadOf, linearizable: bool },
    Propose { proposal: Proposal, named: Option<(Write, RequestId)> },
}

struct Request {
    owner: Owner,
    group: GroupId,
    stage: Stage,
    attempt: Attempt,
    deadline: Time,
    call: u64,
    asked: NodeId,
    /// A call is on its way.
    is_waiting: bool,
}

/// Requests on their way.
pub(super) struct Gateway {
    pub(super) router: Router,
    next: u64,
    requests: BTreeMap<u64, Request>,
}

impl Gateway {
    pub(super) fn new(session: u64) -> Self {
        Self { router: Router::new(session), next: 0, requests: BTreeMap::new() }
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

impl Process {
    pub(super) fn begin(&mut self, env: &mut Env, owner: Owner) {
        let patience = match &owner {
            Owner::Client(_) => env.random.within(&env.swarm.load.deadline),
            _ => CHANGE_MAX,
        };
        let deadline = env.now() + patience;
        let command = match &owner {
            Owner::Client(operation) => return self.begin_operation(env, *operation, deadline),
            Owner::Founding(command)
            | Owner::Administrator(command)
            | Owner::Announcement(command)
            | Owner::Settle(command) => command,
        };
        let encoded = self.catalog.encode(command);
        match encoded {
            Ok(command) => {
                let proposal = meta_proposal(command);
                let stage = Stage::Propose { proposal, named: None };
                self.enter(env, owner, GroupId::META, stage, deadline);
            }
            Err(error) => env.checks.fail(|| format!("{command:?}: {error}")),
        }
    }

    fn begin_operation(&mut self, env: &mut Env, number: usize, deadline: Time) {
        let operation = &env.history.operations[number];
        let group = operation.group;
        let stage = match &operation.kind {
            Kind::Read { point, linearizable } => {
                Stage::Read { of: ReadOf::Point(*point), linearizable: *linearizable }
            }
            // As of now: what a write does must not depend on who is up.
            Kind::Write(Write::RemoveClass(class)) => {
                Stage::Read { of: ReadOf::Class(*class), linearizable: true }
            }
            Kind::Write(_) => return self.write(env, number, deadline),
        };
        self.enter(env, Owner::Client(number), group, stage, deadline);
    }

    /// Names a write and proposes it, once an index is known that lies before all its copies.
    fn write(&mut self, env: &mut Env, number: usize, deadline: Time) {
        let operation = &env.history.operations[number];
        let (group, Kind::Write(write)) = (operation.group, operation.kind.clone()) else { return };
        let here = self.replicas.get(&group).map(|replica| replica.watch.applied());
        let known = here.max(self.gateway.router.basis(group));
        let basis = match known.filter(|index| *index > LogIndex::ZERO) {
            Some(basis) => basis,
            None if group == GroupId::META => LogIndex::ZERO,
            None => {
                let stage = Stage::Read { of: ReadOf::Basis, linearizable: false };
                return self.enter(env, Owner::Client(number), group, stage, deadline);
            }
        };
        let id = self.gateway.router.name_request(basis);
        let command = machine::encode(group, &write, operation.resolved(), id);
        env.history.operations[number].request = Some((id.session, id.sequence));
        let stage = match group {
            GroupId::META => Stage::Propose { proposal: meta_proposal(command), named: None },
            _ => {
                let basis = Some(basis);
                let proposal = Proposal { group, command, replicas: 0, basis, grows: false };
                Stage::Propose { proposal, named: Some((write, id)) }
            }
        };
        self.enter(env, Owner::Client(number), group, stage, deadline);
    }

    fn enter(&mut self, env: &mut Env, owner: Owner, group: GroupId, stage: Stage, deadline: Time) {
        let purpose = match (&stage, group) {
            (Stage::Read { .. }, _) => Purpose::Read,
            (Stage::Propose { .. }, GroupId::META) => Purpose::MetaWrite,
            (Stage::Propose { .. }, _) => Purpose::Write,
        };
        let (now, end) = (env.instant(env.now()), env.instant(deadline));
        let attempt = Attempt::new(group, purpose, now, end);
        let (call, asked, is_waiting) = (0, self.id.0, false);
        let request = Request { owner, group, stage, attempt, deadline, call, asked, is_waiting };
        let number = self.gateway.number();
        self.gateway.requests.insert(number, request);
        self.ask(env, number);
    }

    /// Asks the next node.
    fn ask(&mut self, env: &mut Env, number: u64) {
        let (me, process) = self.id;
        let call = self.gateway.number();
        let Gateway { router, requests, .. } = &mut self.gateway;
        let Some(request) = requests.get_mut(&number) else { return };
        let group = request.group;
        let watched = self.replicas.get(&group).and_then(|replica| replica.watch.leader());
        let members = || {
            let mut nodes = self.catalog.read(|state| state.nodes_of(group));
            nodes.sort_by_key(|node| (*node != me, *node));
            nodes
        };
        let node = match request.attempt.target(router, watched.map(PeerId::node), members) {
            Ok(node) => node,
            Err(failure) => return self.go_on(env, number, Next::Fail(failure), None),
        };
        let patience = env.random.within(&env.swarm.load.patience);
        let until = (env.now() + patience).min(request.deadline);
        (request.call, request.asked, request.is_waiting) = (call, node, true);
        let what = match &request.stage {
            Stage::Read { of, linearizable } => What::Read { of: *of, linearizable: *linearizable },
            Stage::Propose { proposal, .. } => What::Propose(proposal.clone()),
        };
        let asked = Asked { node: me, process, request: number, call, until };
        env.send(me, node, Body::Ask { asked, group, what });
        env.step(until.saturating_sub(env.now()), self.id, Step::CallOver(number, call));
    }

    fn waiting(&mut self, number: u64, call: u64) -> Option<&mut Request> {
        let request = self.gateway.requests.get_mut(&number)?;
        (request.call == call && request.is_waiting).then_some(request)
    }

    /// Nobody answered in time.
    pub(super) fn call_over(&mut self, env: &mut Env, number: u64, call: u64) {
        if self.waiting(number, call).is_some() {
            self.unanswered(env, number, "no answer in time");
        }
    }

    fn unanswered(&mut self, env: &mut Env, number: u64, why: &str) {
        let now = env.instant(env.now());
        let Gateway { router, requests, .. } = &mut self.gateway;
        let Some(request) = requests.get_mut(&number) else { return };
        request.is_waiting = false;
        let (attempt, node) = (&mut request.attempt, request.asked);
        let next = match &request.stage {
            Stage::Read { .. } => {
                attempt.not_read(router, node, NotRead::NoReplica(why.into()), now)
            }
            Stage::Propose { .. } => {
                attempt.proposed(router, node, Proposed::Unknown(why.into()), now)
            }
        };
        self.go_on(env, number, next, None);
    }

    /// Gives up calls to nodes that, as this node's replicas know, lead no more.
    pub(super) fn look_at_leaders(&mut self, env: &mut Env) {
        let me = self.id.0;
        let is_moved = |request: &Request| {
            let replica = self.replicas.get(&request.group);
            let leader = replica.and_then(|replica| replica.watch.leader()).map(PeerId::node);
            let is_elsewhere = leader.is_some_and(|leader| leader != request.asked);
            request.is_waiting && request.asked != me && is_elsewhere
        };
        let requests = self.gateway.requests.iter();
        let moved = requests.filter(|(_, request)| is_moved(request)).map(|(number, _)| *number);
        for number in moved.collect::<Vec<_>>() {
            self.unanswered(env, number, "its leader changed");
        }
    }

    /// Waited long enough before the next call.
    pub(super) fn again(&mut self, env: &mut Env, number: u64, call: u64) {
        let request = self.gateway.requests.get(&number);
        if request.is_some_and(|request| request.call == call && !request.is_waiting) {
            self.ask(env, number);
        }
    }

    pub(super) fn answered(&mut self, env: &mut Env, asked: Asked, answer: Answer) {
        let (number, now) = (asked.request, env.instant(env.now()));
        if asked.process != self.id.1 || self.waiting(number, asked.call).is_none() {
            return;
        }
        let Gateway { router, requests, .. } = &mut self.gateway;
        let Some(request) = requests.get_mut(&number) else { return };
        request.is_waiting = false;
        let (attempt, node) = (&mut request.attempt, request.asked);
        match answer {
            Answer::Read(Ok((found, index)), office) => {
                attempt.answered(router, node, index);
                self.found(env, number, found, index, office);
            }
            Answer::Read(Err(not_read), _) => {
                let next = attempt.not_read(router, node, not_read, now);
                self.go_on(env, number, next, None);
            }
            Answer::Proposed(outcome, office, index) => {
                let next = attempt.proposed(router, node, outcome, now);
                self.go_on(env, number, next, Some((office, index)));
            }
        }
    }

    /// A read was answered: it is the answer, or a step on the way of a write.
    fn found(&mut self, env: &mut Env, number: u64, found: Found, index: LogIndex, office: Office) {
        let Some(request) = self.gateway.requests.remove(&number) else { return };
        let (Owner::Client(operation), deadline) = (request.owner, request.deadline) else {
            return;
        };
        match found {
            Found::Point(value) => {
                self.end_operation(env, operation, Outcome::Value { value, index, office });
            }
            Found::Class(points) => {
                env.history.operations[operation].resolved = Some((index, points));
                self.write(env, operation, deadline);
            }
            Found::Basis => self.write(env, operation, deadline),
        }
    }

    /// Does what the attempt decided. `place` is where the answer says that it was applied.
    fn go_on(&mut self, env: &mut Env, number: u64, next: Next, place: Option<(Office, LogIndex)>) {
        match next {
            Next::Ask => self.ask(env, number),
            Next::Wait(pause) => {
                let call = self.gateway.number();
                if let Some(request) = self.gateway.requests.get_mut(&number) {
                    request.call = call;
                }
                env.step(pause.as_micros() as u64, self.id, Step::Again(number, call));
            }
            Next::Rebase(newer) => {
                self.rebase(env, number, newer);
                self.ask(env, number);
            }
            Next::Applied(_) => {
                let (office, index) = place.unwrap_or_default();
                self.end(env, number, Outcome::Applied { index, office });
            }
            Next::Fail(Failure::Refused(_)) => {
                let (office, index) = place.unwrap_or_default();
                self.end(env, number, Outcome::Refused { index, office });
            }
            Next::Fail(Failure::Unknown(_)) => self.end(env, number, Outcome::Unknown),
            Next::Fail(
                Failure::NoSuchGroup
                | Failure::NoLeader(_)
                | Failure::Full(_)
                | Failure::NoSpace(_)
                | Failure::Failed(_),
            ) => self.end(env, number, Outcome::Nothing),
        }
    }

    /// The same name with a newer basis.
    fn rebase(&mut self, env: &Env, number: u64, newer: LogIndex) {
        let Some(request) = self.gateway.requests.get_mut(&number) else { return };
        let Owner::Client(operation) = request.owner else { return };
        let resolved = env.history.operations[operation].resolved();
        if let Stage::Propose { proposal, named: Some((write, id)) } = &mut request.stage {
            (id.basis, proposal.basis) = (newer.0, Some(newer));
            proposal.command = machine::encode(request.group, write, resolved, *id);
        }
    }

    fn end(&mut self, env: &mut Env, number: u64, outcome: Outcome) {
        let Some(request) = self.gateway.requests.remove(&number) else { return };
        let is_applied = matches!(outcome, Outcome::Applied { .. });
        match request.owner {
            Owner::Client(operation) => self.end_operation(env, operation, outcome),
            Owner::Founding(_) => {
                env.founded += u64::from(is_applied);
                env.queue.after(TICK, Event::Found);
            }
            Owner::Administrator(_) => env.note("administered", &[("taken", is_applied.into())]),
            Owner::Announcement(_) => {}
            Owner::Settle(_) => self.settled_members(env),
        }
    }

    fn end_operation(&self, env: &mut Env, operation: usize, outcome: Outcome) {
        let moment = env.queue.count();
        env.history.end(operation, outcome, moment);
        let client = env.history.operations[operation].client;
        env.queue.after(0, Event::Client(client));
    }
}

fn meta_proposal(command: Vec<u8>) -> Proposal {
    Proposal { group: GroupId::META, command, replicas: 0, basis: None, grows: false }
}
