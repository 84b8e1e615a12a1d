//! What answers: the open replicas, and everything that reads them, writes to them or
//! speaks for them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use uuid::Uuid;
use vane_catalog::meta_peer;
use vane_coordinator::Coordinator;
use vane_raft::{Conf, StateMachine};
use vane_types::GroupId;

use super::ground::Ground;
use crate::catalog_sync::CatalogSync;
use crate::drain::{Drain, pause};
use crate::leader_request::LeaderRequests;
use crate::liveness::Liveness;
use crate::open_error::OpenError;
use crate::pool::Pool;
use crate::progress::Progress;
use crate::proposals::Proposals;
use crate::quota::QuotaWatch;
use crate::reads::Reads;
use crate::rebalancer::Balancing;
use crate::replicas::Replicas;
use crate::report::Reporter;
use crate::settings::Settings;
use crate::shards::NodeShards;
use crate::standing::Standing;

/// Time that a node of its own waits for its logs to be applied before it is there.
const SETTLE_MAX: Duration = Duration::from_secs(300);
const SETTLE_PAUSE: Duration = Duration::from_millis(2);

/// The parts of a member that requests meet.
pub(crate) struct Serving {
    pub(crate) pool: Arc<Pool>,
    pub(crate) replicas: Arc<Replicas>,
    pub(crate) catalog_sync: CatalogSync,
    pub(crate) reads: Arc<Reads>,
    pub(crate) proposals: Arc<Proposals>,
    pub(crate) leaders: Arc<LeaderRequests>,
    pub(crate) liveness: Arc<Liveness>,
    pub(crate) reporter: Arc<Reporter>,
    pub(crate) coordinator: Arc<Coordinator<NodeShards>>,
    pub(crate) drain: Arc<Drain>,
    pub(crate) standing: Arc<Standing>,
    pub(crate) balancing: Arc<Balancing>,
}

impl Serving {
    /// Opens the replicas that the catalog places here, and what serves them.
    pub(super) fn open(
        ground: &Ground,
        settings: &Settings,
        progress: &Progress,
    ) -> Result<Self, OpenError> {
        let Ground { me, disks, space, peers, reception, engine, catalog, .. } = ground;
        let me = *me;
        let pool = Pool::start(settings.search_threads, settings.pending_searches_max)?;
        let (pool, shard) = (Arc::new(pool), settings.shard());
        let replicas = Replicas::new(me, shard, disks.clone(), engine.clone(), catalog.clone());
        let replicas = Arc::new(replicas);
        let catalog_sync = CatalogSync {
            catalog: catalog.clone(),
            replicas: replicas.clone(),
            reception: reception.clone(),
            transfers: ground.transfers.clone(),
        };
        // While nothing is open: no job writes below a directory that is taken for an orphan.
        replicas.find_on_disk()?;
        reception.set_addresses();
        replicas.open_first(progress)?;
        settle(ground, &replicas, settings);
        let reads = Reads::new(me, engine.clone(), replicas.clone(), pool.clone());
        let quota = Arc::new(QuotaWatch::new(catalog.clone(), space.clone()));
        let proposals = proposals(ground, &replicas, &quota);
        let liveness = Liveness::new(me, engine.clone(), catalog.clone(), peers.clone());
        let (reads, proposals) = (Arc::new(reads), Arc::new(proposals));
        let liveness = Arc::new(liveness);
        let shards = NodeShards {
            me,
            quota: quota.clone(),
            engine: engine.clone(),
            peers: peers.clone(),
            reads: reads.clone(),
            proposals: proposals.clone(),
            liveness: liveness.clone(),
            space: space.clone(),
            catalog_sync: catalog_sync.clone(),
        };
        // Drawn in each start: shards tell copies of a request by it, so no other process may have
        // it.
        let session = Uuid::new_v4().as_u64_pair().0;
        let coordinator = Arc::new(Coordinator::new(shards, catalog.clone(), session));
        let leaders = LeaderRequests { me, engine: engine.clone(), peers: peers.clone() };
        let reporter = Arc::new(reporter(ground, &replicas, &quota, settings));
        let drain = Drain {
            engine: engine.clone(),
            replicas: replicas.clone(),
            liveness: liveness.clone(),
            space: space.clone(),
        };
        let standing = Standing::new(me, replicas.clone(), peers.clone());
        let balancing = balancing(ground, &reporter, &liveness);
        Ok(Self {
            pool,
            replicas,
            catalog_sync,
            reads,
            proposals,
            leaders: Arc::new(leaders),
            liveness,
            reporter,
            coordinator,
            drain: Arc::new(drain),
            standing: Arc::new(standing),
            balancing,
        })
    }
}

fn proposals(ground: &Ground, replicas: &Arc<Replicas>, quota: &Arc<QuotaWatch>) -> Proposals {
    Proposals {
        me: ground.me,
        quota: quota.clone(),
        engine: ground.engine.clone(),
        replicas: replicas.clone(),
        space: ground.space.clone(),
    }
}

fn balancing(
    ground: &Ground,
    reporter: &Arc<Reporter>,
    liveness: &Arc<Liveness>,
) -> Arc<Balancing> {
    Arc::new(Balancing {
        me: ground.me,
        catalog: ground.catalog.clone(),
        reporter: reporter.clone(),
        liveness: liveness.clone(),
    })
}

fn reporter(
    ground: &Ground,
    replicas: &Arc<Replicas>,
    quota: &Arc<QuotaWatch>,
    settings: &Settings,
) -> Reporter {
    Reporter {
        me: ground.me,
        version: settings.node.version.clone(),
        engine: ground.engine.clone(),
        catalog: ground.catalog.clone(),
        replicas: replicas.clone(),
        peers: ground.peers.clone(),
        space: ground.space.clone(),
        quota: quota.clone(),
        transfers: ground.transfers.clone(),
        scrub: Arc::default(),
        differing: Mutex::default(),
        waiting: Mutex::default(),
    }
}

/// Waits until a node that is alone in its groups has applied its logs, so that it answers
/// from the first request on. One of several catches up while the others answer.
fn settle(ground: &Ground, replicas: &Replicas, settings: &Settings) {
    let is_alone = |conf: Conf| conf.members() == [meta_peer(ground.me)];
    if !is_alone(ground.catalog.conf()) {
        return;
    }
    // Where nobody can join there is nobody who could know better. Else the seeds are asked first:
    // this disk may be from before the others joined.
    if settings.node.seeds.as_ref().is_none_or(Vec::is_empty) {
        ground.reception.gate.speak();
    }
    // Bounded: a node whose logs cannot be applied must still come up and say so.
    let until = Instant::now() + SETTLE_MAX;
    while !is_serving(ground, replicas) && Instant::now() < until {
        pause(SETTLE_PAUSE);
    }
}

/// Whether this node leads the meta group and every shard that nobody else could lead.
fn is_serving(ground: &Ground, replicas: &Replicas) -> bool {
    let leads_meta = ground.engine.watch(GroupId::META).is_some_and(|watch| watch.is_serving());
    // A catalog that stands still serves as it is: that is no reason to keep the shards waiting.
    (leads_meta || ground.catalog.standing_still().is_some())
        && replicas.all().iter().all(|(_, replica)| {
            replica.watch.is_serving() || replica.shard.conf().members().len() > 1
        })
}
