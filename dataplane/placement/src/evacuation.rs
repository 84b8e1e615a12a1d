//! Where the replicas of a node that goes are to be instead.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use derive_more::Display;
use vane_catalog::State;
use vane_types::NodeId;

use crate::places::Places;
use crate::replica_request::{ReplicaPlan, ShardRequest};

/// What becomes of the shards that have a replica on a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evacuation {
    /// One for each shard whose replica is to be elsewhere.
    pub plans: Vec<ReplicaPlan>,
    /// Shards that cannot do without the node now.
    pub stays: Vec<Stays>,
}

/// A shard whose replica stays where it is; displayed as people read it.
#[derive(Debug, Display, Clone, PartialEq, Eq)]
#[display("shard {shard} of {collection}: {why}")]
pub struct Stays {
    /// Its collection.
    pub collection: String,
    /// Its place in the collection.
    pub shard: u32,
    /// Why.
    pub why: StaysWhy,
}

/// Why a replica stays.
#[derive(Debug, Display, Clone, Copy, PartialEq, Eq)]
pub enum StaysWhy {
    /// The points are on the node alone, which does not answer.
    #[display("its only replica is there, and does not answer")]
    OnlyReplica,
    /// No change of members could be agreed on.
    #[display("{answering} of its {voters} voters answer, which is no majority")]
    NoMajority {
        /// Voters that answer.
        answering: usize,
        /// All of them.
        voters: usize,
    },
    /// A node has at most one replica of a shard, and each of the others has one, leaves or is
    /// away.
    #[display("there is no other node that could take its replica")]
    NowhereToGo,
}

/// One plan for each shard that is to have a replica on a node: it goes where another would have
/// been placed, keeping its role. `preferred` takes it where it can. What is on its way already is
/// left alone, so that the same question may be asked again and again.
pub fn evacuation(
    state: &State,
    node: NodeId,
    preferred: Option<NodeId>,
    alive: impl Fn(NodeId) -> bool,
) -> Evacuation {
    let mut collections: BTreeMap<&str, Vec<ShardRequest<'_>>> = BTreeMap::new();
    for (group, entry) in &state.shards {
        // A collection has at most `SHARDS_MAX`.
        let shard = ShardRequest::new(*group, entry.ordinal as u32, entry);
        collections.entry(&entry.collection).or_default().push(shard);
    }
    let mut places = Places::new(state, &alive);
    let mut evacuation = Evacuation::default();
    for (collection, shards) in collections {
        places.begin(&shards);
        for asked in shards {
            match moved(&asked, node, preferred, &mut places, &alive) {
                None => {}
                Some(Ok(plan)) => evacuation.plans.push(plan),
                Some(Err(why)) => evacuation.stays.push(Stays {
                    collection: collection.to_owned(),
                    shard: asked.shard,
                    why,
                }),
            }
        }
    }
    evacuation
}

/// The plan of one shard; `None` where it is to have no replica on the node.
fn moved(
    asked: &ShardRequest<'_>,
    node: NodeId,
    preferred: Option<NodeId>,
    places: &mut Places,
    alive: impl Fn(NodeId) -> bool,
) -> Option<Result<ReplicaPlan, StaysWhy>> {
    let place = asked.place_of(node)?;
    let voters = || asked.entry.conf.voters.iter().map(|voter| voter.node());
    let (all, answering) = (voters().count(), voters().filter(|voter| alive(*voter)).count());
    if 2 * answering <= all {
        // A target would be recorded, and nothing could ever bring it about.
        let is_alone = all == 1 && voters().next() == Some(node);
        let no_majority = StaysWhy::NoMajority { answering, voters: all };
        return Some(Err(if is_alone { StaysWhy::OnlyReplica } else { no_majority }));
    }
    let mut wanted = asked.wanted.clone();
    // Its own zone has one fewer by then.
    let mut others = wanted.clone();
    others.remove(place);
    let Some(to) = places.next(&others, preferred) else {
        return Some(Err(StaysWhy::NowhereToGo));
    };
    wanted[place].node = to;
    // As many replicas as before: never more than a shard may have.
    asked.plan(wanted).ok().map(Ok)
}
