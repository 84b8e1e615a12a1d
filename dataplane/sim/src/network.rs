//! Which messages arrive, and when.

use std::collections::{BTreeMap, BTreeSet};

use crate::queue::Time;
use crate::random::Random;
use crate::swarm::NetworkRates;

/// The links between nodes. Each direction fails on its own.
#[derive(Debug, Default)]
pub(crate) struct Network {
    cut: BTreeSet<(u64, u64)>,
    /// Arrival of the last message of an ordered link.
    last: BTreeMap<(u64, u64), Time>,
}

impl Network {
    /// When a message arrives: not at all, once, or more often.
    pub(crate) fn arrivals(
        &mut self,
        random: &mut Random,
        rates: &NetworkRates,
        (from, to): (u64, u64),
        now: Time,
    ) -> Vec<Time> {
        if from == to {
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
        link: (u64, u64),
        now: Time,
    ) -> Time {
        let mut at = now + random.within(&rates.delay);
        if random.chance(rates.slow) {
            at += random.below(rates.late);
        }
        if rates.ordered {
            let last = self.last.entry(link).or_default();
            at = at.max(*last);
            *last = at;
        }
        at
    }

    /// Whether messages get from one node to another.
    pub(crate) fn is_open(&self, from: u64, to: u64) -> bool {
        !self.cut.contains(&(from, to))
    }

    /// Cuts one direction; those that were open before are returned, for [`Network::mend`].
    pub(crate) fn cut(&mut self, links: impl IntoIterator<Item = (u64, u64)>) -> Vec<(u64, u64)> {
        links.into_iter().filter(|it| it.0 != it.1 && self.cut.insert(*it)).collect()
    }

    pub(crate) fn mend(&mut self, links: &[(u64, u64)]) {
        self.cut.retain(|it| !links.contains(it));
    }

    pub(crate) fn mend_all(&mut self) {
        self.cut.clear();
    }
}
