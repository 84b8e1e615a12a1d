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
use crate::machine::{Committed, Conf, Exported};
use crate::replica::{Callback, MemberChange, OnRead, Replica, Setup, Ticket};
use crate::status::{GroupStatus, Watch};

/// A replica to take up.
pub struct Start {
    /// The group.
    pub group: GroupId,
    /// State of its log.
    pub log: GroupLog,
    /// Index that its state machine has reached.
    pub applied: LogIndex,
    /// The membership as of then.
    pub conf: Conf,
    /// Stand for election at once: nobody else is there, or this one was chosen to begin.
    pub campaign: bool,
    /// Where its leader and progress are shown.
    pub watch: Arc<Watch>,
}

/// What a round writes, and what may be sent before that.
#[derive(Debug, Default)]
pub struct Output {
    /// Messages that promise nothing: a leader's.
    pub messages: Vec<Envelope>,
    /// What is to be written, in one atomic write.
    pub appends: Vec<Append>,
    /// Whether the write must be on disk before the round goes on.
    pub sync: bool,
}

/// What follows from a write.
#[derive(Debug, Default)]
pub struct Persisted {
    /// Messages that stand for what was written.
    pub messages: Vec<Envelope>,
    /// Entries to apply, by group in order.
    pub committed: Vec<Committed>,
    /// Snapshots to install. They come before any later entry of their group.
    pub installs: Vec<Install>,
    /// Groups that need a snapshot made, and their replicas.
    pub snapshots_wanted: Vec<(GroupId, PeerId)>,
    /// Snapshots that nobody needs any more.
    pub snapshots_spent: Vec<(GroupId, LogIndex)>,
}

/// A received snapshot that the log now begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Install {
    /// The group.
    pub group: GroupId,
    /// The replica.
    pub peer: PeerId,
    /// Index of its last entry.
    pub index: LogIndex,
    /// Term of that entry.
    pub term: Term,
    /// The membership as of that entry.
    pub conf: Conf,
}

/// All groups of a node.
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
    /// What `installed` let go, for the next `persisted`.
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

    /// Takes up a replica.
    pub fn add(&mut self, start: Start) -> Result<(), StoreError> {
        let Start { group, log, applied, conf, campaign, watch } = start;
        let setup = Setup { group, log, applied, conf, watch };
        let mut replica = Replica::open(setup, Arc::clone(&self.store), &self.config)?;
        if campaign || replica.is_alone() {
            replica.campaign_now();
        }
        self.groups.insert(group, replica);
        self.dirty.insert(group);
        Ok(())
    }

    /// Lets a group go; whoever waits is told.
    pub fn remove(&mut self, group: GroupId) {
        if let Some(mut replica) = self.groups.remove(&group) {
            replica.close(&ProposeError::GroupNotFound(group));
        }
        self.dirty.remove(&group);
        self.held_back.remove(&group);
    }

    /// Lets all groups go.
    pub fn close(&mut self) {
        self.groups.values_mut().for_each(|it| it.close(&ProposeError::Stopping));
        self.groups.clear();
    }

    /// Time passed.
    pub fn tick(&mut self) {
        for (group, replica) in &mut self.groups {
            replica.tick();
            self.dirty.insert(*group);
        }
    }

    /// A message came; says whether its group is here.
    pub fn step(&mut self, envelope: Envelope) -> bool {
        self.with(envelope.group, |replica| replica.step(envelope.message)).is_some()
    }

    /// Proposes a command.
    pub fn propose(&mut self, group: GroupId, data: Vec<u8>, ticket: Ticket) {
        match self.groups.get_mut(&group) {
            Some(replica) => {
                replica.propose(data, ticket);
                self.dirty.insert(group);
            }
            None => ticket.fail(ProposeError::GroupNotFound(group)),
        }
    }

    /// Calls `done` once so many voters have an entry on disk.
    pub fn wait_replicated(
        &mut self,
        group: GroupId,
        index: LogIndex,
        replicas: usize,
        done: Callback<Result<(), ProposeError>>,
    ) {
        match self.groups.get_mut(&group) {
            Some(replica) => replica.wait_replicated(index, replicas, done),
            None => done(Err(ProposeError::GroupNotFound(group))),
        }
    }

    /// Asks for a linearizable read.
    pub fn read(&mut self, group: GroupId, done: OnRead) {
        match self.groups.get_mut(&group) {
            Some(replica) => {
                replica.read(done);
                self.dirty.insert(group);
            }
            None => done(Err(ReadError::GroupNotFound(group))),
        }
    }

    /// Proposes a change of members.
    pub fn change_members(&mut self, group: GroupId, change: &MemberChange, ticket: Ticket) {
        match self.groups.get_mut(&group) {
            Some(replica) => {
                replica.change_members(change, ticket);
                self.dirty.insert(group);
            }
            None => ticket.fail(ProposeError::GroupNotFound(group)),
        }
    }

    /// Hands the leadership of a group to a peer.
    pub fn transfer(&mut self, group: GroupId, to: PeerId) -> Result<(), ProposeError> {
        self.with(group, |replica| replica.transfer(to))
            .unwrap_or(Err(ProposeError::GroupNotFound(group)))
    }

    /// A node does not answer.
    pub fn unreachable(&mut self, node: NodeId) {
        for (group, replica) in &mut self.groups {
            replica.unreachable(node);
            self.dirty.insert(*group);
        }
    }

    /// A replica's state machine has applied up to `index`, which took `bytes`. The replica
    /// may have been removed meanwhile, and another be in its place.
    pub fn applied(&mut self, group: GroupId, peer: PeerId, index: LogIndex, bytes: usize) {
        self.applying_bytes = self.applying_bytes.saturating_sub(bytes);
        self.with_peer(group, peer, |replica| replica.applied(index));
        self.dirty.append(&mut self.held_back);
    }

    /// A replica's state machine has installed a snapshot.
    pub fn installed(&mut self, group: GroupId, peer: PeerId, index: LogIndex) {
        let mut released = std::mem::take(&mut self.released);
        self.with_peer(group, peer, |replica| replica.installed(index, &mut released));
        self.released = released;
    }

    /// A snapshot of a replica was made, or could not be.
    pub fn snapshot_made(
        &mut self,
        group: GroupId,
        peer: PeerId,
        made: Result<Exported, StoreError>,
    ) {
        self.with_peer(group, peer, |replica| replica.snapshot_made(made));
    }

    /// A snapshot reached a peer, or not.
    pub fn snapshot_sent(&mut self, group: GroupId, to: PeerId, ok: bool) {
        self.with(group, |replica| replica.snapshot_sent(to, ok));
    }

    /// Forgets entries whose effects are durable in the state machine's own store.
    pub fn truncate(&mut self, group: GroupId, durable: LogIndex) -> Result<(), StoreError> {
        self.groups.get_mut(&group).map_or(Ok(()), |replica| replica.truncate(durable))
    }

    #[cfg(test)]
    fn force_truncate(&mut self, group: GroupId, through: LogIndex) {
        self.with(group, |replica| replica.force_truncate(through));
    }

    /// A group as it is here.
    pub fn status(&self, group: GroupId) -> Option<GroupStatus> {
        self.groups.get(&group).map(Replica::status)
    }

    /// This node's peer id in a group.
    pub fn peer(&self, group: GroupId) -> Option<PeerId> {
        self.groups.get(&group).map(Replica::peer)
    }

    /// What is to be sent and written.
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

    /// What follows now that [`Output::appends`] is written.
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
                    // There may be more than one helping.
                    self.dirty.insert(group);
                }
                None if room == 0 => {
                    self.held_back.insert(group);
                }
                None => {}
            }
            if replica.takes_snapshot_order() {
                done.snapshots_wanted.push((group, replica.peer()));
            }
            if let Some(index) = replica.take_spent_snapshot() {
                done.snapshots_spent.push((group, index));
            }
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

    /// Unless the replica is gone.
    fn with_peer(&mut self, group: GroupId, peer: PeerId, act: impl FnOnce(&mut Replica)) {
        if self.peer(group) == Some(peer) {
            self.with(group, act);
        }
    }

    fn with<T>(&mut self, group: GroupId, act: impl FnOnce(&mut Replica) -> T) -> Option<T> {
        let replica = self.groups.get_mut(&group)?;
        self.dirty.insert(group);
        Some(act(replica))
    }
}

#[cfg(test)]
mod tests;
