//! What is said of the nodes' volumes, from what was planned and seen. Pure.

use vane_proto::admin;

use super::observed::Observed;
use super::plan::{Growth, Lost, Plan};
use super::validate::ValidatedCluster;
use crate::database::Disk;
use crate::names;
use crate::status::Finding;

/// Shards that are named in one message.
const SHARDS_TOLD_MAX: usize = 5;

/// Whether each node has the disk that the database knows it by; `None` where nobody knows.
pub(super) fn healthy(
    cluster: &ValidatedCluster,
    observed: &Observed,
    plan: &Plan,
) -> Option<Finding> {
    if !observed.is_confirmed() {
        return None;
    }
    let lost = plan.lost.as_slice();
    // What nothing comes back from by itself is told before what does.
    let told = lost.iter().min_by_key(|lost| (lost.stuck.is_empty(), lost.is_given_up));
    let Some(first) = told else {
        let healthy = Finding::yes("Healthy", "each node has the disk that it is known by");
        return Some(growing(cluster, &plan.growing).unwrap_or(healthy));
    };
    let message: Vec<String> = lost.iter().map(|lost| words(cluster, lost)).collect();
    let reason = match (first.stuck.is_empty(), first.is_given_up) {
        (false, _) => "MajorityLost",
        (true, true) => "Replacing",
        (true, false) => "VolumeLost",
    };
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

/// UUID of the claim that a node's disk is on: by its own word now, or as it was before.
pub(super) fn of(
    cluster: &ValidatedCluster,
    observed: &Observed,
    node: &admin::Node,
) -> Option<String> {
    let ordinal = names::pod_ordinal(&cluster.name, &node.name);
    let pod = ordinal.and_then(|ordinal| observed.pods.get(&ordinal));
    // Of a pod that is being made again the claim may be another one already.
    let is_there = pod.is_some_and(
        |pod| matches!(&pod.disk, Disk::Member { node_id, .. } if *node_id == node.id),
    );
    let now = ordinal.and_then(|ordinal| observed.claims.get(&ordinal)).filter(|_| is_there);
    let mut before = cluster.status.members.iter();
    let before = before.find(|member| u64::try_from(member.node_id) == Ok(node.id));
    let before = before.and_then(|member| member.volume.clone());
    now.map(|claim| claim.uid.clone()).or(before)
}
