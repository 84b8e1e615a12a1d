//! The thread that owns the core: hands in what came, syncs what came of it, sends and
//! hands on. While it syncs the inbox fills, which is the group commit.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use super::apply_loop::Work;
use super::dirs::SnapshotDirs;
use super::inbox::{Inbox, Input, Taken};
use super::snapshots::Job;
use super::{Counters, Transport, end_process};
use crate::codec::Envelope;
use crate::core::{Core, Persisted, Transfer};
use crate::log::LogStore;

pub(super) struct RaftLoop {
    pub(super) core: Core,
    pub(super) store: Arc<dyn LogStore>,
    pub(super) inbox: Arc<Inbox>,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) dirs: Arc<SnapshotDirs>,
    pub(super) counters: Arc<Counters>,
    pub(super) apply: Sender<Work>,
    pub(super) job: Sender<Job>,
    pub(super) tick: Duration,
}

impl RaftLoop {
    pub(super) fn run(mut self) {
        let mut next_tick = Instant::now() + self.tick;
        loop {
            // With work left the inbox is looked at but not waited for.
            let until = if self.core.is_dirty() { Instant::now() } else { next_tick };
            let Some(taken) = self.inbox.take(until) else { break };
            self.hand_in(taken);
            let now = Instant::now();
            if now >= next_tick {
                self.core.tick();
                // A process that was stopped does not live through the lost time at once.
                next_tick = (next_tick + self.tick).max(now);
            }
            self.round();
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
        inputs.into_iter().for_each(|input| self.take_in(input));
    }

    fn take_in(&mut self, input: Input) {
        let core = &mut self.core;
        match input {
            Input::Propose { group, data, ticket } => core.propose(group, data, ticket),
            Input::Read { group, done } => core.read(group, done),
            Input::WaitReplicated { group, wait } => core.wait_replicated(group, wait),
            Input::Change { group, change, ticket } => core.change_members(group, &change, ticket),
            Input::Transfer { group, to, done } => done(core.transfer(group, to)),
            Input::Truncate { group, durable } => {
                // Not the end of the process: a log that is longer than it need be loses nothing.
                if let Err(error) = core.truncate(group, durable) {
                    tracing::error!(%error, "failed to truncate a log; it will be tried again");
                }
            }
            Input::Unreachable(node) => core.unreachable(node),
            Input::Status { group, done } => done(core.status(group)),
            Input::Add { start, done } => done(core.add(*start)),
            Input::Remove { group, done } => {
                core.remove(group);
                done(());
            }
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
        if !out.appends.is_empty() {
            if let Err(error) = self.store.append(&out.appends, out.sync) {
                end_process("failed to sync raft.db", &error);
            }
            if out.sync {
                let entries: usize = out.appends.iter().map(|append| append.entries.len()).sum();
                self.counters.syncs.fetch_add(1, Ordering::Relaxed);
                self.counters.entries.fetch_add(entries as u64, Ordering::Relaxed);
            }
        }
        match self.core.persisted() {
            Ok(done) => self.hand_on(done),
            Err(error) => end_process("failed to read raft.db", &error),
        }
    }

    fn hand_on(&mut self, done: Persisted) {
        // Only now: votes and acknowledgements stand for what has just been synced.
        self.send(done.messages);
        self.send_snapshots(done.transfers);
        // The receivers end after this thread.
        for committed in done.committed {
            drop(self.apply.send(Work::Apply(committed)));
        }
        for install in done.installs {
            // Through the apply thread: entries before the snapshot must not come after it.
            drop(self.apply.send(Work::Install(install)));
        }
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
