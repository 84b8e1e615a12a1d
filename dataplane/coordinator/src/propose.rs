//! Commands: applied once, however often they have to be sent.

use std::time::Instant;

use vane_commands::{Bounds, Command, RoutedBy};
use vane_transport::reads::Basis;
use vane_transport::{Freshness, Outcome, Proposal};
use vane_types::{Error, FeatureLevel, GroupId, LogIndex, ShardRange};

use crate::attempt::{Attempt, Failure, Next, Purpose};
use crate::coordinator::Coordinator;
use crate::shards::Shards;

/// Bytes of a command that is read again on the thread that serves its connection.
const READ_HERE_BYTES_MAX: usize = 32 << 10;

/// A command for one shard.
#[derive(Debug, Clone)]
pub(crate) struct ShardCommand {
    pub(crate) group: GroupId,
    pub(crate) command: Command,
    /// The shard's range that it is sent by; `None` for what is the shard's whatever its range.
    pub(crate) range: Option<ShardRange>,
    /// Replicas that must have it on disk; 0 for a majority.
    pub(crate) replicas: u32,
    /// It takes room on the disk for good.
    pub(crate) grows: bool,
}

impl<S: Shards> Coordinator<S> {
    /// Has a command applied once; its index in the shard's log. The command is left with the
    /// name that it was sent by.
    ///
    /// # Errors
    /// [`Failure`], which tells whether it is in a log.
    pub(crate) async fn propose_once(
        &self,
        shard_command: &mut ShardCommand,
        deadline: Instant,
    ) -> Result<LogIndex, Failure> {
        let ShardCommand { group, command, range, replicas, grows } = shard_command;
        let (group, replicas, grows) = (*group, *replicas, *grows);
        // Before the first copy is sent, so that all of them come to lie behind it.
        let basis = self.basis(group, deadline).await.map_err(Failure::Failed)?;
        let mut request = self.router.name_request(basis);
        command.request = Some(request);
        let level = self.catalog.level();
        *command = std::mem::take(command).at(level);
        command.routed_by = range.filter(|_| level >= FeatureLevel::ROUTED).map(RoutedBy::from);
        command.bounds = (level >= FeatureLevel::PROVEN).then_some(Bounds::OWN);
        let encoded = command.encode(level).map_err(|low| Failure::Failed(low.into()))?;
        let encoded = self.readable(encoded).await.map_err(Failure::Failed)?;
        let proposal = Proposal {
            group,
            // Encoded once: every copy is the same command, byte for byte.
            command: encoded,
            replicas,
            basis: Some(basis),
            grows,
        };
        // The same name with a newer basis: the old copy is certainly in no log.
        let rebase = |newer: LogIndex| {
            request.basis = newer.0;
            command.request = Some(request);
            // As by the level above, which is never lowered.
            Some(command.encode_stored())
        };
        self.propose_until_applied(Purpose::Write, proposal, rebase, deadline).await
    }

    /// Reads a command as all replicas will. One that they could not read would stop them all.
    async fn readable(&self, stored: Vec<u8>) -> Result<Vec<u8>, Error> {
        let check = |stored: &[u8]| {
            Command::check_readable(stored).map_err(|error| {
                let why = format!("the write makes a command that cannot be read again: {error}");
                Error::internal(why).nothing_changed()
            })
        };
        if stored.len() <= READ_HERE_BYTES_MAX {
            return check(&stored).map(|()| stored);
        }
        // Not on this thread, which serves connections.
        self.shards.offload(move || check(&stored).map(|()| stored)).await?
    }

    /// Sends a proposal to one node after the other until it is applied, refused, or given up.
    pub(crate) async fn propose_until_applied(
        &self,
        purpose: Purpose,
        mut proposal: Proposal,
        mut rebase: impl FnMut(LogIndex) -> Option<Vec<u8>>,
        deadline: Instant,
    ) -> Result<LogIndex, Failure> {
        let group = proposal.group;
        let mut attempt = Attempt::new(group, purpose, self.shards.now(), deadline);
        loop {
            let node = self.target(group, &mut attempt)?;
            let call = self.shards.propose(node, proposal.clone(), deadline);
            let outcome = match self.unless_leader_moves(node, group, call).await {
                Some(outcome) => outcome,
                None => {
                    // The call is given up, not taken back: the old leader may have logged it.
                    Outcome::Unknown("its leader changed while the write was on its way".into())
                }
            };
            match attempt.proposed(&self.router, node, outcome, self.shards.now()) {
                Next::Ask => {}
                Next::Wait(pause) => self.pause(group, pause).await,
                Next::Rebase(newer) => {
                    // What has no basis never comes here.
                    if let Some(command) = rebase(newer) {
                        proposal = Proposal { command, basis: Some(newer), ..proposal };
                    }
                }
                Next::Applied(index) => return Ok(index),
                Next::Fail(failure) => return Err(failure),
            }
        }
    }

    /// An index that the group's leader has applied already.
    async fn basis(&self, group: GroupId, deadline: Instant) -> Result<LogIndex, Error> {
        // A replica here that has applied nothing says nothing about the leader.
        match self.known_basis(group).filter(|index| *index > LogIndex::ZERO) {
            Some(index) => Ok(index),
            None => Ok(self.read(group, Basis, Freshness::Leader, deadline).await?.0),
        }
    }

    /// An index that the group has applied, as far as is known here.
    pub(crate) fn known_basis(&self, group: GroupId) -> Option<LogIndex> {
        // Both were applied: the later one leaves more of the window to other writes.
        self.shards.applied_here(group).max(self.router.basis(group))
    }
}
