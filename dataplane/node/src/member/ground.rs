//! What is there before any shard is: the databases, the engine and the catalog.

use std::sync::Arc;

use tokio::runtime::Handle;
use uuid::Uuid;
use vane_catalog::{Catalog, NodeEntry, meta_peer};
use vane_raft::{Conf, Engine, GroupLog, INITIAL_INDEX, StateMachine};
use vane_storage::data_dir::Member as Membership;
use vane_storage::{DataDb, DataDir, LogDb, ShardStore, Space};
use vane_transport::{Caller, Links, Peers, Token, Transfers};
use vane_types::{GroupId, LogIndex, NodeId};

use crate::admission;
use crate::gate::{Gate, Gated};
use crate::log_store::NodeLog;
use crate::open_error::OpenError;
use crate::reception::Reception;
use crate::replicas::Disks;
use crate::settings::Settings;

/// Identity, disks, connections, the engine and the catalog of a member.
pub(crate) struct Ground {
    pub(crate) me: NodeId,
    pub(crate) cluster_id: Uuid,
    pub(crate) disks: Disks,
    pub(crate) space: Arc<Space>,
    pub(crate) peers: Arc<Peers>,
    pub(crate) reception: Arc<Reception>,
    pub(crate) engine: Arc<Engine>,
    /// Snapshots that this node sends.
    pub(crate) transfers: Arc<Transfers>,
    pub(crate) catalog: Arc<Catalog>,
}

impl Ground {
    /// Opens it all, and says how the node presents itself from this start on.
    pub(super) fn lay(
        settings: &Settings,
        token: Token,
        data_dir: Arc<DataDir>,
        membership: Membership,
        found: bool,
    ) -> Result<(Self, NodeEntry), OpenError> {
        // First: on a full disk it throws the ballast off, and databases need room to open.
        let (min_free, ballast) = (settings.min_free_bytes, settings.ballast_bytes);
        let space = Arc::new(Space::new(data_dir.path(), min_free, ballast)?);
        let Membership { cluster_id, node_id: me, .. } = membership;
        let address = settings.node.address.clone();
        let gate = Arc::new(Gate::begin(Arc::clone(&data_dir), me, address)?);
        let life = gate.life();
        let entry = admission::entry(settings, life.disk, life.start.number);
        let data_db = DataDb::open(&data_dir.path().join("data.db"))?;
        let log_db = LogDb::open(&data_dir.path().join("raft.db"))?;
        let disks = Disks { data_dir, data_db, log_db };
        let caller = Caller { cluster: cluster_id, life };
        let peers = Arc::new(Peers::new(token, Some(caller), settings.node.dial_from));
        let transfers = Arc::<Transfers>::default();
        let engine = start_engine(settings, &disks, &peers, &gate, &space, &transfers)?;
        let founder = found.then(|| entry.clone());
        let catalog = open_catalog(&engine, &disks, membership, founder)?;
        let (known, ways) = (Arc::clone(&catalog), Arc::clone(&peers));
        let reception = Reception { me, cluster_id, gate, catalog: known, peers: ways };
        let reception = Arc::new(reception);
        let ground =
            Self { me, cluster_id, disks, space, peers, reception, engine, transfers, catalog };
        Ok((ground, entry))
    }
}

fn start_engine(
    settings: &Settings,
    disks: &Disks,
    peers: &Arc<Peers>,
    gate: &Arc<Gate>,
    space: &Arc<Space>,
    transfers: &Arc<Transfers>,
) -> Result<Arc<Engine>, OpenError> {
    let (runtime, transfers) = (Handle::current(), Arc::clone(transfers));
    let links = Arc::new(Links::new(gate.life().node, Arc::clone(peers), runtime, transfers));
    // The seed decides the election timeouts: nodes that shared one would stand at the same time.
    let config = vane_raft::Config {
        pending_bytes_max: settings.pending_write_bytes_max,
        seed: Uuid::new_v4().as_u64_pair().0,
        ..vane_raft::Config::default()
    };
    let store = Arc::new(NodeLog(disks.log_db.clone()));
    let snapshots = disks.data_dir.snapshots_dir();
    let space = Arc::clone(space);
    let has_room = Box::new(move |bytes| space.has_room_for_job(bytes));
    let gated = Gated { links: Arc::clone(&links), gate: Arc::clone(gate) };
    let engine = Engine::start(store, config, &snapshots, Arc::new(gated), has_room)?;
    let engine = Arc::new(engine);
    // The engine sends over the links, and the links tell the engine of who is unreachable.
    links.set_engine(&engine);
    Ok(engine)
}

/// Opens this node's replica of the meta group, and makes it where there is none.
fn open_catalog(
    engine: &Engine,
    disks: &Disks,
    membership: Membership,
    founder: Option<NodeEntry>,
) -> Result<Arc<Catalog>, OpenError> {
    let Disks { data_dir, data_db, log_db } = disks;
    let store = ShardStore::new(data_db.clone(), GroupId::META, data_dir.group_dir(GroupId::META));
    let has_log = log_db.state(GroupId::META)?.is_some();
    // A replica that forgot its votes could vote twice in one term, so it is not opened.
    if membership.has_meta && !has_log {
        let Membership { node_id: node, cluster_id: cluster, .. } = membership;
        return Err(OpenError::VotesLost { node, cluster });
    }
    if !membership.has_meta {
        make_catalog(engine, &store, membership, founder)?;
        // Last: a start that was cut short before this is done again from the beginning.
        data_dir.set_member(Membership { has_meta: true, ..membership })?;
    }
    let catalog = Arc::new(Catalog::open(store)?);
    let machine = Arc::clone(&catalog) as Arc<dyn StateMachine>;
    engine.register(GroupId::META, machine, false)?;
    Ok(catalog)
}

fn make_catalog(
    engine: &Engine,
    store: &ShardStore,
    membership: Membership,
    founder: Option<NodeEntry>,
) -> Result<(), OpenError> {
    let peer = meta_peer(membership.node_id);
    // A founder begins where all first replicas do; who joins begins with nothing, so that it is
    // sent a snapshot.
    let (applied, conf, log) = match founder {
        Some(_) => (INITIAL_INDEX, Conf::founding(&[peer]), GroupLog::founding(peer)),
        None => (LogIndex::ZERO, Conf::default(), GroupLog::joining(peer)),
    };
    // The log promises what the state machine begins with: that comes first.
    Catalog::create(store, membership.cluster_id, applied, &conf, founder)?;
    engine.create(GroupId::META, log)?;
    Ok(())
}
