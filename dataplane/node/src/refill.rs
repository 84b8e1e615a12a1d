//! Sees to replicas of this node that are out of use because their data is damaged or gone: what
//! leads hands over, and what its group can do without is filled again as a new replica.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use vane_catalog::{Catalog, MetaCommand, State};
use vane_coordinator::{Coordinator, Shards};
use vane_placement::may_refill;
use vane_transport::ReportRequest;
use vane_types::{GroupId, PeerId};

use crate::drain::Drain;
use crate::replicas::Replicas;
use crate::report::Reporter;

/// Time between looks.
const INTERVAL: Duration = Duration::from_secs(2);
/// Time for the meta group to take it.
const PROPOSE_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause before a shard is filled again a second time; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
/// The longest of those pauses. A disk that damages all it is given must not keep its group busy.
const PAUSE_MAX: Duration = Duration::from_secs(3600);

/// Fills replicas again.
pub(crate) struct Refill<S> {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) coordinator: Arc<Coordinator<S>>,
    pub(crate) replicas: Arc<Replicas>,
    pub(crate) reporter: Arc<Reporter>,
    pub(crate) drain: Arc<Drain>,
}

/// When each group may be filled again here next, and after what pause.
type Pauses = BTreeMap<GroupId, (Instant, Duration)>;

impl<S: Shards> Refill<S> {
    /// Looks until the node ends.
    pub(crate) async fn run(self) {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut pauses = Pauses::new();
        loop {
            ticks.tick().await;
            self.look(&mut pauses).await;
        }
    }

    async fn look(&self, pauses: &mut Pauses) {
        let mut lost = self.replicas.without_data();
        // What is under way already comes to its end by itself.
        lost.retain(|(group, peer)| !self.catalog.read(|state| is_begun(state, *group, *peer)));
        let mut waiting = BTreeMap::new();
        if lost.is_empty() {
            *self.reporter.waiting.lock() = waiting;
            return;
        }
        self.hand_over(&lost).await;
        let groups: Vec<GroupId> = lost.iter().map(|(group, _)| *group).collect();
        let reports = self.reporter.gather(ReportRequest::Groups(groups)).await;
        for (group, peer) in lost {
            if pauses.get(&group).is_some_and(|(next, _)| *next > Instant::now()) {
                continue;
            }
            let status = reports.get(&group).map(|report| &report.status);
            let is_whole = |at: PeerId| self.drain.is_whole(group, at.node());
            let voters = self.catalog.read(|state| voters_of(state, group));
            match may_refill(peer, &voters, status, is_whole) {
                Ok(()) => self.refill(group, peer, pauses).await,
                Err(why) => drop(waiting.insert(group, why)),
            }
        }
        *self.reporter.waiting.lock() = waiting;
    }

    async fn refill(&self, group: GroupId, peer: PeerId, pauses: &mut Pauses) {
        let deadline = Instant::now() + PROPOSE_TIMEOUT;
        let command = MetaCommand::Refill { group, peer };
        match self.coordinator.propose_meta(command, deadline).await {
            Ok(_) => {
                tracing::warn!(%group, %peer, "a replica is filled again from the others");
                let before = pauses.get(&group).map(|(_, pause)| *pause);
                let pause = before.map_or(FIRST_PAUSE, |pause| (pause * 2).min(PAUSE_MAX));
                pauses.insert(group, (Instant::now() + pause, pause));
            }
            Err(error) => tracing::info!(
                %error,
                %group,
                "a replica could not be filled again yet; it will be tried again"
            ),
        }
    }

    /// Gives away what damaged replicas lead.
    async fn hand_over(&self, lost: &[(GroupId, PeerId)]) {
        let (drain, groups) = (Arc::clone(&self.drain), lost.to_vec());
        // The Raft thread answers between its rounds, which may wait for a disk.
        let given = tokio::task::spawn_blocking(move || {
            groups.iter().filter(|(group, _)| drain.leave(*group)).count()
        });
        if let Ok(given @ 1..) = given.await {
            tracing::warn!(given, "damaged replicas give their leadership away");
        }
    }
}

/// Whether a replica is on its way out, or was.
fn is_begun(state: &State, group: GroupId, peer: PeerId) -> bool {
    state.shards.get(&group).is_none_or(|shard| shard.gives_up(peer))
}

/// Who votes in a group, as the catalog has it.
fn voters_of(state: &State, group: GroupId) -> Vec<PeerId> {
    state.shards.get(&group).map(|shard| shard.conf.voters.clone()).unwrap_or_default()
}
