//! How the replicas of one shard divide over zones.

use std::collections::BTreeMap;

use crate::facts::NodeFacts;

/// Places of the candidates in their list, by zone.
pub(crate) fn zones(candidates: &[&NodeFacts]) -> Vec<Vec<usize>> {
    let mut zones: BTreeMap<Option<&str>, Vec<usize>> = BTreeMap::new();
    for (place, node) in candidates.iter().enumerate() {
        zones.entry(node.zone.as_deref()).or_default().push(place);
    }
    zones.into_values().collect()
}

/// The most even division of a shard over zones of given sizes, one replica per node: every
/// zone has `level` replicas, or all its nodes if it is smaller, and `extra` of the larger
/// zones have one more. Which ones is free, and that freedom evens out the nodes' load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Division {
    level: usize,
    /// Zones with one replica more than the level.
    pub(crate) extra: usize,
}

impl Division {
    /// Divides `replicas`, of which there are no more than nodes.
    pub(crate) fn of(zones: &[Vec<usize>], replicas: usize) -> Self {
        // Zones fill like water: all to one level, small ones only as far as they have nodes.
        let levels = (1..=replicas).take_while(|level| filled_to(zones, *level) <= replicas);
        let level = levels.last().unwrap_or(0);
        Self { level, extra: replicas - filled_to(zones, level) }
    }

    /// Replicas that every shard has in a zone of so many nodes.
    pub(crate) fn base(self, nodes: usize) -> usize {
        nodes.min(self.level)
    }

    /// Whether a zone of so many nodes can have one more.
    pub(crate) fn takes_extra(self, nodes: usize) -> bool {
        nodes > self.level
    }
}

/// Replicas of a shard with which every zone has `level` of them, or one on each of its nodes.
fn filled_to(zones: &[Vec<usize>], level: usize) -> usize {
    zones.iter().map(|nodes| nodes.len().min(level)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn divide(sizes: &[usize], replicas: usize) -> (usize, usize) {
        let zones: Vec<Vec<usize>> = sizes.iter().map(|size| vec![0; *size]).collect();
        let division = Division::of(&zones, replicas);
        (division.level, division.extra)
    }

    #[test]
    fn zones_fill_like_vessels_that_touch() {
        assert_eq!(divide(&[3, 3, 3], 3), (1, 0));
        assert_eq!(divide(&[3, 3], 3), (1, 1));
        assert_eq!(divide(&[3, 3, 3], 2), (0, 2));
        assert_eq!(divide(&[1, 5], 4), (3, 0), "the small zone is full");
        assert_eq!(divide(&[1, 2, 5], 5), (2, 0));
        assert_eq!(divide(&[7], 3), (3, 0));
    }
}
