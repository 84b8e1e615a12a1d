//! Which replica of each shard should lead.
//!
//! Every shard picks one of its nodes, as evenly as any choice can: an optimal semi-matching
//! (Harvey, Ladner, Lovász, Tamir, "Semi-Matchings for Bipartite Graphs and Load Balancing",
//! 2006, the first of its algorithms). Shards are added one by one; each looks for the least
//! loaded node that it can reach by letting other shards change their leader on the way.

use std::collections::VecDeque;

use crate::facts::NodeFacts;

/// Leaders chosen so far. Shards and nodes go by their places in the lists given.
pub(crate) struct Leaders<'a> {
    shards: &'a [Vec<usize>],
    leader_of: Vec<Option<usize>>,
    led_by: Vec<Vec<usize>>,
    loads: Vec<Load>,
}

/// Leaders of a node; the least is asked next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Load {
    in_collection: u64,
    total: u64,
}

impl Load {
    fn of(node: &NodeFacts) -> Self {
        Self { in_collection: node.in_collection.leaders, total: node.total.leaders }
    }
}

impl<'a> Leaders<'a> {
    /// The preferred leader of each shard, `None` for one without candidates: even over the
    /// collection first, then in total. The candidates' loads must not count leaders of these
    /// shards.
    pub(crate) fn of(candidates: &[&NodeFacts], shards: &'a [Vec<usize>]) -> Vec<Option<usize>> {
        let mut leaders = Self {
            shards,
            leader_of: vec![None; shards.len()],
            led_by: vec![Vec::new(); candidates.len()],
            loads: candidates.iter().map(|node| Load::of(node)).collect(),
        };
        for shard in 0..shards.len() {
            leaders.add(shard);
        }
        leaders.leader_of
    }

    /// Finds the least loaded node within reach, breadth first, and passes leaders along the
    /// way there. Loads on the way stay as they are.
    fn add(&mut self, shard: usize) {
        // By node: the shard that it would take over.
        let mut offered: Vec<Option<usize>> = vec![None; self.loads.len()];
        let mut reached = VecDeque::new();
        let mut least: Option<usize> = None;
        let mut offer = |shard: usize, reached: &mut VecDeque<usize>| {
            for &node in &self.shards[shard] {
                if offered[node].is_none() {
                    offered[node] = Some(shard);
                    reached.push_back(node);
                }
            }
        };
        offer(shard, &mut reached);
        while let Some(node) = reached.pop_front() {
            // Places are in the order of ids: what is alike goes to the lower id.
            if least.is_none_or(|best| (self.loads[node], node) < (self.loads[best], best)) {
                least = Some(node);
            }
            self.led_by[node].iter().for_each(|led| offer(*led, &mut reached));
        }
        if let Some(node) = least {
            self.loads[node].in_collection += 1;
            self.loads[node].total += 1;
            self.pass_on(&offered, node);
        }
    }

    /// Gives `node` the shard offered to it, that shard's leader the one offered to it, and
    /// so on, back to the shard that had none.
    fn pass_on(&mut self, offered: &[Option<usize>], mut node: usize) {
        loop {
            let shard = offered[node].expect("every node on the way was offered a shard");
            self.led_by[node].push(shard);
            let Some(before) = self.leader_of[shard].replace(node) else { return };
            self.led_by[before].retain(|led| *led != shard);
            node = before;
        }
    }
}

#[cfg(test)]
mod tests {
    use vane_types::NodeId;

    use super::*;
    use crate::facts::{Load, candidates};

    fn node(id: u64, accepts_replicas: bool, leaders: u64) -> NodeFacts {
        let load = Load { replicas: 0, leaders };
        let id = NodeId(id);
        NodeFacts {
            id,
            zone: None,
            accepts_replicas,
            keeps_vote: true,
            may_lead: true,
            in_collection: Load::default(),
            total: load,
        }
    }

    /// Preferred leaders by number, with the shards' nodes by number.
    fn leaders(nodes: &[NodeFacts], shards: &[&[u64]]) -> Vec<Option<u64>> {
        let candidates = candidates(nodes);
        let place_of = |id: &u64| candidates.iter().position(|node| node.id.0 == *id);
        let shards: Vec<Vec<usize>> =
            shards.iter().map(|ids| ids.iter().filter_map(place_of).collect()).collect();
        let leaders = Leaders::of(&candidates, &shards).into_iter();
        leaders.map(|leader| leader.map(|place| candidates[place].id.0)).collect()
    }

    #[test]
    fn shards_with_a_choice_make_room_for_those_without() {
        let nodes = [node(1, true, 0), node(2, true, 0), node(3, true, 0)];
        // One by one to the least loaded, the third would find both of its nodes taken.
        let shards: [&[u64]; 3] = [&[1, 3], &[2, 3], &[1, 2]];
        let mut leaders: Vec<_> = leaders(&nodes, &shards).into_iter().flatten().collect();
        leaders.sort_unstable();
        assert_eq!(leaders, [1, 2, 3]);
    }

    #[test]
    fn leaders_of_other_collections_count_when_all_else_is_alike() {
        let nodes = [node(1, true, 7), node(2, true, 3)];
        assert_eq!(leaders(&nodes, &[&[1, 2]]), [Some(2)]);
        assert_eq!(leaders(&nodes, &[&[1, 2], &[1, 2]]), [Some(2), Some(1)]);
    }

    #[test]
    fn nodes_that_leave_are_not_asked_to_lead() {
        let nodes = [node(1, false, 0), node(2, true, 9)];
        assert_eq!(leaders(&nodes, &[&[1, 2], &[1], &[4], &[]]), [Some(2), None, None, None]);
    }
}
