//! The node's end of all its groups: registration, proposals, shutdown.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use parking_lot::{Mutex, RwLock};
use vane_types::{GroupId, LogIndex};

use crate::apply_loop::{self, Committed};
use crate::log_loop::{self, Proposal};
use crate::{GroupLog, LogStore, OnApplied, ProposeError, StateMachine, StoreError, end_process};

/// Proposals that may wait for the log thread, whatever their size.
const PROPOSALS_MAX: usize = 4096;
/// Synced batches that may wait for the apply thread.
const COMMITTED_BATCHES_MAX: usize = 64;

/// Limits of a [`Node`].
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Bytes of commands that may be on their way between proposal and answer.
    pub pending_bytes_max: usize,
}

/// A group on this node.
pub(crate) struct Group {
    pub(crate) machine: Arc<dyn StateMachine>,
    /// Owned by the log thread; a lock only because registration reads it first.
    pub(crate) log: Mutex<GroupLog>,
}

pub(crate) type Groups = RwLock<HashMap<GroupId, Arc<Group>>>;

/// All groups of this node. Dropping it stops the threads after what is waiting is done.
pub struct Node {
    store: Arc<dyn LogStore>,
    groups: Arc<Groups>,
    inbox: Mutex<Option<Sender<Proposal>>>,
    pending_bytes: Arc<AtomicUsize>,
    config: Config,
    stopping: AtomicBool,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Node {
    /// Starts the log thread and the apply thread.
    pub fn start(store: Arc<dyn LogStore>, config: Config) -> std::io::Result<Self> {
        let groups = Arc::<Groups>::default();
        let pending_bytes = Arc::new(AtomicUsize::new(0));
        let (propose, proposals) = bounded(PROPOSALS_MAX);
        let (commit, committed): (Sender<Vec<Committed>>, Receiver<_>) = bounded(COMMITTED_BATCHES_MAX);
        let log_thread = {
            let (store, groups, pending) = (Arc::clone(&store), Arc::clone(&groups), Arc::clone(&pending_bytes));
            spawn("raft-log", move || log_loop::run(&*store, &groups, &proposals, &commit, &pending))?
        };
        let apply_thread = {
            let pending = Arc::clone(&pending_bytes);
            spawn("raft-apply", move || apply_loop::run(&committed, &pending))?
        };
        Ok(Self {
            store,
            groups,
            inbox: Mutex::new(Some(propose)),
            pending_bytes,
            config,
            stopping: AtomicBool::new(false),
            threads: Mutex::new(vec![log_thread, apply_thread]),
        })
    }

    /// Brings a state machine up to the end of its log, then takes proposals for it.
    pub fn register(&self, group: GroupId, machine: Arc<dyn StateMachine>) -> Result<(), StoreError> {
        let log = self.store.group(group)?;
        if machine.applied() < log.truncated_index {
            return Err(StoreError(format!(
                "group {group}: the state ends at index {} but the log only begins after {}; \
                 this replica's data is incomplete and was not opened",
                machine.applied(),
                log.truncated_index
            )));
        }
        let mut replayed = 0_u64;
        self.store.replay(group, machine.applied() + 1, &mut |entry| {
            replayed += 1;
            machine.apply(&entry).map(|_answer| ())
        })?;
        if replayed > 0 {
            tracing::info!(%group, replayed, "replayed the log");
        }
        // An applied index beyond the log can only mean that the log lost synced entries.
        if machine.applied() > log.last_index {
            return Err(StoreError(format!(
                "group {group}: the state is at index {} but the log ends at {}; raft.db has lost entries",
                machine.applied(),
                log.last_index
            )));
        }
        self.groups.write().insert(group, Arc::new(Group { machine, log: Mutex::new(log) }));
        Ok(())
    }

    /// Forgets a group and its log. Commands under way are answered with an error.
    pub fn remove(&self, group: GroupId) -> Result<(), StoreError> {
        self.groups.write().remove(&group);
        self.store.remove(group)
    }

    /// Hands a command to the group's log. `on_applied` is called exactly once if this
    /// returns `Ok`, and never otherwise.
    pub fn propose(&self, group: GroupId, data: Vec<u8>, on_applied: OnApplied) -> Result<(), ProposeError> {
        if self.stopping.load(Ordering::Acquire) {
            return Err(ProposeError::Stopping);
        }
        if !self.groups.read().contains_key(&group) {
            return Err(ProposeError::NoSuchGroup(group));
        }
        let (bytes, limit) = (data.len(), self.config.pending_bytes_max);
        let before = self.pending_bytes.fetch_add(bytes, Ordering::AcqRel);
        // A command larger than the whole limit may go alone, or it could never be written.
        if before > 0 && before + bytes > limit {
            self.pending_bytes.fetch_sub(bytes, Ordering::AcqRel);
            return Err(ProposeError::Full { waiting: before + bytes, limit });
        }
        let sent = match &*self.inbox.lock() {
            Some(inbox) => inbox.try_send(Proposal { group, data, on_applied }),
            None => {
                self.pending_bytes.fetch_sub(bytes, Ordering::AcqRel);
                return Err(ProposeError::Stopping);
            }
        };
        sent.map_err(|e| {
            self.pending_bytes.fetch_sub(bytes, Ordering::AcqRel);
            match e {
                TrySendError::Full(_) => ProposeError::Full { waiting: before + bytes, limit },
                TrySendError::Disconnected(_) => ProposeError::Stopping,
            }
        })
    }

    /// Forgets log entries whose effects are durable in the state machine's own store.
    pub fn truncate(&self, group: GroupId, durable: LogIndex) -> Result<(), StoreError> {
        let Some(known) = self.groups.read().get(&group).cloned() else { return Ok(()) };
        // Held while the store works, so that an append cannot write the old mark back.
        let mut log = known.log.lock();
        if durable <= log.truncated_index {
            return Ok(());
        }
        assert!(durable <= log.last_index, "group {group}: truncation past the log's end");
        self.store.truncate(group, durable)?;
        log.truncated_index = durable;
        Ok(())
    }

    /// Refuses new commands, answers those on their way, and ends the threads.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        drop(self.inbox.lock().take());
        for thread in self.threads.lock().drain(..) {
            if thread.join().is_err() {
                tracing::error!("a raft thread panicked while stopping");
            }
        }
    }
}

/// Starts a thread without which the node would take writes and never answer them: if it
/// panics the process ends, so that a restart goes on from the disk.
fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        if std::panic::catch_unwind(AssertUnwindSafe(run)).is_err() {
            end_process("a raft thread panicked", &StoreError("see the panic message above".into()));
        }
    })
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests;
