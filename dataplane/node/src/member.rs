//! Everything that a running node shares.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use uuid::Uuid;
use vane_raft::Node;
use vane_storage::{DataDb, DataDir, LogDb, Space};
use vane_types::GroupId;

use crate::health::Reports;
use crate::held::Held;
use vane_catalog::{Catalog, State};
use crate::net::Peers;
use crate::pool::Pool;
use crate::replicas::Replicas;
use crate::routes::Routes;
use crate::settings::Settings;

/// A running member.
pub(crate) struct Inner {
    /// This node's number.
    pub(crate) me: u64,
    pub(crate) cluster_id: Uuid,
    pub(crate) settings: Settings,
    pub(crate) data_dir: Arc<DataDir>,
    pub(crate) data_db: DataDb,
    pub(crate) log_db: LogDb,
    pub(crate) space: Space,
    pub(crate) node: Arc<Node>,
    pub(crate) meta: Arc<Catalog>,
    pub(crate) replicas: Replicas,
    pub(crate) peers: Arc<Peers>,
    pub(crate) routes: Routes,
    pub(crate) held: Held,
    pub(crate) reports: Reports,
    pub(crate) pool: Arc<Pool>,
    /// One change of parameters at a time: each builds on the one before.
    pub(crate) configuring: tokio::sync::Mutex<()>,
    /// When the meta group was last seen to have a leader.
    led_at: Mutex<Instant>,
    stopped: AtomicBool,
}

/// What [`Inner::new`] is made of.
pub(crate) struct Parts {
    pub(crate) me: u64,
    pub(crate) cluster_id: Uuid,
    pub(crate) settings: Settings,
    pub(crate) data_dir: Arc<DataDir>,
    pub(crate) data_db: DataDb,
    pub(crate) log_db: LogDb,
    pub(crate) space: Space,
    pub(crate) node: Arc<Node>,
    pub(crate) meta: Arc<Catalog>,
    pub(crate) peers: Arc<Peers>,
    pub(crate) pool: Arc<Pool>,
}

impl Inner {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts {
            me,
            cluster_id,
            settings,
            data_dir,
            data_db,
            log_db,
            space,
            node,
            meta,
            peers,
            pool,
        } = parts;
        let replicas = Replicas::new(settings.shard());
        Self {
            me,
            cluster_id,
            settings,
            data_dir,
            data_db,
            log_db,
            space,
            node,
            meta,
            replicas,
            peers,
            routes: Routes::default(),
            held: Held::default(),
            reports: Reports::default(),
            pool,
            configuring: tokio::sync::Mutex::new(()),
            led_at: Mutex::new(Instant::now()),
            stopped: AtomicBool::new(false),
        }
    }

    /// Nodes that may lead a group: this one first, if it is among them.
    pub(crate) fn nodes_of(&self, group: GroupId) -> Vec<u64> {
        let nodes = |state: &State| match group {
            GroupId::META => state.nodes.keys().copied().collect(),
            _ => state.shards.get(&group).map(|it| it.nodes()).unwrap_or_default(),
        };
        let mut nodes: Vec<u64> = self.meta.read(nodes);
        nodes.sort_by_key(|it| (*it != self.me, *it));
        nodes
    }

    /// What a group is called in messages.
    pub(crate) fn name_of(&self, group: GroupId) -> String {
        if group == GroupId::META {
            return "the meta group".into();
        }
        self.meta.read(|state| match state.shards.get(&group) {
            Some(shard) => format!("shard {} of collection `{}`", shard.ordinal, shard.collection),
            None => format!("shard group {group}"),
        })
    }

    /// How long the meta group has had no leader, as far as this node saw.
    pub(crate) fn leaderless_for(&self) -> Duration {
        let mut led_at = self.led_at.lock();
        if self.node.watch(GroupId::META).is_some_and(|it| it.leader().is_some()) {
            *led_at = Instant::now();
        }
        led_at.elapsed()
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Marks the node as stopping; says whether it was already.
    pub(crate) fn set_stopped(&self) -> bool {
        self.stopped.swap(true, Ordering::AcqRel)
    }
}
