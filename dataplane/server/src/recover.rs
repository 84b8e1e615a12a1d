//! `vane recover`: what a recovery would do, and the recovery once the cluster's id was typed.

use std::collections::BTreeSet;

use thiserror::Error;
use vane_types::{GroupId, NodeId};

use crate::args::Recover;
use crate::engine::{Fate, GroupState, OpenError, Recovering, Recovery};

/// A recovery was not made.
#[derive(Debug, Error)]
pub enum RecoverError {
    /// The disk does not open, or fails.
    #[error("failed to recover on {dir}: {source}")]
    Disk { dir: String, source: OpenError },
    /// The node whose disk it is cannot be lost.
    #[error("node {0} is the one whose disk this is; nothing was changed")]
    OwnNode(NodeId),
    /// Something else was typed than the cluster's id.
    #[error("--confirm is `{given}`, and the cluster's id is {id}; nothing was changed")]
    NotConfirmed { given: String, id: uuid::Uuid },
}

/// Says what a recovery would do, or makes it; what is to be shown.
///
/// # Errors
///
/// Why it was not made.
pub fn recover(asked: &Recover) -> Result<String, RecoverError> {
    let failed = |source| RecoverError::Disk { dir: asked.data_dir.display().to_string(), source };
    let lost: BTreeSet<NodeId> = asked.lost.iter().copied().map(NodeId).collect();
    let disk = Recovering::open(&asked.data_dir).map_err(failed)?;
    let plan = disk.plan(&lost).map_err(failed)?;
    if lost.contains(&plan.node) {
        return Err(RecoverError::OwnNode(plan.node));
    }
    let Some(given) = &asked.confirm else { return Ok(shown(&plan, &lost, false)) };
    if *given != plan.cluster_id.to_string() {
        return Err(RecoverError::NotConfirmed { given: given.clone(), id: plan.cluster_id });
    }
    let done = disk.carry_out(&lost).map_err(failed)?;
    Ok(shown(&done, &lost, true))
}

fn shown(plan: &Recovery, lost: &BTreeSet<NodeId>, is_done: bool) -> String {
    let recovered = plan.groups.iter().filter(|state| state.fate == Fate::Recovered).count();
    let nodes = listed(lost.iter());
    let head = format!("disk of node {} of cluster {}", plan.node, plan.cluster_id);
    let risk = format!(
        "MAY BE LOST: of these {recovered} groups whatever nodes {nodes} acknowledged and this \
         disk has not got, and every shard that has no replica here"
    );
    let end = match is_done {
        true => format!(
            "done: nodes {nodes} are given up, and their disks must never be started again. Start \
             this node, let new nodes join, say where replicas are to be (`vanectl shards \
             reconfigure`), and `vanectl nodes remove` the lost ones"
        ),
        false => format!(
            "nothing was changed. To go on, say --confirm {}; keep a copy of the data directory",
            plan.cluster_id
        ),
    };
    let groups = plan.groups.iter().map(line_of);
    let lines: Vec<String> = [head].into_iter().chain(groups).chain([risk, end]).collect();
    lines.join("\n") + "\n"
}

fn line_of(state: &GroupState) -> String {
    let name = match &state.shard {
        None if state.group == GroupId::META => "meta group".to_owned(),
        None => "a shard of a collection that is gone".to_owned(),
        Some((collection, ordinal)) => format!("shard {ordinal} of `{collection}`"),
    };
    let (term, index) = state.last;
    let fate = match &state.fate {
        Fate::HasMajority => "has its majority: left alone".to_owned(),
        Fate::Recovered => "THIS REPLICA BECOMES ITS ONLY VOTER".to_owned(),
        Fate::OthersSurvive(nodes) => format!(
            "left alone: nodes {} survive too. Compare term and index on their disks, and where \
             this one has the most, say that they are lost",
            listed(nodes.iter())
        ),
        Fate::Unreadable(why) => format!("left alone, since it is damaged: {why}"),
        Fate::NotHere => "cannot be recovered here: this replica has no vote or no data".to_owned(),
    };
    format!(
        "group {} ({name}), voters {}, here up to term {} index {}: {fate}",
        state.group,
        listed(state.voters.iter()),
        term.0,
        index.0
    )
}

fn listed<'a>(nodes: impl Iterator<Item = &'a NodeId>) -> String {
    let words: Vec<String> = nodes.map(ToString::to_string).collect();
    words.join(", ")
}
