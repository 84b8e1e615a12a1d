//! A node from its empty disk to its end: it founds a cluster, or joins one, or waits.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use tokio::runtime::Handle;
use tonic::service::interceptor::InterceptedService;
use tonic::{Request, Status};
use uuid::Uuid;
use vane_proto::peer::peer_server::PeerServer;
use vane_storage::DataDir;
use vane_storage::data_dir::{Marker, Member};

use crate::admission;
use crate::cluster::Cluster;
use crate::error::{Error, OpenError};
use crate::inner::Inner;
use crate::net::service::PeerService;
use crate::net::{MESSAGE_BYTES_MAX, Token};
use crate::running::Running;
use crate::settings::Settings;

/// Number of the node that founds a cluster.
const FOUNDER: u64 = 1;
/// Pause between attempts to join.
const JOIN_PAUSE: Duration = Duration::from_millis(500);

/// A node, whatever its state. Cheap to clone; all clones are the same node.
#[derive(Clone)]
pub struct Host {
    shared: Arc<Shared>,
}

struct Shared {
    settings: Settings,
    token: Token,
    data_dir: Arc<DataDir>,
    running: RwLock<Option<Arc<Running>>>,
    /// One start at a time: a join and a bootstrap may come together.
    starting: tokio::sync::Mutex<()>,
    runtime: Handle,
}

impl Host {
    /// Opens the data directory and, where it belongs to a cluster or is told of no others,
    /// starts the member. Blocks for as long as reading the files takes; must be called
    /// within a tokio runtime.
    pub fn open(settings: Settings) -> Result<Self, OpenError> {
        let token = Token::new(&settings.node.token).map_err(OpenError::Disk)?;
        let data_dir = Arc::new(DataDir::open(&settings.data_dir)?);
        let host = Self {
            shared: Arc::new(Shared {
                settings,
                token,
                data_dir,
                running: RwLock::new(None),
                starting: tokio::sync::Mutex::new(()),
                runtime: Handle::current(),
            }),
        };
        match (host.disk().member, &host.shared.settings.node.seeds) {
            (Some(member), _) => host.start(member, false)?,
            (None, None) => {
                let member =
                    Member { cluster_id: Uuid::new_v4(), node_id: FOUNDER, has_meta: false };
                host.start(member, true)?;
            }
            (None, Some(_)) => {}
        }
        Ok(host)
    }

    /// Whose disk this is.
    pub fn disk(&self) -> Marker {
        self.shared.data_dir.marker()
    }

    /// The cluster, once this node is a member.
    pub fn cluster(&self) -> Option<Cluster> {
        self.inner().map(Cluster::new)
    }

    pub(crate) fn inner(&self) -> Option<Arc<Inner>> {
        self.shared.running.read().as_ref().map(|it| Arc::clone(&it.inner))
    }

    /// Founds a cluster here. On a disk of that very cluster nothing happens; on any other
    /// it is refused, and nothing is changed.
    pub async fn bootstrap(&self, cluster_id: Option<Uuid>) -> Result<Marker, Error> {
        let _one_at_a_time = self.shared.starting.lock().await;
        let disk = self.disk();
        match (disk.member, cluster_id) {
            (Some(member), Some(wanted)) if member.cluster_id == wanted => return Ok(disk),
            (Some(member), _) => {
                let text = format!(
                    "the disk belongs to node {} of cluster {}; nothing was changed",
                    member.node_id, member.cluster_id
                );
                return Err(Error::AlreadyExists(text));
            }
            (None, _) => {}
        }
        let cluster_id = cluster_id.unwrap_or_else(Uuid::new_v4);
        let member = Member { cluster_id, node_id: FOUNDER, has_meta: false };
        self.start_blocking(member, true).await?;
        tracing::info!(%cluster_id, "founded a cluster");
        Ok(self.disk())
    }

    /// Joins a cluster through its members, trying until one answers or the node is
    /// bootstrapped. Returns at once on a member.
    pub async fn join(&self) -> Result<(), Error> {
        let mut told = String::new();
        loop {
            if self.inner().is_some() {
                return Ok(());
            }
            match admission::ask(&self.shared.settings, &self.shared.token, self.disk().disk_id)
                .await
            {
                Ok(admitted) => {
                    let _one_at_a_time = self.shared.starting.lock().await;
                    if self.inner().is_some() {
                        return Ok(());
                    }
                    let member = Member {
                        cluster_id: admitted.cluster_id,
                        node_id: admitted.node_id,
                        has_meta: false,
                    };
                    self.shared
                        .data_dir
                        .set_member(member)
                        .map_err(|e| Error::Internal(e.to_string()))?;
                    self.start_blocking(member, false).await?;
                    if let Some(inner) = self.inner() {
                        inner.peers.set_addresses(admitted.members);
                    }
                    tracing::info!(cluster_id = %member.cluster_id, node = member.node_id, "joined");
                    return Ok(());
                }
                Err(why) => {
                    if why != told {
                        tracing::info!(why, "waiting to join a cluster or to be bootstrapped");
                        told = why;
                    }
                }
            }
            tokio::time::sleep(JOIN_PAUSE).await;
        }
    }

    /// What the other nodes call.
    pub fn peer_server(
        &self,
    ) -> InterceptedService<
        PeerServer<impl vane_proto::peer::peer_server::Peer>,
        impl FnMut(Request<()>) -> Result<Request<()>, Status> + Clone + use<>,
    > {
        let token = self.shared.token.clone();
        let server = PeerServer::new(PeerService(self.clone()))
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        InterceptedService::new(server, move |request| token.check(request))
    }

    /// The secret that calls must carry.
    pub fn token(&self) -> Token {
        self.shared.token.clone()
    }

    /// Whether requests should be sent here; if not, why.
    pub fn check_ready(&self) -> Result<(), String> {
        match self.cluster() {
            Some(cluster) => cluster.check_ready(),
            None => Err(
                "the node belongs to no cluster yet; it waits to join one or to be bootstrapped"
                    .into(),
            ),
        }
    }

    /// Answers what is on its way, makes everything durable and ends the threads. Blocks.
    pub fn shutdown(&self) {
        let running = self.shared.running.read().clone();
        if let Some(running) = running {
            running.shutdown();
        }
    }

    async fn start_blocking(&self, member: Member, found: bool) -> Result<(), Error> {
        let host = self.clone();
        let started = tokio::task::spawn_blocking(move || host.start(member, found)).await;
        started
            .map_err(|e| Error::Internal(e.to_string()))?
            .map_err(|e| Error::Internal(e.to_string()))
    }

    fn start(&self, member: Member, found: bool) -> Result<(), OpenError> {
        let _within = self.shared.runtime.enter();
        let running = Running::start(
            self.shared.settings.clone(),
            self.shared.token.clone(),
            Arc::clone(&self.shared.data_dir),
            member,
            found,
        )?;
        *self.shared.running.write() = Some(Arc::new(running));
        Ok(())
    }
}
