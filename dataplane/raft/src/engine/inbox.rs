//! What waits for the raft thread.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use parking_lot::{Condvar, Mutex};
use vane_types::{GroupId, LogIndex, NodeId, PeerId};

use crate::codec::Envelope;
use crate::core::Start;
use crate::error::{ProposeError, ReadError, StoreError};
use crate::machine::Made;
use crate::replica::{Callback, MemberChange, OnRead, ReplicatedWait, Ticket};
use crate::status::GroupStatus;

/// Proposals, reads and the like that may wait.
const INPUTS_MAX: usize = 16_384;
/// Bytes of messages that may wait; more are dropped, as a network does.
const MESSAGE_BYTES_MAX: usize = 64 << 20;

/// Something for the raft thread.
pub(super) enum Input {
    Propose {
        group: GroupId,
        data: Vec<u8>,
        ticket: Ticket,
    },
    Read {
        group: GroupId,
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
    Truncate {
        group: GroupId,
        durable: LogIndex,
    },
    Unreachable(NodeId),
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

/// Everything that waited.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) inputs: VecDeque<Input>,
    pub(super) messages: Vec<Envelope>,
    /// Last applied index and freed bytes by replica.
    pub(super) applied: BTreeMap<(GroupId, PeerId), (LogIndex, usize)>,
}

#[derive(Default)]
struct State {
    waiting: Taken,
    message_bytes: usize,
    closed: bool,
}

#[derive(Default)]
pub(super) struct Inbox {
    state: Mutex<State>,
    wake: Condvar,
}

impl Inbox {
    pub(super) fn put(&self, input: Input) {
        let mut state = self.state.lock();
        let waiting = state.waiting.inputs.len();
        if state.closed || (input.is_bounded() && waiting >= INPUTS_MAX) {
            let stopping = state.closed;
            // Unlocked first: whoever is refused may come back with another input at once.
            drop(state);
            return input.refuse(stopping, waiting);
        }
        state.waiting.inputs.push_back(input);
        drop(state);
        self.wake.notify_one();
    }

    pub(super) fn put_messages(&self, messages: Vec<Envelope>) {
        let mut state = self.state.lock();
        for message in messages {
            let bytes = message.len();
            // Dropped without an answer: Raft takes it for a slow network and sends again.
            if state.closed || state.message_bytes + bytes > MESSAGE_BYTES_MAX {
                break;
            }
            state.message_bytes += bytes;
            state.waiting.messages.push(message);
        }
        drop(state);
        self.wake.notify_one();
    }

    pub(super) fn applied(&self, group: GroupId, peer: PeerId, index: LogIndex, bytes: usize) {
        let mut state = self.state.lock();
        let known = state.waiting.applied.entry((group, peer)).or_default();
        // Joined with what waits already: the core needs the last index and the sum of the bytes
        // only.
        known.0 = known.0.max(index);
        known.1 += bytes;
        drop(state);
        self.wake.notify_one();
    }

    /// Everything that waits, or nothing at `until`; `None` once closed.
    pub(super) fn take(&self, until: Instant) -> Option<Taken> {
        let mut state = self.state.lock();
        loop {
            if state.closed {
                return None;
            }
            let Taken { inputs, messages, applied } = &state.waiting;
            let empty = inputs.is_empty() && messages.is_empty() && applied.is_empty();
            if !empty || self.wake.wait_until(&mut state, until).timed_out() {
                // All of it at once: one sync then stands for every group that has something
                // waiting.
                state.message_bytes = 0;
                return Some(std::mem::take(&mut state.waiting));
            }
        }
    }

    /// Refuses what waits and what comes.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        // Outside the lock: callbacks may put something in.
        waiting.inputs.into_iter().for_each(|input| input.refuse(true, 0));
        self.wake.notify_all();
    }
}
