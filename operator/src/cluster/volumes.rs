//! What is said of the nodes' volumes, from what was planned and seen. Pure.

use std::time::Duration;

use vane_crds::cluster::{RecoveryMode, StrandedStatus};

use super::observed::{Observed, Pod};
use super::plan::{Growth, Lost, Plan, Stranded};
use super::validate::ValidatedCluster;
use crate::database::Outlook;
use crate::database::machines::OUT_OF_SERVICE;
use crate::names;
use crate::status::Finding;

/// Shards that are named in one message.
const SHARDS_TOLD_MAX: usize = 5;

/// For how long a machine is not ready before anybody is told: many are again soon.
const UNREADY_TOLD: Duration = Duration::from_secs(300);

/// Whether each node has the disk that the database knows it by; `None` where nobody knows.
pub(super) fn healthy(
    cluster: &ValidatedCluster,
    observed: &Observed,
    plan: &Plan,
) -> Option<Finding> {
    let gone = plan.stranded.iter().filter(|stranded| !stranded.why.is_empty());
    let gone: Vec<String> = gone.map(|stranded| without_machine(cluster, stranded)).collect();
    let unready: Vec<String> = observed.pods.values().filter_map(on_unready_machine).collect();
    // What the database says is known by a majority of it, what Kubernetes says without.
    if !observed.is_confirmed() && gone.is_empty() && unready.is_empty() {
        return None;
    }
    let lost = &plan.lost;
    let stuck = lost.iter().any(|lost| !lost.stuck.is_empty());
    // What nothing comes back from by itself is told before what does.
    let reason = if stuck {
        "MajorityLost"
    } else if lost.iter().any(|lost| !lost.is_given_up) {
        "VolumeLost"
    } else if !gone.is_empty() {
        "MachineGone"
    } else if !lost.is_empty() {
        "Replacing"
    } else if !unready.is_empty() {
        "MachineNotReady"
    } else {
        let healthy = Finding::yes("Healthy", "each node has the disk that it is known by");
        return Some(growing(cluster, &plan.growing).unwrap_or(healthy));
    };
    let lost = lost.iter().map(|lost| words(cluster, lost));
    let message: Vec<String> = lost.chain(gone).chain(unready).collect();
    Some(Finding::no(reason, message.join("; ")))
}

/// What is said of volumes that are not as large yet as they are to be.
fn growing(cluster: &ValidatedCluster, growing: &[Growth]) -> Option<Finding> {
    let told =
        growing.iter().min_by_key(|growth| (growth.trouble.is_none(), !growth.needs_restart))?;
    let Growth { claim, has, asked, .. } = told;
    let sizes = format!("{claim} has {} and is to have {}", has.0, asked.0);
    Some(match (&told.trouble, told.needs_restart) {
        (Some(why), _) => Finding::no("ResizeFailed", format!("{sizes}: {why}")),
        (None, true) => Finding::no(
            "NeedsRestart",
            format!(
                "{sizes}: its file system grows when its pod is made anew; kubectl -n {} annotate \
                 --overwrite vc {} {}=\"$(date)\" replaces all pods, one after the other",
                cluster.namespace,
                cluster.name,
                names::RESTART_ANNOTATION
            ),
        ),
        (None, false) => Finding::no("Resizing", sizes),
    })
}

fn without_machine(cluster: &ValidatedCluster, stranded: &Stranded) -> String {
    let StrandedStatus { pod, machine, waits_for, .. } = &stranded.status;
    let namespace = &cluster.namespace;
    let ordinal = names::pod_ordinal(&cluster.name, pod).unwrap_or_default();
    let claim = names::claim(&cluster.name, ordinal);
    let mut words = format!(
        "the volume of {pod} is local to machine {machine}, which {}: the pod can start nowhere \
         else",
        stranded.why
    );
    if cluster.spec.storage.recovery.mode == RecoveryMode::Automatic {
        words.push_str(&format!(". What is done or waited for: {waits_for}"));
    }
    words.push_str(&format!(
        ". If the machine is gone for good, give the volume up: kubectl -n {namespace} delete pvc \
         {claim} --wait=false; kubectl -n {namespace} delete pod {pod} --force"
    ));
    words
}

fn on_unready_machine(pod: &Pod) -> Option<String> {
    let machine = pod.state.machine.as_ref().filter(|_| !pod.ready)?;
    let Outlook::Unready(for_long) = machine.outlook else { return None };
    let told = format!(
        "machine {} of {} has not been ready for more than {} min, and nothing is done before it \
         is back or is said to be gone. If it runs no more: kubectl taint node {} \
         {OUT_OF_SERVICE}=nodeshutdown:NoExecute",
        machine.name,
        pod.name,
        UNREADY_TOLD.as_secs() / 60,
        machine.name
    );
    (for_long >= UNREADY_TOLD).then_some(told)
}

fn words(cluster: &ValidatedCluster, lost: &Lost) -> String {
    let Lost { pod, old, new, shards, .. } = lost;
    let mut words = format!(
        "{pod} was node {old} and came back with an empty disk as node {new}: {shards} shards \
         count on the copies that were there"
    );
    if !lost.stuck.is_empty() {
        let named: Vec<&str> =
            lost.stuck.iter().take(SHARDS_TOLD_MAX).map(String::as_str).collect();
        let more = lost.stuck.len().saturating_sub(SHARDS_TOLD_MAX);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        words.push_str(&format!(
            ". No majority of their copies is left of {}{more}: they are not made again; bring the \
             old volume back, or delete their collections",
            named.join(", ")
        ));
    }
    match lost.is_given_up {
        true => words.push_str(&format!(". They are made again: {}", lost.waits_for)),
        false => words.push_str(&format!(
            ". If the old volume is gone for good, have node {new} take its place: kubectl -n {} \
             annotate pod {pod} {}={old}",
            cluster.namespace,
            names::REPLACE_ANNOTATION
        )),
    }
    words
}
