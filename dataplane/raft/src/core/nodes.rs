//! What is known of other nodes.

use std::sync::Arc;

use vane_types::NodeId;

use super::Core;
use crate::contacts::Contacts;
use crate::quiet::Cause;

impl Core {
    /// Notes that a node does not answer: leaders probe its replicas from now on and send
    /// them no stream of entries.
    pub fn unreachable(&mut self, node: NodeId) {
        // To those that are quiet nothing is on its way that could be lost.
        for group in &self.awake {
            let Some(replica) = self.groups.get_mut(group) else { continue };
            replica.unreachable(node);
            self.dirty.insert(*group);
        }
    }

    /// Which nodes were heard of. May be looked at from other threads.
    pub fn contacts(&self) -> Arc<Contacts> {
        Arc::clone(&self.contacts)
    }

    /// Notes that a node's own address refused a connection, although a process had answered
    /// there: that one is gone. `heard` is what [`Contacts::of`] said before the attempt. To be
    /// repeated every few milliseconds for as long as it is so: followers of a leader there let go
    /// of it at the first time, and stand for election one after the other.
    pub fn refused(&mut self, node: NodeId, heard: u64) {
        if self.contacts.of(node) != heard {
            // Another process answers there by now, or the same one does.
            self.refusals.remove(&node);
            return;
        }
        let known = self.refusals.entry(node).or_insert((heard, 0));
        *known = if known.0 == heard { (heard, known.1 + 1) } else { (heard, 1) };
        let times = known.1;
        self.quiet.led_by(node).into_iter().for_each(|group| self.wake(group, &Cause::Work));
        for group in &self.awake {
            let Some(replica) = self.groups.get_mut(group) else { continue };
            if replica.connection_refused(node, times) {
                self.dirty.insert(*group);
            }
        }
    }
}
