//! What waits for the raft thread.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use parking_lot::{Condvar, Mutex};
use vane_types::{GroupId, LogIndex, NodeId, PeerId};

use crate::callback::Callback;
use crate::codec::Envelope;
use crate::core::Start;
use crate::error::{ProposeError, ReadError, StoreError};
use crate::machine::Made;
use crate::reads::{Assurance, OnRead};
use crate::replica::{MemberChange, ReplicatedWait};
use crate::status::{GroupStatus, Heir};
use crate::ticket::Ticket;

/// Proposals, reads and the like that may wait.
const INPUTS_MAX: usize = 16_384;
/// Bytes of messages with entries that may wait; more are dropped, as a network does.
const APPEND_BYTES_MAX: usize = 64 << 20;
/// The same of other messages: heartbeats, votes, acknowledgements.
const SIGNAL_BYTES_MAX: usize = 8 << 20;
/// Bytes of commands that one round takes, and of entries from other leaders: so large a write
/// is synced in a time that nobody takes for a failure.
const ROUND_BYTES_MAX: usize = 4 << 20;
/// Messages without entries that one round takes.
const ROUND_SIGNALS_MAX: usize = 8192;

/// Something for the raft thread.
pub(super) enum Input {
    Propose {
        group: GroupId,
        data: Vec<u8>,
        ticket: Ticket,
    },
    Read {
        group: GroupId,
        assurance: Assurance,
        done: OnRead,
    },
    WaitReplicated {
        group: GroupId,
        wait: ReplicatedWait,
    },
    Change {
        group: GroupId,
        change: MemberChange,
        ticket: Ticket,
    },
    Transfer {
        group: GroupId,
        to: PeerId,
        done: Callback<Result<(), ProposeError>>,
    },
    HandOver {
        groups: Vec<GroupId>,
        heir: Heir,
        done: Callback<Vec<GroupId>>,
    },
    Truncate {
        group: GroupId,
        durable: LogIndex,
        /// Bytes of the state machine's data.
        state_bytes: u64,
    },
    Unreachable(NodeId),
    AllowQuiet(bool),
    Refused {
        node: NodeId,
        heard: u64,
    },
    Status {
        group: GroupId,
        done: Callback<Option<GroupStatus>>,
    },
    Add {
        start: Box<Start>,
        done: Callback<Result<(), StoreError>>,
    },
    Remove {
        group: GroupId,
        done: Callback<()>,
    },
    /// The round's write is on disk.
    Written,
    /// The replica's state machine stands still before an entry that it cannot read.
    Quarantined {
        group: GroupId,
        peer: PeerId,
    },
    Installed {
        group: GroupId,
        peer: PeerId,
        index: LogIndex,
    },
    SnapshotMade {
        group: GroupId,
        peer: PeerId,
        made: Result<Made, StoreError>,
    },
    SnapshotSent {
        group: GroupId,
        to: PeerId,
        ok: bool,
    },
}

impl Input {
    /// Whether the input has to wait while a round is being written: see [`crate::Core`].
    pub(super) fn is_between_rounds(&self) -> bool {
        matches!(
            self,
            Self::Add { .. }
                | Self::Remove { .. }
                | Self::Quarantined { .. }
                | Self::Truncate { .. }
        )
    }

    /// Whether the input is refused at [`INPUTS_MAX`]; the rest is rare, or few by its nature.
    fn is_bounded(&self) -> bool {
        matches!(
            self,
            Self::Propose { .. }
                | Self::Read { .. }
                | Self::WaitReplicated { .. }
                | Self::Change { .. }
        )
    }

    fn refuse(self, stopping: bool, waiting: usize) {
        let error = match stopping {
            true => ProposeError::Stopping,
            false => ProposeError::Full { waiting, limit: INPUTS_MAX },
        };
        match self {
            Self::Propose { ticket, .. } | Self::Change { ticket, .. } => ticket.fail(error),
            Self::WaitReplicated { wait, .. } => (wait.done)(Err(error)),
            Self::Read { done, .. } if stopping => done(Err(ReadError::Stopping)),
            Self::Read { done, .. } => done(Err(ReadError::Full(waiting))),
            // Whoever asked sees the callback go.
            _ => {}
        }
    }
}

/// What one round takes in.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) inputs: VecDeque<Input>,
    /// Those without entries first.
    pub(super) messages: Vec<Envelope>,
    /// Last applied index and freed bytes by replica.
    pub(super) applied: BTreeMap<(GroupId, PeerId), (LogIndex, usize)>,
}

#[derive(Default)]
struct State {
    /// Commands, which a round takes only so many of.
    proposals: VecDeque<Input>,
    inputs: VecDeque<Input>,
    /// Messages without entries: never behind entries, which may take long to be written.
    signals: Bounded,
    appends: Bounded,
    applied: BTreeMap<(GroupId, PeerId), (LogIndex, usize)>,
    closed: bool,
}

/// Messages that wait, and their bytes.
#[derive(Default)]
struct Bounded {
    messages: VecDeque<Envelope>,
    bytes: usize,
}

impl Bounded {
    /// False where it would be too much; alone any message fits.
    fn put(&mut self, message: Envelope, bytes_max: usize) -> bool {
        let bytes = message.len();
        let fits = self.bytes == 0 || self.bytes + bytes <= bytes_max;
        if fits {
            self.bytes += bytes;
            self.messages.push_back(message);
        }
        fits
    }

    /// Messages of about so many bytes, at least one.
    fn take(&mut self, count: usize, bytes_max: usize, into: &mut Vec<Envelope>) {
        let mut taken = 0;
        for _ in 0..count {
            if taken >= bytes_max {
                break;
            }
            let Some(message) = self.messages.pop_front() else { break };
            taken += message.len();
            into.push(message);
        }
        self.bytes -= taken;
    }
}

impl State {
    fn has_work(&self, entries: bool) -> bool {
        let is_waiting = !self.proposals.is_empty() || !self.appends.messages.is_empty();
        let Self { inputs, signals, applied, .. } = self;
        let idle = inputs.is_empty() && signals.messages.is_empty() && applied.is_empty();
        !idle || (entries && is_waiting)
    }

    fn take(&mut self, entries: bool) -> Taken {
        let mut taken = Taken {
            inputs: std::mem::take(&mut self.inputs),
            messages: Vec::new(),
            applied: std::mem::take(&mut self.applied),
        };
        self.signals.take(ROUND_SIGNALS_MAX, SIGNAL_BYTES_MAX, &mut taken.messages);
        if entries {
            self.appends.take(usize::MAX, ROUND_BYTES_MAX, &mut taken.messages);
            self.take_proposals(&mut taken.inputs);
        }
        taken
    }

    /// Commands of about so many bytes as one round takes, at least one.
    fn take_proposals(&mut self, into: &mut VecDeque<Input>) {
        let mut bytes = 0;
        while bytes < ROUND_BYTES_MAX {
            let Some(proposal) = self.proposals.pop_front() else { break };
            if let Input::Propose { data, .. } = &proposal {
                bytes += data.len();
            }
            into.push_back(proposal);
        }
    }
}

#[derive(Default)]
pub(super) struct Inbox {
    state: Mutex<State>,
    wake: Condvar,
}

impl Inbox {
    pub(super) fn put(&self, input: Input) {
        let mut state = self.state.lock();
        let waiting = state.inputs.len() + state.proposals.len();
        if state.closed || (input.is_bounded() && waiting >= INPUTS_MAX) {
            let stopping = state.closed;
            // Unlocked first: whoever is refused may come back with another input at once.
            drop(state);
            return input.refuse(stopping, waiting);
        }
        let is_proposal = matches!(input, Input::Propose { .. });
        let queue = if is_proposal { &mut state.proposals } else { &mut state.inputs };
        queue.push_back(input);
        drop(state);
        self.wake.notify_one();
    }

    pub(super) fn put_messages(&self, messages: Vec<Envelope>) {
        let mut state = self.state.lock();
        let State { signals, appends, closed, .. } = &mut *state;
        for message in messages {
            // Dropped without an answer: Raft takes it for a slow network and sends again.
            let _dropped = *closed
                || match message.has_entries() {
                    true => !appends.put(message, APPEND_BYTES_MAX),
                    false => !signals.put(message, SIGNAL_BYTES_MAX),
                };
        }
        drop(state);
        self.wake.notify_one();
    }

    pub(super) fn applied(&self, group: GroupId, peer: PeerId, index: LogIndex, bytes: usize) {
        let mut state = self.state.lock();
        let known = state.applied.entry((group, peer)).or_default();
        // Joined with what waits already: the core needs the last index and the sum of the bytes
        // only.
        known.0 = known.0.max(index);
        known.1 += bytes;
        drop(state);
        self.wake.notify_one();
    }

    /// What one round may take, or nothing at `until`; `None` once closed. Without `entries`
    /// nothing that has to be written.
    pub(super) fn take(&self, until: Instant, entries: bool) -> Option<Taken> {
        let mut state = self.state.lock();
        loop {
            if state.closed {
                return None;
            }
            // All that there is, within bounds: one sync then stands for every group that has
            // something waiting.
            if state.has_work(entries) || self.wake.wait_until(&mut state, until).timed_out() {
                return Some(state.take(entries));
            }
        }
    }

    /// Refuses what waits and what comes.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        let waiting = [std::mem::take(&mut state.proposals), std::mem::take(&mut state.inputs)];
        drop(state);
        // Outside the lock: callbacks may put something in.
        waiting.into_iter().flatten().for_each(|input| input.refuse(true, 0));
        self.wake.notify_all();
    }
}

#[cfg(test)]
mod tests;
