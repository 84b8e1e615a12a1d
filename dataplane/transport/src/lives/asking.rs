//! How the introductions of a start go: whom to tell, and what follows from the answers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use vane_types::NodeId;

use super::gate::{Asked, may_speak};

/// Time after which a node that took the introduction is told again.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// The introductions of one start so far.
#[derive(Debug, Clone)]
pub struct Asking {
    since: Instant,
    asked: Asked,
    /// When each was told last, of those that took it.
    told: BTreeMap<NodeId, Instant>,
}

impl Asking {
    /// Pause between two rounds.
    pub const PAUSE: Duration = Duration::from_millis(200);
    /// Time for an answer.
    pub const TIMEOUT: Duration = Duration::from_secs(1);

    /// Before the first introduction of a start.
    pub fn begin(now: Instant) -> Self {
        Self { since: now, asked: Asked::default(), told: BTreeMap::new() }
    }

    /// Whether a node is to be told in this round.
    pub fn is_due(&self, node: NodeId, now: Instant) -> bool {
        // Again and again: it may have been put back to an earlier disk, or know better by now.
        let told = self.told.get(&node);
        told.is_none_or(|at| now.saturating_duration_since(*at) >= AGAIN_AFTER)
    }

    /// Whether a node took the introduction when it was last told.
    pub fn is_taken_by(&self, node: NodeId) -> bool {
        self.told.contains_key(&node)
    }

    /// Notes whether a node knows this start by now, and is itself who it says.
    pub fn note(&mut self, node: NodeId, has_met: bool, now: Instant) {
        if has_met {
            self.told.insert(node, now);
            self.asked.silent.remove(&node);
            self.asked.accepted.insert(node);
        } else {
            self.told.remove(&node);
            self.asked.silent.insert(node);
        }
    }

    /// Whether node `me` may vote, acknowledge and stand for election. `members` are all that it
    /// knows, `voters` those that vote in the meta group.
    pub fn may_speak(
        &self,
        me: NodeId,
        members: &BTreeSet<NodeId>,
        voters: &BTreeSet<NodeId>,
        now: Instant,
    ) -> bool {
        let waited = now.saturating_duration_since(self.since);
        may_speak(me, members, voters, &self.asked, waited)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_took_it_is_told_again_some_time_and_who_did_not_at_once() {
        let began = Instant::now();
        let at = |ms: u64| began + Duration::from_millis(ms);
        let mut asking = Asking::begin(began);
        let node = NodeId(2);
        assert!(asking.is_due(node, at(0)));
        asking.note(node, true, at(10));
        assert!(!asking.is_due(node, at(2_009)) && asking.is_taken_by(node));
        assert!(asking.is_due(node, at(2_010)));
        asking.note(node, false, at(2_020));
        assert!(asking.is_due(node, at(2_020)) && !asking.is_taken_by(node));
    }

    #[test]
    fn the_time_to_wait_counts_from_the_first_question() {
        let began = Instant::now();
        let mut asking = Asking::begin(began);
        let nodes: BTreeSet<NodeId> = [1, 2, 3].map(NodeId).into();
        asking.note(NodeId(2), true, began);
        let speaks = |asking: &Asking, ms| {
            asking.may_speak(NodeId(1), &nodes, &nodes, began + Duration::from_millis(ms))
        };
        assert!(!speaks(&asking, 299) && speaks(&asking, 300));
        asking.note(NodeId(3), false, began);
        assert!(speaks(&asking, 0), "all were tried");
    }
}
