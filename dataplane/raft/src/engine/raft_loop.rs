//! The thread that owns the core: hands in what came, has written what came of it, sends and
//! hands on. It never waits for the disk: while a round is being written it ticks, and heartbeats
//! come and go. Meanwhile commands and entries gather in the inbox, which is the group commit.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use super::apply_loop::Work;
use super::apply_queues::ApplyFeed;
use super::dirs::SnapshotDirs;
use super::inbox::{Inbox, Input, Taken};
use super::snapshots::Job;
use super::write::Write;
use super::{Counters, Transport, end_process};
use crate::codec::Envelope;
use crate::core::{Core, Persisted, Transfer};

/// Ticks by which one may be late. Others take a node for lost after seven.
const LATE_TICKS: u32 = 5;

pub(super) struct RaftLoop {
    pub(super) core: Core,
    pub(super) inbox: Arc<Inbox>,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) dirs: Arc<SnapshotDirs>,
    pub(super) counters: Arc<Counters>,
    pub(super) apply: ApplyFeed,
    pub(super) job: Sender<Job>,
    pub(super) tick: Duration,
    pub(super) write: Write,
    /// Came while a round was being written, and wait for its end.
    pub(super) waiting: Vec<Input>,
}

impl RaftLoop {
    pub(super) fn run(mut self) {
        let mut next_tick = Instant::now() + self.tick;
        loop {
            // With work left the inbox is looked at but not waited for.
            let is_free = self.write.is_free();
            let has_work = is_free && self.core.is_dirty();
            let until = if has_work { Instant::now() } else { next_tick };
            let Some(taken) = self.inbox.take(until, is_free) else { break };
            self.hand_in(taken);
            let now = Instant::now();
            if now >= next_tick {
                if now.duration_since(next_tick) >= LATE_TICKS * self.tick {
                    self.core.stood_still();
                }
                self.core.tick();
                // A process that was stopped does not live through the lost time at once.
                next_tick = (next_tick + self.tick).max(now);
            }
            if self.write.is_free() {
                self.round();
            } else {
                let urgent = self.core.urgent();
                self.send(urgent);
            }
        }
        self.core.close();
    }

    fn hand_in(&mut self, taken: Taken) {
        let Taken { inputs, messages, applied } = taken;
        // First, since it makes room for committed entries in this very round.
        for ((group, peer), (index, bytes)) in applied {
            self.core.applied(group, peer, index, bytes);
        }
        for message in messages {
            self.core.step(message);
        }
        for input in inputs {
            match input {
                Input::Written => self.written(),
                input if !self.write.is_free() && input.is_between_rounds() => {
                    self.waiting.push(input)
                }
                input => self.take_in(input),
            }
        }
    }

    fn take_in(&mut self, input: Input) {
        let core = &mut self.core;
        match input {
            Input::Propose { group, data, ticket } => core.propose(group, data, ticket),
            Input::Read { group, assurance, done } => core.read(group, assurance, done),
            Input::WaitReplicated { group, wait } => core.wait_replicated(group, wait),
            Input::Change { group, change, ticket } => core.change_members(group, &change, ticket),
            Input::Transfer { group, to, done } => done(core.transfer(group, to)),
            Input::HandOver { groups, heir, done } => done(core.hand_over(groups, &heir)),
            Input::Truncate { group, durable, state_bytes } => {
                core.set_state_bytes(group, state_bytes);
                // Not the end of the process: a log that is longer than it need be loses nothing.
                if let Err(error) = core.truncate(group, durable) {
                    tracing::error!(%error, "failed to truncate a log; it will be tried again");
                }
            }
            Input::Unreachable(node) => core.unreachable(node),
            Input::AllowQuiet(is_allowed) => core.allow_quiet(is_allowed),
            Input::Refused { node, heard } => core.refused(node, heard),
            Input::Status { group, done } => done(core.status(group)),
            Input::Add { start, done } => done(core.add(*start)),
            Input::Remove { group, done } => {
                core.remove(group);
                done(());
            }
            // Taken in where it comes.
            Input::Written => {}
            Input::Quarantined { group, peer } => core.remove_peer(group, peer),
            Input::Installed { group, peer, index } => {
                self.counters.snapshots_installed.fetch_add(1, Ordering::Relaxed);
                core.installed(group, peer, index);
            }
            Input::SnapshotMade { group, peer, made } => core.snapshot_made(group, peer, made),
            Input::SnapshotSent { group, to, ok } => core.snapshot_sent(group, to, ok),
        }
    }

    fn round(&mut self) {
        let out = self.core.ready();
        // Before the write: they promise nothing, and followers sync while this node does.
        self.send(out.messages);
        self.send_snapshots(out.transfers);
        if out.appends.is_empty() {
            self.persisted();
        } else {
            self.write.begin(out.appends, out.sync);
        }
    }

    fn written(&mut self) {
        self.write.end();
        self.persisted();
        for input in std::mem::take(&mut self.waiting) {
            self.take_in(input);
        }
    }

    fn persisted(&mut self) {
        match self.core.persisted() {
            Ok(done) => self.hand_on(done),
            Err(error) => end_process("failed to read raft.db", &error),
        }
    }

    fn hand_on(&mut self, done: Persisted) {
        // Only now: votes and acknowledgements stand for what has just been synced.
        self.send(done.messages);
        self.send_snapshots(done.transfers);
        for committed in done.committed {
            self.apply.put(Work::Apply(committed));
        }
        for install in done.installs {
            // By the queue of its group: entries before the snapshot must not come after it.
            self.apply.put(Work::Install(install));
        }
        // The receiver ends after this thread.
        for (group, peer) in done.snapshots_wanted {
            drop(self.job.send(Job::Make { group, peer }));
        }
        for (group, term, index) in done.snapshots_refused {
            self.dirs.refused(group, term, index);
        }
    }

    fn send(&self, messages: Vec<Envelope>) {
        if !messages.is_empty() {
            self.transport.send(messages);
        }
    }

    /// A way of their own for snapshots: heartbeats must not wait behind their files.
    fn send_snapshots(&self, transfers: Vec<Transfer>) {
        for transfer in transfers {
            let (group, to) = (transfer.announcement.group, transfer.announcement.to());
            let inbox = Arc::clone(&self.inbox);
            // Raft sends this peer no entries until it hears how the transfer ended.
            let done = Box::new(move |ok| inbox.put(Input::SnapshotSent { group, to, ok }));
            self.transport.send_snapshot(transfer, done);
        }
    }
}
