//! What a process sends to others.

use raft::eraftpb::Message;
use vane_raft::{Envelope, Transfer};

use super::{Input, Process};
use crate::checks::name;
use crate::env::Env;
use crate::event::{Body, Event, Step};

/// Messages, per million, to a node that is down of which the sender is told so.
const TOLD_UNREACHABLE: u64 = 100_000;

impl Process {
    pub(super) fn send(&mut self, env: &mut Env, messages: Vec<Envelope>) {
        // Dropped and not kept: Raft sends again what is needed then.
        let messages = if self.speaks() { messages } else { Vec::new() };
        for envelope in messages {
            // A vote leaves: from here on it may not be forgotten. Where it did, by a disk from the
            // past, it must not arrive.
            if !env.past.contains(&self.id.0) && env.checks.sends(&envelope) {
                let (from, to) = (envelope.from(), envelope.to());
                let numbers = [
                    ("group", envelope.group.0),
                    ("from", from.0),
                    ("to", to.0),
                    ("term", envelope.message.term),
                ];
                env.note("vote", &numbers);
                if env.random.chance(env.swarm.faults.crash_after_vote) {
                    // A vote that was given is not to be given again.
                    env.crash(self.id.0, true);
                }
            }
            let to = envelope.to().node();
            // Mostly the sender is not told: packets to a dead machine just vanish.
            if !env.up.contains(&to) && env.random.chance(TOLD_UNREACHABLE) {
                self.inbox.inputs.push_back(Input::Unreachable(to));
            }
            env.send(self.id.0, to, Body::Raft(envelope));
        }
    }

    pub(super) fn send_snapshots(&mut self, env: &mut Env, transfers: Vec<Transfer>) {
        transfers.into_iter().for_each(|transfer| self.send_snapshot(env, transfer));
    }

    fn send_snapshot(&mut self, env: &mut Env, transfer: Transfer) {
        let Transfer { announcement, files } = transfer;
        let index = announcement.snapshot_index().unwrap_or_default();
        let (from, to) = (self.id.0, announcement.to().node());
        let (group, peer) = (announcement.group, announcement.to());
        let rates = &env.swarm.network;
        let time = env.random.within(&rates.delay.clone()) + rates.snapshot_per_entry * index.0;
        // Decided when it is sent; the sender learns of it only after the time it took.
        let lost = env.random.chance(rates.snapshot_lost)
            || !env.network.is_open(from, to)
            || !self.speaks();
        env.note(
            "snapshot sent",
            &[("group", group.0), ("to", peer.0), ("index", index.0), ("lost", lost.into())],
        );
        let by = env.speaking.get(&from).copied().filter(|_| !lost && env.up.contains(&to));
        let Some(by) = by else {
            return env.step(time, self.id, Step::SnapshotSent { group, to: peer, ok: false });
        };
        let body = Box::new(Body::Snapshot { announcement, files, sender: self.id.1 });
        env.queue.after(time, Event::Arrive { by, to, body });
    }
}

/// A line of the event log for a message that came.
pub(super) fn explain(env: &mut Env, envelope: &Envelope) {
    if env.past.contains(&envelope.from().node()) {
        env.checks.sends(envelope);
    }
    let now = env.now();
    env.trace.explain(|| {
        let (group, message) = (envelope.group, &envelope.message);
        let Message { term, index, log_term, commit, reject, .. } = message;
        let (from, to) = (name(envelope.from()), name(envelope.to()));
        let kind = message.get_msg_type();
        let (entries, rejects) = (message.entries.len(), if *reject { " rejects" } else { "" });
        format!(
            "{:>8}.{:03} ms    {kind:?}{rejects} group={group} {from} to {to} term={term} \
             index={index} of {log_term} commit={commit} entries={entries}",
            now / 1000,
            now % 1000
        )
    });
}
