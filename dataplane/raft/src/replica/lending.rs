//! What a leader has applied while others may answer reads by a lease.

use raft::eraftpb::EntryType;
use vane_types::{LogIndex, PeerId};

use super::Replica;

impl Replica {
    /// This replica leads from now on. Others may have leases of the leaders before.
    pub(super) fn begin_to_lend(&self) {
        // Whoever led in the term before this one has none: nobody led between the two, and who
        // leads goes by no lease of an earlier term.
        let before = self.led.filter(|(term, _)| term.0 + 1 == self.term().0);
        let is_free = |peer: &PeerId| *peer == self.peer || before.is_some_and(|it| it.1 == *peer);
        let others = self.conf.members().into_iter().filter(|peer| !is_free(peer));
        self.watch.words.lending.lead(self.dispatched, others);
    }

    /// Up to which of the next entries may be applied now.
    pub(super) fn release(&self) -> LogIndex {
        let is_change = |kind: i32| EntryType::from_i32(kind) != Some(EntryType::EntryNormal);
        let change = self.to_apply.iter().find(|entry| is_change(entry.entry_type));
        // Behind a change of members there are others to wait for.
        let last = change.or(self.to_apply.back()).map_or(self.dispatched.0, |entry| entry.index);
        if !self.is_leader() {
            return LogIndex(last);
        }
        let members = self.raw.raft.prs();
        let matched = |peer: PeerId| {
            members.get(peer.0).map_or(LogIndex::ZERO, |progress| LogIndex(progress.matched))
        };
        self.watch.words.lending.release(LogIndex(last), matched)
    }
}
