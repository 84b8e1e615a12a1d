//! All groups of a node, without I/O.
//!
//! A round is: hand in what happened, [`Core::ready`], send [`Output::messages`], write
//! [`Output::appends`] (synced if it says so), [`Core::persisted`], send its messages, give
//! its entries to the state machines, install its snapshots. Nothing may be handed in
//! between `ready` and `persisted`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use vane_types::{GroupId, LogIndex, NodeId, PeerId, Term};

use crate::codec::Envelope;
use crate::config::Config;
use crate::error::{ProposeError, ReadError, StoreError};
use crate::log::{Append, GroupLog, LogStore};
use crate::machine::{Committed, Conf, Made, SnapshotFiles};
use crate::replica::{MemberChange, OnRead, Replica, ReplicatedWait, Setup, Ticket};
use crate::status::{GroupStatus, Watch};

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
    /// Bytes of entries that state machines have not applied yet.
    applying_bytes: usize,
    /// Groups with committed entries that found no room.
    held_back: BTreeSet<GroupId>,
    /// What follows from `step` and `installed`, for the next `persisted`.
    released: Persisted,
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
            applying_bytes: 0,
            held_back: BTreeSet::new(),
            released: Persisted::default(),
        }
    }

    /// Takes up a replica where its log and its state machine ended.
    ///
    /// # Errors
    /// When log and state machine do not fit together, or the log cannot be read. The replica
    /// is not taken up then; nothing on disk changed.
    pub fn add(&mut self, start: Start) -> Result<(), StoreError> {
        let Start { group, log, applied, conf, campaign, watch } = start;
        let setup = Setup { group, log, applied, conf, watch };
        let mut replica = Replica::open(setup, Arc::clone(&self.store), &self.config)?;
        // A replica that is alone has nobody to wait for.
        if campaign || replica.is_alone() {
            replica.campaign_now();
        }
        self.groups.insert(group, replica);
        self.dirty.insert(group);
        Ok(())
    }

    /// Drops the replica of a group. Whoever waits for one of its entries gets an error.
    pub fn remove(&mut self, group: GroupId) {
        if let Some(mut replica) = self.groups.remove(&group) {
            replica.close(&ProposeError::GroupNotFound(group));
        }
        self.dirty.remove(&group);
        self.held_back.remove(&group);
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
    }

    /// Moves the clock of every replica by one tick of [`Config::tick`].
    pub fn tick(&mut self) {
        for (group, replica) in &mut self.groups {
            replica.tick();
            self.dirty.insert(*group);
        }
    }

    /// Takes a message from another node. False if no replica of its group is here.
    pub fn step(&mut self, envelope: Envelope) -> bool {
        let (group, snapshot) = (envelope.group, envelope.snapshot_name());
        let replica = self.touched(group);
        let is_here = replica.is_some();
        let taken = replica.is_some_and(|replica| {
            replica.step(envelope.message);
            snapshot.is_none_or(|(term, index)| replica.has_taken(term, index))
        });
        if !taken && let Some((term, index)) = snapshot {
            self.released.snapshots_refused.push((group, term, index));
        }
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

    /// Asks for a linearizable read; `done` gets the index from which on it may be served.
    pub fn read(&mut self, group: GroupId, done: OnRead) {
        match self.touched(group) {
            Some(replica) => replica.read(done),
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

    /// Notes that a node does not answer: leaders probe its replicas from now on and send
    /// them no stream of entries.
    pub fn unreachable(&mut self, node: NodeId) {
        for (group, replica) in &mut self.groups {
            replica.unreachable(node);
            self.dirty.insert(*group);
        }
    }

    /// Notes that a replica's state machine has applied up to `index`, which frees `bytes`. The
    /// replica may have been removed meanwhile, and another be in its place.
    pub fn applied(&mut self, group: GroupId, peer: PeerId, index: LogIndex, bytes: usize) {
        self.applying_bytes = self.applying_bytes.saturating_sub(bytes);
        if let Some(replica) = self.touched_peer(group, peer) {
            replica.applied(index);
        }
        // Any group may use the room, not only the one whose entries were applied.
        self.dirty.append(&mut self.held_back);
    }

    /// Notes that a replica's state machine has installed the snapshot at `index`.
    pub fn installed(&mut self, group: GroupId, peer: PeerId, index: LogIndex) {
        // Taken out for the call: the replica that fills it is borrowed from `self` too.
        let mut released = std::mem::take(&mut self.released);
        if let Some(replica) = self.touched_peer(group, peer) {
            replica.installed(index, &mut released);
        }
        self.released = released;
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
    pub fn truncate(&mut self, group: GroupId, durable: LogIndex) -> Result<(), StoreError> {
        self.groups.get_mut(&group).map_or(Ok(()), |replica| replica.truncate(durable))
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
        let mut out = Output::default();
        self.writing = std::mem::take(&mut self.dirty).into_iter().collect();
        for group in &self.writing {
            if let Some(replica) = self.groups.get_mut(group) {
                replica.ready(&mut out);
            }
        }
        out
    }

    /// Ends a round, once [`Output::appends`] is written.
    ///
    /// # Errors
    /// When committed entries cannot be read back from the log. The round is lost then, and
    /// the node must stop.
    pub fn persisted(&mut self) -> Result<Persisted, StoreError> {
        let mut done = std::mem::take(&mut self.released);
        for group in std::mem::take(&mut self.writing) {
            let Some(replica) = self.groups.get_mut(&group) else { continue };
            replica.persisted(&mut done);
            let room = self.config.bounds.apply_bytes_max.saturating_sub(self.applying_bytes);
            match replica.take_committed(room)? {
                Some(committed) => {
                    self.applying_bytes += committed.bytes;
                    done.committed.push(committed);
                    // One batch is bounded in bytes: more may wait.
                    self.dirty.insert(group);
                }
                // Looked at again when a state machine has made room (`applied`).
                None if room == 0 => {
                    self.held_back.insert(group);
                }
                None => {}
            }
            if replica.takes_snapshot_order() {
                done.snapshots_wanted.push((group, replica.peer()));
            }
            replica.drop_spent_snapshot();
            if replica.has_ready() {
                self.dirty.insert(group);
            }
        }
        Ok(done)
    }

    /// Whether a round has something to do.
    pub fn is_dirty(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// A replica to which something happens, unless it is gone: another of its group may be in
    /// its place.
    fn touched_peer(&mut self, group: GroupId, peer: PeerId) -> Option<&mut Replica> {
        if self.peer(group) == Some(peer) { self.touched(group) } else { None }
    }

    /// The replica of a group to which something happens: the next round looks at it.
    fn touched(&mut self, group: GroupId) -> Option<&mut Replica> {
        let replica = self.groups.get_mut(&group)?;
        self.dirty.insert(group);
        Some(replica)
    }
}

#[cfg(test)]
mod tests;
