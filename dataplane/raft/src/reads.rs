//! Reads that wait for a word on how far their group is. One question is on its way at a time,
//! for all reads that came before it (Ongaro's thesis, 6.4). Pure: who asks and how is the
//! caller's.

use std::time::Instant;

use vane_types::{GroupId, LogIndex, PeerId, Term};

use crate::callback::Callback;
use crate::error::ReadError;

/// Reads that may wait in one group.
const WAITING_MAX: usize = 4096;
/// Heartbeat intervals after which an unanswered question is asked again: messages are lost, and
/// raft-rs drops a question before the leader committed in its term.
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

/// A leader's word.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Word {
    pub(crate) index: LogIndex,
    pub(crate) leader: PeerId,
    pub(crate) term: Term,
}

/// Callbacks with what they are to be told. Called by whoever gets them, outside of any lock.
#[must_use]
#[derive(Default)]
pub(crate) struct Answers(Vec<(OnRead, Result<ReadPoint, ReadError>)>);

impl Answers {
    pub(crate) fn give(self) {
        self.0.into_iter().for_each(|(done, answer)| done(answer));
    }
}

struct Round {
    context: u64,
    asked_at: Option<Instant>,
    asked: Vec<OnRead>,
    ticks: usize,
}

/// The reads of one replica that wait for one kind of word.
#[derive(Default)]
pub(crate) struct Reads {
    /// Came after the question on its way, and wait for the next.
    queued: Vec<OnRead>,
    round: Option<Round>,
    /// Told an index that is not applied yet.
    behind: Vec<(Word, Vec<OnRead>)>,
    next_context: u64,
    ticks_per_round: usize,
}

impl Reads {
    /// `context` is the name of the first question: anything, so that an answer to a question of
    /// an earlier process is taken for none of this one's.
    pub(crate) fn new(heartbeat_ticks: usize, context: u64) -> Self {
        let ticks_per_round = heartbeat_ticks * INTERVALS_PER_ROUND;
        Self { next_context: context, ticks_per_round, ..Self::default() }
    }

    /// A read waits from now on, unless too many do.
    pub(crate) fn wait(&mut self, done: OnRead) -> Answers {
        let behind: usize = self.behind.iter().map(|(_, reads)| reads.len()).sum();
        let asked = self.round.as_ref().map_or(0, |round| round.asked.len());
        let waiting = self.queued.len() + behind + asked;
        if waiting >= WAITING_MAX {
            return Answers(vec![(done, Err(ReadError::Full(waiting)))]);
        }
        self.queued.push(done);
        Answers::default()
    }

    /// Whether nobody waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.round.is_none() && self.queued.is_empty() && self.behind.is_empty()
    }

    /// Whether there is something to ask.
    pub(crate) fn has_question(&self) -> bool {
        self.round.is_none() && !self.queued.is_empty()
    }

    /// Whether a question is on its way.
    pub(crate) fn is_asking(&self) -> bool {
        self.round.is_some()
    }

    /// What names the question that is asked now, for all that wait for one. A lease, if one is
    /// the answer, counts from `asked_at`.
    pub(crate) fn begin(&mut self, asked_at: Option<Instant>) -> u64 {
        let context = self.next_context;
        self.next_context = context.wrapping_add(1);
        let asked = std::mem::take(&mut self.queued);
        self.round = Some(Round { context, asked_at, asked, ticks: 0 });
        context
    }

    /// Gives a question up that was not answered in time; its reads wait for the next.
    pub(crate) fn tick(&mut self) {
        let Some(round) = &mut self.round else { return };
        round.ticks += 1;
        if round.ticks >= self.ticks_per_round
            && let Some(mut round) = self.round.take()
        {
            // An answer to the old question that still comes is of an unknown name.
            round.asked.append(&mut self.queued);
            self.queued = round.asked;
        }
    }

    /// A question was answered; `None` where it is none of these, or was given up. Else when it
    /// was asked, if that was noted.
    pub(crate) fn told(&mut self, context: u64, word: Word) -> Option<Option<Instant>> {
        let round = self.round.take_if(|round| round.context == context)?;
        if !round.asked.is_empty() {
            self.behind.push((word, round.asked));
        }
        Some(round.asked_at)
    }

    /// Goes by a word that nobody was asked for.
    pub(crate) fn take_word(&mut self, word: Word) {
        self.behind.push((word, std::mem::take(&mut self.queued)));
    }

    /// Those whose index is applied.
    pub(crate) fn reached(&mut self, applied: LogIndex) -> Answers {
        let mut answers = Vec::new();
        for (word, reads) in self.behind.extract_if(.., |(word, _)| word.index <= applied) {
            let point = ReadPoint { applied, leader: word.leader, term: word.term };
            answers.extend(reads.into_iter().map(|done| (done, Ok(point))));
        }
        Answers(answers)
    }

    /// Everyone, with the answer that no word will come.
    pub(crate) fn refuse_all(&mut self, group: GroupId, leader: Option<PeerId>) -> Answers {
        let asked = self.round.take().into_iter().flat_map(|round| round.asked);
        let behind = self.behind.drain(..).flat_map(|(_, reads)| reads);
        let all = asked.chain(self.queued.drain(..)).chain(behind);
        Answers(all.map(|done| (done, Err(ReadError::NotLeader { group, leader }))).collect())
    }
}
