//! The leader's side of requests: what the real node's `Proposals`, `Reads` and
//! `LeaderRequests` do, without their threads.

use std::sync::Arc;

use vane_raft::{
    Applied, Assurance, Envelope, MemberChange, ProposeError, ReadError, ReadPoint, Role, Ticket,
};
use vane_transport::{Freshness, Needs, NotDone, NotRead, Outcome, Proposal};
use vane_types::{Error, ErrorKind, GroupId, LogIndex, NodeId, PeerId};

use super::{AnyRead, Input, Process, Replica};
use crate::env::Env;
use crate::event::{Answer, Asked, Body, Call, LeaderRequest, Looked, Office, Step, What};
use crate::machine::AtLeader;

/// What the core has answered.
pub(super) enum Settled {
    Proposed(Asked, GroupId, Result<Applied, ProposeError>),
    Confirmed(Asked, GroupId, Arc<dyn AnyRead>, Result<ReadPoint, ReadError>),
    Changed(Call, Result<Applied, ProposeError>),
}

/// Who leads, where that is another node.
fn leader_elsewhere(replica: &Replica) -> Option<NodeId> {
    replica.watch.leader().filter(|leader| *leader != replica.peer).map(PeerId::node)
}

fn no_replica(group: GroupId) -> String {
    format!("there is no replica of group {group}")
}

impl Process {
    pub(super) fn asked(&mut self, env: &mut Env, asked: Asked, group: GroupId, what: What) {
        match what {
            What::Propose(proposal) => self.propose(env, asked, proposal),
            What::Read { read, freshness } => self.read(env, asked, group, read, freshness),
        }
    }

    fn propose(&mut self, env: &mut Env, asked: Asked, proposal: Proposal) {
        let group = proposal.group;
        if let Err(outcome) = self.check_proposal(&proposal) {
            return self.tell_outcome(env, asked, outcome);
        }
        let settled = Arc::clone(&self.settled);
        let done = Box::new(move |outcome| {
            settled.lock().push(Settled::Proposed(asked, group, outcome));
        });
        let command = proposal.command;
        let ticket = Ticket::new(command.len(), Arc::clone(&self.pending_bytes), done);
        self.put(Input::Propose { group, data: command, ticket });
    }

    fn check_proposal(&self, proposal: &Proposal) -> Result<(), Outcome> {
        let group = proposal.group;
        let gone = || Outcome::NoReplica(no_replica(group));
        let replica = self.replicas.get(&group).ok_or_else(gone)?;
        match (replica.watch.is_serving(), replica.watch.applied()) {
            (true, applied) if proposal.is_stale(applied) => Err(Outcome::StaleBasis(applied)),
            (false, _) if group != GroupId::META => {
                Err(Outcome::NotLeader(leader_elsewhere(replica)))
            }
            _ => Ok(()),
        }
    }

    fn read(
        &mut self,
        env: &mut Env,
        asked: Asked,
        group: GroupId,
        read: Arc<dyn AnyRead>,
        freshness: Freshness,
    ) {
        let Some(replica) = self.replicas.get(&group) else {
            let nothing = Err(NotRead::NoReplica(no_replica(group)));
            return self.tell(env, asked, Answer::Read(nothing, Office::default()));
        };
        match freshness {
            Freshness::Linearizable | Freshness::Told(Assurance::Majority, _)
                if self.reads_stale(env) =>
            {
                return self.look(env, asked, group, &read, None);
            }
            Freshness::Leader | Freshness::Linearizable | Freshness::Told(..) => {}
            Freshness::Applied(index) => {
                // It does not wait here: whoever asked asks again.
                let (is_there, exact) =
                    (replica.watch.applied() >= index, replica.machine.applied());
                let looked = Looked { index, exact, at_leader: false };
                let behind = || Error::unavailable("this replica is behind").into();
                let at = AtLeader { machine: &replica.machine, views: &self.views };
                let answer = match is_there {
                    true => read.answer(&at).map(|()| looked).map_err(NotRead::from),
                    false => Err(behind()),
                };
                return self.tell(env, asked, Answer::Read(answer, Office::default()));
            }
        }
        let leads = replica.watch.leader() == Some(replica.peer);
        let assurance = match freshness.needs(leads, replica.watch.is_serving()) {
            // Whether it leads is looked at there.
            Needs::Nothing | Needs::Office => return self.look(env, asked, group, &read, None),
            Needs::Word(assurance) => assurance,
        };
        let settled = Arc::clone(&self.settled);
        let done = Box::new(move |confirmed| {
            settled.lock().push(Settled::Confirmed(asked, group, read, confirmed));
        });
        match assurance {
            Assurance::Majority => self.put(Input::Read { group, assurance, done }),
            Assurance::Leader => {
                if replica.watch.answers_at_once() {
                    env.note("leased", &[("group", group.0)]);
                }
                let question = replica.watch.ask(group, done);
                let question = question.map(|message| Envelope { group, message });
                self.send(env, question.into_iter().collect());
            }
        }
    }

    /// Reads from the state: by the word of a leader, or if this replica is it.
    pub(super) fn look(
        &mut self,
        env: &mut Env,
        asked: Asked,
        group: GroupId,
        read: &Arc<dyn AnyRead>,
        told: Option<Office>,
    ) {
        let Some(replica) = self.replicas.get(&group) else {
            let nothing = Err(NotRead::NoReplica(no_replica(group)));
            return self.tell(env, asked, Answer::Read(nothing, Office::default()));
        };
        let own = Office { peer: replica.peer, term: replica.watch.term() };
        let office = told.unwrap_or(own);
        if told.is_none() && !replica.watch.is_serving() {
            let elsewhere = Err(NotRead::NotLeader(leader_elsewhere(replica)));
            return self.tell(env, asked, Answer::Read(elsewhere, office));
        }
        // Before the read, as the real node: as a basis it is then safe.
        let index = replica.watch.applied();
        let answered = read.answer(&AtLeader { machine: &replica.machine, views: &self.views });
        let exact = replica.machine.applied();
        if let Err(error) = &answered
            && error.kind != ErrorKind::Unavailable
        {
            env.checks.fail(|| format!("group {group}: {read:?} cannot be read: {error}"));
        }
        let looked = Looked { index, exact, at_leader: office.peer == own.peer };
        let answer = answered.map(|()| looked).map_err(NotRead::from);
        self.tell(env, asked, Answer::Read(answer, office));
    }

    /// Answers what the core is done with.
    pub(super) fn answer_settled(&mut self, env: &mut Env) {
        let settled = std::mem::take(&mut *self.settled.lock());
        for outcome in settled {
            match outcome {
                Settled::Proposed(asked, group, outcome) => {
                    self.proposed(env, asked, group, outcome);
                }
                Settled::Confirmed(asked, group, read, Ok(point)) => {
                    // Between confirmation and look the leader may lose its office.
                    let think = env.random.within(&env.swarm.apply);
                    let office = Office { peer: point.leader, term: point.term };
                    env.step(think, self.id, Step::Read(asked, group, read, office));
                }
                Settled::Confirmed(asked, _, _, Err(error)) => {
                    let not_read = not_read(error);
                    self.tell(env, asked, Answer::Read(Err(not_read), Office::default()));
                }
                Settled::Changed(call, outcome) => {
                    let done = outcome.map(|_| ()).map_err(NotDone::from);
                    env.send(self.id.0, call.node, Body::Led { call, done });
                }
            }
        }
    }

    fn proposed(
        &mut self,
        env: &mut Env,
        asked: Asked,
        group: GroupId,
        outcome: Result<Applied, ProposeError>,
    ) {
        let applied = match outcome {
            Ok(applied) => applied,
            Err(error) => return self.tell_outcome(env, asked, error.into()),
        };
        let Applied { index, answer } = applied;
        let entry = env.checks.log(group).and_then(|log| log.entries.get(&index));
        let term = entry.map(|entry| entry.term).unwrap_or_default();
        let peer = self.replicas.get(&group).map(|replica| replica.peer).unwrap_or_default();
        let outcome = match answer {
            Ok(()) => Outcome::Applied(index),
            Err(refusal) => Outcome::Refused(refusal),
        };
        self.tell(env, asked, Answer::Proposed(outcome, Office { peer, term }, index));
    }

    fn tell_outcome(&self, env: &mut Env, asked: Asked, outcome: Outcome) {
        self.tell(env, asked, Answer::Proposed(outcome, Office::default(), LogIndex::ZERO));
    }

    fn tell(&self, env: &mut Env, asked: Asked, answer: Answer) {
        env.send(self.id.0, asked.node, Body::Answer { asked, answer });
    }

    /// The groups of a report that are led from here.
    pub(super) fn report(&self, env: &mut Env, call: Call, groups: Vec<GroupId>) {
        // Only what is led from here: of the rest others know more.
        let led = |group: GroupId| {
            let status = self.core.status(group).filter(|it| it.role == Role::Leader)?;
            Some((group, status))
        };
        let groups = groups.into_iter().filter_map(led).collect();
        env.send(self.id.0, call.node, Body::Reported { call, groups });
    }

    /// Does what a leader is asked beside commands.
    pub(super) fn lead(
        &mut self,
        env: &mut Env,
        call: Call,
        group: GroupId,
        wanted: LeaderRequest,
    ) {
        match wanted {
            LeaderRequest::Change(change) => self.change_members(env, call, group, change),
            LeaderRequest::Transfer(to) => {
                self.put(Input::Transfer { group, to });
                env.send(self.id.0, call.node, Body::Led { call, done: Ok(()) });
            }
        }
    }

    fn change_members(&mut self, env: &mut Env, call: Call, group: GroupId, change: MemberChange) {
        let first = |peers: &[PeerId]| PeerId::to_raw(peers.first().copied());
        let numbers = [
            ("group", group.0),
            ("learner", first(&change.learners)),
            ("voter", first(&change.voters)),
            ("removed", first(&change.removed)),
        ];
        env.note("change", &numbers);
        let settled = Arc::clone(&self.settled);
        let done = Box::new(move |outcome| settled.lock().push(Settled::Changed(call, outcome)));
        let ticket = Ticket::new(0, Arc::clone(&self.pending_bytes), done);
        self.put(Input::Change { group, change, ticket });
    }
}

fn not_read(error: ReadError) -> NotRead {
    match error {
        ReadError::NotLeader { leader, .. } => NotRead::NotLeader(leader.map(PeerId::node)),
        ReadError::Full(_) => Error::overloaded(error.to_string()).into(),
        ReadError::GroupNotFound(_) | ReadError::Stopping => NotRead::NoReplica(error.to_string()),
    }
}
