//! What waits for the raft thread, and what of it waits until a round is written.

use std::collections::{BTreeMap, VecDeque};

use vane_raft::Envelope;
use vane_types::{GroupId, LogIndex, PeerId};

use super::Input;

/// What waits for the raft thread.
#[derive(Default)]
pub(super) struct Inbox {
    pub(super) ticked: bool,
    pub(super) applied: BTreeMap<(GroupId, PeerId), (LogIndex, usize)>,
    pub(super) messages: Vec<Envelope>,
    pub(super) inputs: VecDeque<Input>,
}

impl Inbox {
    /// As the real one: while a round is being written entries and commands wait.
    pub(super) fn take(&mut self, entries: bool) -> Self {
        let mut taken = std::mem::take(self);
        if !entries {
            let waits = |message: &mut Envelope| message.has_entries();
            self.messages = taken.messages.extract_if(.., waits).collect();
            let (waiting, inputs) = taken.inputs.into_iter().partition(Self::is_command);
            (self.inputs, taken.inputs) = (waiting, inputs);
        }
        taken
    }

    pub(super) fn has_work(&self, entries: bool) -> bool {
        let Self { ticked, applied, messages, inputs } = self;
        let is_due = *ticked || !applied.is_empty();
        let signals = messages.iter().any(|message| entries || !message.has_entries());
        is_due || signals || inputs.iter().any(|input| entries || !Self::is_command(input))
    }

    fn is_command(input: &Input) -> bool {
        matches!(input, Input::Propose { .. })
    }
}

impl Input {
    /// As [`vane_raft::Core`] asks for.
    pub(super) fn is_between_rounds(&self) -> bool {
        matches!(self, Self::Add(_) | Self::Remove(_) | Self::Truncate { .. })
    }
}
