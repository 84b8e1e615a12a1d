//! Reads: asking the nearest replica, or nodes until a leader answers, or time is up.

use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};
use vane_transport::{Answered, Freshness, NotRead, Read};
use vane_types::{Error, GroupId, LogIndex, NodeId};

use crate::attempt::{Attempt, Next, Purpose};
use crate::coordinator::Coordinator;
use crate::shards::Shards;

/// Time between looks at whether another node leads meanwhile.
const LEADER_LOOK: Duration = Duration::from_millis(50);
/// The same between two attempts, where nothing is on its way and somebody waits.
const PAUSE_LOOK: Duration = Duration::from_millis(5);

impl<S: Shards> Coordinator<S> {
    /// Reads from a group's leader; also says which node answered.
    ///
    /// # Errors
    /// The leader's own; `Unavailable` where none answers within 3.2 s, or by the deadline.
    pub async fn read<R: Read>(
        &self,
        group: GroupId,
        read: R,
        freshness: Freshness,
        deadline: Instant,
    ) -> Result<(R::Answer, NodeId), Error> {
        let mut attempt = Attempt::new(group, Purpose::Read, self.shards.now(), deadline);
        loop {
            let node = self.target(group, &mut attempt).map_err(|why| self.error(group, why))?;
            let next = match self.ask(node, group, read.clone(), freshness, deadline).await {
                Ok((answer, index)) => {
                    // Each answer tells how far the leader is, so that writes rarely have to ask
                    // for a basis.
                    attempt.answered(&self.router, node, index);
                    return Ok((answer, node));
                }
                Err(why) => attempt.not_read(&self.router, node, why, self.shards.now()),
            };
            match next {
                Next::Wait(pause) => self.pause(group, pause).await,
                Next::Fail(failure) => return Err(self.error(group, failure)),
                // The last two come of proposals only.
                Next::Ask | Next::Rebase(_) | Next::Applied(_) => {}
            }
        }
    }

    /// Reads from the replica that is nearest; from the leader where that one cannot answer. Also
    /// says which node answered.
    ///
    /// # Errors
    /// As [`Coordinator::read`].
    pub(crate) async fn read_of_anyone<R: Read>(
        &self,
        group: GroupId,
        read: R,
        freshness: Freshness,
        deadline: Instant,
    ) -> Result<(R::Answer, NodeId), Error> {
        if let Some(node) = self.nearest(group) {
            let (began, in_flight) = (self.shards.now(), self.nearest.begin(node));
            let asked = self.ask(node, group, read.clone(), freshness.from_anyone(), deadline);
            let answered = asked.await;
            let took = self.shards.now().saturating_duration_since(began);
            match answered {
                Ok((answer, index)) => {
                    in_flight.answered(took);
                    self.router.set_basis(group, index);
                    return Ok((answer, node));
                }
                Err(NotRead::Failed(error)) => return Err(error),
                Err(NotRead::NotLeader(_) | NotRead::NoReplica(_)) => {
                    self.was_not_near(group, node, took);
                }
            }
        }
        self.read(group, read, freshness, deadline).await
    }

    /// Reads once, from a node that an earlier read named: what is asked for lies there alone.
    ///
    /// # Errors
    /// The node's own; `Unavailable` where it has no replica any more or is not reached.
    pub async fn read_at<R: Read>(
        &self,
        node: NodeId,
        group: GroupId,
        read: R,
        deadline: Instant,
    ) -> Result<R::Answer, Error> {
        // How new the answer is was settled by the read that made the view.
        let any = Freshness::Applied(LogIndex::ZERO);
        match self.ask(node, group, read, any, deadline).await {
            Ok((answer, _)) => Ok(answer),
            Err(NotRead::Failed(error)) => Err(error),
            // Asked nowhere else: no other node has the view.
            Err(NotRead::NotLeader(_) | NotRead::NoReplica(_)) => {
                Err(Error::unavailable("lost its replica between search and fetch; try again")
                    .about(self.subject(group)))
            }
        }
    }

    async fn ask<R: Read>(
        &self,
        node: NodeId,
        group: GroupId,
        read: R,
        freshness: Freshness,
        deadline: Instant,
    ) -> Answered<R::Answer> {
        let asked = self.shards.read(node, group, read, freshness, deadline);
        match self.unless_leader_moves(node, group, asked).await {
            Some(answered) => answered,
            // As if the node had named it: the attempt then goes to the new leader at once.
            None => Err(NotRead::NotLeader(self.shards.watched_leader(group))),
        }
    }

    /// Waits between two attempts; for less where this node's own replica hears of a leader
    /// meanwhile, as it does within moments when the process of the one before is gone.
    pub(crate) async fn pause(&self, group: GroupId, pause: Duration) {
        let (known, until) = (self.shards.watched_leader(group), self.shards.now() + pause);
        loop {
            let left = until.saturating_duration_since(self.shards.now());
            if left.is_zero() {
                return;
            }
            self.shards.sleep(left.min(PAUSE_LOOK)).await;
            let leader = self.shards.watched_leader(group);
            if leader.is_some() && leader != known {
                return;
            }
        }
    }

    /// What `call` to a node comes to; `None` once this node's own replica knows of another
    /// leader. A node that hangs would otherwise be waited for until its connection is given
    /// up, long after its group went on without it.
    pub(crate) async fn unless_leader_moves<T>(
        &self,
        asked: NodeId,
        group: GroupId,
        call: impl Future<Output = T>,
    ) -> Option<T> {
        // A node has no connection to itself that could hang.
        if asked == self.shards.me() {
            return Some(call.await);
        }
        let known = self.shards.watched_leader(group);
        let moved = async {
            loop {
                self.shards.sleep(LEADER_LOOK).await;
                // Knowing of no leader is not enough: the one that was asked may still be it. Nor
                // is what was known before, by a replica that may not hear of elections any more.
                let leader = self.shards.watched_leader(group);
                if leader.is_some_and(|leader| leader != asked) && leader != known {
                    return;
                }
            }
        };
        match select(pin!(call), pin!(moved)).await {
            Either::Left((answer, _)) => Some(answer),
            Either::Right(((), _)) => None,
        }
    }
}
