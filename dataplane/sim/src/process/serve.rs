//! The leader's side of requests: what the real node's `propose_here` and `read_here` do.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use vane_raft::{Applied, ProposeError, ReadError, Ticket, node_of};
use vane_types::{GroupId, LogIndex};

use super::{Input, Process, Replica};
use crate::env::Env;
use crate::event::{Answer, Asked, Body, Look, Office, Step, What};

/// What the core has answered.
pub(super) enum Outcome {
    Proposed(Asked, GroupId, Result<Applied, ProposeError>),
    Confirmed(Asked, GroupId, Look, Result<LogIndex, ReadError>),
}

/// Who leads, where that is another node.
fn not_leader(replica: &Replica) -> Answer {
    Answer::NotLeader(replica.watch.leader().filter(|it| *it != replica.peer).map(node_of))
}

impl Process {
    pub(super) fn asked(&mut self, env: &mut Env, asked: Asked, group: GroupId, what: What) {
        let Some(replica) = self.replicas.get(&group) else {
            return self.answer(env, asked, group, Answer::NoReplica);
        };
        match what {
            What::Read(look) if look.linearizable && !self.reads_stale(env) => {
                let outcomes = Arc::clone(&self.outcomes);
                let done = Box::new(move |it| {
                    outcomes.lock().push(Outcome::Confirmed(asked, group, look, it))
                });
                self.put(Input::Read { group, done });
            }
            _ if !replica.watch.is_serving() => {
                let answer = not_leader(replica);
                self.answer(env, asked, group, answer);
            }
            What::Basis => {
                let answer = Answer::Basis(replica.watch.applied());
                self.answer(env, asked, group, answer);
            }
            What::Read(look) => self.look(env, asked, group, look),
            What::Write(command) => {
                let outcomes = Arc::clone(&self.outcomes);
                let done =
                    Box::new(move |it| outcomes.lock().push(Outcome::Proposed(asked, group, it)));
                let ticket = Ticket::new(command.len(), Arc::<AtomicUsize>::default(), done);
                self.put(Input::Propose { group, data: command, ticket });
            }
        }
    }

    /// Reads from the state, which is that of a leader.
    pub(super) fn look(&mut self, env: &mut Env, asked: Asked, group: GroupId, look: Look) {
        let Some(replica) = self.replicas.get(&group) else {
            return self.answer(env, asked, group, Answer::NoReplica);
        };
        let (peer, term) = (replica.peer, replica.watch.term());
        let index = replica.machine.applied();
        let answer = match replica.machine.read(look.point) {
            _ if !replica.watch.is_serving() => not_leader(replica),
            Ok(value) => Answer::Value { value, index, office: Office { peer, term } },
            Err(error) => {
                return env.checks.fail(|| {
                    format!("group {group}: point {} cannot be read: {error}", look.point)
                });
            }
        };
        self.answer(env, asked, group, answer);
    }

    /// Answers what the core is done with.
    pub(super) fn answer_outcomes(&mut self, env: &mut Env) {
        let outcomes = std::mem::take(&mut *self.outcomes.lock());
        for outcome in outcomes {
            match outcome {
                Outcome::Proposed(asked, group, outcome) => {
                    let answer = self.proposed(env, group, outcome);
                    self.answer(env, asked, group, answer);
                }
                Outcome::Confirmed(asked, group, look, Ok(_)) => {
                    let think = env.random.within(&env.swarm.apply);
                    env.step(think, self.id, Step::Read(asked, group, look));
                }
                Outcome::Confirmed(asked, group, _, Err(error)) => {
                    let answer = match error {
                        ReadError::NotLeader { leader, .. } => {
                            Answer::NotLeader(leader.map(node_of))
                        }
                        ReadError::NoSuchGroup(_) | ReadError::Full(_) | ReadError::Stopping => {
                            Answer::NoReplica
                        }
                    };
                    self.answer(env, asked, group, answer);
                }
            }
        }
    }

    /// What an outcome means is said by its error: the simulator takes it at its word.
    fn proposed(
        &self,
        env: &mut Env,
        group: GroupId,
        outcome: Result<Applied, ProposeError>,
    ) -> Answer {
        match outcome {
            Ok(Applied { index, answer: Ok(()) }) => {
                let peer = self.replicas.get(&group).map_or(0, |it| it.peer);
                let term = env
                    .checks
                    .logs
                    .get(&group)
                    .and_then(|it| it.entries.get(&index))
                    .map_or(0, |it| it.term);
                Answer::Applied { index, office: Office { peer, term } }
            }
            Ok(Applied { index, answer: Err(refusal) }) => {
                env.checks
                    .fail(|| format!("group {group}: the write at {index} was refused: {refusal}"));
                Answer::Unknown
            }
            Err(ProposeError::NotLeader { leader, .. }) => Answer::NotLeader(leader.map(node_of)),
            Err(ProposeError::Superseded(_)) => Answer::NotLeader(None),
            Err(
                ProposeError::Full { .. }
                | ProposeError::NoSuchGroup(_)
                | ProposeError::Refused { .. },
            ) => Answer::NoReplica,
            Err(ProposeError::Stopping) => Answer::NoReplica,
            Err(ProposeError::Unknown(_)) => Answer::Unknown,
        }
    }

    fn answer(&self, env: &mut Env, asked: Asked, group: GroupId, answer: Answer) {
        env.send(self.id.0, asked.node, Body::Answer { asked, group, answer });
    }
}
