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

    /// [`vane_types::planted::Fault::CommitOfOldTerm`]: a later leader may lack such entries, as
    /// none of them says that this one led.
    pub(super) fn commit_what_has_copies(&mut self) {
        let raft = &mut self.raw.raft;
        let (index, _) = raft.mut_prs().maximal_committed_index();
        if index > raft.raft_log.committed {
            raft.raft_log.commit_to(index);
        }
    }
}
