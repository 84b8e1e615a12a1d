//! A leader's word on how far its group is, asked for and given without the thread that owns all
//! groups: what it takes is in the [`Watch`]. Each step between two threads costs more than
//! everything else about a question.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use raft::eraftpb::{Message, MessageType};
use vane_types::planted::{self, Fault};
use vane_types::{GroupId, LogIndex, PeerId};

use crate::codec::Envelope;
use crate::error::ReadError;
use crate::leases::Lease;
use crate::lending::Lending;
use crate::questions::{self, Question};
use crate::reads::{Assurance, OnRead, ReadPoint, Reads, Word};
use crate::status::Watch;

/// Quiet groups of a node with reads that wait: no tick comes to them of itself.
#[derive(Debug, Default)]
pub(crate) struct Asked(Mutex<BTreeSet<GroupId>>);

impl Asked {
    /// The groups that asked since it was taken last.
    pub(crate) fn take(&self) -> BTreeSet<GroupId> {
        std::mem::take(&mut self.0.lock())
    }
}

/// Reads of a replica that follows, which wait for its leader's word.
#[derive(Default)]
pub(crate) struct Words {
    peer: AtomicU64,
    reads: Mutex<Reads>,
    /// The replica's clock stands still.
    is_quiet: AtomicBool,
    /// Its group is among those that asked.
    is_listed: AtomicBool,
    asked: Mutex<Option<(GroupId, Arc<Asked>)>>,
    pub(crate) lending: Lending,
}

impl std::fmt::Debug for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Words").field("peer", &self.peer).finish_non_exhaustive()
    }
}

/// What follows from a message.
#[derive(Debug)]
pub(crate) struct Taken {
    /// It is for the thread that owns the group, also or alone.
    pub(crate) is_for_thread: bool,
    /// To be sent: an answer, or the next question.
    pub(crate) send: Option<Message>,
}

impl Taken {
    /// Nothing is left to do.
    pub(crate) const DONE: Self = Self { is_for_thread: false, send: None };
    const NOT: Self = Self { is_for_thread: true, send: None };
}

/// Answers what messages ask of leaders here and hears what leaders answer, and leaves in
/// `messages` what is for the thread that owns all groups, which would be woken for each. What is
/// to be sent is returned.
pub fn take_words(
    messages: &mut Vec<Envelope>,
    watch: impl Fn(GroupId) -> Option<Arc<Watch>>,
) -> Vec<Envelope> {
    let mut send = Vec::new();
    messages.retain(|Envelope { group, message }| {
        if !questions::is_about_reads(message) {
            return true;
        }
        let taken = watch(*group).map_or(Taken::DONE, |watch| watch.take(message));
        send.extend(taken.send.map(|message| Envelope { group: *group, message }));
        taken.is_for_thread
    });
    send
}

impl Watch {
    /// Whose watch it is, how its questions are named, and where it says that one is on its way
    /// while its clock stands still.
    pub(crate) fn begin_words(
        &self,
        (group, peer): (GroupId, PeerId),
        reads: Reads,
        asked: Arc<Asked>,
    ) {
        self.words.peer.store(peer.0, Ordering::Release);
        *self.words.reads.lock() = reads;
        *self.words.asked.lock() = Some((group, asked));
        self.set_quiet(false);
    }

    /// Notes whether the replica's clock stands still.
    pub(crate) fn set_quiet(&self, is_quiet: bool) {
        self.words.is_quiet.store(is_quiet, Ordering::SeqCst);
        self.words.is_listed.store(false, Ordering::SeqCst);
        self.list_while_quiet();
    }

    /// Whether the replica's clock stands still: as its leader said, all members have the same.
    pub fn is_quiet(&self) -> bool {
        self.words.is_quiet.load(Ordering::SeqCst)
    }

    /// Has a quiet replica's next tick come although its clock stands still, if a read waits. Who
    /// asks does so after the read is among those that wait, who falls quiet after that is noted:
    /// so one of the two sees the other.
    fn list_while_quiet(&self) {
        let Words { is_quiet, is_listed, asked, reads, .. } = &self.words;
        let waits = is_quiet.load(Ordering::SeqCst) && !reads.lock().is_empty();
        if waits
            && !is_listed.swap(true, Ordering::SeqCst)
            && let Some((group, asked)) = &*asked.lock()
        {
            asked.0.lock().insert(*group);
        }
    }

    fn peer(&self) -> PeerId {
        PeerId(self.words.peer.load(Ordering::Acquire))
    }

    /// A read that goes by the leader's word: answered here where this replica leads; else the
    /// question that is to be sent, unless one is on its way.
    pub fn ask(&self, group: GroupId, done: OnRead) -> Option<Message> {
        let leader = self.leader();
        match leader {
            Some(leader) if leader == self.peer() && self.is_serving() => {
                let (applied, term) = (self.applied(), self.term());
                done(Ok(ReadPoint { applied, leader, term }));
                return None;
            }
            Some(leader) if leader != self.peer() => {}
            // Nobody leads, or nobody who may say anything yet.
            _ => {
                done(Err(ReadError::NotLeader { group, leader: None }));
                return None;
            }
        }
        let lease = leader.and_then(|leader| self.words.lending.lease(leader, self.term()));
        if let Some((lease, now)) = lease {
            return self.read_by(&lease, now, done);
        }
        let mut reads = self.words.reads.lock();
        let refused = reads.wait(done);
        let question = self.question(&mut reads);
        drop(reads);
        refused.give();
        self.list_while_quiet();
        if planted::is(Fault::ReadUntold) {
            self.reached();
        }
        question
    }

    /// Whether a read that goes by the leader's word may be made here now: a lease holds, and all
    /// that it asks for is applied. Close to its end such reads are asked for, so that the next
    /// lease comes in time.
    pub fn answers_at_once(&self) -> bool {
        let Some(leader) = self.leader() else { return false };
        let lease = self.words.lending.lease(leader, self.term());
        lease.is_some_and(|(lease, now)| {
            !lease.ends_soon(now) && self.applied() >= lease.needs(self.words.lending.logged())
        })
    }

    /// A read that a lease answers: at once where all of the log is applied. The question that is
    /// to be sent is for the next lease.
    fn read_by(&self, lease: &Lease, now: Instant, done: OnRead) -> Option<Message> {
        let (leader, term) = (lease.leader, lease.term);
        let (index, is_due) = (lease.needs(self.words.lending.logged()), lease.ends_soon(now));
        let mut reads = self.words.reads.lock();
        let refused = reads.wait(done);
        reads.take_word(Word { index, leader, term });
        let question = (is_due && !reads.is_asking()).then(|| self.ask_now(&mut reads, lease));
        drop(reads);
        refused.give();
        self.reached();
        self.list_while_quiet();
        question
    }

    fn ask_now(&self, reads: &mut Reads, of: &Lease) -> Message {
        let context = reads.begin(self.words.lending.now());
        let question = Question { context, assurance: Assurance::Leader };
        question.message(self.peer(), of.leader, of.term)
    }

    /// What is to be sent to the leader, if there is one and something to ask.
    fn question(&self, reads: &mut Reads) -> Option<Message> {
        let (leader, term) = (self.leader()?, self.term());
        if !reads.has_question() || leader == self.peer() {
            return None;
        }
        if planted::is(Fault::ReadUntold) {
            reads.take_word(Word { index: LogIndex::ZERO, leader, term });
            return None;
        }
        let context = reads.begin(self.words.lending.now());
        let question = Question { context, assurance: Assurance::Leader };
        Some(question.message(self.peer(), leader, term))
    }

    /// Answers a question or hears an answer, if the message is one that goes by the leader's
    /// word.
    pub(crate) fn take(&self, message: &Message) -> Taken {
        if !questions::is_about_reads(message) {
            return Taken::NOT;
        }
        // An earlier replica of the group on this node had another peer id.
        if message.to != self.peer().0 || !questions::is_sound(message) {
            return Taken::DONE;
        }
        match message.get_msg_type() {
            MessageType::MsgReadIndex => self.answer(message),
            _ => self.hear(message),
        }
    }

    fn answer(&self, question: &Message) -> Taken {
        match Question::of(question).map(|question| question.assurance) {
            None => Taken::DONE,
            Some(Assurance::Majority) => Taken::NOT,
            // In this order: whoever asks in a term has heard of its leader, which came to lead
            // after it had shown here that it does not serve any more.
            Some(Assurance::Leader) if question.term != self.term().0 || !self.is_serving() => {
                Taken::DONE
            }
            Some(Assurance::Leader) => {
                let grant = self.words.lending.lend(PeerId(question.from));
                let answer = questions::answer(question, self.applied(), grant);
                Taken { send: Some(answer), ..Taken::DONE }
            }
        }
    }

    fn hear(&self, answer: &Message) -> Taken {
        let (leader, term) = (PeerId(answer.from), self.term());
        if answer.term != term.0 || self.leader() != Some(leader) {
            return Taken::DONE;
        }
        let Some(context) = questions::named(&answer.context) else { return Taken::DONE };
        let word = Word { index: LogIndex(answer.index), leader, term };
        let mut reads = self.words.reads.lock();
        let Some(asked_at) = reads.told(context, word) else {
            // An answer by which a majority speaks, or one that nobody waits for.
            return Taken::NOT;
        };
        if let (Some(grant), Some(asked_at)) = (questions::granted(answer), asked_at) {
            self.words.lending.borrow(Lease::new((leader, term), grant, asked_at));
        }
        // For those that came meanwhile; they would wait for a tick.
        let send = self.question(&mut reads);
        drop(reads);
        self.reached();
        // What is not applied yet may wait only for the word that it is committed.
        Taken { is_for_thread: self.applied() < word.index, send }
    }

    /// Answers the reads whose index is applied.
    pub(crate) fn reached(&self) {
        let answers = self.words.reads.lock().reached(self.applied());
        answers.give();
    }

    /// The same while the clock stands still.
    pub(crate) fn tick_words_in_quiet(&self, group: GroupId) -> Option<Message> {
        self.words.is_listed.store(false, Ordering::SeqCst);
        let question = self.tick_words(group);
        self.list_while_quiet();
        question
    }

    /// The question that is to be sent now, where an earlier one had no answer.
    pub(crate) fn tick_words(&self, group: GroupId) -> Option<Message> {
        if self.leader().is_none() {
            self.refuse_words(group, None);
            return None;
        }
        let mut reads = self.words.reads.lock();
        reads.tick();
        self.question(&mut reads)
    }

    /// Answers everyone who waits for a word that will not come.
    pub(crate) fn refuse_words(&self, group: GroupId, leader: Option<PeerId>) {
        let answers = self.words.reads.lock().refuse_all(group, leader);
        answers.give();
    }
}
