//! Pods whose machine is gone, and their volume with it. Where people left it to the operator, it
//! says for them that the volume is gone: the claim is deleted, then the pod, and what follows is
//! that of any lost disk (`lost`). One at a time, and only while no shard needs that volume.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use vane_crds::cluster::{RecoveryMode, StrandedStatus};
use vane_proto::admin;

use super::failing::minutes;
use super::hand_over::node_of;
use super::{Founding, Lost, Step};
use crate::cluster::observed::{Claim, Local, Observed, Pod};
use crate::cluster::validate::ValidatedCluster;
use crate::database::Outlook;
use crate::names;

/// A pod whose machine is gone, and its volume with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stranded {
    /// What is said of it.
    pub status: StrandedStatus,
    /// By what the machine is known to be gone, in words; empty where that is not seen now.
    pub why: String,
    /// What is next.
    pub(super) step: Option<Step>,
}

/// What is known, for the questions below.
struct Facts<'a> {
    cluster: &'a ValidatedCluster,
    observed: &'a Observed,
    lost: &'a [Lost],
}

/// The pods whose machine is gone with their volume, in order.
pub(super) fn stranded(
    cluster: &ValidatedCluster,
    observed: &Observed,
    founding: &Founding,
    lost: &[Lost],
) -> Vec<Stranded> {
    if !matches!(founding, Founding::Done(_)) {
        return Vec::new();
    }
    let facts = Facts { cluster, observed, lost };
    let replicas = observed.set.as_ref().map_or(0, |set| set.replicas);
    let mut stranded: Vec<Stranded> =
        (0..replicas).filter_map(|ordinal| facts.stranded(ordinal)).collect();
    // Never two at once, and what was begun first.
    let first = stranded.iter().position(|pod| matches!(pod.step, Some(Step::ForcePod { .. })));
    let first = first.or_else(|| stranded.iter().position(|pod| pod.step.is_some()));
    for (position, other) in stranded.iter_mut().enumerate() {
        if other.step.is_some() && Some(position) != first {
            other.step = None;
            other.status.waits_for = "another pod is made anew first".into();
        }
    }
    stranded
}

impl Facts<'_> {
    fn stranded(&self, ordinal: i32) -> Option<Stranded> {
        let name = names::pod(&self.cluster.name, ordinal);
        let before = self.cluster.status.stranded.iter().find(|before| before.pod == name);
        let Some(pod) = self.observed.pods.get(&ordinal) else {
            // It is being made again.
            let status = before?.clone();
            return Some(Stranded { status, why: String::new(), step: None });
        };
        if pod.ready {
            return None;
        }
        let claim = self.observed.claims.get(&ordinal);
        let Some(local) = self.observed.local.get(&ordinal) else {
            return self.without_volume(pod, claim, before?);
        };
        let why = local.gone.clone()?;
        let uid = claim.map(|claim| claim.uid.clone()).unwrap_or_default();
        let before = before.filter(|before| before.machine == local.machine && before.claim == uid);
        let since = self.since(before);
        let (step, waits_for) = self.next(ordinal, pod, claim, local, since.as_ref());
        let machine = local.machine.clone();
        let status = StrandedStatus { pod: name, machine, claim: uid, since, waits_for };
        Some(Stranded { status, why, step })
    }

    /// A pod whose claim is gone already: it is made again with a new one.
    fn without_volume(
        &self,
        pod: &Pod,
        claim: Option<&Claim>,
        before: &StrandedStatus,
    ) -> Option<Stranded> {
        let machine = pod.state.machine.as_ref().map(|machine| &machine.outlook);
        let is_nowhere = matches!(machine, None | Some(Outlook::Gone(_)));
        if claim.is_some() || !is_nowhere || !self.is_automatic() {
            return None;
        }
        let (step, waits_for) = said(force(pod));
        let status = StrandedStatus { waits_for, ..before.clone() };
        Some(Stranded { status, why: String::new(), step })
    }

    /// Since when that is so and every shard has a majority. What is not known now ends nothing.
    fn since(&self, before: Option<&StrandedStatus>) -> Option<Time> {
        // As status has it, in whole seconds.
        let now = || Timestamp::from_second(self.observed.now.as_second()).ok().map(Time);
        let known = before.map(|before| before.since.clone());
        if !self.observed.is_confirmed() {
            return known.flatten();
        }
        match self.without_leader() {
            Some(_) => None,
            None => known.flatten().or_else(now),
        }
    }

    /// What is done or waited for.
    fn next(
        &self,
        ordinal: i32,
        pod: &Pod,
        claim: Option<&Claim>,
        local: &Local,
        since: Option<&Time>,
    ) -> (Option<Step>, String) {
        let waits = |what: String| (None, what);
        if !self.is_automatic() {
            return waits("a person's word".into());
        }
        let node = match self.node(pod, claim, local) {
            Ok(node) => node,
            Err(why) => return waits(why),
        };
        // What was begun cannot be taken back: the claim goes with its pod.
        if claim.is_some_and(|claim| claim.going) {
            return said(force(pod));
        }
        if let Some(why) = self.held_up(ordinal, node) {
            return waits(why);
        }
        let due = since.map(|since| self.due(since));
        match due {
            Some(due) if due <= self.observed.now => {}
            Some(due) => return waits(format!("the operator gives its volume up at {due}")),
            None => return waits("every shard has a majority".into()),
        }
        let claim = claim.map(|claim| claim.uid.clone()).unwrap_or_default();
        let name = names::claim(&self.cluster.name, ordinal);
        said(Step::DeleteClaim { claim: name, uid: claim, machine: local.machine.clone() })
    }

    /// The node of the pod, where it is surely the one on that volume, and away.
    fn node(
        &self,
        pod: &Pod,
        claim: Option<&Claim>,
        local: &Local,
    ) -> Result<&admin::Node, String> {
        if !local.is_proven {
            return Err("the operator may not read volumes, which would say where it is".into());
        }
        if !self.observed.is_confirmed() {
            return Err("a majority of the database answers".into());
        }
        let node = node_of(self.observed, pod);
        let node = node.ok_or_else(|| format!("{} is no member of the database", pod.name))?;
        let volume = self.observed.claim_of(self.cluster, node);
        if volume.is_none() || volume != claim.map(|claim| claim.uid.clone()) {
            return Err(format!("it is not known whether node {} ran on this claim", node.id));
        }
        if node.alive {
            return Err(format!("node {} is heard of still", node.id));
        }
        Ok(node)
    }

    /// What keeps a volume from being given up now.
    fn held_up(&self, ordinal: i32, node: &admin::Node) -> Option<String> {
        if ordinal >= self.cluster.spec.nodes {
            return Some("it is to go, and comes back nowhere".into());
        }
        let leaves = self.observed.set.as_ref().is_some_and(|set| set.leaving.is_some());
        if leaves || !self.lost.is_empty() {
            return Some("another node is on its way out first".into());
        }
        if let Some(shard) = self.without_leader() {
            return Some(format!("{shard} has no majority, and its copy may be needed"));
        }
        let verdicts = self.observed.database.iter().flat_map(|database| &database.safety);
        let mut own = verdicts.filter(|verdict| verdict.without == [node.id]);
        if !own.any(|verdict| verdict.ok && verdict.pauses == 0) {
            return Some("every group has a majority that is caught up without it".into());
        }
        let others = (0..self.cluster.spec.nodes).filter(|other| *other != ordinal);
        let mut away = others.filter(|other| !self.is_ready_or_untouched(*other));
        let away = names::pod(&self.cluster.name, away.next()?);
        Some(format!("{away} is not ready, and is waited for first"))
    }

    /// Whether a pod is ready, or waits on a volume that nobody has given up.
    fn is_ready_or_untouched(&self, ordinal: i32) -> bool {
        let is_ready = self.observed.pods.get(&ordinal).is_some_and(|pod| pod.ready);
        let is_gone = self.observed.local.get(&ordinal).is_some_and(|local| local.gone.is_some());
        let claim = self.observed.claims.get(&ordinal);
        is_ready || (is_gone && claim.is_some_and(|claim| !claim.going))
    }

    fn without_leader(&self) -> Option<String> {
        let mut shards = self.observed.database.iter().flat_map(|database| &database.shards);
        let is_led = |shard: &&admin::Shard| {
            shard.group.as_ref().is_some_and(|group| group.leader_node != 0)
        };
        let shard = shards.find(|shard| !is_led(shard))?;
        Some(format!("shard {} of {}", shard.ordinal, shard.collection))
    }

    fn is_automatic(&self) -> bool {
        self.cluster.spec.storage.recovery.mode == RecoveryMode::Automatic
    }

    fn due(&self, since: &Time) -> Timestamp {
        let after: Duration = minutes(self.cluster.spec.storage.recovery.after_minutes);
        since.0.saturating_add(after).unwrap_or(Timestamp::MAX)
    }
}

/// The pod is let go without its kubelet, which nobody hears of.
fn force(pod: &Pod) -> Step {
    Step::ForcePod { pod: pod.name.clone(), uid: pod.state.uid.clone() }
}

fn said(step: Step) -> (Option<Step>, String) {
    let words = step.to_string();
    (Some(step), words)
}

#[cfg(test)]
mod tests;
