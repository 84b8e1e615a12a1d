//! The next steps of a cluster, from what is wanted and what is. Pure, and without memory:
//! killed anywhere, the operator plans the same again. One file a step; the order is here.

mod disruption;
mod drain;
mod failing;
mod founding;
mod growth;
mod hand_over;
mod level;
mod lost;
mod made_from;
mod pods;
mod policy;
mod refusals;
mod removal;
mod roll;
mod scale_in;
mod settings;
mod step;
mod stranded;
mod taken;
mod token;
mod windows;
mod zones;

pub use self::drain::Drain;
pub use self::founding::Founding;
pub use self::growth::Growth;
pub(crate) use self::growth::largest as largest_volume;
pub(crate) use self::level::waiting as waiting_level;
pub use self::lost::Lost;
pub use self::refusals::Refusal;
pub use self::roll::{Roll, Stand};
pub use self::scale_in::Leaving;
pub use self::step::Step;
pub use self::stranded::Stranded;
use super::observed::Observed;
use super::validate::ValidatedCluster;

/// What to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// In this order; a step that fails ends the pass.
    pub steps: Vec<Step>,
    /// What the spec asks for and does not get.
    pub refusals: Vec<Refusal>,
    /// How the founding stands before the steps.
    pub founding: Founding,
    /// Whether what a cluster is made of is brought to what it should be: its names are free or its
    /// own, and nobody paused it.
    pub keeps_children: bool,
    /// Whether Kubernetes may take any one node away.
    pub may_disrupt: bool,
    /// How far the pods are on their way to what the spec asks for; nothing before there are any.
    pub roll: Option<Roll>,
    /// The node that is taken away, if one is.
    pub leaving: Option<Leaving>,
    /// Nodes whose disk is gone.
    pub lost: Vec<Lost>,
    /// Volumes that grow.
    pub growing: Vec<Growth>,
    /// Pods whose machine is gone with their volume.
    pub stranded: Vec<Stranded>,
    /// Pods whose machine is about to be drained.
    pub drains: Vec<Drain>,
}

/// Plans the next pass.
pub fn plan(cluster: &ValidatedCluster, observed: &Observed) -> Plan {
    // Without the token no disk can be asked: the founding would wait for ever, and not say why.
    let founding = token::missing(cluster, observed)
        .map_or_else(|| founding::founding(observed), Founding::Stuck);
    let (taken, going) = (taken::refusal(observed), taken::going(observed));
    let keeps_children = !cluster.spec.paused && taken.is_none() && going.is_none();
    let founding = match (founding, &taken, going) {
        (Founding::Waiting(_), Some(taken), _) => Founding::Stuck(taken.clone()),
        (Founding::Waiting(_), None, Some(going)) => Founding::Waiting(going),
        (founding, ..) => founding,
    };
    let mut refusals = refusals::refusals(cluster, observed);
    // Of a database that runs already it is a refusal, and no end of it.
    refusals.extend(made_from::refusal(cluster));
    refusals.extend(windows::refusal(&cluster.spec.maintenance));
    refusals.extend(taken.filter(|_| !matches!(founding, Founding::Stuck(_))));
    if let Founding::Stuck(refusal) = &founding {
        refusals.push(refusal.clone());
    }
    let may_disrupt = disruption::may_disrupt(cluster, observed, &founding);
    let roll = roll::roll(cluster, observed, &founding, may_disrupt);
    // Refusals and the founding are told all the same: status goes on during a pause.
    let mut steps = if keeps_children { steps(cluster, observed, &founding) } else { Vec::new() };
    let drains = drain::drains(cluster, observed, &founding, roll.as_ref());
    if keeps_children {
        // Whoever drains a machine does not wait.
        steps.extend(drains.iter().filter_map(|drain| drain.step.clone()));
    }
    // One thing at a time, and the others first: each look then sees what the one before did.
    let lost = lost::lost(cluster, observed, &founding);
    let stranded = stranded::stranded(cluster, observed, &founding, &lost);
    let leaving = scale_in::leaving(cluster, observed, &founding, roll.as_ref());
    if keeps_children && steps.is_empty() && !matches!(founding, Founding::Stuck(_)) {
        // Copies that are missing first. A node that has left is not ready, and would hold a
        // roll-out up.
        let healing = lost.iter().find_map(|lost| lost.step.clone());
        let give_up = || stranded.iter().find_map(|stranded| stranded.step.clone());
        let leave = || leaving.as_ref().and_then(|leaving| leaving.step.clone());
        let next = || roll.as_ref().and_then(|roll| roll.step.clone());
        steps.extend(healing.or_else(give_up).or_else(leave).or_else(next));
    }
    // Behind the roll: it may be what brings the version that knows of a policy.
    if keeps_children && steps.is_empty() {
        steps.extend(policy::step(cluster, observed));
    }
    if keeps_children && steps.is_empty() && matches!(founding, Founding::Done(_)) {
        steps.extend(level::raise(cluster, observed, roll.as_ref()));
    }
    // Last: where volumes cannot grow the step fails for good, and holds up nothing else.
    if keeps_children && steps.is_empty() {
        steps.extend(growth::step(cluster, observed, &founding));
    }
    let growing = growth::growing(cluster, observed);
    Plan {
        steps,
        refusals,
        founding,
        keeps_children,
        may_disrupt,
        roll,
        leaving,
        lost,
        growing,
        stranded,
        drains,
    }
}

fn steps(cluster: &ValidatedCluster, observed: &Observed, founding: &Founding) -> Vec<Step> {
    // The token first: pods read it when they start.
    let first = token::steps(observed).into_iter().chain(pods::steps(cluster, observed, founding));
    match founding {
        Founding::Waiting(_) => first.chain(founding::steps(cluster, observed)).collect(),
        // What one node says by itself may be old: the database is changed by no such word.
        Founding::Done(_) if observed.is_confirmed() => first
            .chain(zones::steps(observed))
            .chain(level::hold(observed))
            .chain(settings::step(cluster, observed))
            .collect(),
        Founding::Done(_) => first.collect(),
        Founding::Stuck(_) => first.collect(),
    }
}

#[cfg(test)]
mod tests;
