//! How many replicas of a new collection each node takes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::facts::NodeFacts;
use crate::zones::Division;

/// How much of a collection goes where.
pub(super) struct Shares {
    /// Replicas that each candidate takes: at most one of each shard.
    pub(super) of_nodes: Vec<usize>,
    /// Shards of which each zone has one replica more than the level.
    pub(super) extra_of_zones: Vec<usize>,
}

/// A candidate waiting for its next replica; the least comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    in_collection: u64,
    total: u64,
    place: usize,
}

/// The candidates of one zone.
type Queue = BinaryHeap<Reverse<Turn>>;

fn queue_of(candidates: &[&NodeFacts], places: &[usize]) -> Queue {
    let mut queue = Queue::with_capacity(places.len());
    for place in places {
        let node = candidates[*place];
        let (in_collection, total) = (node.in_collection.replicas, node.total.replicas);
        queue.push(Reverse(Turn { in_collection, total, place: *place }));
    }
    queue
}

/// Hands out what each zone must have, then, one by one, what it may have.
pub(super) fn share_out(
    candidates: &[&NodeFacts],
    zones: &[Vec<usize>],
    division: Division,
    shards: usize,
) -> Shares {
    let mut of_nodes = vec![0; candidates.len()];
    let mut extra_of_zones = vec![0; zones.len()];
    let mut queues: Vec<Queue> = zones.iter().map(|places| queue_of(candidates, places)).collect();
    for (queue, nodes) in queues.iter_mut().zip(zones) {
        // First what every zone must have: no even load may cost the spread over zones.
        for _ in 0..shards * division.base(nodes.len()) {
            give_one(queue, &mut of_nodes, shards);
        }
    }
    let open = (0..zones.len()).filter(|zone| division.takes_extra(zones[*zone].len()));
    let mut next: BinaryHeap<Reverse<(Turn, usize)>> =
        open.filter_map(|zone| queues[zone].peek().map(|turn| Reverse((turn.0, zone)))).collect();
    for _ in 0..shards * division.extra {
        let Reverse((_, zone)) = next.pop().expect("more zones than extra ones can take one");
        give_one(&mut queues[zone], &mut of_nodes, shards);
        extra_of_zones[zone] += 1;
        // A zone takes at most one more of each shard.
        if extra_of_zones[zone] < shards {
            next.extend(queues[zone].peek().map(|turn| Reverse((turn.0, zone))));
        }
    }
    Shares { of_nodes, extra_of_zones }
}

/// One replica to the zone's candidate with the least. Who has one of every shard is out.
fn give_one(queue: &mut Queue, of_nodes: &mut [usize], shards: usize) {
    let Reverse(turn) = queue.pop().expect("a zone has no more replicas of a shard than nodes");
    of_nodes[turn.place] += 1;
    if of_nodes[turn.place] < shards {
        queue.push(Reverse(Turn {
            in_collection: turn.in_collection + 1,
            total: turn.total + 1,
            ..turn
        }));
    }
}
