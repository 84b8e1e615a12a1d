//! Who votes on what the cluster agrees on.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use vane_types::NodeId;

use crate::facts::{NodeFacts, members};

/// Members from which on those without a hold on their vote do not count: with fewer, a group of
/// one voter would be all that is left.
const REPLACED_FROM: usize = 3;

/// The nodes that should vote in the meta group, by id: 1 of fewer than three members, 3 of
/// fewer than five, else 5. `nodes` are all members, dead ones too: a node that fails must
/// not make the group smaller. Those that have lost their hold on a vote do not count where
/// three others are there. Leave out those that are to go.
///
/// In this order: a new voter is one that takes replicas, if there is one; votes are spread
/// over zones as evenly as their sizes allow; who votes already keeps the vote, even when it
/// is down (of those that cannot all stay, one that is up before one that is not), unless it
/// has lost its hold on it and another can take it; the lower id. Asked again with its own
/// answer, it gives that answer.
///
/// One voter at a time, each the best then: that is optimal, because zones fill level by
/// level and in each the voters of now come first. O(N) per voter.
pub fn meta_voters(nodes: &[NodeFacts], current_voters: &[NodeId]) -> Vec<NodeId> {
    let mut waiting = members(nodes);
    let holding = waiting.iter().filter(|node| node.keeps_vote).count();
    let counted = holding.max(waiting.len().min(REPLACED_FROM));
    let wanted = voters_of(counted).min(waiting.len());
    let mut in_zone: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    let mut voters = Vec::with_capacity(wanted);
    for _ in 0..wanted {
        let rank = |node: &NodeFacts| {
            let votes = current_voters.contains(&node.id);
            let is_new = !(votes && node.keeps_vote);
            let is_down = !(node.accepts_replicas && node.keeps_vote);
            let zone_votes = in_zone.get(&node.zone.as_deref()).copied().unwrap_or(0);
            // False orders first, and a part counts only where all before it are alike.
            (is_new && is_down, zone_votes, is_new, is_down, !votes, node.id)
        };
        let best = (0..waiting.len())
            .min_by_key(|place| rank(waiting[*place]))
            .expect("no more voters than members");
        let voter = waiting.swap_remove(best);
        *in_zone.entry(voter.zone.as_deref()).or_default() += 1;
        voters.push(voter.id);
    }
    voters.sort_unstable();
    voters
}

/// An even number would need one more for a majority and survive no more failures.
fn voters_of(members: usize) -> usize {
    match members {
        0..3 => 1,
        3..5 => 3,
        _ => 5,
    }
}
