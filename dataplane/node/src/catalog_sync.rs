//! Keeps this node's replicas and addresses in step with the catalog.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use vane_catalog::{Catalog, proves_removal};
use vane_coordinator::{Coordinator, Shards};
use vane_transport::reads::MembersOf;
use vane_transport::{Freshness, Transfers};
use vane_types::{Changed, Error, FeatureLevel, GroupId, LogIndex, PeerId};

use crate::open_error::internal;
use crate::pool::stopping;
use crate::reception::Reception;
use crate::replicas::Replicas;

/// Pause after a replica could not be opened or removed.
const RETRY_PAUSE: Duration = Duration::from_secs(2);
/// Time for a leader to say what its group's members are, and the pause after which one that still
/// names the replica, or did not answer, is asked again.
const ASK_TIMEOUT: Duration = Duration::from_secs(4);
const ASK_PAUSE: Duration = Duration::from_secs(1);
/// Leaders that are asked at a time.
const ASKED_AT_ONCE: usize = 16;

/// Follows the catalog.
#[derive(Clone)]
pub(crate) struct CatalogSync {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) replicas: Arc<Replicas>,
    pub(crate) reception: Arc<Reception>,
    pub(crate) transfers: Arc<Transfers>,
}

impl CatalogSync {
    /// Follows until the node ends; lets the coordinator forget what is gone.
    pub(crate) async fn run<S: Shards>(self, coordinator: Arc<Coordinator<S>>) {
        let mut changes = self.catalog.changes();
        let mut asked: JoinSet<GroupId> = JoinSet::new();
        let mut asking: BTreeMap<GroupId, PeerId> = BTreeMap::new();
        let mut may_be_quiet = false;
        loop {
            // Marked as seen before the catalog is read: a change in between wakes the loop again.
            changes.borrow_and_update();
            if may_be_quiet != (self.catalog.level() >= FeatureLevel::QUIET) {
                may_be_quiet = !may_be_quiet;
                self.replicas.allow_quiet(may_be_quiet);
            }
            self.replicas.allow_leases(self.catalog.level() >= FeatureLevel::LEASES);
            self.replicas.allow_few_bits(self.catalog.level() >= FeatureLevel::CHANGING);
            self.transfers.limit(self.catalog.read(|state| state.policy.bytes_per_second));
            let strays = match self.follow().await {
                Ok(strays) => strays,
                Err(error) => {
                    tracing::error!(%error, "failed to follow the catalog; it will be tried again");
                    tokio::time::sleep(RETRY_PAUSE).await;
                    continue;
                }
            };
            // Hints about groups that are gone would pile up for as long as the process lives.
            self.catalog.read(|state| {
                let is_there = |group| group == GroupId::META || state.shards.contains_key(&group);
                coordinator.router().retain(is_there);
            });
            for (group, peer) in strays {
                if asking.len() < ASKED_AT_ONCE && !asking.contains_key(&group) {
                    asking.insert(group, peer);
                    let (sync, coordinator) = (self.clone(), Arc::clone(&coordinator));
                    asked.spawn(async move {
                        sync.ask(&coordinator, group, peer).await;
                        group
                    });
                }
            }
            tokio::select! {
                changed = changes.changed() => if changed.is_err() {
                    return;
                },
                Some(done) = asked.join_next() => match done {
                    Ok(group) => drop(asking.remove(&group)),
                    // It cannot say which one: those that still run are asked once more.
                    Err(_) => asking.clear(),
                },
            }
        }
    }

    /// Asks the leader of a group whether a replica here, which the catalog does not name, is still
    /// one of its members. The next round acts on the answer.
    async fn ask<S: Shards>(&self, coordinator: &Coordinator<S>, group: GroupId, peer: PeerId) {
        let (deadline, freshness) = (Instant::now() + ASK_TIMEOUT, Freshness::Linearizable);
        match coordinator.read(group, MembersOf, freshness, deadline).await {
            Ok((conf, _)) if proves_removal(&conf, peer) => {
                return self.replicas.removed_from_group(group, peer);
            }
            Ok(_) => tracing::debug!(%group, "a replica has no place and is still a member"),
            Err(error) => tracing::debug!(
                %error,
                %group,
                "nobody says whether a replica without a place is still a member"
            ),
        }
        tokio::time::sleep(ASK_PAUSE).await;
    }

    /// Brings replicas and addresses in step; what is left are replicas without a place that their
    /// groups may still count.
    async fn follow(&self) -> Result<Vec<(GroupId, PeerId)>, Error> {
        // Before replicas are opened: they call their peers at once.
        self.reception.set_addresses();
        // Files may have to be verified, which would hold up requests on a thread of the runtime.
        let replicas = Arc::clone(&self.replicas);
        let followed = tokio::task::spawn_blocking(move || replicas.follow_catalog()).await;
        followed.map_err(internal)?.map_err(internal)
    }

    /// Waits until this node has applied the meta group up to `index`, and follows it.
    ///
    /// # Errors
    /// `Timeout` or `Unavailable`; what was agreed on stays agreed on.
    pub(crate) async fn wait_for(&self, index: LogIndex, deadline: Instant) -> Result<(), Error> {
        let mut changes = self.catalog.changes();
        let reached = changes.wait_for(|applied| *applied >= index);
        match tokio::time::timeout_at(deadline.into(), reached).await {
            Ok(Ok(_)) => {}
            Ok(Err(_)) => return Err(stopping()),
            Err(_) => {
                let late = Error::timeout("this node has not heard of it within the time limit");
                // The cluster has agreed and only this node is late: nobody may take it for undone.
                return Err(Error { changed: Changed::Done, ..late });
            }
        }
        // Not left to the task: the caller's next request may need what is opened here.
        self.follow().await.map(drop)
    }
}
