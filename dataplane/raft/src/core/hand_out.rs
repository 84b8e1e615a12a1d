//! Which state machine gets how much of what is committed.

use vane_types::{GroupId, PeerId};

use super::{Core, Persisted};
use crate::error::StoreError;

impl Core {
    /// Gives committed entries to the state machines, as far as there is room. Groups take turns,
    /// and none has more than its part on its way: one with much to do holds up no other.
    pub(super) fn hand_out(&mut self, done: &mut Persisted) -> Result<(), StoreError> {
        let mut served = Vec::new();
        for group in std::mem::take(&mut self.held_back) {
            let Some(peer) = self.peer(group) else { continue };
            let room = self.room(group, peer);
            let Some(replica) = self.groups.get_mut(&group) else { continue };
            let committed = replica.take_committed(room)?;
            let has_more = replica.has_committed();
            // Behind those that found no room.
            match &committed {
                Some(_) if has_more => served.push(group),
                None if has_more => self.held_back.push_back(group),
                _ => {}
            }
            if let Some(committed) = committed {
                *self.applying.entry((group, peer)).or_default() += committed.bytes;
                if group != GroupId::META {
                    self.applying_bytes += committed.bytes;
                }
                done.committed.push(committed);
                // There may be room for more, which was not read from the log with the rest.
                if has_more {
                    self.dirty.insert(group);
                }
            }
        }
        self.held_back.extend(served);
        Ok(())
    }

    /// Bytes of entries that a replica's state machine may be given now.
    fn room(&self, group: GroupId, peer: PeerId) -> usize {
        let bounds = &self.config.bounds;
        let own = self.applying.get(&(group, peer)).copied().unwrap_or_default();
        let own = bounds.apply_group_bytes_max.saturating_sub(own);
        // What the cluster agrees on does not wait for the state machines of shards.
        if group == GroupId::META {
            return own;
        }
        own.min(bounds.apply_bytes_max.saturating_sub(self.applying_bytes))
    }
}
