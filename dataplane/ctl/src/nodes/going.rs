//! Nodes that go: said to leave, replaced, removed.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep};
use vane_proto::admin::{Node, ReplicaTarget, Shard};

use super::resolve;
use crate::args::values::NodeRef;
use crate::client::Client;
use crate::confirm::confirm;
use crate::error::Error;
use crate::output::Console;
use crate::shards::plan::{Impossible, Move, moved, names};
use crate::units::{counted, span};

/// Time between looks at how far a replacement is.
const LOOK_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, Serialize)]
struct Leaving {
    node_id: u64,
    leaving: bool,
}

#[derive(Debug, Serialize)]
struct Follows {
    node_id: u64,
    /// For how long at most; 0 where it may lead.
    seconds: u32,
}

#[derive(Debug, Serialize)]
struct Removed {
    node_id: u64,
    disk_id: String,
}

#[derive(Debug, Serialize)]
struct Replaced {
    node_id: u64,
    with: u64,
    /// Shards that were moved by this call.
    moved: usize,
}

/// Says that a node is to go, or takes it back.
pub(super) async fn leave(
    console: &mut Console,
    node: &NodeRef,
    leaving: bool,
) -> Result<(), Error> {
    let node_id = resolve(&mut console.client, &[node]).await?[0];
    console.client.set_node_leaving(node_id, leaving).await?;
    let sentence = match leaving {
        true => format!(
            "node/{node_id} is to go: it gets no new replicas, and another takes its meta vote"
        ),
        false => format!("node/{node_id} stays"),
    };
    console.output.confirm(&sentence, &Leaving { node_id, leaving })
}

/// Says that a node is to lead nothing for a while; 0 takes it back.
pub(super) async fn follow(
    console: &mut Console,
    node: &NodeRef,
    seconds: u32,
) -> Result<(), Error> {
    let node_id = resolve(&mut console.client, &[node]).await?[0];
    console.client.set_node_follows_only(node_id, seconds).await?;
    let sentence = match seconds {
        0 => format!("node/{node_id} may lead"),
        _ => format!(
            "node/{node_id} only follows, until it is started again or {seconds} s are over: \
             others take what it leads"
        ),
    };
    console.output.confirm(&sentence, &Follows { node_id, seconds })
}

/// Removes a node without replicas, after its name was typed.
pub(super) async fn remove(console: &mut Console, node: &NodeRef, yes: bool) -> Result<(), Error> {
    let node = find(&mut console.client, node).await?;
    if !yes {
        let what = format!(
            "remove node {} ({}) for good: its disk never comes back",
            node.id,
            described(&node)
        );
        confirm(&what, &node.id.to_string(), "node")?;
    }
    take_away(console, node).await
}

async fn take_away(console: &mut Console, node: Node) -> Result<(), Error> {
    let Node { id: node_id, disk_id, .. } = node;
    console.client.remove_node(node_id, disk_id.clone()).await?;
    let sentence = format!("node/{node_id} removed");
    console.output.confirm(&sentence, &Removed { node_id, disk_id })
}

/// Moves all replicas of a node to another, waits for them and for its meta vote, and removes it.
/// Killed anywhere, the same call goes on where it stopped.
pub(super) async fn replace(
    console: &mut Console,
    node: &NodeRef,
    with: &NodeRef,
    yes: bool,
    limit: Duration,
) -> Result<(), Error> {
    let old = find(&mut console.client, node).await?;
    let new = find(&mut console.client, with).await?;
    check_pair(&old, &new)?;
    let shards = shards_on(&mut console.client, old.id).await?;
    let lost = if old.alive { Vec::new() } else { sole_copies(&shards, old.id) };
    // Before anything is asked for: half a replacement would be of no use.
    shards.iter().try_for_each(|shard| planned(shard, (old.id, new.id)).map(drop))?;
    if !yes {
        let what = format!(
            "move {} of node {} ({}) to node {} ({}), and remove node {} for good{}",
            counted(shards.len(), "shard", "shards"),
            old.id,
            described(&old),
            new.id,
            described(&new),
            old.id,
            told(&lost)
        );
        confirm(&what, &old.id.to_string(), "node")?;
    }
    console.client.set_node_leaving(old.id, true).await?;
    let moved = move_all(console, (old.id, new.id), &lost, limit).await?;
    if !lost.is_empty() {
        return Err(Error::Unmet(format!(
            "node {} cannot be removed{}; the others are moved. Bring its disk back, or delete \
             their collections",
            old.id,
            told(&lost)
        )));
    }
    let node = old.id;
    take_away(console, old).await?;
    let sentence = format!("node/{node} replaced by node/{}", new.id);
    console.output.confirm(&sentence, &Replaced { node_id: node, with: new.id, moved })
}

fn check_pair(old: &Node, new: &Node) -> Result<(), Error> {
    if old.id == new.id {
        return Err(Error::Usage(format!("node {} cannot replace itself", old.id)));
    }
    if !new.alive || new.leaving {
        return Err(Error::Usage(format!(
            "node {} cannot take replicas: it is {}; nothing was changed",
            new.id,
            if new.leaving { "to go itself" } else { "not alive" }
        )));
    }
    Ok(())
}

/// Asks for one shard's move; whether there was anything to ask for.
async fn ask_to_move(client: &mut Client, shard: &Shard, ends: (u64, u64)) -> Result<bool, Error> {
    let is_led = shard.group.as_ref().is_some_and(|group| group.leader_node != 0);
    // Who votes there only its leader knows; one is elected in a moment, or never without a
    // majority, which the time that is given ends.
    if !is_led && shard.target.is_empty() {
        return Ok(false);
    }
    match planned(shard, ends)? {
        Some(replicas) => {
            client.reconfigure_shard(group_of(shard), replicas, shard.revision).await?;
            Ok(true)
        }
        None => Ok(false),
    }
}

/// Where a shard's replicas should be once one has moved; `None` where it has.
fn planned(shard: &Shard, (from, to): (u64, u64)) -> Result<Option<Vec<ReplicaTarget>>, Error> {
    match moved(shard, from, to) {
        Ok(Move::To(replicas)) => Ok(Some(replicas)),
        Ok(Move::AlreadyThere) | Err(Impossible::NoReplica(_)) => Ok(None),
        Err(reason) => Err(Error::NotFound(format!(
            "shard group {} cannot be moved from node {from} to node {to}: {reason}; choose \
             another node",
            group_of(shard)
        ))),
    }
}

/// Asks for moves and waits, until nothing that is not lost is left on the node; how many moves
/// were asked for.
async fn move_all(
    console: &mut Console,
    (node, to): (u64, u64),
    lost: &[u64],
    limit: Duration,
) -> Result<usize, Error> {
    let deadline = Instant::now() + limit;
    let (mut said, mut moved) = (String::new(), 0);
    let mut seen = BTreeSet::new();
    loop {
        let shards = console.client.shards(String::new()).await?;
        let left = left_on(node, shards, lost, &mut seen);
        for shard in &left {
            moved += usize::from(ask_to_move(&mut console.client, shard, (node, to)).await?);
        }
        let nodes = console.client.nodes().await?;
        let voting = nodes.iter().any(|it| it.id == node && it.meta_voter && it.alive);
        if left.is_empty() && !voting {
            return Ok(moved);
        }
        let line = format!(
            "node {node} still has {}{}",
            counted(left.len(), "shard", "shards"),
            if voting { " and its meta vote" } else { "" }
        );
        if line != said {
            console.output.note(&format!("waiting: {line}"));
            said.clone_from(&line);
        }
        if Instant::now() + LOOK_EVERY >= deadline {
            return Err(Error::Unmet(format!(
                "{line} after {}; the same command goes on from here",
                span(u64::try_from(limit.as_millis()).unwrap_or(u64::MAX))
            )));
        }
        sleep(LOOK_EVERY).await;
    }
}

/// The shards that a node still has a place in; those that were `seen` before count until their
/// change is recorded, since the node is not removed earlier.
fn left_on(
    node: u64,
    mut shards: Vec<Shard>,
    lost: &[u64],
    seen: &mut BTreeSet<u64>,
) -> Vec<Shard> {
    shards.retain(|shard| !lost.contains(&group_of(shard)));
    seen.extend(shards.iter().filter(|shard| names(shard, node)).map(group_of));
    shards.retain(|shard| {
        let is_changing = !shard.target.is_empty() && seen.contains(&group_of(shard));
        names(shard, node) || is_changing
    });
    shards
}

/// A node by number or name.
async fn find(client: &mut Client, node: &NodeRef) -> Result<Node, Error> {
    let id = resolve(client, &[node]).await?[0];
    let members = client.nodes().await?;
    members.into_iter().find(|member| member.id == id).ok_or_else(|| {
        Error::NotFound(format!("there is no node {id}: see `vanectl nodes`; nothing was changed"))
    })
}

async fn shards_on(client: &mut Client, node: u64) -> Result<Vec<Shard>, Error> {
    let mut shards = client.shards(String::new()).await?;
    shards.retain(|shard| names(shard, node));
    Ok(shards)
}

fn group_of(shard: &Shard) -> u64 {
    shard.group.as_ref().map_or(0, |group| group.id)
}

/// Groups whose only replica is on a node.
fn sole_copies(shards: &[Shard], node: u64) -> Vec<u64> {
    let replicas = |shard: &Shard| shard.group.iter().flat_map(|it| it.replicas.clone()).collect();
    let is_sole = |shard: &&Shard| {
        let replicas: Vec<vane_proto::admin::Replica> = replicas(shard);
        !replicas.is_empty() && replicas.iter().all(|replica| replica.node_id == node)
    };
    shards.iter().filter(is_sole).map(group_of).collect()
}

/// What is said of shards that are lost with the node.
fn told(lost: &[u64]) -> String {
    if lost.is_empty() {
        return String::new();
    }
    let groups: Vec<String> = lost.iter().map(ToString::to_string).collect();
    format!(
        ": the only copies of shard groups {} are on it, and it does not answer: they are lost \
         with its disk",
        groups.join(", ")
    )
}

fn described(node: &Node) -> String {
    let silent = span(node.silent_ms);
    match (node.alive, node.displaced.is_empty()) {
        (true, _) => format!("{}, alive", node.name),
        (false, true) => format!("{}, silent for {silent}", node.name),
        (false, false) => format!("{}, its address is another node's for {silent}", node.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vane_proto::admin::{Group, Replica};

    fn shard(id: u64, nodes: &[u64]) -> Shard {
        let replica = |node: &u64| Replica { node_id: *node, ..Replica::default() };
        let replicas = nodes.iter().map(replica).collect();
        Shard { group: Some(Group { id, replicas, ..Group::default() }), ..Shard::default() }
    }

    #[test]
    fn shards_with_their_only_copy_on_a_lost_node_are_named() {
        let shards = [shard(1, &[2]), shard(2, &[2, 3]), shard(3, &[2])];
        assert_eq!(sole_copies(&shards, 2), [1, 3]);
        assert!(told(&[1, 3]).contains("shard groups 1, 3"));
        assert_eq!(told(&[]), "");
    }

    #[test]
    fn a_shard_counts_until_its_change_is_recorded() {
        let mut seen = BTreeSet::new();
        let target = [4, 3].map(|node_id| ReplicaTarget { node_id, ..ReplicaTarget::default() });
        let changing = |nodes: &[u64]| Shard { target: target.to_vec(), ..shard(1, nodes) };
        let mut left = |shards: &[Shard]| {
            let left = left_on(2, shards.to_vec(), &[9], &mut seen);
            left.iter().map(group_of).collect::<Vec<u64>>()
        };
        let other = Shard { target: target.to_vec(), ..shard(5, &[3]) };
        let lost = shard(9, &[2]);
        assert_eq!(left(&[shard(1, &[2, 3]), other.clone(), lost.clone()]), [1]);
        assert_eq!(left(&[changing(&[2, 3, 4]), other.clone()]), [1]);
        assert_eq!(left(&[changing(&[3, 4]), other.clone()]), [1], "the catalog names it still");
        assert!(left(&[shard(1, &[3, 4]), other, lost]).is_empty());
    }

    #[test]
    fn a_node_is_replaced_by_another_that_can_take_it() {
        let node = |id, alive, leaving| Node { id, alive, leaving, ..Node::default() };
        let old = node(2, false, false);
        assert!(check_pair(&old, &node(4, true, false)).is_ok());
        for new in [node(2, true, false), node(4, false, false), node(4, true, true)] {
            assert!(check_pair(&old, &new).is_err(), "{new:?}");
        }
    }
}
