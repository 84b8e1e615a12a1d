//! How a process's coordinator reaches replicas: the real [`Shards`], over simulated time and
//! network.
//!
//! Nothing is done while a future is polled. What it wants is noted, and carried out when all
//! have been polled; the answer then comes with an event of the queue.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_channel::oneshot;
use parking_lot::Mutex;
use vane_coordinator::Shards;
use vane_raft::Watch;
use vane_transport::{Answered, Freshness, NotRead, Outcome, Proposal, Read};
use vane_types::{Changed, Error, GroupId, LogIndex, NodeId};

use super::read::AskedRead;
use crate::event::{Answer, Looked, What};
use crate::queue::{Clock, TICK, Time};

/// Silence after which a node is away.
const AWAY_AFTER: Time = 40 * TICK;
/// Silence after which another may have a node's meta vote.
const LOST_AFTER: Time = 120 * TICK;
/// Time between looks at whether the catalog is followed.
const CATALOG_LOOK: Duration = Duration::from_millis(10);

/// A process's replicas and those of others. Clones are the same.
#[derive(Clone)]
pub(crate) struct Reach {
    me: NodeId,
    clock: Clock,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    /// Of the replicas that are open.
    watches: BTreeMap<GroupId, Arc<Watch>>,
    /// When other nodes last answered.
    heard: BTreeMap<NodeId, Time>,
    /// Index of the meta group up to which replicas were opened and closed.
    followed: LogIndex,
    /// Whose future is being polled.
    task: u64,
    wishes: Vec<Wish>,
}

/// Something that a future waits for.
pub(super) struct Wish {
    pub(super) task: u64,
    pub(super) want: Want,
    /// Takes the answer, or nothing when the time is over.
    pub(super) done: oneshot::Sender<Option<Answer>>,
}

/// What is waited for.
pub(super) enum Want {
    Sleep(Duration),
    Call { node: NodeId, group: GroupId, what: What, deadline: Instant },
}

impl Reach {
    pub(super) fn new(me: NodeId, clock: Clock) -> Self {
        Self { me, clock, shared: Arc::default() }
    }

    pub(super) fn opened(&self, group: GroupId, watch: Arc<Watch>) {
        self.shared.lock().watches.insert(group, watch);
    }

    pub(super) fn closed(&self, group: GroupId) {
        self.shared.lock().watches.remove(&group);
    }

    pub(super) fn heard(&self, node: NodeId) {
        self.shared.lock().heard.insert(node, self.clock.now());
    }

    /// Nodes that are listened for from now on: those that never answered count from here.
    pub(super) fn listen(&self, nodes: &[NodeId]) {
        let (mut shared, now) = (self.shared.lock(), self.clock.now());
        for node in nodes {
            // Kept where it answered before: only silence makes it older.
            shared.heard.entry(*node).or_insert(now);
        }
    }

    /// Whether a node was silent for so long that another may have its meta vote.
    pub(super) fn is_lost(&self, node: NodeId) -> bool {
        let heard = self.shared.lock().heard.get(&node).copied();
        let is_lost = |at: Time| self.clock.now().saturating_sub(at) >= LOST_AFTER;
        node != self.me && heard.is_some_and(is_lost)
    }

    /// Everything that the meta group says up to an index is done here.
    pub(super) fn followed(&self, index: LogIndex) {
        self.shared.lock().followed = index;
    }

    /// What is wanted from now on, a task wants.
    pub(super) fn enter(&self, task: u64) {
        self.shared.lock().task = task;
    }

    /// What was wanted since the last call.
    pub(super) fn take_wishes(&self) -> Vec<Wish> {
        std::mem::take(&mut self.shared.lock().wishes)
    }

    /// Waits for what an event of the queue brings; `None` once the time is over.
    async fn wait(&self, want: Want) -> Option<Answer> {
        // Not here: a lock may not be held for as long as an answer takes.
        self.wish(want).await.ok().flatten()
    }

    fn wish(&self, want: Want) -> oneshot::Receiver<Option<Answer>> {
        let (done, answered) = oneshot::channel();
        let mut shared = self.shared.lock();
        let task = shared.task;
        shared.wishes.push(Wish { task, want, done });
        answered
    }

    fn watch<T>(&self, group: GroupId, look: impl FnOnce(&Watch) -> T) -> Option<T> {
        self.shared.lock().watches.get(&group).map(|watch| look(watch))
    }
}

impl Shards for Reach {
    fn me(&self) -> NodeId {
        self.me
    }

    fn now(&self) -> Instant {
        self.clock.instant(self.clock.now())
    }

    async fn sleep(&self, time: Duration) {
        self.wait(Want::Sleep(time)).await;
    }

    async fn offload<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        // There is one thread, and it has all the time of the world.
        Ok(work())
    }

    fn watched_leader(&self, group: GroupId) -> Option<NodeId> {
        Some(self.watch(group, Watch::leader)??.node())
    }

    fn is_close(&self, group: GroupId) -> bool {
        self.watch(group, Watch::is_close).unwrap_or_default()
    }

    fn applied_here(&self, group: GroupId) -> Option<LogIndex> {
        self.watch(group, Watch::applied)
    }

    fn is_alive(&self, node: NodeId) -> bool {
        let heard = self.shared.lock().heard.get(&node).copied();
        // One that was not asked yet may well be there; this node itself is.
        let is_away = |at: Time| self.clock.now().saturating_sub(at) >= AWAY_AFTER;
        node == self.me || !heard.is_some_and(is_away)
    }

    fn resident_percent(&self) -> Option<u64> {
        None
    }

    fn check_room(&self) -> Result<(), Error> {
        // Disks never fill up here.
        Ok(())
    }

    async fn read<R: Read>(
        &self,
        node: NodeId,
        group: GroupId,
        read: R,
        freshness: Freshness,
        deadline: Instant,
    ) -> Answered<R::Answer> {
        let asked = Arc::new(AskedRead::new(read));
        let what = What::Read { read: Arc::clone(&asked) as _, freshness };
        match self.wait(Want::Call { node, group, what, deadline }).await {
            Some(Answer::Read(Ok(Looked { index, .. }), _)) => {
                let answer = asked.take().ok_or_else(|| Error::internal("no answer was left"))?;
                Ok((answer, index))
            }
            Some(Answer::Read(Err(why), _)) => Err(why),
            // A connection that was given up: nothing is changed by a read, so any other node
            // may be asked.
            Some(Answer::Proposed(..)) | None => Err(NotRead::NoReplica("no answer".into())),
        }
    }

    async fn propose(&self, node: NodeId, proposal: Proposal, deadline: Instant) -> Outcome {
        let (group, what) = (proposal.group, What::Propose(proposal));
        match self.wait(Want::Call { node, group, what, deadline }).await {
            Some(Answer::Proposed(outcome, ..)) => outcome,
            // It may have arrived all the same.
            Some(Answer::Read(..)) | None => Outcome::Unknown("no answer in time".into()),
        }
    }

    async fn catalog_at(&self, index: LogIndex, deadline: Instant) -> Result<(), Error> {
        while self.shared.lock().followed < index {
            if self.now() >= deadline {
                // Only this node is late: nobody may take the change for undone.
                return Err(Error { changed: Changed::Done, ..Error::timeout("not followed") });
            }
            self.sleep(CATALOG_LOOK).await;
        }
        Ok(())
    }
}
