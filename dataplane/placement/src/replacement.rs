//! Where one replica goes when its node has to give it up.

use vane_types::NodeId;

use crate::{Node, Unplaceable, candidates, members};

/// The node that takes over the replica of `leaving`; nothing else moves. In this order: one
/// without a replica of the shard; in the zone with the fewest of the replicas that stay;
/// with the fewest of the collection; with the fewest in all; with the lowest id.
///
/// `shard_replicas` are the nodes of all replicas, `leaving` among them. O(N log N).
///
/// # Errors
/// [`Unplaceable`] when `leaving` has none, or no node is left.
pub fn place_replacement(
    nodes: &[Node],
    shard_replicas: &[NodeId],
    leaving: NodeId,
) -> Result<NodeId, Unplaceable> {
    if !shard_replicas.contains(&leaving) {
        return Err(Unplaceable::NotAReplica(leaving));
    }
    let members = members(nodes);
    let staying: Vec<&Node> = members
        .iter()
        .copied()
        .filter(|it| it.id != leaving && shard_replicas.contains(&it.id))
        .collect();
    let candidates = candidates(nodes);
    let in_zone_of = |node: &Node| staying.iter().filter(|it| it.zone == node.zone).count();
    candidates
        .iter()
        .filter(|it| !shard_replicas.contains(&it.id))
        .min_by_key(|it| (in_zone_of(it), it.in_collection.replicas, it.total.replicas, it.id))
        .map(|it| it.id)
        .ok_or(Unplaceable::NoNodeLeft {
            leaving,
            available: candidates.len(),
            members: members.len(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Load;

    fn node(id: u64, zone: &str, in_collection: u64, total: u64) -> Node {
        let load = |replicas| Load { replicas, leaders: 0 };
        let zone = Some(zone.to_owned());
        Node {
            id: NodeId(id),
            zone,
            accepts_replicas: true,
            in_collection: load(in_collection),
            total: load(total),
        }
    }

    #[test]
    fn zone_comes_before_collection_before_total_before_id() {
        let mut nodes =
            vec![node(1, "a", 1, 1), node(2, "b", 1, 1), node(3, "c", 1, 1), node(4, "a", 0, 0)];
        let replacement = |nodes: &[Node]| place_replacement(nodes, &[1, 2, 3], 3);
        assert_eq!(replacement(&nodes), Ok(4), "there is no other");
        nodes.push(node(9, "c", 5, 9));
        assert_eq!(replacement(&nodes), Ok(9), "the shard stays in three zones");
        nodes.push(node(8, "d", 4, 20));
        assert_eq!(replacement(&nodes), Ok(8), "less of this collection");
        nodes.push(node(7, "d", 4, 19));
        assert_eq!(replacement(&nodes), Ok(7), "less in all");
        nodes.push(node(6, "c", 4, 19));
        assert_eq!(replacement(&nodes), Ok(6), "the lower id");
        nodes.reverse();
        assert_eq!(replacement(&nodes), Ok(6), "whatever their order");
    }

    #[test]
    fn nodes_that_are_down_and_the_leaving_one_take_nothing() {
        let mut nodes = vec![node(1, "a", 1, 1), node(2, "b", 1, 1), node(3, "c", 0, 0)];
        nodes[2].accepts_replicas = false;
        let refused = place_replacement(&nodes, &[1, 2], 2);
        assert_eq!(refused, Err(Unplaceable::NoNodeLeft { leaving: 2, available: 2, members: 3 }));
        assert_eq!(place_replacement(&nodes, &[1, 2], 3), Err(Unplaceable::NotAReplica(3)));
    }

    #[test]
    fn a_node_that_is_gone_can_be_replaced() {
        let nodes = [node(1, "a", 1, 1), node(2, "a", 0, 0)];
        assert_eq!(place_replacement(&nodes, &[1, 5], 5), Ok(2));
    }
}
