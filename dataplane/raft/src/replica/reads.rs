//! Reads that a majority confirms: raft-rs asks it at the leader, and answers a follower's question
//! of that kind, too.

use raft::eraftpb::Message;
use raft::{ReadState, StateRole};
use vane_types::planted::{self, Fault};
use vane_types::{LogIndex, PeerId};

use super::Replica;
use crate::error::ReadError;
use crate::questions::{self, Question};
use crate::reads::{Assurance, OnRead, Word};

impl Replica {
    pub(crate) fn read(&mut self, assurance: Assurance, done: OnRead) {
        if assurance == Assurance::Leader {
            let question = self.watch.ask(self.group, done);
            return self.raw.raft.msgs.extend(question);
        }
        // One that is being filled again is far from what the leader will say.
        if self.incoming().is_some() || self.leader().is_none() {
            return done(Err(ReadError::NotLeader { group: self.group, leader: self.leader() }));
        }
        self.reads.wait(done).give();
        self.ask_majority();
        self.after_step();
    }

    /// Asks for those that wait, unless a question is on its way.
    fn ask_majority(&mut self) {
        let raft = &self.raw.raft;
        let (leads, leader) = (raft.state == StateRole::Leader, self.leader());
        let Some(leader) = leader.filter(|_| self.reads.has_question()) else { return };
        if !leads {
            let question =
                Question { context: self.reads.begin(None), assurance: Assurance::Majority };
            let message = question.message(self.peer, leader, self.term());
            return self.raw.raft.msgs.push(message);
        }
        // Before its first commit a leader does not know what is committed; a tick asks again.
        if !raft.commit_to_current_term() {
            return;
        }
        if planted::is(Fault::ReadUnconfirmed) {
            self.reads.take_word(self.own_word(LogIndex(raft.raft_log.committed)));
            return self.reads.reached(self.applied).give();
        }
        let context = self.reads.begin(None);
        self.raw.read_index(questions::name(context));
    }

    pub(super) fn tick_reads(&mut self) {
        let question = self.watch.tick_words(self.group);
        self.raw.raft.msgs.extend(question);
        // Whoever asked looks for a leader elsewhere.
        if self.leader().is_none() {
            return self.refuse_reads();
        }
        self.reads.tick();
        self.ask_majority();
    }

    /// Answers everyone who waits for a word that will not come.
    pub(super) fn refuse_reads(&mut self) {
        let leader = self.leader();
        self.reads.refuse_all(self.group, leader).give();
        self.watch.refuse_words(self.group, leader);
    }

    /// A follower asks how far the group is, by a majority's word.
    pub(super) fn answer_question(&mut self, message: &Message) {
        // raft-rs takes such a message for one of any term.
        if !self.is_leader() || message.term != self.term().0 {
            return;
        }
        // raft-rs answers it once a majority has said that this replica leads.
        if let Some(question) = Question::of(message) {
            let _refused = self.raw.step(question.in_form_of_raft(message.from));
        }
    }

    /// The leader says how far the group is.
    pub(super) fn hear_answer(&mut self, message: &Message) {
        let leader = PeerId(message.from);
        if message.term != self.term().0 || self.leader() != Some(leader) {
            return;
        }
        let word = Word { index: LogIndex(message.index), leader, term: self.term() };
        // The leader answers only once an entry of its term is committed, so that the entry at this
        // index is of it: a log that has that one there has all that is committed before.
        self.raw.raft.raft_log.maybe_commit(word.index.0, word.term.0);
        self.told(&message.context, word);
    }

    /// Answers the reads of which raft-rs says that a majority has confirmed them.
    pub(super) fn hear_of_majority(&mut self) {
        // A voter that is alone confirms what it is asked next before this one is dealt with.
        while !self.raw.raft.read_states.is_empty() {
            for ReadState { index, request_ctx } in std::mem::take(&mut self.raw.raft.read_states) {
                self.told(&request_ctx, self.own_word(LogIndex(index)));
            }
        }
    }

    fn told(&mut self, context: &[u8], word: Word) {
        // Answers to a question that was given up are passed over: its reads are in a later one.
        let named = questions::named(context);
        if named.is_some_and(|context| self.reads.told(context, word).is_some()) {
            self.reads.reached(self.applied).give();
            // For those that came meanwhile; they would wait for a tick.
            self.ask_majority();
        }
    }

    fn own_word(&self, index: LogIndex) -> Word {
        Word { index, leader: self.peer, term: self.term() }
    }
}
