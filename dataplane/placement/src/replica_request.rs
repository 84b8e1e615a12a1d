//! What a request for one replica of a shard makes of the shard's replicas.
//!
//! Requests are about what *should* be: one that comes while others are on their way adds to
//! them, and one that is repeated finds its own work done. The plan names the revision that it
//! was made at, so that whoever carries it out overwrites nobody.

#[cfg(test)]
mod tests;

use thiserror::Error;
use vane_catalog::{ShardEntry, State, WantedReplica};
use vane_types::limits::REPLICAS_MAX;
use vane_types::{GroupId, NodeId, PeerId};

use crate::transfers::{Transfer, transfers};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplicaRequest {
    /// The replica on one node shall be on another.
    Move { from: NodeId, to: NodeId },
    /// A node shall have a voter too. Whoever leads sends the data, whatever `from` says.
    Replicate { from: NodeId, to: NodeId },
    /// A node shall have none; only where so many others are active, if that is said.
    Drop { node: NodeId, others_min: Option<u32> },
    /// What is on its way shall not come.
    Abort { from: NodeId, to: NodeId },
    /// What is on its way shall begin anew.
    Restart { from: NodeId, to: NodeId },
}

/// What is to be done about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplicaPlan {
    /// It is so, or on its way.
    Nothing,
    /// These should be the replicas of the group; decided at this revision of the shard.
    Replicas { group: GroupId, replicas: Vec<WantedReplica>, revision: u64 },
    /// This replica is to be given up and made anew on its node.
    Refill { group: GroupId, peer: PeerId },
}

/// Why a request is refused. Nothing was changed. Texts begin as Qdrant's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReplicaRefusal {
    /// No such shard.
    #[error("Shard {shard} of {collection} does not exist")]
    NoShard { collection: String, shard: u32 },
    /// No such member.
    #[error("Peer {0} does not exist")]
    NoPeer(NodeId),
    /// Nothing there that could be moved or copied.
    #[error("Shard {shard} is not active on peer {peer}")]
    NotActive { shard: u32, peer: NodeId },
    /// Nothing there to drop.
    #[error("Peer {peer} has no replica of shard {shard}")]
    NoReplica { shard: u32, peer: NodeId },
    /// A node has at most one replica of a shard.
    #[error("Peer {peer} has a replica of shard {shard} already; to have fewer, drop one")]
    Occupied { shard: u32, peer: NodeId },
    /// Another request for the same replicas has not ended.
    #[error("Shard {shard} is already involved in transfer {from} -> {to}")]
    Involved { shard: u32, from: NodeId, to: NodeId },
    /// The points would be gone, or nobody could serve them.
    #[error("Shard {shard} must have at least one active replica after removing {peer}")]
    LastReplica { shard: u32, peer: NodeId },
    /// The shard would take no writes any more.
    #[error(
        "Shard {shard} must have a majority of active replicas after removing {peer}; {active} of \
         {left} would be: remove those that are dead first"
    )]
    NoMajority { shard: u32, peer: NodeId, active: usize, left: usize },
    /// Fewer others than were asked for.
    #[error(
        "Shard {shard} has {active} active replicas besides the one on peer {peer}, at least \
         {least} are required"
    )]
    TooFewOthers { shard: u32, peer: NodeId, active: usize, least: u32 },
    /// More than a shard may have.
    #[error("Shard {shard} has {REPLICAS_MAX} replicas, which is the most")]
    TooMany { shard: u32 },
    /// Nothing of that is on its way.
    #[error("Shard transfer {from} -> {to} for collection {collection}:{shard} does not exist")]
    NoTransfer { collection: String, shard: u32, from: NodeId, to: NodeId },
}

/// What a request for a shard of a collection, by its own name, comes to by a catalog. `alive` says
/// which members answer.
///
/// # Errors
/// [`ReplicaRefusal`].
pub fn plan_replicas(
    state: &State,
    (collection, shard): (&str, u32),
    request: ReplicaRequest,
    alive: impl Fn(NodeId) -> bool,
) -> Result<ReplicaPlan, ReplicaRefusal> {
    let named = state.collections.get(collection);
    let group = named.and_then(|entry| entry.shards.get(shard as usize)).copied();
    let entry = group.and_then(|group| Some((group, state.shards.get(&group)?)));
    let (group, entry) = entry
        .ok_or_else(|| ReplicaRefusal::NoShard { collection: collection.to_owned(), shard })?;
    let asked = ShardRequest::new(group, shard, entry);
    let check_members = |nodes: [NodeId; 2]| {
        let unknown = nodes.into_iter().find(|node| !state.nodes.contains_key(node));
        unknown.map_or(Ok(()), |node| Err(ReplicaRefusal::NoPeer(node)))
    };
    match request {
        ReplicaRequest::Move { from, to } => {
            check_members([to, from])?;
            asked.moved(from, to)
        }
        ReplicaRequest::Replicate { from, to } => {
            check_members([to, from])?;
            asked.replicated(from, to)
        }
        ReplicaRequest::Drop { node, others_min } => {
            check_members([node, node])?;
            asked.dropped(node, others_min, alive)
        }
        // Whoever they name: the transfer is there or it is not.
        ReplicaRequest::Abort { from, to } => asked.aborted(asked.transfer(from, to)?),
        ReplicaRequest::Restart { from, to } => {
            let transfer = asked.transfer(from, to)?;
            Ok(asked.restarted(transfer.to))
        }
    }
}

/// What is left of a shard's replicas without that on a node; `None` where it has none and is to
/// get none.
///
/// # Errors
/// [`ReplicaRefusal`] where the shard could not do without.
pub(crate) fn without(
    (group, entry): (GroupId, &ShardEntry),
    node: NodeId,
    alive: impl Fn(NodeId) -> bool,
) -> Result<Option<ReplicaPlan>, ReplicaRefusal> {
    // A collection has at most `SHARDS_MAX`.
    let asked = ShardRequest::new(group, entry.ordinal as u32, entry);
    match asked.place_of(node) {
        None => Ok(None),
        Some(_) => asked.dropped(node, None, alive).map(Some),
    }
}

/// A shard that something is asked of.
pub(crate) struct ShardRequest<'a> {
    group: GroupId,
    pub(crate) shard: u32,
    pub(crate) entry: &'a ShardEntry,
    /// Where its replicas should be by now.
    pub(crate) wanted: Vec<WantedReplica>,
}

type Planned = Result<ReplicaPlan, ReplicaRefusal>;

impl<'a> ShardRequest<'a> {
    pub(crate) fn new(group: GroupId, shard: u32, entry: &'a ShardEntry) -> Self {
        Self { group, shard, entry, wanted: entry.wanted() }
    }

    /// The plan that these be the replicas.
    pub(crate) fn plan(&self, replicas: Vec<WantedReplica>) -> Planned {
        if replicas.len() > REPLICAS_MAX as usize {
            return Err(ReplicaRefusal::TooMany { shard: self.shard });
        }
        let revision = self.entry.revision;
        Ok(ReplicaPlan::Replicas { group: self.group, replicas, revision })
    }

    /// Place of a node among the replicas that are wanted.
    pub(crate) fn place_of(&self, node: NodeId) -> Option<usize> {
        self.wanted.iter().position(|replica| replica.node == node)
    }

    fn transfers(&self) -> Vec<Transfer> {
        match self.entry.target {
            Some(_) => transfers(&self.entry.conf, &self.wanted),
            None => Vec::new(),
        }
    }

    fn moved(&self, from: NodeId, to: NodeId) -> Planned {
        let (shard, mut wanted) = (self.shard, self.wanted.clone());
        match (self.place_of(from), self.place_of(to)) {
            // As this very request leaves it: a script may repeat itself.
            (None, Some(_)) => return Ok(ReplicaPlan::Nothing),
            (Some(_), Some(_)) => return Err(ReplicaRefusal::Occupied { shard, peer: to }),
            (there, None) => {
                self.refuse_involved(&[from, to])?;
                let there = there.ok_or(ReplicaRefusal::NotActive { shard, peer: from })?;
                // Its role goes along: only the node is another.
                wanted[there].node = to;
            }
        }
        self.plan(wanted)
    }

    fn replicated(&self, from: NodeId, to: NodeId) -> Planned {
        if self.place_of(from).is_none() {
            return Err(ReplicaRefusal::NotActive { shard: self.shard, peer: from });
        }
        let voter = WantedReplica { node: to, learner: false };
        let mut wanted = self.wanted.clone();
        match self.place_of(to) {
            Some(place) if !wanted[place].learner => return Ok(ReplicaPlan::Nothing),
            // It has the data already, and gets a vote.
            Some(place) => wanted[place] = voter,
            None => {
                self.refuse_involved(&[to])?;
                wanted.push(voter);
            }
        }
        self.plan(wanted)
    }

    /// Refuses where a transfer that has not ended moves to or away from one of the nodes.
    fn refuse_involved(&self, nodes: &[NodeId]) -> Result<(), ReplicaRefusal> {
        let is_involved = |transfer: &Transfer| {
            nodes.contains(&transfer.to)
                || transfer.in_place_of.is_some_and(|from| nodes.contains(&from))
        };
        match self.transfers().into_iter().find(is_involved) {
            None => Ok(()),
            Some(Transfer { in_place_of, to, .. }) => {
                // Where none goes, whoever leads sends, which the catalog does not know.
                let first = self.entry.conf.voters.first().map(|voter| voter.node());
                let from = in_place_of.or(first).unwrap_or(to);
                Err(ReplicaRefusal::Involved { shard: self.shard, from, to })
            }
        }
    }

    fn dropped(
        &self,
        node: NodeId,
        others_min: Option<u32>,
        alive: impl Fn(NodeId) -> bool,
    ) -> Planned {
        let (shard, peer, mut wanted) = (self.shard, node, self.wanted.clone());
        let Some(place) = self.place_of(node) else {
            return match self.entry.nodes().contains(&node) {
                // On its way out, as this very request leaves it.
                true => Ok(ReplicaPlan::Nothing),
                false => Err(ReplicaRefusal::NoReplica { shard, peer }),
            };
        };
        let role = wanted.remove(place);
        if let Some(least) = others_min {
            let active = self.active(&wanted, &alive);
            if active < least as usize {
                return Err(ReplicaRefusal::TooFewOthers { shard, peer, active, least });
            }
        }
        self.check_left(&wanted, role, alive)?;
        self.plan(wanted)
    }

    /// How many of some replicas are voters that have the data and answer.
    fn active(&self, wanted: &[WantedReplica], alive: impl Fn(NodeId) -> bool) -> usize {
        let votes = |node: &NodeId| wanted.iter().any(|one| one.node == *node && !one.learner);
        let voters = self.entry.conf.voters.iter().map(|voter| voter.node());
        voters.filter(|voter| votes(voter) && alive(*voter)).count()
    }

    /// Refuses what would be left once a replica is gone, where it could not serve.
    pub(crate) fn check_left(
        &self,
        wanted: &[WantedReplica],
        gone: WantedReplica,
        alive: impl Fn(NodeId) -> bool,
    ) -> Result<(), ReplicaRefusal> {
        let (shard, peer) = (self.shard, gone.node);
        if self.active(wanted, &alive) == 0 {
            return Err(ReplicaRefusal::LastReplica { shard, peer });
        }
        let voters = || wanted.iter().filter(|replica| !replica.learner);
        let (left, active) = (voters().count(), voters().filter(|voter| alive(voter.node)).count());
        // Of an even number of voters, one of them dead, a live one that goes takes the majority
        // along, and the change that is to bring it back could not be agreed on.
        if !gone.learner && 2 * active <= left {
            return Err(ReplicaRefusal::NoMajority { shard, peer, active, left });
        }
        Ok(())
    }

    /// A transfer by where it goes, and by the replica whose place is taken; where none goes, by
    /// any that there is: which one sends is nobody's choice.
    fn transfer(&self, from: NodeId, to: NodeId) -> Result<Transfer, ReplicaRefusal> {
        let is_from = |transfer: &Transfer| match transfer.in_place_of {
            Some(node) => node == from,
            None => self.entry.nodes().contains(&from),
        };
        let mut transfers = self.transfers().into_iter();
        let found = transfers.find(|transfer| transfer.to == to && is_from(transfer));
        let (collection, shard) = (&self.entry.collection, self.shard);
        let no_transfer =
            || ReplicaRefusal::NoTransfer { collection: collection.clone(), shard, from, to };
        found.ok_or_else(no_transfer)
    }

    fn aborted(&self, Transfer { in_place_of, to, learner }: Transfer) -> Planned {
        let mut wanted = self.wanted.clone();
        let place = self.place_of(to).unwrap_or(wanted.len());
        // A follower that was to get a vote goes on without one.
        let followed = self.entry.conf.learners.iter().any(|peer| peer.node() == to);
        match wanted.get_mut(place) {
            Some(replica) if followed => replica.learner = true,
            Some(_) => drop(wanted.remove(place)),
            None => {}
        }
        if let Some(node) = in_place_of {
            wanted.insert(place, WantedReplica { node, learner });
        }
        self.plan(wanted)
    }

    fn restarted(&self, to: NodeId) -> ReplicaPlan {
        let begun = self.entry.refill.as_ref();
        let is_begun = begun.is_some_and(|refill| !refill.returning && refill.node() == to);
        match self.entry.peer_on(to) {
            Some(peer) if !is_begun => ReplicaPlan::Refill { group: self.group, peer },
            Some(_) | None => ReplicaPlan::Nothing,
        }
    }
}
