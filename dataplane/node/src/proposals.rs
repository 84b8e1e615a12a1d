//! Commands at the group's leader, where that is this node.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use vane_raft::{Applied, Engine};
use vane_storage::{Space, space::OutOfSpace};
use vane_transport::{Outcome, Proposal};
use vane_types::{GroupId, LogIndex, NodeId};

use crate::quota::QuotaWatch;
use crate::reads::leader_elsewhere;
use crate::replicas::Replicas;

/// Time between looks at a shard that is behind with sealing.
const BACKLOG_PAUSE: Duration = Duration::from_millis(10);

/// Takes commands for the groups that this node leads.
pub(crate) struct Proposals {
    pub(crate) me: NodeId,
    pub(crate) engine: Arc<Engine>,
    pub(crate) replicas: Arc<Replicas>,
    pub(crate) space: Arc<Space>,
    pub(crate) quota: Arc<QuotaWatch>,
}

impl Proposals {
    /// Logs a command here, if this node leads the group, and waits until it is applied.
    pub(crate) async fn propose(&self, proposal: Proposal, deadline: Instant) -> Outcome {
        let checked = match proposal.group {
            // Its commands are small and rare, and deletes among them make room: neither a full
            // disk nor a backlog refuses them.
            GroupId::META => self.check_basis_of_meta(&proposal),
            _ => self.check_shard(&proposal, deadline).await,
        };
        if let Err(outcome) = checked {
            return outcome;
        }
        let Proposal { group, command, replicas, .. } = proposal;
        let (answer, answered) = oneshot::channel();
        let proposed = self.engine.propose(
            group,
            command,
            Box::new(move |outcome| drop(answer.send(outcome))),
        );
        if let Err(error) = proposed {
            return error.into();
        }
        let Applied { index, answer } =
            match tokio::time::timeout_at(deadline.into(), answered).await {
                Err(_) => return Outcome::Unknown("it was logged but not applied in time".into()),
                Ok(Err(_)) => return Outcome::Unknown("the leader stopped".into()),
                Ok(Ok(Err(error))) => return error.into(),
                Ok(Ok(Ok(applied))) => applied,
            };
        // Refused by every replica alike, so sending it again would change nothing.
        if let Err(refusal) = answer {
            return Outcome::Refused(refusal);
        }
        // After it is applied: a majority has it by then, so a failure here is never a refusal.
        if replicas > 0 && !self.wait_replicated(group, index, replicas, deadline).await {
            return Outcome::Unknown(
                "it is applied, but not yet on as many replicas as `write_consistency_factor` \
                 asks for"
                    .into(),
            );
        }
        Outcome::Applied(index)
    }

    /// # Errors
    /// The newer basis that the meta group's leader asks for; the command is in no log.
    fn check_basis_of_meta(&self, proposal: &Proposal) -> Result<(), Outcome> {
        let watch = self.engine.watch(GroupId::META).filter(|watch| watch.is_serving());
        let applied = watch.map(|watch| watch.applied());
        // Who does not lead it names the one who does, once it is asked to log.
        match applied.filter(|applied| proposal.is_stale(*applied)) {
            Some(newer) => Err(Outcome::StaleBasis(newer)),
            None => Ok(()),
        }
    }

    /// # Errors
    /// Why a shard's leader does not take a command; it is in no log.
    async fn check_shard(&self, proposal: &Proposal, deadline: Instant) -> Result<(), Outcome> {
        let Proposal { group, command, grows, .. } = proposal;
        let replica = self.replicas.find(self.me, *group).map_err(Outcome::NoReplica)?;
        // Before anything is waited for: what is full here says nothing about another leader.
        if !replica.watch.is_serving() {
            return Err(Outcome::NotLeader(leader_elsewhere(self.me, &replica.watch)));
        }
        let applied = replica.watch.applied();
        if proposal.is_stale(applied) {
            return Err(Outcome::StaleBasis(applied));
        }
        if *grows && let Err(full) = self.space.check(command.len()) {
            return Err(Outcome::NoSpace(room_missing(&full)));
        }
        if *grows && let Err(over) = self.quota.check() {
            return Err(Outcome::NoSpace(over));
        }
        if *grows {
            // Half of what is left at most: the delay must not be what the request fails by.
            let left = deadline.saturating_duration_since(Instant::now()) / 2;
            let delay = replica.shard.write_delay().min(left);
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
        }
        // Waited for, not refused at once: a backlog that clears in time costs the client a delay.
        loop {
            // A full disk seals nothing, and deletes are what makes room.
            let waits_for_seal = *grows || self.space.check(0).is_ok();
            if !waits_for_seal || !replica.shard.is_backlogged() {
                break;
            }
            if Instant::now() > deadline {
                return Err(Outcome::Full("segments wait to be written to disk".into()));
            }
            tokio::time::sleep(BACKLOG_PAUSE).await;
        }
        // Slowed down, so that what follows a snapshot on its way still fits into the log.
        let patience = deadline.saturating_duration_since(Instant::now());
        let turn = replica.watch.turn(command.len(), patience).ok_or_else(|| {
            Outcome::Full("writes are slowed down while another replica gets its copy".into())
        })?;
        if !turn.is_zero() {
            tokio::time::sleep(turn).await;
        }
        Ok(())
    }

    /// Waits until so many replicas have an entry on disk; false where they do not in time.
    async fn wait_replicated(
        &self,
        group: GroupId,
        index: LogIndex,
        replicas: u32,
        deadline: Instant,
    ) -> bool {
        let (answer, answered) = oneshot::channel();
        let done = Box::new(move |outcome| drop(answer.send(outcome)));
        self.engine.wait_replicated(group, index, replicas as usize, done);
        matches!(tokio::time::timeout_at(deadline.into(), answered).await, Ok(Ok(Ok(()))))
    }
}

/// What is wrong with the disk, without advice: that is formed where an answer leaves.
pub(crate) fn room_missing(full: &OutOfSpace) -> String {
    let OutOfSpace { free, needed, .. } = full;
    format!("{free} bytes are free on the disk, the write needs {needed} to keep a reserve")
}
