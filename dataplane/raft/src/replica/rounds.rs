//! A replica's part in a round: what it has to write and send, what may follow once that is
//! written, and what its state machine gets.

use raft::StateRole;
use raft::eraftpb::{ConfChangeV2, EntryType, Message, MessageType};
use vane_types::planted::{self, Fault};
use vane_types::{LogIndex, PeerId, Term};

use super::{Installing, Replica};
use crate::codec::Envelope;
use crate::core::{Install, Output, Persisted};
use crate::error::StoreError;
use crate::log::{Append, LogEntry};
use crate::machine::{Committed, Conf, Entry};
use crate::questions;

/// A round that is being written.
pub(super) struct Writing {
    number: u64,
    /// Promise what is written.
    messages: Vec<Message>,
    /// What the log begins with from now on; to be installed once that is written.
    snapshot: Option<Installing>,
}

impl Writing {
    pub(super) fn snapshot(&self) -> Option<&Installing> {
        self.snapshot.as_ref()
    }
}

impl Replica {
    /// What is to be written and sent.
    pub(crate) fn ready(&mut self, out: &mut Output) {
        if self.writing.is_some() {
            return;
        }
        if !self.raw.has_ready() {
            return self.write_changed_log(out);
        }
        let mut ready = self.raw.ready();
        self.part(ready.take_messages(), &mut out.messages, &mut out.transfers);
        let committed = ready.take_committed_entries();
        let storage = self.raw.mut_store();
        let mut append =
            Append { group: self.group, log: storage.log, entries: Vec::new(), removed: None };
        let mut snapshot = None;
        if let Some(hard_state) = ready.hs() {
            storage.log.term = Term(hard_state.term);
            storage.log.vote = PeerId::from_raw(hard_state.vote);
            storage.log.commit = LogIndex(hard_state.commit);
        }
        if !ready.snapshot().is_empty() {
            let meta = ready.snapshot().get_metadata();
            if storage.log.last_index > storage.log.truncated_index {
                let first = storage.log.truncated_index.next();
                append.removed = Some((first, storage.log.last_index));
            }
            let (index, term) = (LogIndex(meta.index), Term(meta.term));
            storage.restore(index, term);
            // On disk with the new log: a start after a crash installs it again from its files.
            storage.log.installing = Some(index);
            let conf = meta.conf_state.as_ref().map(Conf::from).unwrap_or_default();
            snapshot = Some(Installing { index, term, conf });
        }
        if let Some(removed) = storage.append(ready.entries()) {
            append.removed = Some(removed);
        }
        append.entries = ready.take_entries();
        if planted::is(Fault::ConfAtAppend) {
            self.change_members_early(&append.entries);
        }
        append.log = self.raw.store().log;
        // Before any acknowledgement of it leaves.
        self.watch.words.lending.note_logged(append.log.last_index);
        // A commit index that moved alone may be lost: what is applied shows it again.
        if ready.must_sync() || !append.entries.is_empty() {
            out.sync = true;
            out.appends.push(append);
            self.log_changed = false;
        } else if ready.hs().is_some() {
            self.log_changed = true;
        }
        self.note_committed(committed);
        let (number, mut messages) = (ready.number(), ready.take_persisted_messages());
        if planted::is(Fault::AckBeforeWrite) {
            let early = std::mem::take(&mut messages);
            self.part(early, &mut out.messages, &mut out.transfers);
        }
        // It goes on at once, with what is in the cache: heartbeats and ticks come while the disk
        // is busy, too. Of what is not written raft-rs counts nothing.
        self.raw.advance_append_async(ready);
        self.writing = Some(Writing { number, messages, snapshot });
    }

    /// Messages that may leave while a round is being written: they promise nothing of it. Without
    /// them a disk that is slow for a second would look like a node that is gone, and a read would
    /// wait for writes.
    pub(crate) fn urgent(&mut self, out: &mut Vec<Envelope>) {
        let raft = &mut self.raw.raft;
        // An answer says in which term: one that is not written might be forgotten again.
        let (leads, answers) =
            (raft.state == StateRole::Leader, Term(raft.term) == self.written_term);
        let is_urgent = |message: &mut Message| match message.get_msg_type() {
            MessageType::MsgHeartbeat | MessageType::MsgReadIndexResp => leads,
            MessageType::MsgHeartbeatResponse => answers,
            MessageType::MsgReadIndex => true,
            _ => false,
        };
        let urgent: Vec<Message> = raft.msgs.extract_if(.., is_urgent).collect();
        for mut envelope in Envelope::all(self.group, urgent) {
            self.tell_of_itself(&mut envelope.message);
            questions::in_our_form(&mut envelope.message);
            out.push(envelope);
        }
    }

    /// What may leave and be applied now that everything handed out is written.
    pub(crate) fn persisted(&mut self, done: &mut Persisted) {
        let writing = self.writing.take();
        let Some(Writing { number, mut messages, snapshot }) = writing else { return };
        self.written_term = self.raw.store().log.term;
        self.raw.mut_store().set_written(self.applied);
        if let Some(snapshot) = snapshot {
            let Installing { index, term, ref conf } = snapshot;
            // What it stands for is not in the state machine yet: a leader that heard of it now
            // would count on this replica.
            let is_acknowledgement = |message: &Message| {
                message.get_msg_type() == MessageType::MsgAppendResponse
                    && message.index >= index.0
                    && !message.reject
            };
            if !planted::is(Fault::VoteBeforeInstall) {
                messages.retain(|message| !is_acknowledgement(message));
            }
            let (group, peer) = (self.group, self.peer);
            done.installs.push(Install { group, peer, index, term, conf: conf.clone() });
            self.installing = Some(snapshot);
        }
        self.part(messages, &mut done.messages, &mut done.transfers);
        // What follows for raft-rs comes with the next round.
        self.raw.on_persist_ready(number);
        self.after_step();
    }

    /// The snapshot that [`Persisted::installs`] named is the state machine's now.
    pub(crate) fn installed(&mut self, index: LogIndex) {
        let Some(installing) = self.installing.take() else { return };
        assert_eq!(
            installing.index, index,
            "group {}: another snapshot was installed than the log has",
            self.group
        );
        self.conf = installing.conf;
        self.fence.changed(index);
        self.raw.mut_store().log.installing = None;
        self.log_changed = true;
        // Entries before the snapshot are in it; those behind it come with later rounds.
        self.to_apply.clear();
        (self.dispatched, self.committed) = (index, index);
        self.set_applied(index);
        // With the next round: its term may not be written yet.
        self.raw.raft.msgs.extend(self.acknowledgement());
    }

    /// Says to the leader what this replica's log has, which is a snapshot that is installed:
    /// every later leader has what is committed, too. Lost, it is found out by asking.
    fn acknowledgement(&self) -> Option<Message> {
        let leader = self.leader().filter(|leader| *leader != self.peer)?;
        let mut message = Message {
            to: leader.0,
            from: self.peer.0,
            term: self.term().0,
            index: self.raw.store().log.last_index.0,
            commit: self.raw.raft.raft_log.committed,
            ..Message::default()
        };
        message.set_msg_type(MessageType::MsgAppendResponse);
        Some(message)
    }

    /// Everything up to `index` is applied.
    pub(crate) fn applied(&mut self, index: LogIndex) {
        // A snapshot on its way in counts for more than the entries before it.
        if self.incoming().is_none() && index > self.applied {
            self.set_applied(index);
        }
    }

    fn set_applied(&mut self, index: LogIndex) {
        self.applied = index;
        self.stir();
        self.raw.advance_apply_to(index.0);
        self.raw.mut_store().evict(index);
        self.watch.note_applied(index);
        self.reads.reached(index).give();
        self.watch.reached();
        self.after_step();
    }

    fn note_committed(&mut self, entries: Vec<LogEntry>) {
        let Some(last) = entries.last() else { return };
        let expected = self.to_apply.back().map_or(self.dispatched.0, |entry| entry.index) + 1;
        self.committed = LogIndex(last.index);
        // Behind a gap they are read again from the log, once those before them are.
        if entries[0].index == expected {
            self.to_apply.extend(entries);
        }
    }

    /// Whether there are committed entries that the state machine has not been given.
    pub(crate) fn has_committed(&self) -> bool {
        // Entries before a snapshot are in it.
        self.incoming().is_none() && self.dispatched < self.committed
    }

    /// Committed entries for the state machine, of about `bytes_max`.
    pub(crate) fn take_committed(
        &mut self,
        bytes_max: usize,
    ) -> Result<Option<Committed>, StoreError> {
        if !self.has_committed() || bytes_max == 0 {
            // Without room let go of what the log still has.
            self.to_apply.clear();
            return Ok(None);
        }
        if self.to_apply.is_empty() {
            let (from, to) = (self.dispatched.next().0, self.committed.next().0);
            let found = raft::Storage::entries(
                self.raw.store(),
                from,
                to,
                bytes_max as u64,
                raft::GetEntriesContext::empty(false),
            );
            self.to_apply =
                found.map_err(|e| StoreError(format!("group {}: {e}", self.group)))?.into();
        }
        let limit = self.release();
        let mut taken =
            Committed { group: self.group, peer: self.peer, entries: Vec::new(), bytes: 0 };
        // The last one may exceed the bound, or one larger than the bound would never be applied.
        while taken.bytes < bytes_max {
            if self.to_apply.front().is_none_or(|entry| entry.index > limit.0) {
                break;
            }
            let Some(entry) = self.to_apply.pop_front() else { break };
            let (index, term) = (LogIndex(entry.index), Term(entry.term));
            assert_eq!(
                index,
                self.dispatched.next(),
                "group {}: committed entries have a gap",
                self.group
            );
            self.dispatched = index;
            // Empty entries count too: very many of them must not slip through a bound in bytes.
            taken.bytes += entry.data.len() + size_of::<Entry>();
            let ticket = self.ticket_of(index, term);
            taken.entries.push((self.entry(entry)?, ticket));
        }
        if taken.entries.is_empty() {
            // It soon may: until then it need not be read again.
            return Ok(None);
        }
        // What found no room is in the log, and need not be in memory as well.
        self.to_apply.clear();
        self.after_step();
        Ok(Some(taken))
    }

    fn entry(&mut self, entry: LogEntry) -> Result<Entry, StoreError> {
        let LogEntry { data, .. } = entry;
        let (index, term) = (LogIndex(entry.index), Term(entry.term));
        match EntryType::from_i32(entry.entry_type) {
            Some(EntryType::EntryNormal) => Ok(Entry { index, term, data, conf: None }),
            Some(EntryType::EntryConfChangeV2) => {
                let change = <ConfChangeV2 as prost_for_raft::Message>::decode(&*data)
                    .map_err(|e| self.not_a_change(index, &e))?;
                let state = match planted::is(Fault::ConfAtAppend) {
                    true => self.raw.raft.prs().conf().to_conf_state(),
                    false => {
                        let applied = self.raw.apply_conf_change(&change);
                        applied.map_err(|e| self.not_a_change(index, &e))?
                    }
                };
                self.conf = Conf::from(&state);
                self.fence.changed(index);
                self.watch.words.lending.join(&self.conf.members());
                self.resign_if_removed();
                Ok(Entry { index, term, data: Vec::new(), conf: Some(self.conf.clone()) })
            }
            _ => Err(self.not_a_change(index, &"its kind is unknown")),
        }
    }

    fn not_a_change(&self, index: LogIndex, detail: &dyn std::fmt::Display) -> StoreError {
        let group = self.group;
        StoreError(format!("group {group}: entry {index} is no change of members: {detail}"))
    }

    fn write_changed_log(&mut self, out: &mut Output) {
        // A commit index alone is not worth a write of its own, but goes with any.
        if self.log_changed && !out.appends.is_empty() {
            self.log_changed = false;
            let log = self.raw.store().log;
            out.appends.push(Append { group: self.group, log, entries: Vec::new(), removed: None });
        }
    }
}
