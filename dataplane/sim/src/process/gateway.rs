//! The way of a client's request to whoever leads: what the real node's gateway does.

use std::collections::BTreeMap;

use vane_raft::node_of;
use vane_types::command::RequestId;
use vane_types::{GroupId, LogIndex};

use super::Process;
use crate::env::Env;
use crate::event::{Answer, Asked, Body, Event, Look, Step, What};
use crate::history::{Kind, Outcome};
use crate::queue::Time;

/// Pauses between attempts.
const PAUSE_MIN: Time = 10_000;
const PAUSE_MAX: Time = 200_000;

/// Requests on their way.
#[derive(Default)]
pub(super) struct Gateway {
    sequence: u64,
    attempts: u64,
    leaders: BTreeMap<GroupId, u64>,
    basis: BTreeMap<GroupId, LogIndex>,
    requests: BTreeMap<usize, Request>,
}

struct Request {
    client: usize,
    group: GroupId,
    kind: Kind,
    /// Once the first copy was sent.
    id: Option<RequestId>,
    attempt: u64,
    attempts: u64,
    asked: u64,
    deadline: Time,
    pause: Time,
    /// An attempt may have reached a log.
    perhaps: bool,
    /// So may the one on its way.
    writing: bool,
}

impl Process {
    pub(super) fn begin(&mut self, env: &mut Env, operation: usize) {
        let it = &env.history.operations[operation];
        let request = Request {
            client: it.client,
            group: it.group,
            kind: it.kind,
            id: None,
            attempt: 0,
            attempts: 0,
            asked: 0,
            deadline: env.now() + env.random.within(&env.swarm.load.deadline),
            pause: PAUSE_MIN,
            perhaps: false,
            writing: false,
        };
        self.gateway.requests.insert(operation, request);
        self.attempt(env, operation);
    }

    /// Waited long enough: for an answer, or (`send`) before the next attempt.
    pub(super) fn attempt_over(
        &mut self,
        env: &mut Env,
        operation: usize,
        attempt: u64,
        send: bool,
    ) {
        let gateway = &mut self.gateway;
        let Some(request) = gateway.requests.get_mut(&operation).filter(|it| it.attempt == attempt)
        else {
            return;
        };
        if !send {
            request.perhaps |= request.writing;
            gateway.leaders.remove(&request.group);
        }
        self.attempt(env, operation);
    }

    fn attempt(&mut self, env: &mut Env, operation: usize) {
        let Some(request) = self.gateway.requests.get_mut(&operation) else { return };
        let group = request.group;
        let may_repeat = !request.perhaps || env.group(group).dedupes;
        if env.now() > request.deadline || !may_repeat {
            let outcome = if request.perhaps { Outcome::Unknown } else { Outcome::Nothing };
            return self.end(env, operation, outcome);
        }
        let watch = self.replicas.get(&group).map(|it| &it.watch);
        let basis = watch
            .map_or(0, |it| it.applied())
            .max(self.gateway.basis.get(&group).copied().unwrap_or(0));
        let leader = watch
            .and_then(|it| it.leader())
            .map(node_of)
            .or_else(|| self.gateway.leaders.get(&group).copied());
        let node = leader.unwrap_or_else(|| 1 + env.random.below(env.nodes));
        self.gateway.attempts += 1;
        (request.attempt, request.asked, request.writing) = (self.gateway.attempts, node, false);
        request.attempts += 1;
        let what = match request.kind {
            Kind::Read { point, linearizable } => What::Read(Look { point, linearizable }),
            Kind::Write(_) if request.id.is_none() && basis == 0 => What::Basis,
            Kind::Write(write) => {
                let id = *request.id.get_or_insert_with(|| {
                    self.gateway.sequence += 1;
                    let session = self.id.0 << 32 | self.id.1;
                    RequestId { session, sequence: self.gateway.sequence, basis }
                });
                env.history.operations[operation].request = Some((id.session, id.sequence));
                request.writing = true;
                What::Write(env.group(group).kind.encode(write, Some(id)))
            }
        };
        let asked =
            Asked { node: self.id.0, process: self.id.1, operation, attempt: request.attempt };
        env.send(self.id.0, node, Body::Ask { asked, group, what });
        let patience = env.random.within(&env.swarm.load.patience);
        env.step(
            patience,
            self.id,
            Step::Attempt { operation, attempt: asked.attempt, send: false },
        );
    }

    pub(super) fn answered(&mut self, env: &mut Env, asked: Asked, group: GroupId, answer: Answer) {
        let gateway = &mut self.gateway;
        let Some(request) = gateway.requests.get_mut(&asked.operation) else { return };
        if asked.process != self.id.1 || request.attempt != asked.attempt {
            return;
        }
        let at_once = match answer {
            Answer::Basis(index) => {
                gateway.basis.insert(group, index);
                true
            }
            Answer::Applied { index, office } => {
                gateway.leaders.insert(group, request.asked);
                gateway.basis.insert(group, index);
                return self.end(env, asked.operation, Outcome::Applied { index, office });
            }
            Answer::Value { value, index, office } => {
                gateway.leaders.insert(group, request.asked);
                gateway.basis.insert(group, index);
                return self.end(env, asked.operation, Outcome::Value { value, index, office });
            }
            Answer::NotLeader(leader) => {
                let other = leader.filter(|it| *it != request.asked);
                match other {
                    Some(leader) => gateway.leaders.insert(group, leader),
                    None => gateway.leaders.remove(&group),
                };
                other.is_some() && request.attempts % 4 != 0
            }
            Answer::NoReplica => {
                gateway.leaders.remove(&group);
                false
            }
            Answer::Unknown => {
                gateway.leaders.remove(&group);
                request.perhaps = true;
                false
            }
        };
        if at_once {
            return self.attempt(env, asked.operation);
        }
        let pause = request.pause;
        request.pause = (pause * 2).min(PAUSE_MAX);
        // What comes for this attempt from now on is too late.
        gateway.attempts += 1;
        request.attempt = gateway.attempts;
        let (operation, attempt) = (asked.operation, request.attempt);
        env.step(pause, self.id, Step::Attempt { operation, attempt, send: true });
    }

    fn end(&mut self, env: &mut Env, operation: usize, outcome: Outcome) {
        let Some(request) = self.gateway.requests.remove(&operation) else { return };
        let moment = env.queue.count();
        env.history.end(operation, outcome, moment);
        env.queue.after(0, Event::Client(request.client));
    }
}
