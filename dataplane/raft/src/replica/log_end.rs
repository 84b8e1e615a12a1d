//! The old end of a group's log: snapshots for those it no longer reaches, and truncation.

mod needed;

use std::collections::BTreeMap;

use raft::eraftpb::{ConfState, Message, MessageType, Snapshot};
use raft::{Progress, ProgressState, SnapshotStatus};
use vane_types::planted::{self, Fault};
use vane_types::{LogIndex, PeerId};

use super::Replica;
use crate::codec::Envelope;
use crate::core::Transfer;
use crate::error::StoreError;
use crate::machine::Made;
use crate::questions;
use needed::{Follower, Room, needed_from};

/// Ticks that a snapshot is kept for a member that does not answer.
const SNAPSHOT_KEPT_TICKS: usize = 300;
/// Ticks after a snapshot that could not be made: what failed, mostly for want of room, fails
/// again at once.
const FAILED_TICKS: usize = 20;
/// Ticks after its last answer in which a member counts as one that takes entries.
const HEARD_TICKS: usize = 30;
/// Answers to heartbeats after which a member that has got its snapshot and does not install it
/// is asked where it is: what it said before may have been lost.
const ANSWERS_MAX: usize = 5;

#[derive(Default)]
pub(super) struct LogEnd {
    /// Least index of a snapshot that is being made: the log behind it must stay.
    making: Option<LogIndex>,
    /// Ticks since the last snapshot was made or sent.
    idle_ticks: usize,
    /// Ticks until another may be made.
    failed_ticks: usize,
    /// What members said of themselves in this term.
    heard: BTreeMap<PeerId, Heard>,
    /// Members that have their snapshot, and how often they answered since without installing.
    delivered: BTreeMap<PeerId, usize>,
}

/// What a member says of itself with each answer to a heartbeat.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heard {
    /// Last entry that its state machine has.
    pub(super) applied: LogIndex,
    /// Snapshot that it is installing.
    pub(super) installing: Option<LogIndex>,
    ticks_ago: usize,
}

impl LogEnd {
    pub(super) fn tick(&mut self) {
        self.idle_ticks += 1;
        self.failed_ticks = self.failed_ticks.saturating_sub(1);
        self.heard.values_mut().for_each(|heard| heard.ticks_ago += 1);
    }

    /// The leader is none any more: whom it sent what counts no longer.
    pub(super) fn forget_members(&mut self) {
        self.heard.clear();
        self.delivered.clear();
    }

    pub(super) fn is_making(&self) -> bool {
        self.making.is_some()
    }

    pub(super) fn heard(&self, peer: PeerId) -> Option<&Heard> {
        self.heard.get(&peer)
    }

    pub(super) fn answers(&self, peer: PeerId) -> bool {
        self.heard(peer).is_some_and(|heard| heard.ticks_ago <= HEARD_TICKS)
    }
}

impl Replica {
    /// Whether raft-rs waits for a snapshot that nobody makes yet.
    pub(crate) fn takes_snapshot_order(&mut self) -> bool {
        let wanted = self.raw.store().take_wanted().is_some();
        if !wanted || self.log_end.making.is_some() || self.log_end.failed_ticks > 0 {
            return false;
        }
        // From now on the log behind it stays: its receiver goes on from there.
        self.log_end.making = Some(self.applied);
        true
    }

    /// Takes a snapshot that was made, to be sent; after a failure raft-rs asks again.
    pub(crate) fn snapshot_made(&mut self, made: Result<Made, StoreError>) {
        self.log_end.making = None;
        self.log_end.idle_ticks = 0;
        let Made { exported, files } = match made {
            Ok(made) => made,
            Err(error) => {
                self.log_end.failed_ticks = FAILED_TICKS;
                tracing::error!(
                    %error, group = %self.group,
                    "failed to make a snapshot; it will be tried again"
                );
                return;
            }
        };
        // Its term is gone with the entry: whoever received it could not go on from this log.
        let index = match planted::is(Fault::SnapshotWithoutItsIndex) {
            true => self.applied,
            false => exported.index,
        };
        let Ok(term) = raft::Storage::term(self.raw.store(), index.0) else {
            tracing::warn!(
                group = %self.group,
                "a snapshot was older than the log when it was done"
            );
            return;
        };
        let mut snapshot = Snapshot::default();
        let meta = snapshot.mut_metadata();
        (meta.index, meta.term) = (index.0, term);
        meta.set_conf_state(ConfState::from(&exported.conf));
        self.raw.mut_store().set_snapshot(Some((snapshot, files)));
    }

    /// Parts messages from announcements of snapshots, which travel with files.
    pub(super) fn part(
        &mut self,
        messages: Vec<Message>,
        plain: &mut Vec<Envelope>,
        transfers: &mut Vec<Transfer>,
    ) {
        for mut announcement in Envelope::all(self.group, messages) {
            let Some(index) = announcement.snapshot_index() else {
                self.tell_of_itself(&mut announcement.message);
                questions::in_our_form(&mut announcement.message);
                plain.push(announcement);
                continue;
            };
            match self.raw.store().files_of(index) {
                Some(files) => transfers.push(Transfer { announcement, files }),
                // Another has taken its place meanwhile, and is sent at the next attempt.
                None => self.snapshot_sent(announcement.to(), false),
            }
        }
    }

    /// Each answer to a heartbeat says what the state machine has, in fields that raft-rs does
    /// not use there: what is in the log is not yet in the state machine.
    pub(super) fn tell_of_itself(&self, message: &mut Message) {
        if message.get_msg_type() == MessageType::MsgHeartbeatResponse {
            message.index = self.applied.0;
            let incoming = self.incoming();
            message.reject = incoming.is_some();
            message.reject_hint = incoming.map_or(0, |(_, index)| index.0);
        }
    }

    /// Takes what a member says of itself out of its answer to a heartbeat.
    pub(super) fn hear_of_member(&mut self, message: &mut Message) {
        let is_answer = message.get_msg_type() == MessageType::MsgHeartbeatResponse;
        if !is_answer || !self.is_leader() || message.term != self.term().0 {
            return;
        }
        let peer = PeerId(message.from);
        let hint = LogIndex(std::mem::take(&mut message.reject_hint));
        let installing = std::mem::take(&mut message.reject).then_some(hint);
        let applied = LogIndex(std::mem::take(&mut message.index));
        self.log_end.heard.insert(peer, Heard { applied, installing, ticks_ago: 0 });
        let Some(progress) = self.raw.raft.mut_prs().get_mut(peer.0) else { return };
        match (installing, progress.state) {
            (Some(index), state) if progress.matched < index.0 => {
                // Also where another leader has sent it: entries would be sent in vain.
                if state != ProgressState::Snapshot {
                    progress.become_snapshot(index.0);
                }
                self.log_end.delivered.insert(peer, 0);
            }
            (None, ProgressState::Snapshot) => self.count_answer(peer),
            _ => drop(self.log_end.delivered.remove(&peer)),
        }
    }

    /// Whether a member refuses what it took later: this answer was late. raft-rs would go back to
    /// an entry that the member has and the log here may not; and as nobody lacks a snapshot, none
    /// is kept, so that one after the other would be made and none sent.
    pub(super) fn is_overtaken(&self, message: &Message) -> bool {
        let is_refusal = message.get_msg_type() == MessageType::MsgAppendResponse && message.reject;
        let known = self.raw.raft.prs().get(message.from);
        is_refusal
            && self.is_leader()
            && message.term == self.term().0
            && known.is_some_and(|progress| message.index <= progress.matched)
    }

    fn count_answer(&mut self, peer: PeerId) {
        let Some(answers) = self.log_end.delivered.get_mut(&peer) else { return };
        *answers += 1;
        if *answers >= ANSWERS_MAX {
            self.log_end.delivered.remove(&peer);
            self.raw.report_snapshot(peer.0, SnapshotStatus::Finish);
        }
    }

    /// Notes that a snapshot reached its receiver, or did not. Entries follow once it is
    /// installed, which the receiver says.
    pub(crate) fn snapshot_sent(&mut self, to: PeerId, ok: bool) {
        self.log_end.idle_ticks = 0;
        if ok {
            self.log_end.delivered.entry(to).or_insert(0);
        } else {
            self.log_end.delivered.remove(&to);
            self.raw.report_snapshot(to.0, SnapshotStatus::Failure);
        }
        self.after_step();
    }

    /// Lets a snapshot go that nobody needs any more.
    pub(crate) fn drop_spent_snapshot(&mut self) {
        if self.is_spent() {
            self.raw.mut_store().set_snapshot(None);
        }
    }

    /// Whether the snapshot that can be sent is one that nobody needs.
    fn is_spent(&self) -> bool {
        let store = self.raw.store();
        let Some(index) = store.snapshot_index() else { return false };
        let first = store.log.truncated_index;
        let kept = self.log_end.idle_ticks <= SNAPSHOT_KEPT_TICKS;
        let wants = |peer: PeerId, progress: &Progress| {
            let is_behind = peer != self.peer && progress.matched < first.0;
            let waits = is_behind && (kept || self.log_end.answers(peer));
            progress.state == ProgressState::Snapshot || waits
        };
        let is_wanted =
            self.raw.raft.prs().iter().any(|(id, progress)| wants(PeerId(*id), progress));
        index < first || !self.is_leader() || !is_wanted
    }

    /// Forgets entries whose effects are durable here and that no member needs.
    pub(crate) fn truncate(&mut self, durable: LogIndex) -> Result<(), StoreError> {
        // Entries of an open round must stay readable; whoever truncates comes again.
        if self.installing.is_some() || self.writing.is_some() {
            return Ok(());
        }
        let (durable, bounds) = (durable.min(self.applied), &self.bounds);
        let (log, bytes) = (self.raw.store(), self.raw.store().bytes());
        let room = Room {
            is_long: log.len() > bounds.log_kept_entries_max || bytes > self.log_kept_bytes(),
            is_full: bytes > self.log_bytes_max(),
        };
        let through = match self.is_leader() {
            true => durable.min(needed_from(self.pins(), self.followers(), room)),
            // Not all of it: as a leader it could then serve nobody who is a moment behind.
            false if room.is_long => {
                let last = log.log.last_index;
                let newest = last.saturating_back(bounds.log_kept_entries_max / 2);
                durable.min(log.tail(self.log_kept_bytes() / 2).max(newest))
            }
            false => durable.min(self.applied.saturating_back(bounds.follower_kept_entries)),
        };
        if through > log.log.truncated_index {
            self.raw.mut_store().truncate(through)?;
            self.watch_log();
        }
        Ok(())
    }

    /// Tells those who propose how fast the log may grow.
    pub(super) fn watch_log(&self) {
        let (bytes, bytes_max) = (self.raw.store().bytes(), self.log_bytes_max());
        let pace = crate::pace::pace(bytes, bytes_max).filter(|_| self.is_leader());
        self.watch.set_pace(pace);
    }

    #[cfg(test)]
    pub(crate) fn force_truncate(&mut self, through: LogIndex) {
        self.raw.mut_store().truncate(through).expect("a log in memory can be truncated");
    }

    /// Indexes of snapshots that are made or ready: whoever receives one needs the log behind it.
    fn pins(&self) -> impl Iterator<Item = LogIndex> {
        let ready = self.raw.store().snapshot_index();
        self.log_end.making.into_iter().chain(ready)
    }

    fn followers(&self) -> impl Iterator<Item = Follower> {
        let members = self.raw.raft.prs().iter();
        members.filter(|(id, _)| **id != self.peer.0).map(|(id, progress)| {
            let peer = PeerId(*id);
            let heard = self.log_end.heard(peer);
            let is_empty = heard.is_some_and(|heard| heard.applied == LogIndex::ZERO);
            Follower {
                matched: LogIndex(progress.matched),
                copying: (progress.state == ProgressState::Snapshot)
                    .then_some(LogIndex(progress.pending_snapshot)),
                answers: self.log_end.answers(peer),
                begins_empty: is_empty && progress.matched == 0,
            }
        })
    }
}
