//! A replica's part in a round: what it has to write and send, what may follow once that is
//! written, and what its state machine gets.

use raft::Ready;
use raft::eraftpb::{ConfChangeV2, EntryType, Message, MessageType};
use vane_types::planted::{self, Fault};
use vane_types::{LogIndex, PeerId, Term};

use super::{Installing, Replica};
use crate::codec::Envelope;
use crate::core::{Install, Output, Persisted};
use crate::error::StoreError;
use crate::log::{Append, LogEntry};
use crate::machine::{Committed, Conf, Entry};

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
        let group = self.group;
        self.part(ready.take_messages(), &mut out.messages, &mut out.transfers);
        self.reads.confirmed(ready.take_read_states());
        let committed = ready.take_committed_entries();
        let storage = self.raw.mut_store();
        let mut append = Append { group, log: storage.log, entries: Vec::new(), removed: None };
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
            storage.restore(LogIndex(meta.index), Term(meta.term));
            // On disk with the new log: a start after a crash installs it again from its files.
            storage.log.installing = Some(LogIndex(meta.index));
        }
        if let Some(removed) = storage.append(ready.entries()) {
            append.removed = Some(removed);
        }
        append.entries = ready.take_entries();
        append.log = storage.log;
        // A commit index that moved alone may be lost: what is applied shows it again.
        if ready.must_sync() || !append.entries.is_empty() {
            out.sync = true;
            out.appends.push(append);
            self.log_changed = false;
        } else if ready.hs().is_some() {
            self.log_changed = true;
        }
        self.note_committed(committed);
        self.writing = Some(ready);
    }

    /// What may leave and be applied now that everything handed out is written.
    pub(crate) fn persisted(&mut self, done: &mut Persisted) {
        let Some(mut ready) = self.writing.take() else { return };
        let mut messages = ready.take_persisted_messages();
        if !ready.snapshot().is_empty() {
            let meta = ready.snapshot().get_metadata();
            let (index, term) = (LogIndex(meta.index), Term(meta.term));
            let conf = meta.conf_state.as_ref().map(Conf::from).unwrap_or_default();
            // What it stands for is not in the state machine yet: a leader that heard of it now
            // would count on this replica.
            let is_acknowledgement = |message: &Message| {
                message.get_msg_type() == MessageType::MsgAppendResponse
                    && message.index == index.0
                    && !message.reject
            };
            if !planted::is(Fault::VoteBeforeInstall) {
                messages.retain(|message| !is_acknowledgement(message));
            }
            let (group, peer) = (self.group, self.peer);
            done.installs.push(Install { group, peer, index, term, conf: conf.clone() });
            self.installing = Some(Installing { index, term, conf });
        }
        self.part(messages, &mut done.messages, &mut done.transfers);
        self.advance(ready, done);
    }

    fn advance(&mut self, ready: Ready, done: &mut Persisted) {
        let mut light = self.raw.advance_append(ready);
        if let Some(commit) = light.commit_index() {
            self.raw.mut_store().log.commit = LogIndex(commit);
            self.log_changed = true;
        }
        self.part(light.take_messages(), &mut done.messages, &mut done.transfers);
        self.note_committed(light.take_committed_entries());
        self.after_step();
    }

    /// The snapshot that [`Persisted::installs`] named is the state machine's now.
    pub(crate) fn installed(&mut self, index: LogIndex, done: &mut Persisted) {
        let Some(installing) = self.installing.take() else { return };
        assert_eq!(
            installing.index, index,
            "group {}: another snapshot was installed than the log has",
            self.group
        );
        self.conf = installing.conf;
        self.raw.mut_store().log.installing = None;
        self.log_changed = true;
        // Entries before the snapshot are in it; those behind it come with later rounds.
        self.to_apply.clear();
        (self.dispatched, self.committed) = (index, index);
        self.set_applied(index);
        done.messages.extend(self.acknowledgement());
    }

    /// Says to the leader what this replica's log has, which is a snapshot that is installed:
    /// every later leader has what is committed, too. Lost, it is found out by asking.
    fn acknowledgement(&self) -> Option<Envelope> {
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
        Some(Envelope { group: self.group, message })
    }

    /// Everything up to `index` is applied.
    pub(crate) fn applied(&mut self, index: LogIndex) {
        // A snapshot on its way in counts for more than the entries before it.
        if self.installing.is_none() && index > self.applied {
            self.set_applied(index);
        }
    }

    fn set_applied(&mut self, index: LogIndex) {
        self.applied = index;
        self.raw.advance_apply_to(index.0);
        self.raw.mut_store().evict(index);
        self.watch.set_applied(index);
        self.reads.applied(index);
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

    /// Committed entries for the state machine, of about `bytes_max`.
    pub(crate) fn take_committed(
        &mut self,
        bytes_max: usize,
    ) -> Result<Option<Committed>, StoreError> {
        if self.installing.is_some() || self.dispatched == self.committed {
            return Ok(None);
        }
        if bytes_max == 0 {
            // No room: let go of what the log still has.
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
        let mut taken =
            Committed { group: self.group, peer: self.peer, entries: Vec::new(), bytes: 0 };
        // The last one may exceed the bound, or one larger than the bound would never be applied.
        while taken.bytes < bytes_max {
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
                let applied = self.raw.apply_conf_change(&change);
                let state = applied.map_err(|e| self.not_a_change(index, &e))?;
                self.conf = Conf::from(&state);
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
