//! A member's start and end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use uuid::Uuid;
use vane_raft::{Conf, INITIAL_INDEX, Node, StateMachine, peer_id};
use vane_storage::data_dir::Member;
use vane_storage::{DataDb, DataDir, LogDb, ShardStore, Space};
use vane_types::GroupId;

use crate::error::OpenError;
use crate::hand_over::hand_over;
use crate::inner::{Inner, Parts};
use crate::log_store::NodeLog;
use crate::maintenance::{Maintenance, sync_once};
use vane_catalog::{Catalog, NodeEntry};
use crate::net::{Links, Peers, Token};
use crate::pool::Pool;
use crate::settings::Settings;
use crate::{admission, driver, follow, health};

/// Incarnation of every node's replica of the meta group: a node has one, ever.
const META_INCARNATION: u32 = 1;
/// Time that a node of its own waits for its logs to be applied before it is there.
const SETTLE_MAX: Duration = Duration::from_secs(300);
/// Time that tasks have to notice that they are ended.
const ABORT_MAX: Duration = Duration::from_secs(5);
const SETTLE_PAUSE: Duration = Duration::from_millis(2);

/// Peer id of a node in the meta group.
pub(crate) fn meta_peer(node: u64) -> u64 {
    peer_id(node, META_INCARNATION)
}

/// A running member with its threads and tasks.
pub(crate) struct Running {
    pub(crate) inner: Arc<Inner>,
    maintenance: Maintenance,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// Opens the databases and everything in them. With `found` the disk becomes that of a
    /// new cluster's first node.
    pub(crate) fn start(
        settings: Settings,
        token: Token,
        data_dir: Arc<DataDir>,
        member: Member,
        found: bool,
    ) -> Result<Self, OpenError> {
        // First: on a full disk it throws the ballast off, and databases need room to open.
        let space = Space::new(data_dir.path(), settings.min_free_bytes, settings.ballast_bytes)?;
        let entry = admission::entry(&settings, data_dir.marker().disk_id, data_dir.count_start()?);
        let data_db = DataDb::open(&data_dir.path().join("data.db"))?;
        let log_db = LogDb::open(&data_dir.path().join("raft.db"))?;
        let Member { cluster_id, node_id: me, .. } = member;
        let peers = Arc::new(Peers::new(token, Some(cluster_id), settings.node.dial_from));
        let links = Arc::new(Links::new(me, Arc::clone(&peers), Handle::current()));
        let config = vane_raft::Config {
            pending_bytes_max: settings.pending_write_bytes_max,
            seed: Uuid::new_v4().as_u64_pair().0,
            ..vane_raft::Config::default()
        };
        let store = Arc::new(NodeLog(log_db.clone()));
        let node = Node::start(store, config, &data_dir.snapshots_dir(), Arc::clone(&links) as _)?;
        let node = Arc::new(node);
        links.set_node(&node);
        let store =
            ShardStore::new(data_db.clone(), GroupId::META, data_dir.group_dir(GroupId::META));
        let founder = found.then(|| entry.clone());
        make_meta(&node, &log_db, &store, &data_dir, member, founder)?;
        let meta = Arc::new(Catalog::open(store)?);
        node.register(GroupId::META, Arc::clone(&meta) as Arc<dyn StateMachine>, false)?;
        let pool = Arc::new(Pool::start(settings.search_threads, settings.pending_searches_max)?);
        let flush_interval = settings.flush_interval;
        let parts = Parts {
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
        };
        let inner = Arc::new(Inner::new(parts));
        inner.replicas.remove_orphans(&inner)?;
        follow::set_addresses(&inner);
        inner.replicas.follow(&inner)?;
        settle(&inner);
        let maintenance = Maintenance::start(&inner, flush_interval)?;
        let tasks = vec![
            tokio::spawn(follow::run(Arc::clone(&inner))),
            tokio::spawn(health::run(Arc::clone(&inner))),
            tokio::spawn(driver::run(Arc::clone(&inner))),
            tokio::spawn(admission::announce(Arc::clone(&inner), entry)),
        ];
        Ok(Self { inner, maintenance, tasks })
    }

    /// Answers what is on its way, makes everything durable and ends the threads. Blocks.
    pub(crate) fn shutdown(&self) {
        let inner = &self.inner;
        if inner.set_stopped() {
            return;
        }
        hand_over(inner);
        self.tasks.iter().for_each(JoinHandle::abort);
        // What they hold is let go when they have ended, and not before.
        let until = Instant::now() + ABORT_MAX;
        while !self.tasks.iter().all(JoinHandle::is_finished) && Instant::now() < until {
            pause();
        }
        self.maintenance.stop();
        inner.node.stop();
        inner.pool.stop();
        let synced = sync_once(inner, &mut HashMap::new())
            .and_then(|_| inner.data_dir.mark_clean().map_err(|e| e.to_string()));
        if let Err(error) = synced {
            tracing::error!(error, "failed to sync at shutdown; the next start reads the logs");
        }
    }
}

/// Makes this node's replica of the meta group where there is none.
fn make_meta(
    node: &Node,
    log_db: &LogDb,
    store: &ShardStore,
    data_dir: &DataDir,
    member: Member,
    founder: Option<NodeEntry>,
) -> Result<(), OpenError> {
    let there = log_db.state(GroupId::META)?.is_some();
    if member.has_meta && !there {
        return Err(OpenError::Disk(format!(
            "the disk is marked as node {} of cluster {}, but its raft.db has no meta group: its votes are lost. \
             Nothing was changed; put raft.db back, or empty the directory so that the node joins anew",
            member.node_id, member.cluster_id
        )));
    }
    if member.has_meta {
        return Ok(());
    }
    let peer = meta_peer(member.node_id);
    let found = founder.is_some();
    let (applied, conf) = match found {
        true => (INITIAL_INDEX, Conf::founding(&[peer])),
        false => (0, Conf::default()),
    };
    Catalog::create(store, member.cluster_id, applied, &conf, founder)?;
    node.create(GroupId::META, peer, found)?;
    // Last: a start that was cut short before this is done again from the beginning.
    data_dir.set_member(Member { has_meta: true, ..member })?;
    Ok(())
}

/// Waits until a node that is alone in its groups has applied its logs, so that it answers
/// from the first request on. One of several catches up while the others answer.
fn settle(inner: &Inner) {
    let alone = |conf: Conf| conf.members() == [meta_peer(inner.me)];
    if !alone(inner.meta.conf()) {
        return;
    }
    let until = Instant::now() + SETTLE_MAX;
    let serving = || {
        let meta = inner.node.watch(GroupId::META).is_some_and(|it| it.is_serving());
        meta && inner
            .replicas
            .all()
            .iter()
            .all(|(_, it)| it.watch.is_serving() || it.shard.conf().members().len() > 1)
    };
    while !serving() && Instant::now() < until {
        pause();
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "the thread is the caller's own, and starts or ends the node"
)]
fn pause() {
    std::thread::sleep(SETTLE_PAUSE);
}
