//! A node that belongs to a cluster, from its start to its end.

mod background;
mod ground;
mod serving;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use uuid::Uuid;
use vane_coordinator::Coordinator;
use vane_raft::StateMachine;
use vane_storage::DataDir;
use vane_storage::data_dir::Member as Membership;
use vane_transport::NodeMemory;
use vane_transport::Token;
use vane_types::{GroupId, LogIndex, NodeId};

use crate::memory;
use crate::not_ready::NotReady;
use crate::open_error::OpenError;
use crate::progress::Progress;
use crate::reads::ReadCounters;
use crate::scrub::ScrubProgress;
use crate::settings::Settings;
use crate::shards::NodeShards;
use crate::standing::Stand;

pub(crate) use ground::Ground;
pub(crate) use serving::Serving;

use background::Background;

/// Absence of a meta leader after which a node is not ready.
const LEADERLESS_MAX: Duration = Duration::from_secs(30);

/// A running member. Each part knows the parts it needs; this holds them for those who look
/// at the node as a whole.
pub struct Member {
    pub(crate) ground: Ground,
    pub(crate) serving: Serving,
    background: Background,
    is_stopped: AtomicBool,
}

impl Member {
    /// Opens the databases and everything in them, and starts to serve. With `found` the disk
    /// becomes that of a new cluster's first node. Blocks; must be called within a tokio
    /// runtime.
    ///
    /// # Errors
    /// Where a database, the catalog or a thread does not open. A shard that does not is
    /// reported and left shut.
    pub(crate) fn start(
        settings: &Settings,
        token: Token,
        data_dir: Arc<DataDir>,
        membership: Membership,
        found: bool,
        progress: &Progress,
    ) -> Result<Self, OpenError> {
        // In this order: replicas need the engine, and nothing may act on what is not open yet.
        let (ground, entry) = Ground::lay(settings, token, data_dir, membership, found)?;
        progress.receive(Some(ground.reception.clone()));
        let serving = Serving::open(&ground, settings, progress)?;
        let background = Background::start(&ground, &serving, settings, entry)?;
        Ok(Self { ground, serving, background, is_stopped: AtomicBool::new(false) })
    }

    /// Routes requests to the shards of the cluster.
    pub fn coordinator(&self) -> &Arc<Coordinator<NodeShards>> {
        &self.serving.coordinator
    }

    /// Number of this node.
    pub fn node_id(&self) -> NodeId {
        self.ground.me
    }

    /// Id of the cluster.
    pub fn cluster_id(&self) -> Uuid {
        self.ground.cluster_id
    }

    /// Whether requests can be answered here.
    ///
    /// # Errors
    /// Why not.
    pub fn check_ready(&self) -> Result<(), NotReady> {
        // First: a node that is ending may fail the other checks too, and this is the reason.
        if self.is_stopped.load(Ordering::Acquire) {
            return Err(NotReady::Stopping);
        }
        if let Some(why) = self.ground.reception.gate.refused() {
            return Err(NotReady::Refused(why));
        }
        // Its replicas do not answer, whatever else they know.
        if !self.ground.reception.gate.speaks() {
            return Err(NotReady::Silent);
        }
        let meta = self.ground.engine.watch(GroupId::META);
        // One that has joined begins with an empty catalog, and would call every collection
        // missing.
        if meta.is_none_or(|watch| watch.applied() == LogIndex::ZERO) {
            return Err(NotReady::NoCatalog);
        }
        // At a start there is no leader to lose: until one is heard of, nothing can be routed.
        if !self.serving.liveness.was_led() {
            return Err(NotReady::NeverLed);
        }
        let leaderless = self.serving.liveness.leaderless_for();
        // Not at once: an election is no reason to take every node out of service.
        if leaderless > LEADERLESS_MAX {
            return Err(NotReady::MetaLeaderless(leaderless));
        }
        for (group, replica) in self.serving.replicas.all() {
            // Learners on their way in do not count: nobody waits for them.
            if !replica.shard.conf().voters.contains(&replica.peer) {
                continue;
            }
            let subject = || self.serving.coordinator.subject(group);
            match self.serving.standing.of(group, &replica) {
                Stand::CaughtUp => {}
                Stand::Behind(entries) => {
                    return Err(NotReady::CatchingUp { subject: subject(), entries });
                }
                Stand::Unconfirmed => return Err(NotReady::Unconfirmed { subject: subject() }),
            }
        }
        Ok(())
    }

    /// What this node has memory for. Looks at every value of each payload index.
    pub fn memory(&self) -> NodeMemory {
        memory::of_node(&self.serving.replicas, &self.ground.catalog)
    }

    /// Bytes free on the disk.
    pub fn disk_free_bytes(&self) -> u64 {
        self.ground.space.free()
    }

    /// What Raft did on this node since the start.
    pub fn raft_counters(&self) -> &vane_raft::Counters {
        self.ground.engine.counters()
    }

    /// Reads that this node answered since the start.
    pub fn read_counters(&self) -> &ReadCounters {
        self.serving.reads.counters()
    }

    /// How far the scrub of what lies here is.
    pub fn scrub_progress(&self) -> &ScrubProgress {
        &self.serving.reporter.scrub
    }

    /// Replicas of this node that are out of use.
    pub fn broken_replicas(&self) -> usize {
        self.serving.replicas.broken().len()
    }

    /// Answers what is on its way, makes everything durable and ends the threads. Blocks.
    pub(crate) fn shutdown(&self) {
        // Threads can be joined once, so only the first call ends the node.
        if self.is_stopped.swap(true, Ordering::AcqRel) {
            return;
        }
        // First, so that the others serve while this node ends.
        self.serving.drain.hand_over_all();
        // Before the engine: tasks and jobs propose and truncate through it.
        self.background.stop();
        self.ground.engine.stop();
        self.serving.pool.stop();
        // With the engine stopped nothing more is applied, so this sync has everything.
        if let Err(error) = self.background.sync_last() {
            tracing::error!(%error, "failed to sync at shutdown; the next start reads the logs");
        }
    }
}
