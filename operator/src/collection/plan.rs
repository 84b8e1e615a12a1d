//! The next steps of a collection, from what is wanted and what is. Pure, and without memory.

mod changes;
mod leave;
mod step;
mod verdict;

use vane_crds::cluster::Retain;

pub use self::step::Step;
pub use self::verdict::Verdict;
use super::observed::Observed;
use super::validate::ValidatedCollection;

/// Keeps the object until its points are deleted. Only objects that ask for that have it, and
/// only once they were accepted: one that has no points waits for no database.
pub const FINALIZER: &str = "vanedb.io/delete-points";

/// What to do now.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// In this order; a step that fails ends the pass.
    pub steps: Vec<Step>,
    /// How the spec stands.
    pub verdict: Verdict,
}

/// Plans the next pass.
pub fn plan(collection: &ValidatedCollection, observed: &Observed) -> Plan {
    let plan = if collection.going { leave::plan } else { stay };
    let mut plan = plan(collection, observed);
    // The verdict stays: what a pause holds up is told all the same.
    if observed.paused {
        plan.steps.clear();
    }
    plan
}

fn stay(collection: &ValidatedCollection, observed: &Observed) -> Plan {
    let verdict = verdict::verdict(collection, observed);
    let has_points = match &verdict {
        Verdict::Accepted => true,
        // What is there is not known: as it is, or as it was when it was known.
        Verdict::Waiting(..) => collection.has_finalizer() || observed.was_there,
        Verdict::Refused(..) | Verdict::Leaving(..) => false,
    };
    let keeps = has_points && collection.spec.deletion_policy == Retain::Delete;
    let mut steps = Vec::new();
    // Before the collection: an object that is deleted in between must take its points with it.
    if keeps != collection.has_finalizer() {
        steps.push(Step::Finalizer(keeps));
    }
    if verdict == Verdict::Accepted {
        steps.extend(changes::steps(collection, observed));
    }
    Plan { steps, verdict }
}

#[cfg(test)]
mod tests;
