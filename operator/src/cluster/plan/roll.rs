//! A roll-out: the pods get the recipe that the spec asks for, one after the other, and the one
//! before again where that fails. Pure: which pod is next follows from the pods that there are.

use std::collections::BTreeSet;

use vane_crds::cluster::{FailedUpdate, UpdateStrategy};

use super::drain::is_drained;
use super::failing::{failure, seconds};
use super::hand_over::{First, Going, first, node_of, take_back};
use super::made_from;
use super::windows::{Opening, opening};
use super::{Founding, Refusal, Step};
use crate::cluster::observed::{Observed, Pod, Set};
use crate::cluster::recipe;
use crate::cluster::validate::ValidatedCluster;
use crate::names;

/// How a roll-out stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roll {
    /// Recipe that the pods are to have: that of the spec, unless it was given up.
    pub target: String,
    /// Recipe that the spec asks for.
    pub wanted: String,
    /// Pods that have the target.
    pub updated: usize,
    /// The pod that is replaced or waited for.
    pub pod: Option<String>,
    /// What it waits for, or does.
    pub stand: Stand,
    /// What is next.
    pub(super) step: Option<Step>,
    /// The step begins to take something away that runs well, and nothing that failed is taken back
    /// by it: it has its time and its turn.
    pub(super) is_planned: bool,
}

/// What a roll-out waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stand {
    /// Nothing: all pods have the target and are ready.
    Done,
    /// It goes on by itself; what is under way.
    Rolling(String),
    /// No node may go now; why.
    Unsafe(String),
    /// The spec has something that no pod can be made from.
    Refused(Refusal),
    /// No window of maintenance is open; when the next one opens.
    Closed(String),
    /// So many clusters are rolled already; in words.
    NoTurn(String),
    /// Only pods are left that are about to be evicted by others: they come back as they should be;
    /// in words.
    Drained(String),
    /// Pods are deleted by people; those that are left.
    ByHand(Vec<String>),
    /// The pods fail, and there is nothing to go back to.
    Failing(FailedUpdate),
}

impl Roll {
    /// Whether something is under way that goes on by itself.
    pub(crate) fn waits(&self) -> bool {
        !matches!(self.stand, Stand::Done | Stand::ByHand(_))
    }

    /// Whether a step is one that has its turn.
    pub(crate) fn takes(&self, step: &Step) -> bool {
        self.is_planned && self.step.as_ref() == Some(step)
    }

    /// Whether it keeps others from theirs: pods are on their way, which takes a while and not for
    /// ever.
    pub(crate) fn takes_its_turn(&self) -> bool {
        matches!(self.stand, Stand::Rolling(_))
    }
}

/// What is known, for the questions below.
struct Facts<'a> {
    cluster: &'a ValidatedCluster,
    observed: &'a Observed,
    set: &'a Set,
    /// Recipe that pods are made from now.
    current: &'a str,
    founding: &'a Founding,
    may_disrupt: bool,
    /// What failed is taken back.
    undoes: bool,
}

/// How the roll-out stands, and its next step. `None` where nothing is made from recipes.
pub(super) fn roll(
    cluster: &ValidatedCluster,
    observed: &Observed,
    founding: &Founding,
    may_disrupt: bool,
) -> Option<Roll> {
    let set = observed.set.as_ref()?;
    let current = set.recipe.as_deref()?;
    let wanted = recipe::wanted(cluster, set);
    let failed = set.failed.as_ref().filter(|failed| failed.recipe == wanted);
    // Given up, it is not tried again: each try would cost a node.
    let is_there = |good: &String| *good == current || observed.kept.contains(good);
    let target = failed.and(set.good.clone()).filter(is_there).unwrap_or_else(|| wanted.clone());
    let undoes = target != wanted;
    let facts = Facts { cluster, observed, set, current, founding, may_disrupt, undoes };
    let (mut pod, stand, mut step) = facts.next(&target);
    if let Some((left, lets_lead)) = facts.let_lead(pod.as_deref()) {
        (pod, step) = (Some(left), Some(lets_lead));
    }
    let step = step.or_else(|| facts.keep_order(&wanted, &target, &stand));
    let has_target = |pod: &&Pod| facts.recipe_of(pod) == Some(&*target);
    let updated = observed.pods.values().filter(has_target).count();
    let is_planned = step.as_ref().is_some_and(|step| facts.is_planned(step));
    Some(Roll { updated, target, wanted, pod, stand, step, is_planned })
}

type Next = (Option<String>, Stand, Option<Step>);

fn doing(pod: Option<String>, what: String, step: Step) -> Next {
    (pod, Stand::Rolling(what), Some(step))
}

fn waiting(pod: &str, what: &str) -> Next {
    (Some(pod.to_owned()), Stand::Rolling(format!("{pod} {what}")), None)
}

fn on_drained_machine(pod: &Pod) -> Next {
    let machine = pod.state.machine.clone().unwrap_or_default();
    let why = machine.drained().unwrap_or_default();
    let told = format!(
        "machine {} of {} {why}; the pod has it once it is evicted from there",
        machine.name, pod.name
    );
    (None, Stand::Drained(told), None)
}

impl Facts<'_> {
    /// What pods from before recipes do not say themselves, their StatefulSet says.
    fn recipe_of<'a>(&'a self, pod: &'a Pod) -> Option<&'a str> {
        pod.state.recipe.as_deref().or(self.set.before_recipes.as_deref())
    }

    fn next(&self, target: &str) -> Next {
        // Recipes first: without them there is no way back, and pods would wait for their settings.
        if let Some((what, step)) = self.recipes(target) {
            return doing(None, what.into(), step);
        }
        let is_new = self.current == target && self.set.good.as_deref() != Some(target);
        if let Some(next) = is_new.then(|| self.give_up()).flatten() {
            return next;
        }
        if self.current != target {
            // What all pods run well with is the way back.
            if self.set.good.as_deref() != Some(self.current) && self.all_run(self.current) {
                let step = Step::NoteGood(self.current.to_owned());
                return doing(None, "the way back is noted".into(), step);
            }
            if let Some(refusal) = made_from::refusal(self.cluster) {
                return (None, Stand::Refused(refusal), None);
            }
            // Not before its time: whatever takes a pod away meanwhile would begin the roll-out.
            // What may repair something need not wait.
            let is_well = self.all_run(self.current);
            if let Some(closed) = is_well.then(|| self.closed()).flatten() {
                return closed;
            }
            let what = format!("pods are made from recipe {target} from now on");
            return doing(None, what, Step::ChangeTemplate(target.to_owned()));
        }
        self.pods()
    }

    /// Whether all pods that there should be have a recipe and are ready.
    fn all_run(&self, recipe: &str) -> bool {
        let runs = |ordinal: i32| {
            let pod = self.observed.pods.get(&ordinal).filter(|pod| pod.ready);
            pod.is_some_and(|pod| self.recipe_of(pod) == Some(recipe))
        };
        matches!(self.founding, Founding::Done(_)) && (0..self.set.replicas).all(runs)
    }

    /// Recipes and settings that must be there before anything else.
    fn recipes(&self, target: &str) -> Option<(&'static str, Step)> {
        for recipe in [self.current, target] {
            if !self.observed.kept.contains(recipe) {
                return Some(("recipes are kept", Step::KeepRecipe(recipe.to_owned())));
            }
        }
        let pods = self.observed.pods.values().filter_map(|pod| self.recipe_of(pod));
        let mut used = pods.chain([self.current, target]).filter(|recipe| {
            self.observed.kept.contains(*recipe) && !self.observed.settings.contains(*recipe)
        });
        let lacking = used.next()?;
        Some(("settings are made", Step::MakeSettings(lacking.to_owned())))
    }

    /// Whether a pod failed with what is rolled out.
    fn give_up(&self) -> Option<Next> {
        let update = &self.cluster.spec.update;
        let mut pods = self.observed.pods.values();
        let (pod, failure) = pods.find_map(|pod| {
            let of_target = self.recipe_of(pod) == Some(self.current);
            Some((pod, failure(pod, update).filter(|_| of_target)?))
        })?;
        let failed = FailedUpdate {
            recipe: self.current.to_owned(),
            pod: pod.name.clone(),
            reason: failure.reason.into(),
            message: failure.message,
        };
        // People who delete pods themselves decide themselves.
        let rolls = update.strategy == UpdateStrategy::Rolling;
        let good = self.set.good.clone().filter(|good| self.observed.kept.contains(good));
        let Some(good) = good.filter(|_| rolls) else {
            let others = self.pods();
            // Pods of an earlier recipe that do not run go first all the same.
            return Some(match others {
                (_, _, Some(step @ Step::DeletePod { .. })) => {
                    (Some(failed.pod.clone()), Stand::Failing(failed), Some(step))
                }
                _ => (Some(failed.pod.clone()), Stand::Failing(failed), None),
            });
        };
        let what = format!("{} failed: {}", failed.pod, failed.message);
        Some(doing(Some(failed.pod.clone()), what, Step::GiveUp { failed, good }))
    }

    /// The next pod to replace, and what is waited for.
    fn pods(&self) -> Next {
        let stale = |pod: &&Pod| self.recipe_of(pod) != Some(self.current);
        let stale: Vec<&Pod> = self.observed.pods.values().filter(stale).collect();
        if self.cluster.spec.update.strategy == UpdateStrategy::OnDelete && !stale.is_empty() {
            let names = stale.iter().map(|pod| pod.name.clone()).collect();
            return (None, Stand::ByHand(names), None);
        }
        let stays = stale.iter().copied().filter(|pod| !pod.state.going);
        // Nobody misses what does not run, and it may need the change to run again.
        if let Some(down) = stays.clone().find(|pod| !pod.state.running && !pod.ready) {
            return self.delete(down);
        }
        // Who drains a machine evicts its pods, which come back from the recipe of now. Evicted by
        // us, one whose volume is local to the machine would have nowhere to go.
        let (drained, free): (Vec<&Pod>, Vec<&Pod>) = stays.partition(|pod| is_drained(pod));
        let Some(candidate) = free.into_iter().min_by_key(|pod| self.order(pod)) else {
            let nothing = (None, Stand::Done, None);
            let waits = || drained.first().map_or(nothing, |pod| on_drained_machine(pod));
            return self.wait_for(None).unwrap_or_else(waits);
        };
        if let Founding::Waiting(_) = self.founding {
            // There is nothing yet that could be lost.
            return self.delete(candidate);
        }
        if let Some(waits) = self.wait_for(Some(candidate)) {
            return waits;
        }
        self.replace(candidate)
    }

    /// Why a pod that runs well is not taken away now, whatever the database says. What failed is
    /// taken back at any time.
    fn closed(&self) -> Option<Next> {
        if self.undoes {
            return None;
        }
        let stand = match opening(&self.cluster.spec.maintenance, self.observed.now) {
            Opening::At(begins) => Stand::Closed(format!("the next window opens at {begins}")),
            Opening::Never => Stand::Closed("no window of spec.maintenance ever opens".into()),
            Opening::Open => Stand::NoTurn(self.observed.no_turn.clone()?),
        };
        Some((None, stand, None))
    }

    /// Whether a step has its time and its turn.
    fn is_planned(&self, step: &Step) -> bool {
        let is_well = match step {
            Step::HandOver { .. } | Step::EvictPod { .. } => true,
            Step::ChangeTemplate(_) => self.all_run(self.current),
            _ => false,
        };
        is_well && !self.undoes
    }

    /// All others are as they should be: whether this pod may go.
    fn replace(&self, pod: &Pod) -> Next {
        if let Some(closed) = pod.ready.then(|| self.closed()).flatten() {
            return closed;
        }
        let given_up = self.set.failed.as_ref().map(|failed| failed.recipe.as_str());
        let alone = self.set.replicas == 1 || self.recipe_of(pod) == given_up;
        match (self.safe_without(pod), pod.ready) {
            // It serves nobody, and all others are ready.
            (_, false) if alone => self.delete(pod),
            // The budget counts it as away already.
            (Ok(()), false) => self.delete(pod),
            (Ok(()), true) if self.may_disrupt => {
                match first(self.observed, pod, Going::Replaced) {
                    Some(First::Asks(step)) => {
                        let what = format!("{} hands over what it leads", pod.name);
                        return doing(Some(pod.name.clone()), what, step);
                    }
                    Some(First::Waits) => return waiting(&pod.name, "hands over what it leads"),
                    None => {}
                }
                let (name, uid) = (pod.name.clone(), pod.state.uid.clone());
                let what = format!("{name} is replaced");
                doing(Some(name.clone()), what, Step::EvictPod { pod: name, uid })
            }
            (Ok(()), true) => (
                Some(pod.name.clone()),
                Stand::Unsafe("not every node may go at the moment".into()),
                None,
            ),
            (Err(why), _) => (Some(pod.name.clone()), Stand::Unsafe(why), None),
        }
    }

    /// A node that was kept from leading to be replaced, and is not to be replaced any more: the
    /// last pass said so in status. One whose machine is drained goes all the same.
    fn let_lead(&self, next: Option<&str>) -> Option<(String, Step)> {
        let before = self.cluster.status.update.as_ref()?.pod.as_ref()?;
        let mut pods = self.observed.pods.values();
        let goes = pods.any(|pod| pod.name == *before && is_drained(pod));
        let is_left = next != Some(before) && !goes;
        let step = is_left.then(|| take_back(self.observed, before)).flatten()?;
        Some((before.clone(), step))
    }

    fn delete(&self, pod: &Pod) -> Next {
        let (name, uid) = (pod.name.clone(), pod.state.uid.clone());
        let what = format!("{name} is replaced");
        doing(Some(name.clone()), what, Step::DeletePod { pod: name, uid })
    }

    /// The pod other than this one that is not as it should be, if there is one.
    fn wait_for(&self, besides: Option<&Pod>) -> Option<Next> {
        let soak = seconds(self.cluster.spec.update.min_ready_seconds);
        for ordinal in 0..self.set.replicas {
            let name = names::pod(&self.cluster.name, ordinal);
            if besides.is_some_and(|pod| pod.name == name) {
                continue;
            }
            let Some(pod) = self.observed.pods.get(&ordinal) else {
                return Some(waiting(&name, "is made"));
            };
            if pod.state.going {
                return Some(waiting(&name, "ends"));
            }
            if !pod.ready {
                return Some(waiting(&name, "is not ready yet"));
            }
            // Of one that is not new nothing is to be learnt.
            let is_new = self.set.good.as_deref() != Some(self.current)
                && self.recipe_of(pod) == Some(self.current);
            if is_new && pod.state.for_long < soak {
                let what = format!("was not ready for {} s yet", soak.as_secs());
                return Some(waiting(&name, &what));
            }
        }
        None
    }

    /// Those first that are not ready, then one that was begun with; the meta leader last. Zone by
    /// zone, so that all that fails lies in one; there those with the fewest leaders.
    fn order(&self, pod: &Pod) -> (bool, bool, bool, bool, u32, String) {
        let node = node_of(self.observed, pod);
        let meta = self.observed.database.as_ref().and_then(|it| it.cluster.meta.as_ref());
        let leads_meta = node.is_some_and(|node| meta.is_some_and(|it| it.leader_node == node.id));
        let is_begun = node.is_some_and(|node| node.follows_only);
        let in_new_zone = !self.observed.pods.values().any(|other| {
            let is_new = self.recipe_of(other) == Some(self.current);
            is_new && other.zone.is_some() && other.zone == pod.zone
        });
        let leaders = node.map_or(0, |node| node.leaders);
        (pod.ready, !is_begun, leads_meta, in_new_zone, leaders, pod.name.clone())
    }

    /// Why the database cannot do without the node of a pod.
    fn safe_without(&self, pod: &Pod) -> Result<(), String> {
        let database = self.observed.database.as_ref();
        let database = database.filter(|database| database.confirmed.is_some());
        let Some(database) = database else {
            return Err("no majority of the database says that it can do without a node".into());
        };
        let node = database.newest().get(pod.name.as_str()).map(|node| node.id);
        let mut verdicts = database.safety.iter();
        let verdict = verdicts.find(|verdict| verdict.without.iter().copied().eq(node));
        match verdict {
            Some(verdict) if verdict.ok => Ok(()),
            Some(verdict) => {
                let why = verdict.why.first().map(String::as_str).unwrap_or_default();
                Err(format!("without {}, {why}", pod.name))
            }
            None => Err(format!("the database does not say whether {} may go", pod.name)),
        }
    }

    /// What is noted and put in order where nothing is under way.
    fn keep_order(&self, wanted: &str, target: &str, stand: &Stand) -> Option<Step> {
        let set = self.set;
        let outdated = set.failed.as_ref().is_some_and(|failed| failed.recipe != wanted);
        if outdated && self.current == target {
            return Some(Step::ForgetFailure);
        }
        if *stand != Stand::Done || !matches!(self.founding, Founding::Done(_)) {
            return None;
        }
        if set.good.as_deref() != Some(target) {
            return Some(Step::NoteGood(target.to_owned()));
        }
        let used = BTreeSet::from([wanted, target]);
        let unused = self.observed.kept.iter().find(|kept| !used.contains(kept.as_str()));
        unused.map(|kept| Step::DropRecipe(kept.clone()))
    }
}

#[cfg(test)]
mod tests;
