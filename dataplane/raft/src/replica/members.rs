//! Changes of a group's members, one step at a time.

use raft::StateRole;
use raft::eraftpb::{ConfChangeSingle, ConfChangeTransition, ConfChangeType, ConfChangeV2};
use vane_types::{LogIndex, PeerId, Term};

use super::Replica;
use crate::error::ProposeError;
use crate::status::Seen;
use crate::ticket::Ticket;

/// One step from a membership to the next. More than one peer at once goes through joint
/// consensus, which this replica leaves by itself when it is safe.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberChange {
    /// Peers that begin to follow.
    pub learners: Vec<PeerId>,
    /// Learners that get a vote.
    pub voters: Vec<PeerId>,
    /// Members that go.
    pub removed: Vec<PeerId>,
    /// The view that the step was decided on. A leader refuses one that is older than its last
    /// change: a step that comes late would take back what was decided since.
    pub seen: Option<Seen>,
}

/// Before which views steps are refused: the last change of members that this replica has
/// applied, or the last barrier that was set at it as the leader of a term.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fence {
    changed: LogIndex,
    barrier: (Term, LogIndex),
}

impl Fence {
    /// Of a replica whose members are those as of an entry.
    pub(super) fn at(changed: LogIndex) -> Self {
        Self { changed, barrier: (Term::default(), LogIndex::ZERO) }
    }

    /// The members changed by an entry.
    pub(super) fn changed(&mut self, index: LogIndex) {
        self.changed = index;
    }

    fn is_old(&self, seen: Seen, term: Term) -> bool {
        let (of_term, barrier) = self.barrier;
        seen.term != term
            || seen.applied < self.changed
            || (of_term == term && seen.applied < barrier)
    }
}

impl MemberChange {
    /// A step that changes nothing: what was decided on this view or an earlier one, and has
    /// not arrived yet, is refused from then on.
    pub fn barrier(seen: Seen) -> Self {
        Self::default().seen_at(seen)
    }

    /// A step by which a peer begins to follow.
    pub fn follower(peer: PeerId) -> Self {
        Self { learners: vec![peer], ..Self::default() }
    }

    /// The step, as one that was decided on a view.
    #[must_use]
    pub fn seen_at(self, seen: Seen) -> Self {
        Self { seen: Some(seen), ..self }
    }

    fn is_barrier(&self) -> bool {
        self.learners.is_empty() && self.voters.is_empty() && self.removed.is_empty()
    }

    /// Those who vote once the change has been made.
    fn voters_after(&self, voters: &[PeerId]) -> Vec<PeerId> {
        let stays = |peer: &&PeerId| !self.removed.contains(peer) && !self.learners.contains(peer);
        let staying = voters.iter().filter(stays);
        staying.chain(self.voters.iter().filter(|peer| !voters.contains(peer))).copied().collect()
    }

    fn singles(&self) -> Vec<ConfChangeSingle> {
        let learners =
            self.learners.iter().map(|peer| single(ConfChangeType::AddLearnerNode, *peer));
        let voters = self.voters.iter().map(|peer| single(ConfChangeType::AddNode, *peer));
        let removed = self.removed.iter().map(|peer| single(ConfChangeType::RemoveNode, *peer));
        learners.chain(voters).chain(removed).collect()
    }
}

fn single(kind: ConfChangeType, peer: PeerId) -> ConfChangeSingle {
    let mut single = ConfChangeSingle { node_id: peer.0, ..ConfChangeSingle::default() };
    single.set_change_type(kind);
    single
}

impl Replica {
    pub(crate) fn change_members(&mut self, change: &MemberChange, ticket: Ticket) {
        if let Err(error) = self.check_change(change) {
            return ticket.fail(error);
        }
        if change.is_barrier() {
            return self.set_barrier(ticket);
        }
        let mut proposal = ConfChangeV2 { changes: change.singles(), ..ConfChangeV2::default() };
        if proposal.changes.len() > 1 {
            // Left by an entry of our own: a change of leaders makes raft-rs forget to leave by
            // itself.
            proposal.set_transition(ConfChangeTransition::Explicit);
        }
        match self.raw.propose_conf_change(Vec::new(), proposal) {
            Ok(()) => self.wait(ticket),
            Err(_) => ticket.fail(self.not_leader()),
        }
        self.after_step();
    }

    /// By an entry of its own, so that views from behind it can be told from those before.
    fn set_barrier(&mut self, ticket: Ticket) {
        if self.raw.propose(Vec::new(), Vec::new()).is_err() {
            return ticket.fail(self.not_leader());
        }
        self.fence.barrier = (self.term(), LogIndex(self.raw.raft.raft_log.last_index()));
        self.wait(ticket);
        self.after_step();
    }

    fn check_change(&self, change: &MemberChange) -> Result<(), ProposeError> {
        // raft-rs drops proposals while the leadership is handed over.
        if !self.is_leader() || self.raw.raft.lead_transferee.is_some() {
            return Err(self.not_leader());
        }
        // raft-rs would log an empty entry in its place and say nothing.
        if self.raw.raft.has_pending_conf() || self.conf.is_joint() {
            return Err(self.refused("another change is under way"));
        }
        if change.seen.is_some_and(|seen| self.fence.is_old(seen, self.term())) {
            return Err(self.refused("the members were looked at before their last change"));
        }
        // One that was removed meanwhile would come back, and vote with what it has forgotten.
        if let Some(peer) = change.voters.iter().find(|peer| !self.conf.learners.contains(peer)) {
            return Err(self.refused(format!("peer {peer} does not follow, and cannot vote")));
        }
        if change.removed.contains(&self.peer) || change.learners.contains(&self.peer) {
            return Err(self.refused(
                "a leader cannot take its own vote away; hand the leadership over first",
            ));
        }
        // Both majorities must be there now, or the group would stand still half way.
        for voters in [&self.conf.voters, &change.voters_after(&self.conf.voters)] {
            let there = voters.iter().filter(|peer| self.is_active(**peer)).count();
            if there <= voters.len() / 2 {
                let why = format!("only {there} of {} voters answer", voters.len());
                return Err(self.refused(why));
            }
        }
        Ok(())
    }

    /// Steps down where the group took this leader's vote away, as it can where the change
    /// was logged under another. raft-rs would go on to lead a group that it no longer
    /// counts itself in, and panic at the next commit (raft-rs issue 584).
    pub(super) fn resign_if_removed(&mut self) {
        let votes =
            self.conf.voters.contains(&self.peer) || self.conf.voters_outgoing.contains(&self.peer);
        if self.raw.raft.state == StateRole::Leader && !votes {
            let term = self.raw.raft.term;
            self.raw.raft.become_follower(term, raft::INVALID_ID);
        }
    }

    /// Ends a joint membership as soon as it is applied. Also after a change of leaders:
    /// raft-rs's own way forgets it then (raft-rs issue 192, etcd issue 12136).
    pub(super) fn leave_joint(&mut self) {
        let is_leader = self.raw.raft.state == StateRole::Leader;
        if is_leader && self.conf.is_joint() && !self.raw.raft.has_pending_conf() {
            let refused = self.raw.propose_conf_change(Vec::new(), ConfChangeV2::default());
            if let Err(error) = refused {
                tracing::debug!(
                    %error, group = %self.group,
                    "leaving the joint membership waits for the next tick"
                );
            }
        }
    }
}
