//! A replica of a group in which nothing happens.

use raft::StateRole;
use raft::eraftpb::{Message, MessageType};
use vane_types::{GroupId, LogIndex, PeerId};

use super::Replica;
use crate::quiet::{Cause, CountsOn};

/// First byte of what a leader's last heartbeat carries; what names a question is of another
/// length.
const MARK: u8 = b'q';

/// A leader's last heartbeat: it falls quiet, and its log ends there.
fn marked(end: LogIndex) -> Vec<u8> {
    let mut context = vec![MARK];
    context.extend(end.0.to_be_bytes());
    context
}

/// Takes [`marked`] out of a heartbeat.
fn take_mark(message: &mut Message) -> Option<LogIndex> {
    let is_heartbeat = message.get_msg_type() == MessageType::MsgHeartbeat;
    let (mark, end) = message.context.split_first().filter(|_| is_heartbeat)?;
    let end = end.try_into().map(u64::from_be_bytes).ok().filter(|_| *mark == MARK)?;
    // raft-rs would take it for a read's.
    message.context.clear();
    Some(LogIndex(end))
}

impl Replica {
    /// What it counts on while its clock stands still; `None` while it goes.
    pub(crate) fn counts_on(&self) -> Option<&CountsOn> {
        self.quiet.as_ref()
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet.is_some()
    }

    /// Something new: it is some time until the group may fall quiet.
    pub(super) fn stir(&mut self) {
        self.still_ticks = 0;
    }

    /// Has a leader fall quiet where nothing was new for some time, and says so to the members.
    /// To be called once a tick.
    pub(crate) fn fall_quiet(&mut self) -> bool {
        self.still_ticks += 1;
        if self.still_ticks < self.still_ticks_min || !self.is_at_rest() {
            return false;
        }
        let Some((there, without)) = self.members_at_rest() else { return false };
        let end = self.raw.raft.raft_log.last_index();
        for peer in &there {
            let mut message = Message {
                to: peer.0,
                from: self.peer.0,
                term: self.term().0,
                commit: end,
                context: marked(LogIndex(end)),
                ..Message::default()
            };
            message.set_msg_type(MessageType::MsgHeartbeat);
            self.raw.raft.msgs.push(message);
        }
        self.quieten(self.peer, there, without);
        true
    }

    /// Whether a leader has nothing under way.
    fn is_at_rest(&self) -> bool {
        let raft = &self.raw.raft;
        let is_settled = self.is_serving()
            && raft.lead_transferee.is_none()
            && !raft.has_pending_conf()
            && !self.conf.is_joint()
            // Nodes look at its leader for whether there is a cluster.
            && self.group != GroupId::META;
        let snapshots = self.log_end.is_making() || self.raw.store().snapshot_index().is_some();
        let waits = !self.waiting.is_empty() || !self.replicated_waits.is_empty();
        is_settled && !snapshots && !waits && self.has_all() && self.reads.is_empty()
    }

    /// Whether all of the log is written, committed and applied here.
    fn has_all(&self) -> bool {
        let log = &self.raw.raft.raft_log;
        let end = LogIndex(log.last_index());
        log.committed == end.0
            && self.applied == end
            && self.committed == end
            && self.writing.is_none()
            && self.eager_ticks == 0
            && self.incoming().is_none()
    }

    /// The other members, if each has all of the log or does not answer: those that do, and those
    /// that do not, which must be few. `None` where somebody is on the way.
    fn members_at_rest(&self) -> Option<(Vec<PeerId>, Vec<PeerId>)> {
        let end = LogIndex(self.raw.raft.raft_log.last_index());
        let others = self.conf.members().into_iter().filter(|peer| *peer != self.peer);
        let (answering, silent): (Vec<PeerId>, Vec<PeerId>) =
            others.partition(|peer| self.log_end.answers(*peer));
        let has_all = |peer: &PeerId| {
            let progress = self.raw.raft.prs().get(peer.0);
            let heard = self.log_end.heard(*peer);
            progress.is_some_and(|progress| progress.matched == end.0)
                && heard.is_some_and(|it| it.applied == end && it.installing.is_none())
        };
        let voters = self.conf.voters.iter();
        let there = voters.filter(|peer| **peer == self.peer || answering.contains(peer)).count();
        let is_majority = there * 2 > self.conf.voters.len();
        (is_majority && answering.iter().all(has_all)).then_some((answering, silent))
    }

    fn quieten(&mut self, leader: PeerId, counts_on: Vec<PeerId>, without: Vec<PeerId>) {
        let [nodes, without] =
            [counts_on, without].map(|peers| peers.into_iter().map(PeerId::node).collect());
        let (peer, term) = (self.peer, self.term());
        self.quiet = Some(CountsOn { peer, leader, term, nodes, without });
        self.watch.set_quiet(true);
    }

    /// What a message means for a quiet replica, or for one that its leader wants to be quiet;
    /// before it is taken.
    pub(super) fn hear_in_quiet(&mut self, message: &mut Message) -> Option<LogIndex> {
        let mark = take_mark(message);
        if self.is_quiet() && mark.is_none() && !self.is_expected(message) {
            self.wake(&Cause::Work);
        }
        mark
    }

    /// Whether a message only answers what a leader said before it fell quiet.
    fn is_expected(&self, message: &Message) -> bool {
        let (end, is_of_term) =
            (self.raw.raft.raft_log.last_index(), message.term == self.term().0);
        let is_well = match message.get_msg_type() {
            // It says what its state machine has.
            MessageType::MsgHeartbeatResponse | MessageType::MsgAppendResponse => {
                message.index == end && !message.reject
            }
            _ => false,
        };
        is_well && is_of_term && self.is_leader()
    }

    /// Falls quiet after its leader's last heartbeat, if it has all that the leader has. One that
    /// has not goes on, and wakes the leader when it stands for election.
    pub(super) fn follow_into_quiet(&mut self, from: PeerId, mark: Option<LogIndex>) {
        let Some(end) = mark else { return };
        let raft = &self.raw.raft;
        let follows = raft.state == StateRole::Follower && self.leader() == Some(from);
        let has_all = LogIndex(raft.raft_log.last_index()) == end && self.has_all();
        if follows && has_all && self.reads.is_empty() {
            self.quieten(from, vec![from], Vec::new());
        } else if self.is_quiet() {
            self.wake(&Cause::Work);
        }
    }

    /// Has the clock go on. Who is silent counts as that, everyone else as heard just now.
    pub(crate) fn wake(&mut self, cause: &Cause) {
        let Some(quiet) = self.quiet.take() else { return };
        self.watch.set_quiet(false);
        self.stir();
        let none = Default::default();
        let (silent, ticks) = match cause {
            Cause::Work => (&none, 0),
            Cause::Silence(silent, ticks) => (silent, *ticks),
        };
        if self.is_leader() {
            for peer in self.conf.members() {
                let is_there = quiet.nodes.contains(&peer.node()) && !silent.contains(&peer.node());
                if let Some(progress) = self.raw.raft.mut_prs().get_mut(peer.0) {
                    progress.recent_active = is_there || peer == self.peer;
                }
            }
            // The next tick looks whether a majority is there still.
            self.raw.raft.election_elapsed = ticks.saturating_sub(1);
            self.raw.ping();
        } else {
            let is_orphan = silent.contains(&quiet.leader.node());
            self.raw.raft.election_elapsed = if is_orphan { ticks } else { 0 };
        }
        self.after_step();
    }

    /// Asks again for reads that go by the leader's word, while the clock stands still.
    pub(crate) fn tick_words(&mut self) {
        let question = self.watch.tick_words_in_quiet(self.group);
        self.raw.raft.msgs.extend(question);
    }
}
