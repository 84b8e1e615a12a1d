//! One group on this node: raft-rs's state, and who waits for what of it.

mod answered;
mod faulty;
mod lending;
mod log_end;
mod members;
mod opening;
mod quiet;
mod reads;
mod report;
mod rounds;
mod sound;
mod succession;
mod waits;

use std::collections::VecDeque;
use std::sync::Arc;

use raft::eraftpb::{Message, MessageType};
use raft::{RawNode, StateRole};
use vane_types::planted::{self, Fault};
use vane_types::{GroupId, LogIndex, NodeId, PeerId, Term};

use crate::config::Bounds;
use crate::error::ProposeError;
use crate::group_storage::GroupStorage;
use crate::log::LogEntry;
use crate::machine::Conf;
use crate::quiet::CountsOn;
use crate::random::Random;
use crate::reads::Reads;
use crate::status::Watch;
use crate::ticket::Ticket;

pub use members::MemberChange;
pub(crate) use opening::Setup;
pub(crate) use waits::ReplicatedWait;

use log_end::LogEnd;
use members::Fence;
use rounds::Writing;
use sound::{Receiver, is_sound, last_shared};
use waits::Waiting;

/// Ticks in which a replica that was placed first goes on standing for election.
const EAGER_TICKS: usize = 5;

/// The log is kept for a follower that is away as long as it is smaller than this part of the
/// data: to send it is then cheaper than a snapshot.
const LOG_PER_STATE: u64 = 20;

/// A snapshot on its way into the log and the state machine. Meanwhile the replica follows and
/// votes, by what its log has on disk; it takes no entries, acknowledges nothing and stands for
/// no election.
struct Installing {
    index: LogIndex,
    term: Term,
    conf: Conf,
}

pub(crate) struct Replica {
    group: GroupId,
    peer: PeerId,
    raw: RawNode<GroupStorage>,
    random: Random,
    election_ticks: std::ops::Range<usize>,
    bounds: Bounds,
    watch: Arc<Watch>,
    conf: Conf,
    fence: Fence,
    waiting: VecDeque<Waiting>,
    replicated_waits: Vec<ReplicatedWait>,
    reads: Reads,
    log_end: LogEnd,
    /// Bytes of the state machine's data, about.
    state_bytes: u64,
    /// Committed entries that go to the state machine next; contiguous behind `dispatched`.
    to_apply: VecDeque<LogEntry>,
    /// Last entry given to the state machine.
    dispatched: LogIndex,
    /// Last entry that is committed and synced here.
    committed: LogIndex,
    applied: LogIndex,
    /// Term and role of the last step; each has an election timeout of its own.
    office: (Term, StateRole),
    election_timeout: usize,
    /// Term in which this leader was seen to have applied an entry of its own.
    serving_term: Term,
    /// Who led last, as far as it is known here, and in which term.
    led: Option<(Term, PeerId)>,
    /// Ticks in which the replica goes on standing for election.
    eager_ticks: usize,
    /// Members that answered this leader before it last counted who does.
    answered: Vec<PeerId>,
    /// Node whose process led the group and is gone; none once there is a leader.
    orphaned_by: Option<NodeId>,
    /// Handed out by `ready` and not known to be written yet.
    writing: Option<Writing>,
    /// Term that is known to be written.
    written_term: Term,
    /// Snapshot that the log begins with and the state machine does not have yet.
    installing: Option<Installing>,
    /// The log's state changed beside entries and votes, and is to be written some time.
    log_changed: bool,
    /// A leader took back what is committed here, which was said.
    is_contradicted: bool,
    /// What it counts on while its clock stands still.
    quiet: Option<CountsOn>,
    /// Ticks since something was new, and how many it takes.
    still_ticks: usize,
    still_ticks_min: usize,
}

impl Replica {
    pub(crate) fn peer(&self) -> PeerId {
        self.peer
    }

    /// Stands for election at once, and again for some ticks. Votes are asked for as after
    /// a time-out.
    pub(crate) fn campaign_now(&mut self) {
        self.eager_ticks = EAGER_TICKS;
        self.campaign();
    }

    fn campaign(&mut self) {
        if self.incoming().is_none()
            && self.raw.raft.state != StateRole::Leader
            && self.raw.raft.promotable()
        {
            // Fails only for lack of a peer to send to, which a tick makes good.
            let _refused = self.raw.campaign();
            self.after_step();
        }
    }

    /// Whether this replica is the only voter.
    pub(crate) fn is_alone(&self) -> bool {
        self.conf.voters == [self.peer] && !self.conf.is_joint()
    }

    pub(crate) fn tick(&mut self) {
        if self.incoming().is_some() {
            // The clock alone: without it a vote would be refused for the sake of a leader that
            // may be gone, and with raft-rs's own tick this one would stand for election.
            self.raw.raft.election_elapsed += 1;
            return;
        }
        self.tick_raft();
        if self.eager_ticks > 0 {
            // The others may not have made their replicas when this one first asked for votes.
            self.eager_ticks -= 1;
            if self.leader().is_none() {
                self.campaign();
            }
        }
        if self.is_leader() {
            self.leave_joint();
            self.log_end.tick();
        }
        self.tick_reads();
        self.after_step();
    }

    pub(crate) fn step(&mut self, mut message: Message) {
        // An earlier replica of the group on this node had another peer id; messages for it still
        // come.
        if message.to != self.peer.0 || !self.takes(&message) || self.is_too_much(&message) {
            return;
        }
        if self.contradicts(&message) || self.is_overtaken(&message) {
            return;
        }
        let taken = self.watch.take(&message);
        self.raw.raft.msgs.extend(taken.send);
        if !taken.is_for_thread {
            return;
        }
        let (from, mark) = (PeerId(message.from), self.hear_in_quiet(&mut message));
        self.hear_of_member(&mut message);
        match message.get_msg_type() {
            MessageType::MsgReadIndex => self.answer_question(&message),
            MessageType::MsgReadIndexResp => self.hear_answer(&message),
            // raft-rs refuses what is stale or from strangers; both are normal on a network.
            _ => {
                if let Err(error) = self.raw.step(message) {
                    tracing::trace!(%error, group = %self.group, "a message was not taken");
                }
            }
        }
        self.after_step();
        self.follow_into_quiet(from, mark);
    }

    /// Whether a message may be handed in: it can be of a replica, and while a snapshot is on its
    /// way in it asks whether this one is there, or for its vote.
    fn takes(&self, message: &Message) -> bool {
        let raft = &self.raw.raft;
        // Before anything else looks at it: its very kind may be none.
        if !is_sound(message, Receiver { term: raft.term, last: raft.raft_log.last_index() }) {
            tracing::debug!(group = %self.group, from = message.from, "an unsound message");
            return false;
        }
        let is_answered = matches!(
            message.get_msg_type(),
            MessageType::MsgHeartbeat
                | MessageType::MsgRequestVote
                | MessageType::MsgRequestPreVote
        );
        self.incoming().is_none() || is_answered
    }

    /// Whether a leader takes back what is committed here. Only one can that a recovery made: it
    /// had less than this replica, which stands still until a snapshot takes the place of all
    /// that it has. raft-rs would acknowledge such entries unseen, and the two would differ.
    fn contradicts(&mut self, message: &Message) -> bool {
        let log = &self.raw.raft.raft_log;
        let Some((index, term)) = last_shared(message, log.committed) else { return false };
        // None is known of what the log has not got any more.
        let known = log.term(index).unwrap_or_default();
        if known == 0 || known == term {
            return false;
        }
        if !std::mem::replace(&mut self.is_contradicted, true) {
            tracing::error!(
                group = %self.group, index, term, known,
                "the leader's log has another entry where one is committed here: this replica has \
                 more than the one that was recovered, and takes nothing but a snapshot; move it \
                 away and back"
            );
        }
        true
    }

    /// Whether a snapshot that came is one that this replica takes or has taken.
    pub(crate) fn has_taken(&self, term: Term, index: LogIndex) -> bool {
        self.incoming() == Some((term, index))
    }

    /// Snapshot on its way in: handed to raft-rs, being written to the log, or being installed.
    fn incoming(&self) -> Option<(Term, LogIndex)> {
        let coming = self.raw.snap().map(|snapshot| snapshot.get_metadata());
        let coming = coming.map(|meta| (Term(meta.term), LogIndex(meta.index)));
        let writing = self.writing.as_ref().and_then(Writing::snapshot);
        let later = writing.or(self.installing.as_ref());
        coming.or_else(|| later.map(|it| (it.term, it.index)))
    }

    pub(crate) fn propose(&mut self, data: Vec<u8>, ticket: Ticket) {
        if !self.is_leader() || self.incoming().is_some() {
            ticket.fail(self.not_leader());
            return;
        }
        // During a transfer raft-rs drops proposals; so does it when too much is uncommitted.
        if self.raw.propose(Vec::new(), data).is_err() {
            ticket.fail(self.not_leader());
            return;
        }
        self.stir();
        self.wait(ticket);
    }

    /// Hands the leadership to a caught-up voter; takes effect within an election timeout
    /// or not at all.
    pub(crate) fn transfer(&mut self, to: PeerId) -> Result<(), ProposeError> {
        if !self.is_leader() {
            return Err(self.not_leader());
        }
        if to != self.peer {
            if !self.conf.voters.contains(&to) {
                return Err(self.refused("the peer to lead it is not one of its voters"));
            }
            // The change may take the vote of the very peer that is to lead.
            if self.raw.raft.has_pending_conf() {
                return Err(self.refused("another change is under way"));
            }
            self.raw.transfer_leader(to.0);
            self.after_step();
        }
        Ok(())
    }

    pub(crate) fn unreachable(&mut self, node: NodeId) {
        if !self.is_leader() {
            return;
        }
        for peer in self.conf.members().into_iter().filter(|peer| peer.node() == node) {
            self.raw.report_unreachable(peer.0);
        }
    }

    /// Notes how large the state machine's data is: a snapshot would take as much.
    pub(crate) fn set_state_bytes(&mut self, bytes: u64) {
        self.state_bytes = bytes;
    }

    /// Bytes of the log that are kept for a follower that is away.
    fn log_kept_bytes(&self) -> u64 {
        self.bounds.log_kept_bytes_max.max(self.state_bytes / LOG_PER_STATE)
    }

    /// Bytes that the log should not outgrow. What is kept for a follower that is away alone slows
    /// no commands down, which half of them would.
    fn log_bytes_max(&self) -> u64 {
        self.bounds.log_bytes_max.max(self.log_kept_bytes().saturating_mul(2))
    }

    /// Does what a new term, role, leader or progress asks for, and shows it to readers.
    fn after_step(&mut self) {
        let office = (self.term(), self.raw.raft.state);
        if office != self.office {
            let ticks = &self.election_ticks;
            let drawn = self.random.within(&(ticks.start as u64..ticks.end as u64));
            self.election_timeout = drawn as usize;
            // Whoever led has lost the office in between, even where it leads again in a later
            // term.
            let led = self.office.1 == StateRole::Leader;
            self.office = office;
            self.stir();
            self.log_end.forget_members();
            if led {
                self.step_down();
            }
            if self.is_leader() {
                self.begin_to_lend();
            }
            // Whom they asked may lead no more.
            self.refuse_reads();
        }
        // Always: raft-rs may have drawn one with a generator that no seed controls.
        self.raw.raft.set_randomized_election_timeout(self.election_timeout);
        if let Some(leader) = self.leader() {
            self.orphaned_by = None;
            self.led = Some((self.term(), leader));
        }
        self.hear_of_majority();
        let term = self.term();
        if self.is_leader() {
            if planted::is(Fault::CommitOfOldTerm) {
                self.commit_what_has_copies();
            }
            if self.serving_term != term && self.raw.raft.apply_to_current_term() {
                self.serving_term = term;
            }
            self.answer_replicated();
        }
        let serving = self.is_serving();
        let committed = LogIndex(self.raw.raft.raft_log.committed);
        self.watch.set(self.leader(), term, committed, serving);
        self.watch_log();
    }

    /// Whether another round is due.
    pub(crate) fn has_ready(&self) -> bool {
        self.raw.has_ready()
    }

    /// Whether a message brings entries although there are too many that wait for the state
    /// machine. Not taken they are not acknowledged, and so the leader slows down; it sends them
    /// again. Only committed ones count: those are sure to be applied.
    fn is_too_much(&self, message: &Message) -> bool {
        let brings_entries = !message.entries.is_empty();
        brings_entries && {
            let committed = LogIndex(self.raw.raft.raft_log.committed);
            let waiting = self.raw.store().bytes_between(self.applied, committed);
            waiting > self.bounds.unapplied_bytes_max
        }
    }

    fn is_leader(&self) -> bool {
        self.raw.raft.state == StateRole::Leader
    }

    /// Whether it leads and has everything that was ever acknowledged.
    fn is_serving(&self) -> bool {
        self.is_leader() && self.serving_term == self.term() && !self.has_handed_over()
    }

    /// Whether the member that is to lead next was told so: it may lead already, and acknowledge
    /// what this replica has not heard of. raft-rs says so to one that has all of the log.
    fn has_handed_over(&self) -> bool {
        let raft = &self.raw.raft;
        let next = raft.lead_transferee.and_then(|peer| raft.prs().get(peer));
        next.is_some_and(|next| next.matched == raft.raft_log.last_index())
    }

    fn leader(&self) -> Option<PeerId> {
        PeerId::from_raw(self.raw.raft.leader_id)
    }

    fn term(&self) -> Term {
        Term(self.raw.raft.term)
    }

    fn refused(&self, why: impl Into<String>) -> ProposeError {
        ProposeError::Refused { group: self.group, why: why.into() }
    }

    fn not_leader(&self) -> ProposeError {
        // During a transfer this replica still leads but takes nothing: no leader to name.
        let leader = self.leader().filter(|leader| *leader != self.peer);
        ProposeError::NotLeader { group: self.group, leader }
    }
}
