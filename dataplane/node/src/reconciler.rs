//! The meta leader's part: it gives nodes their place in the meta group and carries changes
//! of shards' replicas out, one step at a time, each derived anew from what is.

mod step;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use vane_raft::{GroupStatus, MemberChange, Role, node_of};
use vane_types::GroupId;

use crate::direct::{Direction, direct};
use crate::error::Error;
use crate::inner::Inner;
use vane_catalog::MetaCommand;
use crate::report::{GroupReport, gather};
use crate::running::meta_peer;
use crate::{gateway, health, placing};

pub(crate) use step::{Step, is_caught_up, next_step};

/// Time between looks.
const INTERVAL: Duration = Duration::from_millis(200);
/// Time for one step.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);
/// Shards that are changed at a time.
const CHANGES_AT_ONCE: usize = 4;

/// Drives, whenever this node leads the meta group, until the node ends.
pub(crate) async fn run(inner: Arc<Inner>) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let leads = inner.node.watch(GroupId::META).is_some_and(|it| it.is_serving());
        if !leads {
            continue;
        }
        if let Err(error) = place_members(&inner).await {
            tracing::debug!(%error, "a step of the meta group's membership was not taken; trying again");
        }
        change_shards(&inner).await;
    }
}

/// Takes one step towards the membership that the meta group should have.
async fn place_members(inner: &Arc<Inner>) -> Result<(), Error> {
    let node = Arc::clone(&inner.node);
    let status =
        tokio::task::spawn_blocking(move || node.status(GroupId::META)).await.ok().flatten();
    let Some(status) =
        status.filter(|it| it.role == Role::Leader && !it.conf_pending && !it.conf.is_joint())
    else {
        return Ok(());
    };
    let members = status.conf.members();
    let new: Vec<u64> = inner.meta.read(|it| {
        it.nodes.keys().map(|it| meta_peer(*it)).filter(|it| !members.contains(it)).collect()
    });
    let deadline = Instant::now() + STEP_TIMEOUT;
    if let Some(peer) = new.first() {
        let change = MemberChange { learners: vec![*peer], ..MemberChange::default() };
        return direct(inner, GroupId::META, inner.me, Direction::Change(change), deadline).await;
    }
    let voters: Vec<u64> = status.conf.voters.iter().map(|it| node_of(*it)).collect();
    let wanted = placing::meta_voters(inner, &voters);
    let ready =
        |node: &u64| status.peer(meta_peer(*node)).is_some_and(|it| is_caught_up(&status, it));
    let promoted: Vec<u64> =
        wanted.iter().filter(|it| !voters.contains(it)).copied().filter(ready).collect();
    let demoted: Vec<u64> =
        voters.iter().filter(|it| !wanted.contains(it) && **it != inner.me).copied().collect();
    let peers = |nodes: &[u64]| nodes.iter().map(|it| meta_peer(*it)).collect::<Vec<_>>();
    // Votes are taken away only together with giving others: the group must not shrink
    // because a node is slow.
    let demoted = if promoted.len() >= wanted.iter().filter(|it| !voters.contains(it)).count() {
        demoted
    } else {
        Vec::new()
    };
    if promoted.is_empty() && demoted.is_empty() {
        return Ok(());
    }
    let change =
        MemberChange { learners: peers(&demoted), voters: peers(&promoted), removed: Vec::new() };
    direct(inner, GroupId::META, inner.me, Direction::Change(change), deadline).await
}

/// Takes one step in each of some shards whose replicas are not where they should be.
async fn change_shards(inner: &Arc<Inner>) {
    let due: Vec<GroupId> = inner.meta.read(|state| {
        state
            .shards
            .iter()
            .filter(|(_, it)| it.target.is_some())
            .map(|(group, _)| *group)
            .take(CHANGES_AT_ONCE)
            .collect()
    });
    if due.is_empty() {
        return;
    }
    let reports: BTreeMap<GroupId, GroupReport> = gather(inner, Some(due.clone())).await;
    for group in due {
        let Some(report) = reports.get(&group) else { continue };
        if let Err(error) = change_shard(inner, group, &report.status).await {
            tracing::debug!(%error, %group, "a step of moving replicas was not taken; trying again");
        }
    }
}

async fn change_shard(
    inner: &Arc<Inner>,
    group: GroupId,
    status: &GroupStatus,
) -> Result<(), Error> {
    let target = inner.meta.read(|it| it.shards.get(&group).and_then(|it| it.target.clone()));
    let Some(target) = target else { return Ok(()) };
    let alive = |peer: u64| health::is_alive(inner, node_of(peer));
    let (deadline, leader) = (Instant::now() + STEP_TIMEOUT, node_of(status.leader));
    match next_step(status, &target, alive) {
        Step::Wait(_) => Ok(()),
        Step::Change(change) => {
            direct(inner, group, leader, Direction::Change(change), deadline).await
        }
        Step::Transfer(peer) => {
            direct(inner, group, leader, Direction::Transfer(peer), deadline).await
        }
        Step::Settle => {
            let command = MetaCommand::Settle { group: group.0, conf: status.conf.clone() };
            gateway::propose_meta(inner, command.encode_stored(), deadline).await?;
            tracing::info!(%group, "the shard's replicas are where they should be");
            Ok(())
        }
    }
}
