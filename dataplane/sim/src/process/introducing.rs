//! Introductions, as the real node's `Gate` and `Introducing`: `Lives` and `Asking` decide who is
//! taken, who is refused, and when this node may speak.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use vane_raft::StateMachine;
use vane_transport::{Asking, Introduction, Life, Listed, Lives, NotDone, NotRead, Outcome};
use vane_types::{LogIndex, NodeId};

use super::Process;
use crate::env::Env;
use crate::event::{Answer, Body, Office, Step, What};
use crate::node::Disks;
use crate::queue::Time;

/// What this process is to the others.
pub(super) struct Introducing {
    own: Introduction,
    asking: Asking,
    /// Nodes that were told and have not answered, by the number of the round.
    waiting: BTreeMap<NodeId, u64>,
    round: u64,
    speaks: bool,
    is_refused: bool,
}

fn time(of: Duration) -> Time {
    of.as_micros() as Time
}

impl Introducing {
    pub(super) fn new(own: Introduction, env: &Env) -> Self {
        Self {
            own,
            asking: Asking::begin(env.instant(env.now())),
            waiting: BTreeMap::new(),
            round: 0,
            speaks: false,
            is_refused: false,
        }
    }

    /// The disk's start that speaks.
    pub(super) fn start(&self) -> u64 {
        self.own.life.start.number
    }
}

impl Process {
    /// Whether this process takes part in its groups.
    pub(crate) fn speaks(&self) -> bool {
        self.introducing.speaks
    }

    /// Whether it is on a disk from the past, and silent: what it does there comes to nothing.
    pub(super) fn is_unheard(&self, env: &Env) -> bool {
        !self.speaks() && env.past.contains(&self.id.0)
    }

    /// Tells those who are due.
    pub(super) fn introduce(&mut self, env: &mut Env) {
        env.step(time(Asking::PAUSE), self.id, Step::Introduce);
        self.open_gate(env);
        if !self.introducing.waiting.is_empty() {
            return;
        }
        let (now, others) = (env.instant(env.now()), self.others(env));
        self.introducing.round += 1;
        let (round, process) = (self.introducing.round, self.id.1);
        for node in others.into_iter().filter(|node| self.introducing.asking.is_due(*node, now)) {
            self.introducing.waiting.insert(node, round);
            let new = Box::new(self.introducing.own.clone());
            env.send(self.id.0, node, Body::Introduce { process, round, new });
        }
        env.step(time(Asking::TIMEOUT), self.id, Step::IntroduceOver(round));
    }

    /// The other members, as far as this node knows; one that has just joined was told of all.
    fn others(&self, env: &Env) -> BTreeSet<NodeId> {
        let mut nodes = self.members();
        if nodes.is_empty() {
            nodes.extend(env.all_nodes());
        }
        nodes.remove(&self.id.0);
        nodes
    }

    fn members(&self) -> BTreeSet<NodeId> {
        self.catalog.read(|state| state.nodes.keys().copied().collect())
    }

    /// Time is up for the answers of a round.
    pub(super) fn introduce_over(&mut self, env: &mut Env, round: u64) {
        let waiting = std::mem::take(&mut self.introducing.waiting);
        for (node, of) in waiting {
            if of == round {
                self.introducing.asking.note(node, false, env.instant(env.now()));
            } else {
                self.introducing.waiting.insert(node, of);
            }
        }
        self.open_gate(env);
    }

    /// Another node says which start of it speaks.
    pub(super) fn introduced_to(
        &self,
        disks: &mut Disks,
        env: &mut Env,
        (process, round): (u64, u64),
        new: &Introduction,
    ) {
        // Whoever asks a disk that is not the newest of its kind gets no answer from it.
        if self.introducing.is_refused {
            return;
        }
        let met = self.meet(disks, new);
        let answer = if met { Ok(Box::new(self.introducing.own.clone())) } else { Err(()) };
        env.send(self.id.0, new.life.node, Body::Introduced { process, round, answer });
    }

    /// Another node answered the introduction of this start, or of one before it.
    pub(super) fn introduction_answered(
        &mut self,
        disks: &mut Disks,
        env: &mut Env,
        (from, process, round): (NodeId, u64, u64),
        answer: Result<Box<Introduction>, ()>,
    ) {
        let waits = self.introducing.waiting.get(&from) == Some(&round);
        if process != self.id.1 || !waits {
            return;
        }
        self.introducing.waiting.remove(&from);
        match answer {
            // One that is stale itself is told so when it introduces itself, and its word does
            // not count.
            Ok(theirs) => {
                let met = self.meet(disks, &theirs);
                self.introducing.asking.note(from, met, env.instant(env.now()));
                self.open_gate(env);
            }
            Err(()) => self.fall_silent(disks, env, from),
        }
    }

    /// Gets to know a start of another node, on the disk before anybody hears of it; whether it
    /// was not refused.
    fn meet(&self, disks: &mut Disks, new: &Introduction) -> bool {
        let node = new.life.node;
        let listed = self.catalog.read(|state| {
            let entry = state.nodes.get(&node).map(|member| &member.entry);
            let member = entry.map(|entry| (entry.disk_id, entry.start));
            Listed::of(member, state.removed.contains_key(&node))
        });
        disks.lives.introduce(new, listed).is_ok()
    }

    fn fall_silent(&mut self, disks: &mut Disks, env: &mut Env, by: NodeId) {
        if self.introducing.is_refused {
            return;
        }
        (self.introducing.is_refused, self.introducing.speaks) = (true, false);
        disks.lives.refuse(format!("by node {by}"));
        env.note("refused", &[("node", self.id.0.0), ("by", by.0)]);
        if !env.past.contains(&self.id.0) {
            let node = self.id.0;
            env.checks.fail(|| format!("node {by} refuses the newest disk of node {node}"));
        }
    }

    fn open_gate(&mut self, env: &mut Env) {
        if self.introducing.speaks || self.introducing.is_refused {
            return;
        }
        let voters = self.catalog.conf().voters.into_iter().map(|peer| peer.node()).collect();
        let now = env.instant(env.now());
        let members = self.members();
        if self.introducing.asking.may_speak(self.id.0, &members, &voters, now) {
            self.introducing.speaks = true;
            env.note("speaks", &[("node", self.id.0.0), ("start", self.introducing.start())]);
        }
    }

    /// What of a call is taken; whoever is not known, or not any more, is told so where the real
    /// service tells it.
    pub(super) fn let_in(
        &self,
        lives: &Lives,
        env: &mut Env,
        by: &Life,
        body: Body,
    ) -> Option<Body> {
        // Answers come over the connection of the one who asked, and nobody calls itself.
        let is_call = match &body {
            Body::Raft(_) | Body::Snapshot { .. } | Body::Ask { .. } | Body::Hear => true,
            Body::Report { .. } | Body::Lead { .. } => true,
            Body::Answer { .. } | Body::Heard | Body::Reported { .. } | Body::Led { .. } => false,
            Body::Introduce { .. } | Body::Introduced { .. } => false,
        };
        let is_taken = !is_call || by.node == self.id.0 || self.takes(lives, by);
        match body {
            body if !is_taken => {
                env.note("not taken", &[("node", self.id.0.0), ("by", by.node.0)]);
                self.turn_away(env, by.node, body);
                None
            }
            // Its replicas neither vote nor answer.
            Body::Ask { .. } if !self.speaks() => {
                self.turn_away(env, by.node, body);
                None
            }
            Body::Raft(_) if !self.speaks() => None,
            body => Some(body),
        }
    }

    fn takes(&self, lives: &Lives, by: &Life) -> bool {
        let is_removed = self.catalog.read(|state| state.removed.contains_key(&by.node));
        !self.introducing.is_refused && lives.check(by, is_removed).is_ok()
    }

    fn turn_away(&self, env: &mut Env, caller: NodeId, body: Body) {
        let (me, why) = (self.id.0, || String::from("it does not speak, or was not introduced"));
        match body {
            Body::Ask { asked, what, .. } => {
                let answer = match what {
                    What::Propose(_) => {
                        let nothing = Outcome::NoReplica(why());
                        Answer::Proposed(nothing, Office::default(), LogIndex::ZERO)
                    }
                    What::Read { .. } => {
                        Answer::Read(Err(NotRead::NoReplica(why())), Office::default())
                    }
                };
                env.send(me, caller, Body::Answer { asked, answer });
            }
            Body::Lead { call, .. } => {
                let done = Err(NotDone::NoReplica(why()));
                env.send(me, caller, Body::Led { call, done });
            }
            Body::Snapshot { announcement, sender, .. } => {
                let (group, to) = (announcement.group, announcement.to());
                env.step(1, (caller, sender), Step::SnapshotSent { group, to, ok: false });
            }
            _ => {}
        }
    }
}
