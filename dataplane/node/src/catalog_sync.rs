//! Keeps this node's replicas and addresses in step with the catalog.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use vane_catalog::{Catalog, State};
use vane_coordinator::{Coordinator, Shards};
use vane_transport::Peers;
use vane_types::{Changed, Error, GroupId, LogIndex, NodeId};

use crate::open_error::internal;
use crate::pool::stopping;
use crate::replicas::Replicas;

/// Pause after a replica could not be opened or removed.
const RETRY_PAUSE: Duration = Duration::from_secs(2);

/// Follows the catalog.
#[derive(Clone)]
pub(crate) struct CatalogSync {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) replicas: Arc<Replicas>,
    pub(crate) peers: Arc<Peers>,
}

impl CatalogSync {
    /// Follows until the node ends; lets the coordinator forget what is gone.
    pub(crate) async fn run<S: Shards>(self, coordinator: Arc<Coordinator<S>>) {
        let mut changes = self.catalog.changes();
        loop {
            // Marked as seen before the catalog is read: a change in between wakes the loop again.
            changes.borrow_and_update();
            if let Err(error) = self.follow().await {
                tracing::error!(%error, "failed to follow the catalog; it will be tried again");
                tokio::time::sleep(RETRY_PAUSE).await;
                continue;
            }
            // Hints about groups that are gone would pile up for as long as the process lives.
            self.catalog.read(|state| {
                let is_there = |group| group == GroupId::META || state.shards.contains_key(&group);
                coordinator.router().retain(is_there);
            });
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Brings replicas and addresses in step.
    async fn follow(&self) -> Result<(), Error> {
        // Before replicas are opened: they call their peers at once.
        self.set_addresses();
        // Files may have to be verified, which would hold up requests on a thread of the runtime.
        let replicas = Arc::clone(&self.replicas);
        let followed = tokio::task::spawn_blocking(move || replicas.follow_catalog()).await;
        followed.map_err(internal)?.map_err(internal)
    }

    /// Takes over where the members are.
    pub(crate) fn set_addresses(&self) {
        let of_members = |state: &State| -> HashMap<NodeId, String> {
            let members = state.nodes.values();
            members.map(|member| (member.id, member.entry.address.clone())).collect()
        };
        let addresses = self.catalog.read(of_members);
        // A node that has just joined was told where the others are, and knows no more yet.
        if !addresses.is_empty() {
            self.peers.set_addresses(addresses);
        }
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
        self.follow().await
    }
}
