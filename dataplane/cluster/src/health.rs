//! What this node hears of the others: it asks each, once a second.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use vane_proto::peer::{ReportReply, ReportRequest};

use crate::inner::Inner;

/// Time between questions.
const INTERVAL: Duration = Duration::from_secs(1);
/// Time for an answer.
const TIMEOUT: Duration = Duration::from_millis(1500);
/// Silence after which a node counts as away.
pub(crate) const AWAY_AFTER: Duration = Duration::from_secs(4);

/// A node as last heard of.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) at: Instant,
    pub(crate) report: ReportReply,
}

/// What was heard of the others.
pub(crate) type Reports = parking_lot::RwLock<BTreeMap<u64, Heard>>;

/// Asks until the node ends.
pub(crate) async fn run(inner: Arc<Inner>) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // Looked at here too, so that the time counts from when the leader was lost.
        inner.leaderless_for();
        let others: Vec<u64> =
            inner.meta.read(|it| it.nodes.keys().copied().filter(|it| *it != inner.me).collect());
        {
            // One that never answered counts from when it was first looked for.
            let mut reports = inner.reports.write();
            for node in &others {
                reports.entry(*node).or_insert_with(|| Heard {
                    at: Instant::now(),
                    report: ReportReply::default(),
                });
            }
        }
        let mut asked = JoinSet::new();
        for node in others {
            let inner = Arc::clone(&inner);
            asked.spawn(async move {
                if let Ok(report) = ask(&inner, node, ReportRequest::default(), TIMEOUT).await {
                    inner.reports.write().insert(node, Heard { at: Instant::now(), report });
                }
            });
        }
        while asked.join_next().await.is_some() {}
        let members: Vec<u64> = inner.meta.read(|it| it.nodes.keys().copied().collect());
        inner.reports.write().retain(|node, _| members.contains(node));
    }
}

/// Asks one node what it knows of itself and of groups.
pub(crate) async fn ask(
    inner: &Inner,
    node: u64,
    request: ReportRequest,
    timeout: Duration,
) -> Result<ReportReply, String> {
    let mut client = inner.peers.client(node)?;
    match tokio::time::timeout(timeout, client.report(request)).await {
        Ok(Ok(reply)) => Ok(reply.into_inner()),
        Ok(Err(status)) => Err(status.message().to_owned()),
        Err(_) => Err("no answer in time".into()),
    }
}

/// Whether a node answered lately, or was not asked yet. This node itself does.
pub(crate) fn is_alive(inner: &Inner, node: u64) -> bool {
    node == inner.me
        || inner.reports.read().get(&node).is_none_or(|it| it.at.elapsed() < AWAY_AFTER)
}
