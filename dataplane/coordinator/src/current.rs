//! How new the catalog is that names are looked up in, see docs/decisions/0030.
//!
//! A change of names is answered once every member that answers has applied it. Each member asks
//! the meta leader now and then whether its catalog is the newest, and goes by it for as long as
//! a change waits for those that do not answer: so one that was away, frozen or only started asks
//! before it answers by what it knew.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use vane_catalog::State;
use vane_transport::Freshness;
use vane_transport::reads::Basis;
use vane_types::{GroupId, LogIndex, NodeId};

use crate::coordinator::Coordinator;
use crate::shards::Shards;

/// Time that a node goes by a catalog that was the newest.
const CURRENT_FOR: Duration = Duration::from_secs(1);
/// Time that a request waits to hear whether it is. Then it goes by what is known here: a group
/// that elects a leader must not stop the reads of all others.
const ASK_MAX: Duration = Duration::from_millis(200);
/// Time that a change waits for a member that does not answer. It is longer than such a member
/// goes by what it knew.
const MEMBER_WAIT_MAX: Duration = Duration::from_secs(2);
/// Pause before a member is asked again.
const MEMBER_PAUSE: Duration = Duration::from_millis(20);

impl<S: Shards> Coordinator<S> {
    /// Makes sure that what was agreed on before the call, and answered, is known here; unless the
    /// meta group does not answer.
    pub async fn be_current(&self, deadline: Instant) {
        // Nobody else could have changed anything.
        let is_alone = |state: &State| state.nodes.len() <= 1;
        if self.catalog.read(is_alone) || self.asked_lately() {
            return;
        }
        let _one_at_a_time = self.asked.asking.lock().await;
        if self.asked_lately() {
            return;
        }
        // From before the question on: what is agreed on meanwhile may be missing here.
        let asked_at = self.shards.now();
        let caught_up = Box::pin(self.catch_up(deadline.min(asked_at + ASK_MAX))).await;
        // Also in vain: the next requests need not wait as long for the same.
        let counts_from = if caught_up.is_ok() { asked_at } else { self.shards.now() };
        *self.asked.at.lock() = Some(counts_from);
    }

    fn asked_lately(&self) -> bool {
        let asked_at = *self.asked.at.lock();
        asked_at.is_some_and(|at| self.shards.now().saturating_duration_since(at) < CURRENT_FOR)
    }

    /// Waits until all other members that answer have applied the catalog up to `index`.
    pub(crate) async fn tell_members(&self, index: LogIndex, deadline: Instant) {
        let until = deadline.min(self.shards.now() + MEMBER_WAIT_MAX);
        let members: Vec<NodeId> = self.catalog.read(|state| state.nodes.keys().copied().collect());
        let others = members.into_iter().filter(|node| *node != self.shards.me());
        join_all(others.map(|node| self.tell(node, index, until))).await;
    }

    async fn tell(&self, node: NodeId, index: LogIndex, until: Instant) {
        // One that has been away for longer goes by nothing that it knew.
        while self.shards.is_alive(node) && self.shards.now() < until {
            let applied = Freshness::Applied(index);
            let heard = self.shards.read(node, GroupId::META, Basis, applied, until).await;
            if heard.is_ok() {
                return;
            }
            self.shards.sleep(MEMBER_PAUSE).await;
        }
    }
}
