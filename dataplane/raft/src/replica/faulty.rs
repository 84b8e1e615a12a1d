//! What the planted faults of this crate do: see [`vane_types::planted`].

use raft::eraftpb::{ConfChangeV2, EntryType};

use super::Replica;
use crate::log::LogEntry;

impl Replica {
    /// [`vane_types::planted::Fault::ConfAtAppend`]: before a majority has agreed.
    pub(super) fn change_members_early(&mut self, entries: &[LogEntry]) {
        let changes =
            entries.iter().filter(|it| it.get_entry_type() == EntryType::EntryConfChangeV2);
        for entry in changes {
            let change = <ConfChangeV2 as prost_for_raft::Message>::decode(&*entry.data);
            // Where it does not fit the members of now the fault does nothing.
            let _changed = change.map(|change| self.raw.apply_conf_change(&change).is_ok());
        }
    }
}
