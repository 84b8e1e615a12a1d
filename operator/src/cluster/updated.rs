//! What is said of a roll-out, from how it stands. Pure.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use vane_crds::cluster::{FailedUpdate, Finalize, UpdateStatus};

use super::observed::Observed;
use super::plan::{Roll, Stand, waiting_level};
use super::validate::ValidatedCluster;
use crate::status::Finding;

/// Whether all pods are made from what the spec asks for.
pub(super) fn updated(
    cluster: &ValidatedCluster,
    observed: &Observed,
    roll: Option<&Roll>,
) -> Finding {
    let Some((roll, set)) = roll.zip(observed.set.as_ref()) else {
        return Finding::no("Founding", "the pods are not made yet");
    };
    let of = format!("{} of {} pods are made from it", roll.updated, observed.pods.len());
    if let Some(failed) = set.failed.as_ref().filter(|_| roll.target != roll.wanted) {
        return given_up(failed, roll);
    }
    match &roll.stand {
        Stand::Done => Finding::yes(
            "Updated",
            format!(
                "all pods are made from what the spec asks for, and are ready{}",
                level(cluster, observed)
            ),
        ),
        _ if cluster.spec.paused => Finding::no("Paused", format!("spec.paused is set, and {of}")),
        Stand::Rolling(what) => Finding::no("Rolling", format!("{of}: {what}")),
        Stand::Unsafe(why) => Finding::no("WaitingForSafety", format!("{of}: {why}")),
        Stand::Refused(why) => Finding::no(why.reason, format!("{of}: {}", why.message)),
        Stand::Closed(when) => Finding::no("WaitingForWindow", format!("{of}: {when}")),
        Stand::NoTurn(why) => Finding::no("WaitingForTurn", format!("{of}: {why}")),
        Stand::Drained(what) => Finding::no("WaitingForDrain", format!("{of}: {what}")),
        Stand::ByHand(pods) => Finding::no(
            "OnDelete",
            format!("{of}; these have it once they are deleted: {}", pods.join(", ")),
        ),
        Stand::Failing(failed) => Finding::no(
            word(failed),
            format!(
                "{} failed: {}; there is nothing to go back to, so the others wait. Change the \
                 spec: pods that do not run are made anew first",
                failed.pod, failed.message
            ),
        ),
    }
}

/// What is said of a level that could be raised.
fn level(cluster: &ValidatedCluster, observed: &Observed) -> String {
    let Some(level) = waiting_level(observed) else { return String::new() };
    let update = &cluster.spec.update;
    let when = match update.finalize {
        Finalize::Automatic => {
            format!("once they were ready for {} min", update.soak_minutes)
        }
        Finalize::Manual => {
            "once spec.update.finalize is Automatic, or by `vanectl level raise`".to_owned()
        }
    };
    format!(
        "; the feature level is raised to {level} {when}, and until then the version can be \
         taken back"
    )
}

/// What was given up, and how far the pods are on their way back.
fn given_up(failed: &FailedUpdate, roll: &Roll) -> Finding {
    let back = match &roll.stand {
        Stand::Done => "all pods run as before",
        _ => "the pods go back to what they were",
    };
    let message = format!(
        "{} failed: {}; {back}. It is not tried again until the spec asks for something else, or \
         annotation vanedb.io/restart has another text",
        failed.pod, failed.message
    );
    // What no other try can change has a word of its own.
    let reason = if failed.reason == "FormatTooNew" { "FormatTooNew" } else { "RolledBack" };
    Finding::no(reason, message)
}

fn word(failed: &FailedUpdate) -> &'static str {
    let words = ["Crashing", "ImageNotFound", "ConfigMissing", "DeadlineExceeded", "FormatTooNew"];
    words.into_iter().find(|word| *word == failed.reason).unwrap_or("Failing")
}

/// The figures of a roll-out.
pub(super) fn figures(
    cluster: &ValidatedCluster,
    observed: &Observed,
    roll: Option<&Roll>,
    now: &Time,
) -> Option<UpdateStatus> {
    let (roll, set) = roll.zip(observed.set.as_ref())?;
    let before = cluster.status.update.as_ref();
    let before = before.filter(|before| before.target == roll.target);
    let count = |pods: usize| i32::try_from(pods).unwrap_or(i32::MAX);
    Some(UpdateStatus {
        target: roll.target.clone(),
        last_good: set.good.clone(),
        updated_nodes: count(roll.updated),
        nodes: count(observed.pods.len()),
        pod: roll.pod.clone().filter(|_| roll.stand != Stand::Done),
        since: before.and_then(|before| before.since.clone()).or_else(|| Some(now.clone())),
        failed: set.failed.clone().filter(|_| roll.target != roll.wanted),
    })
}
