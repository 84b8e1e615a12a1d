//! Reads that see everything that was acknowledged before them. The leader says how far the
//! group is, after a majority confirmed that it leads where that is asked for; a replica that has
//! applied so much answers, whether it leads or follows. One question is on its way at a time,
//! for all reads that came before it (Ongaro's thesis, 6.4).

use raft::eraftpb::Message;
use raft::{RawNode, ReadState, StateRole};
use vane_types::planted::{self, Fault};
use vane_types::{GroupId, LogIndex, PeerId, Term};

use super::Replica;
use super::questions::{self, Question};
use super::ticket::Callback;
use crate::error::ReadError;
use crate::group_storage::GroupStorage;

/// Reads that may wait in one group.
const WAITING_MAX: usize = 4096;
/// Heartbeat intervals after which an unanswered question is asked again: raft-rs drops
/// one silently when its messages are lost, or before the leader committed in its term.
const INTERVALS_PER_ROUND: usize = 2;

/// Whose word a read goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Assurance {
    /// That of whoever leads as far as it knows: the read sees all that was acknowledged under it.
    Leader,
    /// That of a majority, which says that it still leads: the read is linearizable.
    Majority,
}

/// From when on a read may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadPoint {
    /// What the state machine has applied, at least.
    pub applied: LogIndex,
    /// Who said how far the group is.
    pub leader: PeerId,
    /// Its term.
    pub term: Term,
}

/// Called once, when the state machine has what the leader says: whatever is read from then on
/// is at least as new as everything acknowledged before the read was asked for.
pub type OnRead = Callback<Result<ReadPoint, ReadError>>;

struct Round {
    context: u64,
    asked: Vec<OnRead>,
    assurance: Assurance,
    ticks: usize,
}

/// A leader's word.
#[derive(Debug, Clone, Copy)]
struct Word {
    index: LogIndex,
    leader: PeerId,
    term: Term,
}

pub(super) struct Reads {
    /// Came after the question on its way, and wait for the next.
    queued: Vec<OnRead>,
    /// The most that one of those asks for.
    queued_for: Assurance,
    round: Option<Round>,
    /// Confirmed at an index that is not applied yet.
    behind: Vec<(Word, Vec<OnRead>)>,
    next_context: u64,
    ticks_per_round: usize,
    applied: LogIndex,
}

impl Reads {
    /// `context` is the name of the first question: anything, so that an answer to a question of
    /// an earlier process is taken for none of this one's.
    pub(super) fn new(heartbeat_ticks: usize, context: u64) -> Self {
        let ticks_per_round = heartbeat_ticks * INTERVALS_PER_ROUND;
        Self {
            queued: Vec::new(),
            queued_for: Assurance::Leader,
            round: None,
            behind: Vec::new(),
            next_context: context,
            ticks_per_round,
            applied: LogIndex::ZERO,
        }
    }

    fn ask(&mut self, done: OnRead, assurance: Assurance, raw: &mut RawNode<GroupStorage>) {
        let behind: usize = self.behind.iter().map(|(_, reads)| reads.len()).sum();
        let waiting =
            self.queued.len() + behind + self.round.as_ref().map_or(0, |round| round.asked.len());
        if waiting >= WAITING_MAX {
            return done(Err(ReadError::Full(waiting)));
        }
        self.queued.push(done);
        self.queued_for = self.queued_for.max(assurance);
        self.ask_for_queued(raw);
    }

    /// Asks for those in the queue, unless a question is on its way.
    fn ask_for_queued(&mut self, raw: &mut RawNode<GroupStorage>) {
        if self.round.is_some() || self.queued.is_empty() {
            return;
        }
        let leads = raw.raft.state == StateRole::Leader;
        // Before its first commit a leader does not know what is committed; a tick asks again.
        if leads && !raw.raft.commit_to_current_term() {
            return;
        }
        if planted::is(if leads { Fault::ReadUnconfirmed } else { Fault::ReadUntold }) {
            let index = if leads { LogIndex(raw.raft.raft_log.committed) } else { self.applied };
            let (leader, term) = (PeerId(raw.raft.leader_id), Term(raw.raft.term));
            let asked = std::mem::take(&mut self.queued);
            self.behind.push((Word { index, leader, term }, asked));
            return self.answer();
        }
        let context = self.next_context;
        match leads {
            true => raw.read_index(questions::name(context)),
            // A tick asks again, or refuses them.
            false if raw.raft.leader_id == raft::INVALID_ID => return,
            false => {
                let question = Question { context, assurance: self.queued_for };
                let asked = question.to_leader(&raw.raft);
                raw.raft.msgs.push(asked);
            }
        }
        self.next_context = self.next_context.wrapping_add(1);
        let assurance = std::mem::replace(&mut self.queued_for, Assurance::Leader);
        let asked = std::mem::take(&mut self.queued);
        self.round = Some(Round { context, asked, assurance, ticks: 0 });
    }

    fn tick(&mut self, raw: &mut RawNode<GroupStorage>) {
        if let Some(mut round) = self.round.take() {
            round.ticks += 1;
            if round.ticks < self.ticks_per_round {
                self.round = Some(round);
            } else {
                // An answer to the old question that still comes is of an unknown context.
                round.asked.append(&mut self.queued);
                self.queued = round.asked;
                self.queued_for = self.queued_for.max(round.assurance);
            }
        }
        self.ask_for_queued(raw);
    }

    fn told(&mut self, context: &[u8], word: Word) {
        let context = questions::named(context);
        // Answers to a question that was given up are passed over: its reads are in a later one.
        if let Some(round) = self.round.take_if(|round| Some(round.context) == context) {
            self.behind.push((word, round.asked));
        }
        self.answer();
    }

    pub(super) fn applied(&mut self, index: LogIndex) {
        self.applied = index;
        self.answer();
    }

    fn answer(&mut self) {
        let applied = self.applied;
        for (word, reads) in self.behind.extract_if(.., |(word, _)| word.index <= applied) {
            let point = ReadPoint { applied, leader: word.leader, term: word.term };
            reads.into_iter().for_each(|done| done(Ok(point)));
        }
    }

    /// Answers everyone who waits for a leader's word that will not come.
    pub(super) fn refuse_all(&mut self, group: GroupId, leader: Option<PeerId>) {
        let asked = self.round.take().into_iter().flat_map(|round| round.asked);
        let behind = self.behind.drain(..).flat_map(|(_, reads)| reads);
        for done in asked.chain(self.queued.drain(..)).chain(behind) {
            done(Err(ReadError::NotLeader { group, leader }));
        }
    }
}

impl Replica {
    pub(crate) fn read(&mut self, assurance: Assurance, done: OnRead) {
        let is_told = assurance == Assurance::Leader && self.is_serving();
        let word = self.own_word(self.applied);
        if is_told {
            let Word { index, leader, term } = word;
            return done(Ok(ReadPoint { applied: index, leader, term }));
        }
        // One that is being filled again has a state that is about to go.
        if self.incoming().is_some() || self.leader().is_none() {
            return done(Err(ReadError::NotLeader { group: self.group, leader: self.leader() }));
        }
        self.reads.ask(done, assurance, &mut self.raw);
        self.after_step();
    }

    pub(super) fn tick_reads(&mut self) {
        // Whoever asked looks for a leader elsewhere.
        if self.leader().is_none() {
            return self.reads.refuse_all(self.group, None);
        }
        self.reads.tick(&mut self.raw);
    }

    /// A follower asks how far the group is.
    pub(super) fn answer_question(&mut self, message: Message) {
        // raft-rs takes such a message for one of any term.
        if !self.is_leader() || message.term != self.term().0 {
            return;
        }
        let Some(question) = Question::of(&message) else { return };
        match question.assurance {
            // raft-rs answers it once a majority has said that this replica leads.
            Assurance::Majority => {
                let _refused = self.raw.step(question.in_form_of_raft(message.from));
            }
            // Asked again a little later, or of another.
            Assurance::Leader if !self.is_serving() => {}
            Assurance::Leader => {
                let answer = questions::answer(&message, self.applied);
                self.raw.raft.msgs.push(answer);
            }
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
        self.reads.told(&message.context, word);
    }

    /// Answers the reads of which raft-rs says that a majority has confirmed them.
    pub(super) fn hear_of_majority(&mut self) {
        for ReadState { index, request_ctx } in std::mem::take(&mut self.raw.raft.read_states) {
            let word = self.own_word(LogIndex(index));
            self.reads.told(&request_ctx, word);
        }
    }

    fn own_word(&self, index: LogIndex) -> Word {
        Word { index, leader: self.peer, term: self.term() }
    }
}
