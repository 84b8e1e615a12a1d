//! One request on its way to a group's leader: whom to ask next, when to wait, when to give
//! up. Pure: what is known of leaders and the time are arguments, so that the node and the
//! simulator take the same decisions.
//!
//! ```text
//!              no leader known: the members by turns
//!   target ──► ask ──► answered ───────────────────────────► done
//!     ▲                 │
//!     │                 ├─ another leader named ──► ask it at once, but each fourth time wait
//!     │                 ├─ not reached, no leader ─► wait, twice as long each time
//!     └─────────────────┴─ outcome unknown ────────► wait; from now on never "nothing changed"
//! ```

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use vane_transport::{NotRead, Outcome};
use vane_types::planted::{self, Fault};
use vane_types::{Error, GroupId, LogIndex, NodeId, Refusal};

use crate::router::Router;

/// Time without a leader after which a request is refused: two elections, of up to 1.3 s
/// each. A call that is on its way then may take another 1.7 s to be given up, by the
/// keep-alive of the connection, which makes five in all.
pub const LEADER_WAIT_MAX: Duration = Duration::from_millis(3200);
/// Pauses between attempts; each is twice the one before.
pub(crate) const PAUSE_MIN: Duration = Duration::from_millis(10);
pub(crate) const PAUSE_MAX: Duration = Duration::from_millis(200);
/// Of so many redirections in a row one waits: two replicas that name each other must not be
/// asked by turns without end.
const REDIRECTS_AT_ONCE: u32 = 4;

/// What the request does, which decides what may be said and done after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Changes nothing.
    Read,
    /// A command that names itself, so that copies of it are applied once.
    Write,
    /// A command of the meta group. Where it names itself, copies of it are applied once. Others,
    /// of clusters below [`FeatureLevel::PROVEN`](vane_types::FeatureLevel::PROVEN), may be applied
    /// twice: they say what should be, and a second one changes nothing or is refused.
    MetaWrite { is_named: bool },
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Ask the next target at once.
    Ask,
    /// Wait so long before that.
    Wait(Duration),
    /// Name this index as the basis, then ask at once: the command is certainly in no log.
    Rebase(LogIndex),
    /// It is applied, at this index.
    Applied(LogIndex),
    /// It ends without an answer, for this reason.
    Fail(Failure),
}

/// Why a request ended without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The group is in no catalog any more.
    NoSuchGroup,
    /// No leader answered in time; the command is in no log.
    NoLeader(String),
    /// Too much is waiting at the leader; the command is in no log.
    Full(String),
    /// The leader's disk has no room; the command is in no log.
    NoSpace(String),
    /// Applied, and refused.
    Refused(Refusal),
    /// It may be in a log.
    Unknown(String),
    /// The leader was asked, and failed.
    Failed(Error),
}

/// A request on its way.
#[derive(Debug)]
pub struct Attempt {
    group: GroupId,
    purpose: Purpose,
    began: Instant,
    deadline: Instant,
    /// Targets asked so far.
    asked: u32,
    /// Those among them that were asked because it was their turn.
    turns: usize,
    /// The leader that this node's own replica named when the last target was picked.
    watched: Option<NodeId>,
    /// One that it named and that turned out not to lead. A replica that its group let go, or that
    /// is cut off from it, hears of no other.
    misled: Option<NodeId>,
    pause: Duration,
    /// Why the last target did not end it.
    why: String,
    /// Set once a target may have put it into a log: why that is not known.
    perhaps_logged: Option<String>,
}

impl Attempt {
    /// A request that begins now.
    pub fn new(group: GroupId, purpose: Purpose, now: Instant, deadline: Instant) -> Self {
        Self {
            group,
            purpose,
            began: now,
            deadline,
            asked: 0,
            turns: 0,
            watched: None,
            misled: None,
            pause: PAUSE_MIN,
            why: "no leader is known".into(),
            perhaps_logged: None,
        }
    }

    /// Node to ask next: the leader as this node's own replica knows it (`watched`), unless that
    /// one was asked and does not lead, or as the router remembers; else the members by turns, the
    /// first of them first.
    ///
    /// # Errors
    /// [`Failure::NoSuchGroup`] where there are no members.
    pub fn target(
        &mut self,
        router: &Router,
        watched: Option<NodeId>,
        members: impl FnOnce() -> Vec<NodeId>,
    ) -> Result<NodeId, Failure> {
        self.asked += 1;
        // This node's replica hears of an election before any answer can name the winner.
        self.watched = watched.filter(|node| self.misled != Some(*node));
        if let Some(node) = self.watched.or_else(|| router.leader(self.group)) {
            return Ok(node);
        }
        let (members, turn) = (members(), self.turns);
        self.turns += 1;
        // Without members the remainder would divide by zero.
        members.get(turn % members.len().max(1)).copied().ok_or_else(|| {
            // A group can go while a copy is on its way, and may have applied it before.
            match &self.perhaps_logged {
                Some(why) => Failure::Unknown(why.clone()),
                None => Failure::NoSuchGroup,
            }
        })
    }

    /// A read was answered: remembers by whom.
    pub fn answered(&self, router: &Router, node: NodeId, index: LogIndex) {
        router.set_leader(self.group, Some(node));
        router.set_basis(self.group, index);
    }

    /// A read was not answered by `node`.
    pub fn not_read(
        &mut self,
        router: &Router,
        node: NodeId,
        not_read: NotRead,
        now: Instant,
    ) -> Next {
        match not_read {
            NotRead::NotLeader(leader) => self.redirected(router, node, leader, now),
            NotRead::NoReplica(why) => self.unreached(router, node, why, now),
            NotRead::Failed(error) => Next::Fail(Failure::Failed(error)),
        }
    }

    /// What became of a proposal at `node`.
    pub fn proposed(
        &mut self,
        router: &Router,
        node: NodeId,
        outcome: Outcome,
        now: Instant,
    ) -> Next {
        match outcome {
            Outcome::Applied(index) => {
                self.answered(router, node, index);
                Next::Applied(index)
            }
            Outcome::Refused(refusal) => Next::Fail(self.refused(refusal)),
            Outcome::NotLeader(leader) => self.redirected(router, node, leader, now),
            Outcome::NoReplica(why) => self.unreached(router, node, why, now),
            Outcome::Unknown(why) => {
                // Set for good: no later answer can take back that a copy may be logged.
                if !planted::is(Fault::ForgetUnknown) {
                    self.perhaps_logged = Some(why.clone());
                }
                self.unreached(router, node, why, now)
            }
            Outcome::Full(why) if self.fails_at_once() => Next::Fail(Failure::Full(why)),
            Outcome::NoSpace(why) if self.fails_at_once() => Next::Fail(Failure::NoSpace(why)),
            Outcome::Full(why) | Outcome::NoSpace(why) => {
                self.why = why;
                self.wait(now)
            }
            Outcome::StaleBasis(newer) if self.perhaps_logged.is_none() => Next::Rebase(newer),
            // With another basis it would be another request, beside the one that may be there.
            Outcome::StaleBasis(_) => {
                Next::Fail(Failure::Unknown("too much was written meanwhile to tell".into()))
            }
        }
    }

    /// Whether a full leader ends the request. Not where a copy may be on its way to the log:
    /// its outcome is worth the wait. Nor a command of the meta group, which is small and rare.
    fn fails_at_once(&self) -> bool {
        self.purpose == Purpose::Write && self.perhaps_logged.is_none()
    }

    fn refused(&self, refusal: Refusal) -> Failure {
        match (self.purpose, &self.perhaps_logged) {
            // The first copy may be what the second ran into: nobody can say which was refused.
            (Purpose::MetaWrite { is_named: false }, Some(_)) => Failure::Unknown(format!(
                "it was sent twice, and the second time it was refused: {refusal}"
            )),
            _ => Failure::Refused(refusal),
        }
    }

    /// Another node was named, or none.
    fn redirected(
        &mut self,
        router: &Router,
        asked: NodeId,
        leader: Option<NodeId>,
        now: Instant,
    ) -> Next {
        self.doubt(asked);
        // One that refuses and names itself would refuse again if it were asked at once.
        let other = leader.filter(|named| *named != asked);
        router.set_leader(self.group, other);
        self.why = format!("node {asked} does not lead it");
        if other.is_some() && !self.asked.is_multiple_of(REDIRECTS_AT_ONCE) {
            return Next::Ask;
        }
        self.wait(now)
    }

    fn unreached(&mut self, router: &Router, asked: NodeId, why: String, now: Instant) -> Next {
        self.doubt(asked);
        // Forgotten, so that the members are asked by turns until one names a leader.
        router.set_leader(self.group, None);
        self.why = why;
        self.wait(now)
    }

    /// The word of this node's own replica is not taken a second time for one that did not lead.
    fn doubt(&mut self, asked: NodeId) {
        if self.watched == Some(asked) {
            self.misled = self.watched;
        }
    }

    fn wait(&mut self, now: Instant) -> Next {
        let pause = self.pause;
        let waited = now.saturating_duration_since(self.began);
        // A pause that lasts until the deadline would leave no time to ask in.
        if now + pause >= self.deadline || waited > LEADER_WAIT_MAX {
            return Next::Fail(match self.perhaps_logged.take() {
                Some(why) => Failure::Unknown(why),
                None => Failure::NoLeader(std::mem::take(&mut self.why)),
            });
        }
        self.pause = (pause * 2).min(PAUSE_MAX);
        Next::Wait(pause)
    }
}
