//! The node's threads around the [`Core`]: one that owns all groups, one that syncs their logs,
//! some that apply, one that makes and installs snapshots.

mod apply_loop;
mod apply_queues;
mod dirs;
mod inbox;
mod raft_loop;
mod snapshots;
mod write;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::bounded;
use parking_lot::{Mutex, RwLock};
use vane_types::{GroupId, LogIndex, NodeId, PeerId, Term};

use crate::callback::Callback;
use crate::codec::Envelope;
use crate::config::Config;
use crate::contacts::Contacts;
use crate::core::{Core, Start, Transfer};
use crate::error::{ProposeError, ReadError, StoreError};
use crate::leaders::Leaders;
use crate::log::{Append, GroupLog, LogStore};
use crate::machine::{Conf, StateMachine};
use crate::reads::{Assurance, OnRead};
use crate::replica::{MemberChange, ReplicatedWait};
use crate::status::{GroupStatus, Heir, Watch};
use crate::ticket::{OnApplied, Ticket};
use crate::words;

use apply_loop::Applier;
use apply_queues::{ApplyFeed, ApplyQueues};
use dirs::{SnapshotDirs, discard};
use inbox::{Inbox, Input};

/// How messages travel.
pub trait Transport: Send + Sync + 'static {
    /// Sends messages. Must not block; what cannot be queued is dropped, Raft sends again.
    fn send(&self, messages: Vec<Envelope>);
    /// Sends the files of a snapshot and then the message that announces it. Must not
    /// block; `done` is called once, with whether the receiver has it.
    fn send_snapshot(&self, transfer: Transfer, done: Callback<bool>);
}

/// Whether the disk has room for a snapshot that writes so many bytes, and for everything else.
pub type HasRoom = Box<dyn Fn(u64) -> bool + Send + Sync>;

/// The state machines of the replicas that are registered, for the threads that feed them.
#[derive(Default)]
pub(crate) struct Machines(RwLock<HashMap<GroupId, Registered>>);

/// A state machine and the peer that it is of.
type Registered = (PeerId, Arc<dyn StateMachine>);

impl Machines {
    /// State machine of a replica; `None` once it is removed, even if another has taken its place.
    pub(crate) fn of(&self, group: GroupId, peer: PeerId) -> Option<Arc<dyn StateMachine>> {
        let machines = self.0.read();
        let (registered, machine) = machines.get(&group)?;
        (*registered == peer).then(|| Arc::clone(machine))
    }

    fn insert(&self, group: GroupId, peer: PeerId, machine: Arc<dyn StateMachine>) {
        self.0.write().insert(group, (peer, machine));
    }

    fn remove(&self, group: GroupId) {
        self.0.write().remove(&group);
    }

    /// Takes out the state machine of a replica, unless another has taken its place.
    fn remove_peer(&self, group: GroupId, peer: PeerId) {
        self.0.write().retain(|at, (registered, _)| (*at, *registered) != (group, peer));
    }
}

/// What the threads did since the start.
#[derive(Debug, Default)]
pub struct Counters {
    /// Synced writes of the log store.
    pub syncs: AtomicU64,
    /// Entries that those wrote.
    pub entries: AtomicU64,
    /// Snapshots that were made.
    pub snapshots_made: AtomicU64,
    /// Snapshots that were installed.
    pub snapshots_installed: AtomicU64,
}

/// All groups of this node. Dropping it stops the threads.
pub struct Engine {
    store: Arc<dyn LogStore>,
    machines: Arc<Machines>,
    watches: RwLock<HashMap<GroupId, Arc<Watch>>>,
    inbox: Arc<Inbox>,
    dirs: Arc<SnapshotDirs>,
    pending_bytes: Arc<AtomicUsize>,
    pending_bytes_max: usize,
    entry_bytes_max: usize,
    counters: Arc<Counters>,
    contacts: Arc<Contacts>,
    leaders: Arc<Leaders>,
    may_lend: Arc<AtomicBool>,
    transport: Arc<dyn Transport>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Engine {
    /// Starts the threads. Snapshots on their way in or out lie below `snapshots`; none is made
    /// for which `has_room` says no.
    ///
    /// # Errors
    /// When the snapshots that a crash left cannot be looked through, or a thread cannot be
    /// started.
    pub fn start(
        store: Arc<dyn LogStore>,
        config: Config,
        snapshots: &Path,
        transport: Arc<dyn Transport>,
        has_room: HasRoom,
    ) -> Result<Self, StoreError> {
        let failed = |e: std::io::Error| StoreError(format!("failed to start a raft thread: {e}"));
        let dirs = Arc::new(SnapshotDirs::open(snapshots, store.as_ref())?);
        let (inbox, machines) = (Arc::new(Inbox::default()), Arc::<Machines>::default());
        let counters = Arc::<Counters>::default();
        let (pending_bytes_max, tick) = (config.pending_bytes_max, config.tick);
        let entry_bytes_max = config.bounds.entry_bytes_max;
        let core = Core::new(Arc::clone(&store), config);
        let (contacts, leaders, may_lend) = (core.contacts(), core.leaders(), core.may_lend());
        let queues = Arc::<ApplyQueues>::default();
        // First: where a later thread cannot be started, its end lets those before end too.
        let apply = ApplyFeed::new(Arc::clone(&queues));
        let (job, jobs) = crossbeam_channel::unbounded(); // One a group at most.
        let mut threads = Vec::new();
        for lane in apply_loop::lanes() {
            let (queues, machines) = (Arc::clone(&queues), Arc::clone(&machines));
            let applier = Applier { queues, machines, inbox: Arc::clone(&inbox), job: job.clone() };
            threads.push(spawn("raft-apply", move || applier.run(lane)).map_err(failed)?);
        }
        {
            let worker = snapshots::Worker {
                store: Arc::clone(&store),
                machines: Arc::clone(&machines),
                dirs: Arc::clone(&dirs),
                inbox: Arc::clone(&inbox),
                counters: Arc::clone(&counters),
                has_room,
            };
            threads.push(spawn("raft-snapshot", move || worker.run(&jobs)).map_err(failed)?);
        }
        let (write, writer) =
            write::pair(Arc::clone(&store), Arc::clone(&inbox), Arc::clone(&counters));
        threads.push(spawn("raft-write", move || writer.run()).map_err(failed)?);
        {
            let raft = raft_loop::RaftLoop {
                core,
                inbox: Arc::clone(&inbox),
                transport: Arc::clone(&transport),
                dirs: Arc::clone(&dirs),
                counters: Arc::clone(&counters),
                apply,
                job,
                tick,
                write,
                waiting: Vec::new(),
            };
            threads.push(spawn("raft", move || raft.run()).map_err(failed)?);
        }
        Ok(Self {
            store,
            machines,
            watches: RwLock::default(),
            inbox,
            dirs,
            pending_bytes: Arc::default(),
            pending_bytes_max,
            entry_bytes_max,
            counters,
            contacts,
            leaders,
            may_lend,
            transport,
            threads: Mutex::new(threads),
        })
    }

    /// Writes what a replica's log begins with ([`GroupLog::founding`], [`GroupLog::joining`]),
    /// on disk when it returns. The state machine must be at the same index, and be so durably.
    ///
    /// # Errors
    /// When the log store fails; the group may or may not have a log then.
    pub fn create(&self, group: GroupId, log: GroupLog) -> Result<(), StoreError> {
        self.store.append(&[Append { group, log, entries: Vec::new(), removed: None }], true)
    }

    /// Takes a replica up where its log and its state machine ended. `campaign`: stand for
    /// election at once.
    ///
    /// # Errors
    /// When the group has no log, its log and its state machine do not fit together, a snapshot
    /// that was cut short cannot be installed, or the engine is stopping. The replica is not
    /// registered then.
    pub fn register(
        &self,
        group: GroupId,
        machine: Arc<dyn StateMachine>,
        campaign: bool,
    ) -> Result<Arc<Watch>, StoreError> {
        let mut log = self.store.group(group)?.ok_or_else(|| {
            StoreError(format!("group {group} has no log in raft.db; it was not opened"))
        })?;
        if let Some(index) = log.installing.take() {
            let dir = self.dirs.incoming(group, log.truncated_term, index);
            // The crash may have come after the installation and before the log's note of its end.
            if machine.applied() < index {
                tracing::info!(%group, %index, "installing a snapshot that was cut short");
                machine.install(&dir).map_err(|e| StoreError(e.to_string()))?;
            }
            discard(&dir);
        }
        let watch = Arc::<Watch>::default();
        let (applied, conf) = (machine.applied(), machine.conf());
        // Before the core has the replica: the apply threads find its first entries' machine.
        self.machines.insert(group, log.peer, machine);
        let start = Start { group, log, applied, conf, campaign, watch: Arc::clone(&watch) };
        let added = self.ask(|done| Input::Add { start: Box::new(start), done });
        added.unwrap_or_else(|| Err(StoreError("the node is shutting down".into()))).inspect_err(
            |_| {
                self.machines.remove(group);
            },
        )?;
        // Last: whoever finds a watch may propose, and the core must have the group by then.
        self.watches.write().insert(group, Arc::clone(&watch));
        Ok(watch)
    }

    /// Drops the replica of a group. Commands under way are answered with an error; the log
    /// stays until [`Engine::forget`].
    pub fn remove(&self, group: GroupId) {
        // First: requests are routed elsewhere before their commands would be refused here.
        self.watches.write().remove(&group);
        // No answer means that the thread has ended, and the replica with it.
        let _gone = self.ask(|done| Input::Remove { group, done });
        // Last: until the core has let the replica go, entries may still be handed on to it.
        self.machines.remove(group);
    }

    /// Removes the log of a group that is not registered.
    ///
    /// # Errors
    /// When the log store fails; the log may be there or not.
    pub fn forget(&self, group: GroupId) -> Result<(), StoreError> {
        self.store.remove(group)
    }

    /// Leader and progress of a group, for those who route requests; `None` where the group is
    /// not registered.
    pub fn watch(&self, group: GroupId) -> Option<Arc<Watch>> {
        self.watches.read().get(&group).cloned()
    }

    /// Hands a command to the group, which must be led from here. `on_applied` is called
    /// exactly once if this returns `Ok`, and never otherwise.
    ///
    /// # Errors
    /// When the group is not here, the command is too large, or too much waits already: the
    /// command is in no log.
    pub fn propose(
        &self,
        group: GroupId,
        data: Vec<u8>,
        on_applied: OnApplied,
    ) -> Result<(), ProposeError> {
        if self.watch(group).is_none() {
            return Err(ProposeError::GroupNotFound(group));
        }
        let (bytes, limit) = (data.len(), self.entry_bytes_max);
        // Logged it could never leave this node, and everything behind it would wait for ever.
        if bytes > limit {
            return Err(ProposeError::TooLarge { bytes, limit });
        }
        let limit = self.pending_bytes_max;
        // Looked at, not reserved: proposals that come together may exceed the limit by their own
        // size.
        let before = self.pending_bytes.load(Ordering::Acquire);
        // A command larger than the whole limit may go alone, or it could never be written.
        if before > 0 && before + bytes > limit {
            return Err(ProposeError::Full { waiting: before + bytes, limit });
        }
        let ticket = Ticket::new(bytes, Arc::clone(&self.pending_bytes), on_applied);
        self.inbox.put(Input::Propose { group, data, ticket });
        Ok(())
    }

    /// Calls `done` once `replicas` voters have the entry at `index` on disk, or this replica
    /// leads no more.
    pub fn wait_replicated(
        &self,
        group: GroupId,
        index: LogIndex,
        replicas: usize,
        done: Callback<Result<(), ProposeError>>,
    ) {
        let wait = ReplicatedWait { index, replicas, done };
        self.inbox.put(Input::WaitReplicated { group, wait });
    }

    /// Asks for a read of the replica here, whether it leads or follows; answered once it may be
    /// made. A follower asks its leader, and waits until it has what that says.
    pub fn read(&self, group: GroupId, assurance: Assurance, done: OnRead) {
        let Some(watch) = self.watch(group) else {
            return done(Err(ReadError::GroupNotFound(group)));
        };
        if assurance == Assurance::Majority {
            return self.inbox.put(Input::Read { group, assurance, done });
        }
        if let Some(message) = watch.ask(group, done) {
            self.transport.send(vec![Envelope { group, message }]);
        }
    }

    /// Changes the members of a group that is led from here; answered once it is applied
    /// here. A joint membership is left by itself afterwards.
    pub fn change_members(&self, group: GroupId, change: MemberChange, on_applied: OnApplied) {
        let ticket = Ticket::new(0, Arc::clone(&self.pending_bytes), on_applied);
        self.inbox.put(Input::Change { group, change, ticket });
    }

    /// Hands the leadership of a group to a peer. Blocks for a moment; whether the peer
    /// took it shows in the group's status within an election timeout.
    ///
    /// # Errors
    /// When the group is not here or not led from here, the peer does not vote, a change of
    /// members is under way, or the engine is stopping. Nothing changed then.
    pub fn transfer(&self, group: GroupId, to: PeerId) -> Result<(), ProposeError> {
        self.ask(|done| Input::Transfer { group, to, done }).unwrap_or(Err(ProposeError::Stopping))
    }

    /// Begins to hand over those of some groups that are led from here and for which `heir` names
    /// somebody; which these are. Blocks for a moment: one question to the thread that owns them,
    /// which does nothing else meanwhile.
    pub fn hand_over(&self, groups: Vec<GroupId>, heir: Heir) -> Vec<GroupId> {
        self.ask(|done| Input::HandOver { groups, heir, done }).unwrap_or_default()
    }

    /// Hands in messages of other nodes. They may be dropped: Raft sends again.
    pub fn step(&self, mut messages: Vec<Envelope>) {
        let sent = words::take_words(&mut messages, |group| self.watch(group));
        if !sent.is_empty() {
            self.transport.send(sent);
        }
        if !messages.is_empty() {
            self.inbox.put_messages(messages);
        }
    }

    /// Whether groups in which nothing happens may fall quiet: see [`Core::allow_quiet`].
    pub fn allow_quiet(&self, is_allowed: bool) {
        self.inbox.put(Input::AllowQuiet(is_allowed));
    }

    /// Whether leaders here may lend: see [`Core::may_lend`].
    pub fn allow_leases(&self, is_allowed: bool) {
        self.may_lend.store(is_allowed, Ordering::Release);
    }

    /// Notes that a node does not answer.
    pub fn unreachable(&self, node: NodeId) {
        self.inbox.put(Input::Unreachable(node));
    }

    /// Which nodes were heard of.
    pub fn contacts(&self) -> &Contacts {
        &self.contacts
    }

    /// Which groups are led from here, and where the leader changed.
    pub fn leaders(&self) -> &Leaders {
        &self.leaders
    }

    /// Notes that a node's address refused a connection: see [`Core::refused`].
    pub fn refused(&self, node: NodeId, heard: u64) {
        self.inbox.put(Input::Refused { node, heard });
    }

    /// A group as its replica here sees it. Blocks for a moment.
    pub fn status(&self, group: GroupId) -> Option<GroupStatus> {
        self.ask(|done| Input::Status { group, done }).flatten()
    }

    /// Where a received snapshot's files must lie before its announcement is given to
    /// [`Engine::step`]. They are kept for some minutes from this call on, and after that
    /// only if Raft took the announcement.
    pub fn incoming_dir(&self, announcement: &Envelope) -> Option<PathBuf> {
        let snapshot = announcement.message.snapshot.as_ref()?.metadata.as_ref()?;
        let (term, index) = (Term(snapshot.term), LogIndex(snapshot.index));
        Some(self.dirs.expect(announcement.group, term, index))
    }

    /// Forgets log entries whose effects are durable in the state machine's own store, as
    /// far as no member needs them.
    pub fn truncate(&self, group: GroupId, durable: LogIndex) {
        let machine = self.machines.0.read().get(&group).map(|(_, machine)| Arc::clone(machine));
        let state_bytes = machine.map_or(0, |machine| machine.bytes());
        self.inbox.put(Input::Truncate { group, durable, state_bytes });
    }

    /// What the threads did since the start.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Refuses new commands, answers those on their way, and ends the threads.
    pub fn stop(&self) {
        self.inbox.close();
        // The raft thread, started last, first: the others end when it no longer feeds them.
        for thread in self.threads.lock().drain(..).rev() {
            if thread.join().is_err() {
                tracing::error!("a raft thread panicked while stopping");
            }
        }
    }

    /// Asks the raft thread and waits; `None` when it is gone.
    fn ask<T: Send + 'static>(&self, input: impl FnOnce(Callback<T>) -> Input) -> Option<T> {
        let (send, receive) = bounded(1);
        self.inbox.put(input(Box::new(move |answer| drop(send.send(answer)))));
        receive.recv().ok()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Conf {
    /// The membership that the first replicas of a group share.
    pub fn founding(peers: &[PeerId]) -> Self {
        let mut voters = peers.to_vec();
        voters.sort_unstable();
        Self::of_voters(voters)
    }
}

/// Starts a thread without which the node would take writes and never answer them: if it
/// panics the process ends, so that a restart goes on from the disk.
fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        if std::panic::catch_unwind(AssertUnwindSafe(run)).is_err() {
            end_process(
                "a raft thread panicked",
                &StoreError("see the panic message above".into()),
            );
        }
    })
}

/// Ends the process after a failure that leaves the log or the state in doubt: after a
/// failed fsync the kernel may have dropped the pages, so trying again could acknowledge
/// what is not on disk (Rebello et al., "Can Applications Recover from fsync Failures?",
/// ATC 2020). A restart reads what is really there.
pub fn end_process(what: &str, error: &StoreError) -> ! {
    tracing::error!(
        %error,
        "{what}; ending the process so that a restart reads what is really on disk"
    );
    std::process::exit(70)
}
