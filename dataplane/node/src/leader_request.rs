//! What is asked of a group's leader beside commands: to hand over, and to change members.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use vane_raft::{Engine, MemberChange};
use vane_transport::{LeaderRequest, NotDone, Peers};
use vane_types::{GroupId, NodeId, PeerId};

/// Pause between looks at whether a new leader is there.
const LOOK_PAUSE: Duration = Duration::from_millis(5);

/// Asks leaders, here or on other nodes.
pub(crate) struct LeaderRequests {
    pub(crate) me: NodeId,
    pub(crate) engine: Arc<Engine>,
    pub(crate) peers: Arc<Peers>,
}

impl LeaderRequests {
    /// Has the leader on `node` do what is asked; returns once it is done.
    ///
    /// # Errors
    /// Where `node` does not lead or is not reached, or a step does not fit the membership;
    /// [`NotDone::Unknown`] where it may still be done.
    pub(crate) async fn ask(
        &self,
        node: NodeId,
        group: GroupId,
        request: LeaderRequest,
        deadline: Instant,
    ) -> Result<(), NotDone> {
        match node == self.me {
            true => self.ask_here(group, request, deadline).await,
            false => self.peers.ask_leader(node, group, request, deadline).await,
        }
    }

    /// [`LeaderRequests::ask`] of a group that this node leads.
    pub(crate) async fn ask_here(
        &self,
        group: GroupId,
        request: LeaderRequest,
        deadline: Instant,
    ) -> Result<(), NotDone> {
        match request {
            LeaderRequest::Transfer(to) => self.transfer(group, to, deadline).await,
            LeaderRequest::Change(change) => self.change(group, change, deadline).await,
        }
    }

    async fn transfer(&self, group: GroupId, to: PeerId, deadline: Instant) -> Result<(), NotDone> {
        // The engine answers between rounds of its thread, which may wait for a disk.
        let engine = Arc::clone(&self.engine);
        let begun = tokio::task::spawn_blocking(move || engine.transfer(group, to)).await;
        begun.map_err(|error| NotDone::Unknown(error.to_string()))??;
        // The engine says only that it began: that the other leads shows in what this replica
        // hears.
        while self.engine.watch(group).and_then(|watch| watch.leader()) != Some(to) {
            if Instant::now() >= deadline {
                // It may win its election yet, so this must not read as a refusal.
                let why = "the other replica did not take the leadership within the time limit";
                return Err(NotDone::Unknown(why.into()));
            }
            tokio::time::sleep(LOOK_PAUSE).await;
        }
        Ok(())
    }

    async fn change(
        &self,
        group: GroupId,
        change: MemberChange,
        deadline: Instant,
    ) -> Result<(), NotDone> {
        let (answer, answered) = oneshot::channel();
        // Sent from the Raft thread: a caller that has given up must not hold it up.
        let done = Box::new(move |outcome| drop(answer.send(outcome)));
        self.engine.change_members(group, change, done);
        match tokio::time::timeout_at(deadline.into(), answered).await {
            Ok(Ok(Ok(_applied))) => Ok(()),
            Ok(Ok(Err(error))) => Err(error.into()),
            Ok(Err(_)) => Err(NotDone::Unknown("the node is shutting down".into())),
            Err(_) => {
                // It may be in the log, and is then applied whether or not somebody waits for it.
                let why = "the change of members was not applied within the time limit";
                Err(NotDone::Unknown(why.into()))
            }
        }
    }
}
