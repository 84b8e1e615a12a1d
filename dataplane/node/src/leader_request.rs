//! What is asked of a group's leader beside commands: to hand over, and to change members.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use vane_raft::{Engine, MemberChange};
use vane_transport::{NotDone, Peers};
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
    /// Has the leader on `node` hand its group to a peer; returns once that one leads.
    ///
    /// # Errors
    /// Where `node` does not lead or is not reached; [`NotDone::Unknown`] where the peer did
    /// not take over in time, and still may.
    pub(crate) async fn transfer(
        &self,
        node: NodeId,
        group: GroupId,
        to: PeerId,
        deadline: Instant,
    ) -> Result<(), NotDone> {
        match node == self.me {
            true => self.transfer_here(group, to, deadline).await,
            false => self.peers.transfer_leader(node, group, to, deadline).await,
        }
    }

    /// Has the leader on `node` take one step to another membership; returns once that is
    /// applied there.
    ///
    /// # Errors
    /// Where `node` does not lead, is not reached, or the step does not fit the membership;
    /// [`NotDone::Unknown`] where it may still be applied.
    pub(crate) async fn change(
        &self,
        node: NodeId,
        group: GroupId,
        change: MemberChange,
        deadline: Instant,
    ) -> Result<(), NotDone> {
        match node == self.me {
            true => self.change_here(group, change, deadline).await,
            false => self.peers.change_members(node, group, change, deadline).await,
        }
    }

    /// [`LeaderRequests::transfer`] of a group that this node leads.
    pub(crate) async fn transfer_here(
        &self,
        group: GroupId,
        to: PeerId,
        deadline: Instant,
    ) -> Result<(), NotDone> {
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

    /// [`LeaderRequests::change`] of a group that this node leads.
    pub(crate) async fn change_here(
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
