//! All groups of a node, without I/O.
//!
//! A round is: hand in what happened, [`Core::ready`], send [`Output::messages`], write
//! [`Output::appends`] (synced if it says so), [`Core::persisted`], send its messages, give
//! its entries to the state machines, install its snapshots.
//!
//! While a round is being written anything may be handed in but [`Core::add`],
//! [`Core::remove`] and [`Core::truncate`], which write or free what is being written; and what
//! [`Core::urgent`] gives may be sent. All else comes with the next round.

mod hand_out;
mod nodes;
mod quiet;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use vane_types::{GroupId, LogIndex, NodeId, PeerId, Term};

use crate::codec::Envelope;
use crate::config::Config;
use crate::contacts::Contacts;
use crate::error::{ProposeError, ReadError, StoreError};
use crate::leaders::Leaders;
use crate::lending::LeaseTerms;
use crate::log::{Append, GroupLog, LogStore};
use crate::machine::{Committed, Conf, Made, SnapshotFiles};
use crate::pulse::Pulse;
use crate::quiet::{Cause, Quiet};
use crate::reads::{Assurance, OnRead};
use crate::replica::{MemberChange, Replica, ReplicatedWait, Setup};
use crate::status::{GroupStatus, Heir, Watch};
use crate::ticket::Ticket;
use crate::words::Asked;

/// A replica to take up.
pub struct Start {
    /// Group of the replica.
    pub group: GroupId,
    /// Where the replica's log ended.
    pub log: GroupLog,
    /// Last entry that the replica's state machine has applied.
    pub applied: LogIndex,
    /// Membership as of `applied`.
    pub conf: Conf,
    /// Stand for election at once: nobody else is there, or this one was chosen to begin.
    pub campaign: bool,
    /// Shows leader and progress to those who route requests.
    pub watch: Arc<Watch>,
}

/// What a round writes, and what may be sent before that.
#[derive(Debug, Default)]
pub struct Output {
    /// Messages that promise nothing (a leader's appends and heartbeats), to be sent before
    /// the write: followers then write at the same time.
    pub messages: Vec<Envelope>,
    /// Snapshots to be sent.
    pub transfers: Vec<Transfer>,
    /// Changes of the groups' logs, for one atomic write.
    pub appends: Vec<Append>,
    /// Whether the write must be on disk before the round goes on.
    pub sync: bool,
}

/// What follows from a write.
#[derive(Debug, Default)]
pub struct Persisted {
    /// Messages that promise what was written: votes and acknowledgements.
    pub messages: Vec<Envelope>,
    /// Snapshots to be sent.
    pub transfers: Vec<Transfer>,
    /// Entries to apply, by group in order.
    pub committed: Vec<Committed>,
    /// Snapshots to install. They come before any later entry of their group.
    pub installs: Vec<Install>,
    /// Groups that need a snapshot made, and their replicas.
    pub snapshots_wanted: Vec<(GroupId, PeerId)>,
    /// Received snapshots that no replica here takes: their files can go.
    pub snapshots_refused: Vec<(GroupId, Term, LogIndex)>,
}

/// A snapshot for another replica: its files, and then the message that announces it.
#[derive(Debug)]
pub struct Transfer {
    /// The message, to be handed in where the files have arrived.
    pub announcement: Envelope,
    /// The files; they stay for as long as this is held.
    pub files: Arc<dyn SnapshotFiles>,
}

/// A received snapshot that the log now begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Install {
    /// Group that the snapshot is of.
    pub group: GroupId,
    /// Replica whose state machine takes the snapshot in.
    pub peer: PeerId,
    /// Last entry whose effects are in the snapshot.
    pub index: LogIndex,
    /// Term of the entry at `index`.
    pub term: Term,
    /// Membership as of the entry at `index`.
    pub conf: Conf,
}

/// The groups of one node, as a state machine of its own: events go in, rounds come out.
pub struct Core {
    store: Arc<dyn LogStore>,
    config: Config,
    groups: BTreeMap<GroupId, Replica>,
    /// Groups to which something happened since the last round.
    dirty: BTreeSet<GroupId>,
    /// Groups of the round that is being written.
    writing: Vec<GroupId>,
    /// Bytes of entries that state machines have been given and not applied yet, by replica.
    applying: BTreeMap<(GroupId, PeerId), usize>,
    /// The same of all shards together.
    applying_bytes: usize,
    /// Groups with committed entries that wait for room, each once, in the order of their turns.
    held_back: VecDeque<GroupId>,
    /// How often each node was heard of.
    contacts: Arc<Contacts>,
    /// Nodes that refuse connections: how often they had been heard of then, and how often they
    /// have refused since.
    refusals: BTreeMap<NodeId, (u64, usize)>,
    /// What follows from `step`, for the next `persisted`.
    released: Persisted,
    /// Groups may fall quiet.
    may_be_quiet: bool,
    /// The groups that are, and those whose clocks go: each group is in one of the two.
    quiet: Quiet,
    awake: BTreeSet<GroupId>,
    /// Quiet groups with reads that wait for a leader's word.
    asked: Arc<Asked>,
    leaders: Arc<Leaders>,
    may_lend: Arc<AtomicBool>,
    /// What is to be said to other nodes.
    pulses: Vec<Envelope>,
}

impl Core {
    /// A node without groups. The store is read from; writing it is the caller's part.
    pub fn new(store: Arc<dyn LogStore>, config: Config) -> Self {
        Self {
            store,
            config,
            groups: BTreeMap::new(),
            dirty: BTreeSet::new(),
            writing: Vec::new(),
            applying: BTreeMap::new(),
            applying_bytes: 0,
            held_back: VecDeque::new(),
            contacts: Arc::default(),
            refusals: BTreeMap::new(),
            released: Persisted::default(),
            may_be_quiet: false,
            quiet: Quiet::default(),
            awake: BTreeSet::new(),
            asked: Arc::default(),
            leaders: Arc::default(),
            may_lend: Arc::default(),
            pulses: Vec::new(),
        }
    }

    /// Takes up a replica where its log and its state machine ended.
    ///
    /// # Errors
    /// When log and state machine do not fit together, or the log cannot be read. The replica
    /// is not taken up then; nothing on disk changed.
    ///
    /// # Panics
    /// While a round is being written.
    pub fn add(&mut self, start: Start) -> Result<(), StoreError> {
        self.check_between_rounds();
        let Start { group, log, applied, conf, campaign, watch } = start;
        watch.begin_leaders(group, Arc::clone(&self.leaders));
        let lease_terms = LeaseTerms {
            clock: self.config.clock.clone(),
            times: self.config.leases.clone(),
            may_lend: Arc::clone(&self.may_lend),
        };
        let setup = Setup { group, log, applied, conf, watch, lease_terms };
        let mut replica = Replica::open(setup, &self.store, &self.asked, &self.config)?;
        // A replica that is alone has nobody to wait for.
        if campaign || replica.is_alone() {
            replica.campaign_now();
        }
        self.groups.insert(group, replica);
        self.dirty.insert(group);
        self.note_quiet(group);
        Ok(())
    }

    /// Drops the replica of a group. Whoever waits for one of its entries gets an error.
    ///
    /// # Panics
    /// While a round is being written: its write would come after what is written from now on.
    pub fn remove(&mut self, group: GroupId) {
        self.check_between_rounds();
        if let Some(mut replica) = self.groups.remove(&group) {
            replica.close(&ProposeError::GroupNotFound(group));
        }
        self.note_quiet(group);
        self.dirty.remove(&group);
        self.held_back.retain(|held_back| *held_back != group);
    }

    /// Drops a replica, unless another of its group has taken its place. It votes and leads no
    /// more, and takes no messages: the others go on as if its node were down.
    pub fn remove_peer(&mut self, group: GroupId, peer: PeerId) {
        if self.peer(group) == Some(peer) {
            self.remove(group);
        }
    }

    /// Drops all replicas. Who proposed what is in a log gets [`ProposeError::Unknown`]: the
    /// others may still apply it.
    pub fn close(&mut self) {
        self.groups.values_mut().for_each(|replica| replica.close(&ProposeError::Stopping));
        self.groups.clear();
        self.awake.clear();
        self.quiet = Quiet::default();
    }

    /// Takes a message from another node. False if no replica of its group is here.
    pub fn step(&mut self, envelope: Envelope) -> bool {
        self.contacts.note(envelope.from().node());
        if Pulse::is(&envelope) {
            self.hear_pulse(&envelope);
            return true;
        }
        let (group, snapshot) = (envelope.group, envelope.snapshot_name());
        // Whether it wakes the replica is seen by what it says.
        let replica = self.touched_in_quiet(group);
        let is_here = replica.is_some();
        let taken = replica.is_some_and(|replica| {
            replica.step(envelope.message);
            snapshot.is_none_or(|(term, index)| replica.has_taken(term, index))
        });
        if !taken && let Some((term, index)) = snapshot {
            self.released.snapshots_refused.push((group, term, index));
        }
        self.note_quiet(group);
        is_here
    }

    /// Proposes a command; `ticket` is answered once it is applied here or known to be lost.
    pub fn propose(&mut self, group: GroupId, data: Vec<u8>, ticket: Ticket) {
        match self.touched(group) {
            Some(replica) => replica.propose(data, ticket),
            None => ticket.fail(ProposeError::GroupNotFound(group)),
        }
    }

    /// Answers once so many voters have an entry on disk, or this replica leads no more.
    pub(crate) fn wait_replicated(&mut self, group: GroupId, wait: ReplicatedWait) {
        match self.groups.get_mut(&group) {
            Some(replica) => replica.wait_replicated(wait),
            None => (wait.done)(Err(ProposeError::GroupNotFound(group))),
        }
    }

    /// Asks for a read, of a replica that leads or follows; `done` is told once it may be made.
    pub fn read(&mut self, group: GroupId, assurance: Assurance, done: OnRead) {
        let replica = match assurance {
            // Its leader answers without its thread, and so in quiet.
            Assurance::Leader => self.touched_in_quiet(group),
            Assurance::Majority => self.touched(group),
        };
        match replica {
            Some(replica) => replica.read(assurance, done),
            None => done(Err(ReadError::GroupNotFound(group))),
        }
    }

    /// Proposes a change of members; `ticket` is answered as that of a command.
    pub fn change_members(&mut self, group: GroupId, change: &MemberChange, ticket: Ticket) {
        match self.touched(group) {
            Some(replica) => replica.change_members(change, ticket),
            None => ticket.fail(ProposeError::GroupNotFound(group)),
        }
    }

    /// Hands the leadership of a group to a peer. It takes effect within an election timeout
    /// or not at all.
    ///
    /// # Errors
    /// When the group is not here or not led from here, the peer does not vote, or a change of
    /// members is under way. Nothing changed then.
    pub fn transfer(&mut self, group: GroupId, to: PeerId) -> Result<(), ProposeError> {
        self.touched(group).ok_or(ProposeError::GroupNotFound(group))?.transfer(to)
    }

    /// Begins to hand over those of some groups that are led from here and for which `heir` names
    /// somebody; which these are.
    pub fn hand_over(&mut self, mut groups: Vec<GroupId>, heir: &Heir) -> Vec<GroupId> {
        groups.retain(|group| {
            let next = self.status(*group).and_then(|status| heir(&status));
            next.is_some_and(|peer| self.transfer(*group, peer).is_ok())
        });
        groups
    }

    /// Which groups are led from here. May be looked at from other threads.
    pub fn leaders(&self) -> Arc<Leaders> {
        Arc::clone(&self.leaders)
    }

    /// Whether leaders lend: once every node of the cluster knows what a lease is. May be set from
    /// other threads.
    pub fn may_lend(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.may_lend)
    }

    /// Notes that a replica's state machine has applied up to `index`, which frees `bytes`. The
    /// replica may have been removed meanwhile, and another be in its place.
    pub fn applied(&mut self, group: GroupId, peer: PeerId, index: LogIndex, bytes: usize) {
        if let Some(applying) = self.applying.get_mut(&(group, peer)) {
            *applying = applying.saturating_sub(bytes);
            if *applying == 0 {
                self.applying.remove(&(group, peer));
            }
        }
        if group != GroupId::META {
            self.applying_bytes = self.applying_bytes.saturating_sub(bytes);
        }
        // What is applied late wakes nobody: a quiet replica has all that its leader has.
        if self.peer(group) == Some(peer) {
            self.touched_in_quiet(group).into_iter().for_each(|replica| replica.applied(index));
        }
        // Any group may use the room, not only the one whose entries were applied: whose turn it
        // is the next round finds out.
        self.dirty.extend(self.held_back.front());
    }

    /// Notes that a replica's state machine has installed the snapshot at `index`.
    pub fn installed(&mut self, group: GroupId, peer: PeerId, index: LogIndex) {
        if let Some(replica) = self.touched_peer(group, peer) {
            replica.installed(index);
        }
    }

    /// Notes that a snapshot of [`Persisted::snapshots_wanted`] was made, or could not be.
    pub fn snapshot_made(&mut self, group: GroupId, peer: PeerId, made: Result<Made, StoreError>) {
        // Removed while it was being made: nobody will be sent it, and its files go with it.
        if let Some(replica) = self.touched_peer(group, peer) {
            replica.snapshot_made(made);
        }
    }

    /// Notes that a snapshot reached a peer, or did not.
    pub fn snapshot_sent(&mut self, group: GroupId, to: PeerId, ok: bool) {
        if let Some(replica) = self.touched(group) {
            replica.snapshot_sent(to, ok);
        }
    }

    /// Forgets log entries up to `durable`, whose effects are in the state machine's own store,
    /// as far as no member needs them.
    ///
    /// # Errors
    /// When the log store fails; the log is as it was, or shorter.
    ///
    /// # Panics
    /// While a round is being written, which says how long the log is.
    pub fn truncate(&mut self, group: GroupId, durable: LogIndex) -> Result<(), StoreError> {
        self.check_between_rounds();
        self.groups.get_mut(&group).map_or(Ok(()), |replica| replica.truncate(durable))
    }

    /// Notes how large the data of a group's state machine is, in bytes: the more, the longer its
    /// log is kept for a follower that is away.
    pub fn set_state_bytes(&mut self, group: GroupId, bytes: u64) {
        self.groups.get_mut(&group).into_iter().for_each(|replica| replica.set_state_bytes(bytes));
    }

    #[cfg(test)]
    fn force_truncate(&mut self, group: GroupId, through: LogIndex) {
        self.touched(group).into_iter().for_each(|replica| replica.force_truncate(through));
    }

    /// A group as its replica here sees it; `None` where there is none.
    pub fn status(&self, group: GroupId) -> Option<GroupStatus> {
        self.groups.get(&group).map(Replica::status)
    }

    /// This node's peer id in a group.
    pub fn peer(&self, group: GroupId) -> Option<PeerId> {
        self.groups.get(&group).map(Replica::peer)
    }

    /// Begins a round: what is to be sent and written.
    ///
    /// # Panics
    /// When the round before was not ended by [`Core::persisted`].
    pub fn ready(&mut self) -> Output {
        assert!(self.writing.is_empty(), "a round begins when the one before it is persisted");
        let mut out = Output { messages: std::mem::take(&mut self.pulses), ..Output::default() };
        self.writing = std::mem::take(&mut self.dirty).into_iter().collect();
        for group in &self.writing {
            if let Some(replica) = self.groups.get_mut(group) {
                replica.ready(&mut out);
            }
        }
        out
    }

    /// Messages that need not wait for the round that is being written: heartbeats, and the answers
    /// to them. What they say is written already.
    pub fn urgent(&mut self) -> Vec<Envelope> {
        let mut messages = std::mem::take(&mut self.pulses);
        // Those of the round have said what they had to say, unless something happened since.
        for group in &self.dirty {
            if let Some(replica) = self.groups.get_mut(group) {
                replica.urgent(&mut messages);
            }
        }
        messages
    }

    /// Ends a round, once [`Output::appends`] is written.
    ///
    /// # Errors
    /// When committed entries cannot be read back from the log. The round is lost then, and
    /// the node must stop.
    pub fn persisted(&mut self) -> Result<Persisted, StoreError> {
        let mut done = std::mem::take(&mut self.released);
        let written = std::mem::take(&mut self.writing);
        for group in written.iter().copied() {
            let Some(replica) = self.groups.get_mut(&group) else { continue };
            replica.persisted(&mut done);
            if replica.has_committed() && !self.held_back.contains(&group) {
                self.held_back.push_back(group);
            }
            if replica.takes_snapshot_order() {
                done.snapshots_wanted.push((group, replica.peer()));
            }
            replica.drop_spent_snapshot();
        }
        self.hand_out(&mut done)?;
        for group in written {
            if self.groups.get(&group).is_some_and(Replica::has_ready) {
                self.dirty.insert(group);
            }
        }
        Ok(done)
    }

    fn check_between_rounds(&self) {
        assert!(self.writing.is_empty(), "not while a round is being written");
    }

    /// Whether a round has something to do.
    pub fn is_dirty(&self) -> bool {
        !self.dirty.is_empty() || !self.pulses.is_empty()
    }

    /// A replica to which something happens, unless it is gone: another of its group may be in
    /// its place.
    fn touched_peer(&mut self, group: GroupId, peer: PeerId) -> Option<&mut Replica> {
        if self.peer(group) == Some(peer) { self.touched(group) } else { None }
    }

    /// The replica of a group to which something happens: it wakes, and the next round looks at
    /// it.
    fn touched(&mut self, group: GroupId) -> Option<&mut Replica> {
        self.wake(group, &Cause::Work);
        self.touched_in_quiet(group)
    }

    /// The same of one that may stay quiet.
    fn touched_in_quiet(&mut self, group: GroupId) -> Option<&mut Replica> {
        let replica = self.groups.get_mut(&group)?;
        self.dirty.insert(group);
        Some(replica)
    }
}

#[cfg(test)]
mod tests;
