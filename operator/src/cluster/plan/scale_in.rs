//! Fewer nodes: the pod of the highest ordinal goes, one at a time, once nothing needs its node.
//! Until the database has forgotten the node, a spec that asks for more nodes calls it off.

use vane_proto::admin;

use super::removal::{Removal, has_copy, removal};
use super::{Founding, Refusal, Roll, Stand, Step};
use crate::cluster::observed::{Leaver, Observed, Set};
use crate::cluster::validate::ValidatedCluster;
use crate::database::Database;
use crate::names;

/// How a node that is taken away stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    /// Its pod.
    pub pod: String,
    /// The database's number for it; `None` where it is no member, or no more.
    pub node: Option<u64>,
    /// Shards that have a copy on it, or are to have one.
    pub shards: usize,
    /// Bytes of their vectors.
    pub bytes: u64,
    /// What is waited for, or done now.
    pub waits_for: String,
    /// What is next.
    pub(super) step: Option<Step>,
}

/// What is known, for the questions below.
struct Facts<'a> {
    cluster: &'a ValidatedCluster,
    observed: &'a Observed,
    set: &'a Set,
    database: &'a Database,
    /// No pod is to be replaced.
    rests: bool,
}

/// The node that is taken away now, if one is.
pub(super) fn leaving(
    cluster: &ValidatedCluster,
    observed: &Observed,
    founding: &Founding,
    roll: Option<&Roll>,
) -> Option<Leaving> {
    let facts = facts(cluster, observed, founding, roll)?;
    if let Some(undone) = facts.called_off() {
        return Some(undone);
    }
    let ordinal = facts.ordinal()?;
    let pod = names::pod(&cluster.name, ordinal);
    // One whose disk was lost before goes too, and first.
    let mut of_pod: Vec<&admin::Node> =
        facts.database.nodes.iter().filter(|node| node.name == pod).collect();
    of_pod.sort_by_key(|node| node.id);
    match of_pod.first() {
        Some(node) => facts.member(ordinal, node),
        None => Some(facts.end(ordinal, pod)),
    }
}

/// Why the spec asks for fewer nodes than the database can do with.
pub(super) fn refusal(cluster: &ValidatedCluster, observed: &Observed) -> Option<Refusal> {
    let (set, database) = (observed.set.as_ref()?, observed.database.as_ref()?);
    let wanted = cluster.spec.nodes;
    if wanted >= set.replicas {
        return None;
    }
    let asked = format!("spec.nodes asks for {wanted}, and {} run and go on", set.replicas);
    let of_shard = |shard: &admin::Shard| {
        let there = shard.group.as_ref().map_or(0, |group| group.replicas.len());
        // Between two memberships there are both, and the one that is wanted is told.
        if shard.target.is_empty() { there } else { shard.target.len() }
    };
    let of_shards = database.shards.iter().map(of_shard).max().unwrap_or_default();
    let copies = of_shards.max(database.most_copies.unwrap_or_default() as usize);
    if usize::try_from(wanted).is_ok_and(|wanted| copies > wanted) {
        return Some(Refusal {
            reason: "TooFewForCopies",
            message: format!(
                "{asked}: a shard has {copies} copies, each on a node of its own; set spec.nodes \
                 to {copies} or more, or lower the replicationFactor of the collection"
            ),
        });
    }
    let goes = |pod: &str| ordinal_of(cluster, pod).is_some_and(|ordinal| ordinal >= wanted);
    if let Some((pod, placement)) = observed.pins.iter().find(|(pod, _)| goes(pod)) {
        return Some(Refusal {
            reason: "TooFewForPins",
            message: format!(
                "{asked}: spec.replicas of shardplacement {placement} names {pod}; take it out of \
                 there first"
            ),
        });
    }
    no_room(database, &goes, &asked)
}

fn no_room(database: &Database, goes: &dyn Fn(&str) -> bool, asked: &str) -> Option<Refusal> {
    let (going, staying): (Vec<&admin::Node>, Vec<&admin::Node>) =
        database.nodes.iter().partition(|node| goes(&node.name));
    let kept: u64 = going.iter().map(|node| bytes_on(database, node.id)).sum();
    let free: u64 = staying.iter().filter(|it| it.alive).map(|it| it.disk_free_bytes).sum();
    // A fifth more: payloads, and what a copy needs while it is made.
    let needed = kept.saturating_add(kept / 5);
    (needed > free).then(|| Refusal {
        reason: "NotEnoughRoom",
        message: format!(
            "{asked}: the nodes that would go have {} MB of vectors, and the disks of the others \
             have {} MB left; delete points, or set spec.nodes back",
            kept >> 20,
            free >> 20
        ),
    })
}

/// What is known where a node may be taken away at all: there is a database, and what it says is
/// known by the word of a majority.
fn facts<'a>(
    cluster: &'a ValidatedCluster,
    observed: &'a Observed,
    founding: &Founding,
    roll: Option<&Roll>,
) -> Option<Facts<'a>> {
    let set = observed.set.as_ref().filter(|set| set.owned)?;
    let database = observed.database.as_ref().filter(|_| observed.is_confirmed())?;
    // Not by what the roll-out waits for: that may be the very node that is to go.
    let rests = roll.is_none_or(|roll| {
        roll.updated >= observed.pods.len() || matches!(roll.stand, Stand::ByHand(_))
    });
    matches!(founding, Founding::Done(_)).then_some(())?;
    Some(Facts { cluster, observed, set, database, rests })
}

impl Facts<'_> {
    /// A node that is on its way out and is to stay after all.
    fn called_off(&self) -> Option<Leaving> {
        let leaver = self.set.leaving.as_ref()?;
        let ordinal = ordinal_of(self.cluster, &leaver.pod)?;
        // Of one that the database has forgotten nothing can be taken back.
        let node = self.database.nodes.iter().find(|node| node.id == leaver.node)?;
        if ordinal >= self.cluster.spec.nodes {
            return None;
        }
        let is_retired = self.observed.claims.get(&ordinal).is_some_and(|it| it.retired.is_some());
        let step = match (is_retired, node.leaving) {
            (true, _) => Step::KeepVolume { claim: names::claim(&self.cluster.name, ordinal) },
            (false, true) => Step::Stay { node: node.id, pod: node.name.clone() },
            (false, false) => Step::ForgetLeaving,
        };
        let removal = Removal { waits_for: step.to_string(), step: Some(step) };
        Some(self.leaving(leaver.pod.clone(), Some(node), removal))
    }

    /// Ordinal of the pod that goes: the highest, if it is one too many.
    fn ordinal(&self) -> Option<i32> {
        let (wanted, running) = (self.cluster.spec.nodes, self.set.replicas);
        let members = self.database.nodes.iter();
        let known = members.filter_map(|node| ordinal_of(self.cluster, &node.name));
        // Of a pod that is gone already: it joined while it was taken away, or its set was made
        // anew with fewer.
        let left_behind = known.filter(|ordinal| *ordinal >= running.max(wanted)).max();
        let last = running - 1;
        // What was begun is ended, whatever the spec says by now: its disk is no member's any more.
        let is_gone = self.observed.claims.get(&last).is_some_and(|claim| claim.retired.is_some())
            && self.is_no_member(last);
        let is_too_many = running > wanted || is_gone;
        // Never the last one, with which the database would go.
        left_behind.or((is_too_many && last > 0).then_some(last))
    }

    fn is_no_member(&self, ordinal: i32) -> bool {
        let pod = names::pod(&self.cluster.name, ordinal);
        self.database.nodes.iter().all(|node| node.name != pod)
    }

    /// The pod has a node: it is emptied and taken away.
    fn member(&self, ordinal: i32, node: &admin::Node) -> Option<Leaving> {
        let pod = node.name.clone();
        let leaver = Leaver { pod: pod.clone(), node: node.id };
        if self.set.leaving.as_ref() != Some(&leaver) {
            if refusal(self.cluster, self.observed).is_some() {
                return None;
            }
            let removal = match self.held_up(&pod) {
                Some(why) => Removal::waits(why),
                None => {
                    let step = Step::NoteLeaving(leaver);
                    Removal { waits_for: step.to_string(), step: Some(step) }
                }
            };
            return Some(self.leaving(pod, Some(node), removal));
        }
        let mut next = removal(self.database, node, None, |_| false);
        match &next.step {
            Some(Step::Leave { .. } | Step::MoveCopies { .. }) if !self.rests => {
                next = Removal::waits("the pods are replaced first");
            }
            // Before it is forgotten: a set that is made anew meanwhile brings no pod for it.
            Some(Step::RemoveNode { .. }) if self.is_claimed(ordinal) => {
                let claim = names::claim(&self.cluster.name, ordinal);
                let step = Step::RetireVolume { claim, node: node.id };
                next = Removal { waits_for: step.to_string(), step: Some(step) };
            }
            _ => {}
        }
        Some(self.leaving(pod, Some(node), next))
    }

    /// Why no node begins to leave now.
    fn held_up(&self, pod: &str) -> Option<String> {
        if !self.rests {
            return Some("the pods are replaced first".into());
        }
        // Its own does not matter: one that does not run is missed by nobody.
        let others = (0..self.cluster.spec.nodes).map(|it| names::pod(&self.cluster.name, it));
        let ready =
            |name: &str| self.observed.pods.values().any(|there| there.name == name && there.ready);
        let away = others.into_iter().find(|name| name != pod && !ready(name))?;
        Some(format!("{away} is not ready, and is waited for before {pod} goes"))
    }

    fn is_claimed(&self, ordinal: i32) -> bool {
        self.observed.claims.get(&ordinal).is_some_and(|claim| claim.retired.is_none())
    }

    /// The pod is no node any more, or never was one: it goes.
    fn end(&self, ordinal: i32, pod: String) -> Leaving {
        let step = match ordinal + 1 == self.set.replicas {
            true => Step::ScaleIn(ordinal),
            false => Step::ForgetLeaving,
        };
        let removal = Removal { waits_for: step.to_string(), step: Some(step) };
        self.leaving(pod, None, removal)
    }

    fn leaving(&self, pod: String, node: Option<&admin::Node>, next: Removal) -> Leaving {
        let id = node.map(|node| node.id);
        let on_it = |shard: &&admin::Shard| id.is_some_and(|id| has_copy(shard, id));
        Leaving {
            pod,
            node: id,
            shards: self.database.shards.iter().filter(on_it).count(),
            bytes: id.map_or(0, |id| bytes_on(self.database, id)),
            waits_for: next.waits_for,
            step: next.step,
        }
    }
}

/// Bytes of the vectors of the shards that a node has a copy of.
fn bytes_on(database: &Database, node: u64) -> u64 {
    let there = database.shards.iter().filter(|shard| has_copy(shard, node));
    there.map(|shard| shard.vector_bytes).sum()
}

fn ordinal_of(cluster: &ValidatedCluster, pod: &str) -> Option<i32> {
    names::pod_ordinal(&cluster.name, pod)
}

#[cfg(test)]
mod tests;
