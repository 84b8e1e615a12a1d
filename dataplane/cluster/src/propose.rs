//! Commands at the group's leader, where that is this node.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use vane_raft::{Applied, ProposeError, node_of};
use vane_types::command::DEDUPE_WINDOW;
use vane_types::{GroupId, LogIndex, Refusal};

use crate::inner::Inner;
use crate::local::{NotRead, leader_elsewhere, replica_here};

/// Time between looks at a shard that is behind with sealing.
const BACKLOG_PAUSE: Duration = Duration::from_millis(10);

/// A command for a group's leader.
#[derive(Debug, Clone)]
pub(crate) struct Proposal {
    pub(crate) group: GroupId,
    /// Stored form.
    pub(crate) command: Vec<u8>,
    /// Replicas that must have it on disk; 0 for a majority.
    pub(crate) replicas: u32,
    /// Index that the command names as its basis; 0 for a command without one.
    pub(crate) basis: LogIndex,
    /// It takes room on the disk for good.
    pub(crate) grows: bool,
}

/// What became of a command.
#[derive(Debug)]
pub(crate) enum Outcome {
    Applied(LogIndex),
    Refused(Refusal),
    /// In no log: ask the node named, or wait for a leader.
    NotLeader(Option<u64>),
    /// In no log.
    Full(String),
    /// In no log.
    NoSpace(String),
    /// Perhaps in the log.
    Unknown(String),
    /// In no log: name this index or a later one.
    StaleBasis(LogIndex),
    /// In no log.
    NoReplica(String),
}

/// Logs a command here, if this node leads the group, and waits until it is applied.
pub(crate) async fn propose_here(inner: &Inner, proposal: Proposal, deadline: Instant) -> Outcome {
    let Proposal { group, command, replicas, basis, grows } = proposal;
    if group != GroupId::META
        && let Some(outcome) =
            check_shard(inner, group, command.len(), basis, grows, deadline).await
    {
        return outcome;
    }
    let (answer, answered) = oneshot::channel();
    let proposed =
        inner.node.propose(group, command, Box::new(move |outcome| drop(answer.send(outcome))));
    if let Err(error) = proposed {
        return outcome_of(error);
    }
    let unknown = |why: &str| Outcome::Unknown(why.to_owned());
    let Applied { index, answer } = match tokio::time::timeout_at(deadline.into(), answered).await {
        Err(_) => return unknown("it was logged but not applied in time"),
        Ok(Err(_)) => return unknown("the leader stopped"),
        Ok(Ok(Err(error))) => return outcome_of(error),
        Ok(Ok(Ok(applied))) => applied,
    };
    if let Err(refusal) = answer {
        return Outcome::Refused(refusal);
    }
    if replicas > 0 && !spread(inner, group, index, replicas, deadline).await {
        return unknown(
            "it is applied, but not yet on as many replicas as `write_consistency_factor` asks for",
        );
    }
    Outcome::Applied(index)
}

/// Why a shard's leader does not take a command, if it does not.
async fn check_shard(
    inner: &Inner,
    group: GroupId,
    bytes: usize,
    basis: LogIndex,
    grows: bool,
    deadline: Instant,
) -> Option<Outcome> {
    let replica = match replica_here(inner, group) {
        Ok(replica) => replica,
        Err(NotRead::NoReplica(why)) => return Some(Outcome::NoReplica(why)),
        Err(_) => return Some(Outcome::NotLeader(None)),
    };
    if !replica.watch.is_serving() {
        return Some(Outcome::NotLeader(leader_elsewhere(&replica)));
    }
    let applied = replica.watch.applied();
    // Half of the window is left to the entries that come before this one.
    if basis > 0 && basis + DEDUPE_WINDOW / 2 < applied {
        return Some(Outcome::StaleBasis(applied));
    }
    if grows && let Err(error) = inner.space.check(bytes) {
        return Some(Outcome::NoSpace(error.to_string()));
    }
    loop {
        // A full disk seals nothing, and deletes are what makes room.
        let waits = grows || inner.space.check(0).is_ok();
        let why = match (waits && replica.shard.is_backlogged(), replica.watch.is_log_full()) {
            (true, _) => "segments wait to be written to disk",
            (_, true) => "the log is full: a snapshot for another replica is on its way",
            _ => return None,
        };
        if Instant::now() > deadline {
            return Some(Outcome::Full(format!(
                "{why}; nothing was changed, try again in a moment"
            )));
        }
        tokio::time::sleep(BACKLOG_PAUSE).await;
    }
}

/// Waits until so many replicas have an entry on disk.
async fn spread(
    inner: &Inner,
    group: GroupId,
    index: LogIndex,
    replicas: u32,
    deadline: Instant,
) -> bool {
    let (answer, answered) = oneshot::channel();
    inner.node.spread(
        group,
        index,
        replicas as usize,
        Box::new(move |outcome| drop(answer.send(outcome))),
    );
    matches!(tokio::time::timeout_at(deadline.into(), answered).await, Ok(Ok(Ok(()))))
}

fn outcome_of(error: ProposeError) -> Outcome {
    match error {
        ProposeError::Full { .. } => Outcome::Full(error.to_string()),
        ProposeError::NoSuchGroup(_) => Outcome::NoReplica(error.to_string()),
        ProposeError::NotLeader { leader, .. } => Outcome::NotLeader(leader.map(node_of)),
        // It will never be applied, so that it may be logged anew.
        ProposeError::Superseded(_) => Outcome::NotLeader(None),
        ProposeError::Refused { why, .. } => Outcome::Full(why),
        ProposeError::Unknown(_) => Outcome::Unknown(error.to_string()),
        // Either in no log or handed to the others already.
        ProposeError::Stopping => Outcome::Unknown(error.to_string()),
    }
}
