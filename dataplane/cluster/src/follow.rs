//! Keeps this node's replicas and addresses in step with the meta group.

use std::sync::Arc;
use std::time::{Duration, Instant};

use vane_types::LogIndex;

use crate::error::Error;
use crate::inner::Inner;

/// Pause after a replica could not be opened or removed.
const RETRY_PAUSE: Duration = Duration::from_secs(2);

/// Follows until the node ends.
pub(crate) async fn run(inner: Arc<Inner>) {
    let mut changes = inner.meta.changes();
    loop {
        changes.borrow_and_update();
        if let Err(error) = once(&inner).await {
            tracing::error!(%error, "failed to follow the catalogue; it will be tried again");
            tokio::time::sleep(RETRY_PAUSE).await;
            continue;
        }
        if changes.changed().await.is_err() {
            return;
        }
    }
}

/// Brings replicas and addresses in step.
pub(crate) async fn once(inner: &Arc<Inner>) -> Result<(), Error> {
    set_addresses(inner);
    inner
        .routes
        .retain(|group| inner.meta.read(|it| group.0 == 0 || it.shards.contains_key(&group)));
    let following = Arc::clone(inner);
    let followed = tokio::task::spawn_blocking(move || following.replicas.follow(&following)).await;
    followed
        .map_err(|e| Error::Internal(e.to_string()))?
        .map_err(|e| Error::Internal(e.to_string()))
}

pub(crate) fn set_addresses(inner: &Inner) {
    let addresses: std::collections::HashMap<u64, String> = inner
        .meta
        .read(|it| it.nodes.values().map(|it| (it.id, it.entry.address.clone())).collect());
    // A node that has just joined was told where the others are, and knows no more yet.
    if !addresses.is_empty() {
        inner.peers.set_addresses(addresses);
    }
}

/// Waits until this node has applied the meta group up to `index`, and follows it.
pub(crate) async fn wait(
    inner: &Arc<Inner>,
    index: LogIndex,
    deadline: Instant,
) -> Result<(), Error> {
    let mut changes = inner.meta.changes();
    let reached = changes.wait_for(|applied| *applied >= index);
    match tokio::time::timeout_at(deadline.into(), reached).await {
        Ok(Ok(_)) => {}
        Ok(Err(_)) => return Err(Error::Unavailable("the node is shutting down".into())),
        Err(_) => {
            let text =
                "the change was made, but this node has not heard of it within the time limit";
            return Err(Error::Timeout(text.into()));
        }
    }
    once(inner).await
}
