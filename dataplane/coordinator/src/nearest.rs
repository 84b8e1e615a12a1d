//! Which replica a read is asked of: this node's own where it has one that is in order, else the
//! better of two of its zone, by what they took lately and have to do. Hints, as in the router: a
//! wrong one costs time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use vane_types::{GroupId, NodeId};

use crate::coordinator::Coordinator;
use crate::shards::Shards;

/// Time for which a replica that could not answer is passed over.
const PASSED_OVER: Duration = Duration::from_secs(1);
/// A replica here that refuses sooner than this cost nothing.
const CHEAP: Duration = Duration::from_millis(20);
/// Weight of the newest time in the running mean, as a shift.
const NEWEST: u32 = 3;

/// What is remembered of nodes and replicas that were asked.
#[derive(Debug, Default)]
pub(crate) struct Nearest {
    loads: RwLock<BTreeMap<NodeId, Arc<Load>>>,
    passed_over: Mutex<BTreeMap<(GroupId, NodeId), Instant>>,
    turns: AtomicU64,
}

/// What a node has to do for this one, and how long it took lately.
#[derive(Debug, Default)]
struct Load {
    in_flight: AtomicU64,
    /// Running mean, in microseconds.
    time_us: AtomicU64,
}

/// A read on its way to a node.
pub(crate) struct InFlight(Arc<Load>);

impl InFlight {
    /// It was answered after so long.
    pub(crate) fn answered(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        // Two at once may lose one of their times, which is no harm to a mean.
        let mean = self.0.time_us.load(Ordering::Relaxed);
        let next = mean - (mean >> NEWEST) + (took >> NEWEST);
        self.0.time_us.store(next, Ordering::Relaxed);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Nearest {
    /// A read that is sent to a node now.
    pub(crate) fn begin(&self, node: NodeId) -> InFlight {
        let load = self.load(node);
        load.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(load)
    }

    /// The replica of a group on a node could not answer.
    fn pass_over(&self, group: GroupId, node: NodeId, now: Instant) {
        let mut passed_over = self.passed_over.lock();
        // Cleared when one comes in, so that it takes no timer.
        passed_over.retain(|_, since| now.saturating_duration_since(*since) < PASSED_OVER);
        passed_over.insert((group, node), now);
    }

    fn is_passed_over(&self, group: GroupId, node: NodeId, now: Instant) -> bool {
        let since = self.passed_over.lock().get(&(group, node)).copied();
        since.is_some_and(|since| now.saturating_duration_since(since) < PASSED_OVER)
    }

    /// The better of two of the nodes, which change from call to call. Were it the best of all,
    /// everybody would go to the same one at once (Mitzenmacher, "The Power of Two Choices in
    /// Randomized Load Balancing", 2001).
    fn better_of_two(&self, nodes: &[NodeId]) -> Option<NodeId> {
        let turn = scattered(self.turns.fetch_add(1, Ordering::Relaxed));
        let count = nodes.len() as u64;
        let first = turn.checked_rem(count)?;
        // Another one, if there is one.
        let second = (first + 1 + (turn >> 32) % (count - 1).max(1)) % count;
        let [first, second] = [first, second].map(|place| nodes[place as usize]);
        Some(if self.cost(second) < self.cost(first) { second } else { first })
    }

    fn cost(&self, node: NodeId) -> u64 {
        let load = self.load(node);
        let in_flight = load.in_flight.load(Ordering::Relaxed);
        load.time_us.load(Ordering::Relaxed).saturating_mul(in_flight + 1)
    }

    fn load(&self, node: NodeId) -> Arc<Load> {
        if let Some(load) = self.loads.read().get(&node) {
            return Arc::clone(load);
        }
        Arc::clone(self.loads.write().entry(node).or_default())
    }
}

impl<S: Shards> Coordinator<S> {
    /// Node to ask for a read that any replica may answer; `None` where only the leader is left.
    pub(crate) fn nearest(&self, group: GroupId) -> Option<NodeId> {
        let (me, now) = (self.shards.me(), self.shards.now());
        let is_left = |node: NodeId| !self.nearest.is_passed_over(group, node, now);
        if self.shards.is_close(group) && is_left(me) {
            return Some(me);
        }
        let others: Vec<(NodeId, bool)> = self.catalog.read(|state| {
            let zone = |node: &NodeId| state.nodes.get(node)?.zone.clone();
            let own = zone(&me);
            let nodes = state.nodes_of(group).into_iter().filter(|node| *node != me);
            nodes.map(|node| (node, zone(&node) == own)).collect()
        });
        let answers = |node: NodeId| self.shards.is_alive(node) && is_left(node);
        let others = others.into_iter().filter(|(node, _)| answers(*node));
        let (here, away): (Vec<_>, Vec<_>) = others.partition(|(_, is_near)| *is_near);
        let nodes = if here.is_empty() { away } else { here };
        let nodes: Vec<NodeId> = nodes.into_iter().map(|(node, _)| node).collect();
        self.nearest.better_of_two(&nodes)
    }

    /// A node that was asked because it is near could not answer, after so long.
    pub(crate) fn was_not_near(&self, group: GroupId, node: NodeId, took: Duration) {
        if node != self.shards.me() || took > CHEAP {
            self.nearest.pass_over(group, node, self.shards.now());
        }
    }
}

/// The bits of a number, mixed: splitmix64's last step (Steele et al., 2014).
fn scattered(number: u64) -> u64 {
    let mut bits = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODES: [NodeId; 3] = [NodeId(1), NodeId(2), NodeId(3)];

    fn picked(nearest: &Nearest, nodes: &[NodeId]) -> BTreeMap<NodeId, usize> {
        let mut picked = BTreeMap::new();
        for _ in 0..300 {
            *picked.entry(nearest.better_of_two(nodes).unwrap()).or_default() += 1;
        }
        picked
    }

    #[test]
    fn equals_share_and_the_slow_one_is_asked_by_nobody() {
        let nearest = Nearest::default();
        let shares = picked(&nearest, &NODES);
        assert!(NODES.iter().all(|node| shares[node] > 50), "{shares:?}");
        for (node, millis) in NODES.into_iter().zip([1, 1, 50]) {
            nearest.begin(node).answered(Duration::from_millis(millis));
        }
        let shares = picked(&nearest, &NODES);
        assert!(!shares.contains_key(&NodeId(3)), "each pair has a better one: {shares:?}");
        assert!(shares[&NodeId(1)] > 50 && shares[&NodeId(2)] > 50, "{shares:?}");
    }

    #[test]
    fn one_that_has_much_to_do_is_asked_less() {
        let nearest = Nearest::default();
        for node in NODES {
            nearest.begin(node).answered(Duration::from_millis(1));
        }
        let _busy: Vec<InFlight> = (0..4).map(|_| nearest.begin(NodeId(1))).collect();
        assert!(!picked(&nearest, &NODES).contains_key(&NodeId(1)));
    }

    #[test]
    fn one_is_enough_and_none_is_none() {
        let nearest = Nearest::default();
        assert_eq!(nearest.better_of_two(&NODES[..1]), Some(NodeId(1)));
        assert_eq!(nearest.better_of_two(&[]), None);
    }

    #[test]
    fn a_replica_that_could_not_answer_is_passed_over_for_a_while() {
        let (nearest, now) = (Nearest::default(), Instant::now());
        nearest.pass_over(GroupId(1), NodeId(2), now);
        assert!(nearest.is_passed_over(GroupId(1), NodeId(2), now));
        assert!(!nearest.is_passed_over(GroupId(2), NodeId(2), now), "its other replicas answer");
        assert!(!nearest.is_passed_over(GroupId(1), NodeId(2), now + PASSED_OVER));
    }
}
