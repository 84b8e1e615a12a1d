//! Linearizable reads: the leader asks a majority whether it still leads, once for all
//! reads that came before the question (Ongaro's thesis, 6.4).

use raft::{RawNode, ReadState};
use vane_types::planted::{self, Fault};
use vane_types::{GroupId, LogIndex, PeerId};

use super::ticket::Callback;
use crate::error::ReadError;
use crate::group_storage::GroupStorage;

/// Reads that may wait in one group.
const WAITING_MAX: usize = 4096;
/// Heartbeat intervals after which an unanswered question is asked again: raft-rs drops
/// one silently when its messages are lost, or before the leader committed in its term.
const INTERVALS_PER_ROUND: usize = 2;

/// Called once with the index that the state machine has reached: whatever is read from
/// then on is at least as new as everything acknowledged before the read was asked for.
pub type OnRead = Callback<Result<LogIndex, ReadError>>;

struct Round {
    context: u64,
    asked: Vec<OnRead>,
    ticks: usize,
}

pub(super) struct Reads {
    /// Came after the question on its way, and wait for the next.
    queued: Vec<OnRead>,
    round: Option<Round>,
    /// Confirmed at an index that is not applied yet.
    behind: Vec<(LogIndex, Vec<OnRead>)>,
    next_context: u64,
    ticks_per_round: usize,
    applied: LogIndex,
}

impl Reads {
    pub(super) fn new(heartbeat_ticks: usize) -> Self {
        let ticks_per_round = heartbeat_ticks * INTERVALS_PER_ROUND;
        Self {
            queued: Vec::new(),
            round: None,
            behind: Vec::new(),
            next_context: 1,
            ticks_per_round,
            applied: LogIndex::ZERO,
        }
    }

    pub(super) fn refuse(&self, done: OnRead, group: GroupId, leader: Option<PeerId>) {
        done(Err(ReadError::NotLeader { group, leader }));
    }

    pub(super) fn ask(&mut self, done: OnRead, raw: &mut RawNode<GroupStorage>) {
        let behind: usize = self.behind.iter().map(|(_, reads)| reads.len()).sum();
        let waiting =
            self.queued.len() + behind + self.round.as_ref().map_or(0, |round| round.asked.len());
        if waiting >= WAITING_MAX {
            return done(Err(ReadError::Full(waiting)));
        }
        self.queued.push(done);
        self.ask_majority(raw);
    }

    /// Asks for those in the queue, unless a question is on its way.
    fn ask_majority(&mut self, raw: &mut RawNode<GroupStorage>) {
        // Before its first commit a leader does not know what is committed; a tick asks again.
        if self.round.is_some() || self.queued.is_empty() || !raw.raft.commit_to_current_term() {
            return;
        }
        if planted::is(Fault::ReadUnconfirmed) {
            let committed = LogIndex(raw.raft.raft_log.committed);
            self.behind.push((committed, std::mem::take(&mut self.queued)));
            return self.answer();
        }
        let context = self.next_context;
        self.next_context += 1;
        self.round = Some(Round { context, asked: std::mem::take(&mut self.queued), ticks: 0 });
        raw.read_index(context.to_be_bytes().to_vec());
    }

    pub(super) fn tick(&mut self, raw: &mut RawNode<GroupStorage>) {
        if let Some(mut round) = self.round.take() {
            round.ticks += 1;
            if round.ticks < self.ticks_per_round {
                self.round = Some(round);
            } else {
                // An answer to the old question that still comes is of an unknown context.
                round.asked.append(&mut self.queued);
                self.queued = round.asked;
            }
        }
        self.ask_majority(raw);
    }

    pub(super) fn confirmed(&mut self, states: Vec<ReadState>) {
        for ReadState { index, request_ctx } in states {
            let context = request_ctx.try_into().map(u64::from_be_bytes);
            // Answers to a question that was given up are passed over: its reads are in a later
            // one.
            if let Some(round) = self.round.take_if(|round| Ok(round.context) == context) {
                self.behind.push((LogIndex(index), round.asked));
            }
        }
        self.answer();
    }

    pub(super) fn applied(&mut self, index: LogIndex) {
        self.applied = index;
        self.answer();
    }

    fn answer(&mut self) {
        let applied = self.applied;
        for (_, reads) in self.behind.extract_if(.., |(index, _)| *index <= applied) {
            reads.into_iter().for_each(|done| done(Ok(applied)));
        }
    }

    pub(super) fn step_down(&mut self, group: GroupId, leader: Option<PeerId>) {
        let asked = self.round.take().into_iter().flat_map(|round| round.asked);
        let behind = self.behind.drain(..).flat_map(|(_, reads)| reads);
        for done in asked.chain(self.queued.drain(..)).chain(behind) {
            done(Err(ReadError::NotLeader { group, leader }));
        }
    }
}
