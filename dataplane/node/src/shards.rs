//! How this node's coordinator reaches replicas: its own through the engine, others through
//! the peer protocol, by the system's clock.

use std::sync::Arc;
use std::time::{Duration, Instant};

use vane_coordinator::Shards;
use vane_raft::Engine;
use vane_storage::Space;
use vane_transport::{Answered, Freshness, NotRead, Outcome, Peers, Proposal, Read};
use vane_types::{Error, GroupId, LogIndex, NodeId};

use crate::catalog_sync::CatalogSync;
use crate::gate::SILENT;
use crate::liveness::Liveness;
use crate::proposals::{Proposals, room_missing};
use crate::quota::QuotaWatch;
use crate::reads::Reads;

/// Replicas as this node reaches them.
pub struct NodeShards {
    pub(crate) me: NodeId,
    pub(crate) engine: Arc<Engine>,
    pub(crate) peers: Arc<Peers>,
    pub(crate) reads: Arc<Reads>,
    pub(crate) proposals: Arc<Proposals>,
    pub(crate) liveness: Arc<Liveness>,
    pub(crate) space: Arc<Space>,
    pub(crate) quota: Arc<QuotaWatch>,
    pub(crate) catalog_sync: CatalogSync,
}

impl NodeShards {
    /// Whether this node's replicas answer.
    fn speaks(&self) -> bool {
        self.catalog_sync.reception.gate.speaks()
    }
}

impl Shards for NodeShards {
    fn me(&self) -> NodeId {
        self.me
    }

    fn now(&self) -> Instant {
        Instant::now()
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    async fn offload<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        // Not on the search pool: a check must not queue behind searches, nor take their threads.
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| Error::internal(format!("the request could not be checked: {error}")))
    }

    fn watched_leader(&self, group: GroupId) -> Option<NodeId> {
        Some(self.engine.watch(group)?.leader()?.node())
    }

    fn is_close(&self, group: GroupId) -> bool {
        // The watch first: it is one that no lock is taken for twice.
        self.engine.watch(group).is_some_and(|watch| watch.is_close()) && self.reads.answers(group)
    }

    fn applied_here(&self, group: GroupId) -> Option<LogIndex> {
        Some(self.engine.watch(group)?.applied())
    }

    fn is_alive(&self, node: NodeId) -> bool {
        self.liveness.is_alive(node)
    }

    fn check_room(&self) -> Result<(), Error> {
        let room = self.space.check(0);
        room.map_err(|full| Error::out_of_space(room_missing(&full)).nothing_changed())
    }

    fn resident_percent(&self) -> Option<u64> {
        self.quota.memory(Some(0)).map(u64::from)
    }

    async fn read<R: Read>(
        &self,
        node: NodeId,
        group: GroupId,
        read: R,
        freshness: Freshness,
        deadline: Instant,
    ) -> Answered<R::Answer> {
        match node == self.me {
            true if !self.speaks() => Err(NotRead::NoReplica(SILENT.into())),
            true => self.reads.read(group, read, freshness, deadline).await,
            false => self.peers.read(node, group, read, freshness, deadline).await,
        }
    }

    async fn propose(&self, node: NodeId, proposal: Proposal, deadline: Instant) -> Outcome {
        match node == self.me {
            true if !self.speaks() => Outcome::NoReplica(SILENT.into()),
            true => self.proposals.propose(proposal, deadline).await,
            false => self.peers.propose(node, proposal, deadline).await,
        }
    }

    async fn catalog_at(&self, index: LogIndex, deadline: Instant) -> Result<(), Error> {
        self.catalog_sync.wait_for(index, deadline).await
    }
}
