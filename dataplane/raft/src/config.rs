//! Times and bounds of a node's groups.

use std::ops::Range;
use std::time::Duration;

use vane_types::{LogIndex, PeerId};

use crate::clock::Clock;
use crate::leases::LeaseTimes;

/// Entries by which a learner may trail and still count as caught up.
pub const CAUGHT_UP_ENTRIES: u64 = 64;

/// How much a node's groups keep, and send at once.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// A command, in bytes. Queues of messages have room for more than one of it.
    pub entry_bytes_max: usize,
    /// Entries of one append message, in bytes.
    pub message_bytes_max: u64,
    /// Append messages on their way to one follower of one group.
    pub inflight_messages_max: usize,
    /// Committed entries that one group hands on at once, in bytes.
    pub committed_bytes_max: u64,
    /// Bytes of a group's newest entries that stay in memory once they are applied.
    pub cache_bytes_max: usize,
    /// The same with those that are not applied; older ones are read back for the state machine.
    pub unapplied_cache_bytes_max: usize,
    /// Bytes of committed entries that may wait for a follower's state machine: beyond them it
    /// takes no more, which slows its leader down.
    pub unapplied_bytes_max: u64,
    /// Bytes of entries that may wait for the state machines of this node's shards; beyond them
    /// committed entries stay in the log until there is room.
    pub apply_bytes_max: usize,
    /// The same of one group: others have room beside it.
    pub apply_group_bytes_max: usize,
    /// Entries that a group keeps for a follower that is away; one that is farther behind
    /// gets a snapshot.
    pub log_kept_entries_max: u64,
    /// Bytes of entries that a group keeps for a follower that is away, or more where its data is
    /// large.
    pub log_kept_bytes_max: u64,
    /// Bytes that a log should not outgrow: a snapshot on its way keeps the log behind it. From
    /// half of them on commands are slowed down ([`crate::Watch::turn`]).
    pub log_bytes_max: u64,
    /// Applied entries that a follower keeps, so that as a leader it could serve one that
    /// is slower.
    pub follower_kept_entries: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            entry_bytes_max: 48 << 20,
            message_bytes_max: 1 << 20,
            // Together less than what may wait for a node: what is dropped there is sent twice.
            inflight_messages_max: 32,
            committed_bytes_max: 8 << 20,
            cache_bytes_max: 256 << 10,
            unapplied_cache_bytes_max: 8 << 20,
            unapplied_bytes_max: 64 << 20,
            apply_bytes_max: 64 << 20,
            apply_group_bytes_max: 8 << 20,
            log_kept_entries_max: 200_000,
            log_kept_bytes_max: 256 << 20,
            log_bytes_max: 1 << 30,
            follower_kept_entries: 8192,
        }
    }
}

/// Times and bounds of a node's groups.
#[derive(Debug, Clone)]
pub struct Config {
    /// Time between ticks.
    pub tick: Duration,
    /// Ticks without a leader after which a follower stands for election: each replica
    /// draws one anew for each term.
    pub election_ticks: Range<usize>,
    /// Ticks between a leader's heartbeats.
    pub heartbeat_ticks: usize,
    /// Ticks without anything new in a group after which its clocks may stand still.
    pub still_ticks: usize,
    /// Bytes of commands that may be on their way between proposal and answer.
    pub pending_bytes_max: usize,
    /// How much the groups keep and send at once.
    pub bounds: Bounds,
    /// Times of the leases by which followers answer reads.
    pub leases: LeaseTimes,
    /// What leases are reckoned by.
    pub clock: Clock,
    /// Seed of the election timeouts.
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            tick: Duration::from_millis(100),
            // Longer than three heartbeats, so that one lost message brings no election; a range
            // against ties.
            election_ticks: 7..13,
            heartbeat_ticks: 2,
            still_ticks: 20,
            pending_bytes_max: 256 << 20,
            bounds: Bounds::default(),
            leases: LeaseTimes::default(),
            clock: Clock::default(),
            seed: 0,
        }
    }
}

impl Config {
    /// raft-rs's settings for one replica, whose state machine is at `applied`.
    pub(crate) fn of_replica(&self, peer: PeerId, applied: LogIndex) -> raft::Config {
        let bounds = &self.bounds;
        raft::Config {
            id: peer.0,
            election_tick: self.election_ticks.start,
            min_election_tick: self.election_ticks.start,
            max_election_tick: self.election_ticks.end,
            heartbeat_tick: self.heartbeat_ticks,
            applied: applied.0,
            max_size_per_msg: bounds.message_bytes_max,
            max_inflight_msgs: bounds.inflight_messages_max,
            // A leader that lost its majority steps down, and one that comes back disturbs nobody.
            check_quorum: true,
            pre_vote: true,
            batch_append: true,
            // At least one message: a node with a small budget could never propose a large command.
            max_uncommitted_size: (self.pending_bytes_max as u64).max(bounds.message_bytes_max),
            max_committed_size_per_ready: bounds.committed_bytes_max,
            ..raft::Config::default()
        }
    }
}
