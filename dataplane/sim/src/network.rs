//! Which messages arrive, and when.

use std::collections::{BTreeMap, BTreeSet};

use vane_types::NodeId;

use crate::queue::Time;
use crate::random::Random;
use crate::swarm::NetworkRates;

/// A direction between two nodes: from, to.
pub(crate) type Link = (NodeId, NodeId);

/// The links between nodes. Each direction fails on its own.
#[derive(Debug, Default)]
pub(crate) struct Network {
    cut: BTreeSet<Link>,
    /// Arrival of the last message of an ordered link.
    last: BTreeMap<Link, Time>,
}

impl Network {
    /// When a message arrives: not at all, once, or more often.
    pub(crate) fn arrivals(
        &mut self,
        random: &mut Random,
        rates: &NetworkRates,
        (from, to): Link,
        now: Time,
    ) -> Vec<Time> {
        if from == to {
            // A node reaches itself whatever is cut, but never within the same event.
            return vec![now + 1 + random.below(20)];
        }
        if self.cut.contains(&(from, to)) || random.chance(rates.lost) {
            return Vec::new();
        }
        let copies = if random.chance(rates.doubled) { 2 } else { 1 };
        (0..copies).map(|_| self.arrival(random, rates, (from, to), now)).collect()
    }

    fn arrival(
        &mut self,
        random: &mut Random,
        rates: &NetworkRates,
        link: Link,
        now: Time,
    ) -> Time {
        let mut at = now + random.within(&rates.delay);
        if random.chance(rates.slow) {
            at += random.below(rates.late);
        }
        if rates.ordered {
            // As one connection would: a late message holds up those behind it.
            let last = self.last.entry(link).or_default();
            at = at.max(*last);
            *last = at;
        }
        at
    }

    /// Whether messages get from one node to another.
    pub(crate) fn is_open(&self, from: NodeId, to: NodeId) -> bool {
        !self.cut.contains(&(from, to))
    }

    /// Whether any link from or to a node is cut.
    pub(crate) fn has_cut(&self, node: NodeId) -> bool {
        self.cut.iter().any(|(from, to)| *from == node || *to == node)
    }

    /// Cuts one direction; those that were open before are returned, for [`Network::mend`].
    pub(crate) fn cut(&mut self, links: impl IntoIterator<Item = Link>) -> Vec<Link> {
        links.into_iter().filter(|link| link.0 != link.1 && self.cut.insert(*link)).collect()
    }

    pub(crate) fn mend(&mut self, links: &[Link]) {
        self.cut.retain(|link| !links.contains(link));
    }

    pub(crate) fn mend_all(&mut self) {
        self.cut.clear();
    }
}
