//! A node from its empty disk to its end: it founds a cluster, or joins one, or waits.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use tokio::runtime::Handle;
use uuid::Uuid;
use vane_storage::DataDir;
use vane_storage::data_dir::{Marker, Member as Membership};
use vane_transport::{PeerHandler, Token};
use vane_types::{Error, NodeId};

use crate::admission;
use crate::gate::Gate;
use crate::member::Member;
use crate::not_ready::NotReady;
use crate::open_error::{OpenError, internal};
use crate::progress::Progress;
use crate::reception::Reception;
use crate::settings::Settings;

/// Number of the node that founds a cluster.
const FOUNDER: NodeId = NodeId(1);
/// Pause between attempts to join.
const JOIN_PAUSE: Duration = Duration::from_millis(500);

/// A node, whatever its state. Cheap to clone; all clones are the same node.
#[derive(Clone)]
pub struct Node {
    shared: Arc<Shared>,
}

struct Shared {
    settings: Settings,
    token: Token,
    data_dir: Arc<DataDir>,
    state: RwLock<State>,
    /// How far opening what is on the disk has come.
    progress: Arc<Progress>,
    /// One start at a time: a join and a bootstrap may come together.
    starting: tokio::sync::Mutex<()>,
    runtime: Handle,
}

/// What a node is. It never goes back.
enum State {
    /// It belongs to a cluster, or founds one, and opens what is on its disk.
    Opening,
    /// Its disk belongs to no cluster: it waits to join one, or to be bootstrapped.
    Waiting,
    /// It belongs to a cluster, with everything open.
    Member(Arc<Member>),
}

impl Node {
    /// Takes the data directory. Nothing in it is opened yet: [`Node::begin`] does that, for as
    /// long as it takes, while this node can already say that it is starting. Must be called
    /// within a tokio runtime.
    ///
    /// # Errors
    /// Where the directory is another's or in use, its disk was refused, or the token cannot be
    /// used.
    pub fn new(settings: Settings) -> Result<Self, OpenError> {
        let token = Token::new(&settings.node.token)?;
        let data_dir = Arc::new(DataDir::open(&settings.data_dir)?);
        // Now: one that was refused must not say that it is starting.
        Gate::check_disk(&data_dir)?;
        let belongs = data_dir.marker().member.is_some() || settings.node.seeds.is_none();
        let state = RwLock::new(if belongs { State::Opening } else { State::Waiting });
        let (starting, progress) = (tokio::sync::Mutex::default(), Arc::default());
        let runtime = Handle::current();
        let shared = Shared { settings, token, data_dir, state, progress, starting, runtime };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Starts the member, where the disk belongs to a cluster or the node was told of no others.
    ///
    /// # Errors
    /// Where the member does not start.
    pub async fn begin(&self) -> Result<(), OpenError> {
        // Held to the end: a bootstrap that comes meanwhile finds what this made of the disk.
        let _one_at_a_time = self.shared.starting.lock().await;
        // Bootstrapped before: a node listens from its first moment on.
        if self.any_member().is_some() {
            return Ok(());
        }
        let (membership, found) = match (self.disk().member, &self.shared.settings.node.seeds) {
            (Some(membership), _) => (membership, false),
            (None, None) => (founder(Uuid::new_v4()), true),
            // With seeds there may be a cluster already: founding here would make a second one.
            (None, Some(_)) => return Ok(()),
        };
        let node = self.clone();
        let started = tokio::task::spawn_blocking(move || node.start(membership, found)).await;
        started.map_err(std::io::Error::other)?
    }

    /// Whose disk this is.
    pub fn disk(&self) -> Marker {
        self.shared.data_dir.marker()
    }

    /// The running member.
    ///
    /// # Errors
    /// [`NotReady::NoCluster`] while the node belongs to none, [`NotReady::Starting`] while it
    /// opens what it has, [`NotReady::Refused`] where the others refused its disk.
    pub fn member(&self) -> Result<Arc<Member>, NotReady> {
        match &*self.shared.state.read() {
            State::Opening => Err(self.shared.progress.not_ready()),
            State::Waiting => Err(NotReady::NoCluster),
            // Whoever asks a disk that is not the newest of its kind gets no answer from it.
            State::Member(member) => match member.ground.reception.gate.refused() {
                Some(why) => Err(NotReady::Refused(why)),
                None => Ok(Arc::clone(member)),
            },
        }
    }

    /// The member, refused or not, to be ended.
    fn any_member(&self) -> Option<Arc<Member>> {
        match &*self.shared.state.read() {
            State::Opening | State::Waiting => None,
            State::Member(member) => Some(Arc::clone(member)),
        }
    }

    /// Founds a cluster here. On a disk of that very cluster nothing happens.
    ///
    /// # Errors
    /// `AlreadyExists` on a disk of any other cluster, and nothing is changed; `Internal`
    /// where the member does not start.
    pub async fn bootstrap(&self, cluster_id: Option<Uuid>) -> Result<Marker, Error> {
        // Held to the end: looking at the disk and founding on it must be one step.
        let _one_at_a_time = self.shared.starting.lock().await;
        let disk = self.disk();
        if let Some(membership) = disk.member {
            // The operator repeats the call where it lost the answer, which must not be an error.
            if cluster_id == Some(membership.cluster_id) {
                return Ok(disk);
            }
            let Membership { node_id, cluster_id, .. } = membership;
            let text = format!("the disk belongs to node {node_id} of cluster {cluster_id}");
            return Err(Error::already_exists(text).nothing_changed());
        }
        let cluster_id = cluster_id.unwrap_or_else(Uuid::new_v4);
        self.start_blocking(founder(cluster_id), true).await?;
        tracing::info!(%cluster_id, "founded a cluster");
        Ok(self.disk())
    }

    /// Joins a cluster through its members, trying until one answers or the node is
    /// bootstrapped. Returns at once on a member.
    ///
    /// # Errors
    /// `Internal` where the disk cannot be marked or the member does not start. A member that
    /// does not answer is no error: it is asked again.
    pub async fn join(&self) -> Result<(), Error> {
        let mut told = None;
        while self.any_member().is_none() {
            let Shared { settings, token, .. } = &*self.shared;
            // Seeds are resolved anew each time: addresses come and go while a cluster starts.
            match admission::ask(settings, token, self.disk().disk_id).await {
                Ok(admitted) => return self.start_admitted(admitted).await,
                // Said once, for as long as the seeds answer the same.
                Err(why) if told.as_ref() != Some(&why) => {
                    tracing::info!(%why, "waiting to join a cluster or to be bootstrapped");
                    told = Some(why);
                }
                Err(_) => {}
            }
            tokio::time::sleep(JOIN_PAUSE).await;
        }
        Ok(())
    }

    async fn start_admitted(&self, admitted: vane_transport::JoinReply) -> Result<(), Error> {
        let _one_at_a_time = self.shared.starting.lock().await;
        // Bootstrapped meanwhile.
        if self.any_member().is_some() {
            return Ok(());
        }
        let vane_transport::JoinReply { cluster_id, node_id, members } = admitted;
        let membership = Membership { cluster_id, node_id, has_meta: false };
        // Before anything is made of it: a crash from here on goes on as this node.
        self.shared.data_dir.set_member(membership).map_err(internal)?;
        self.start_blocking(membership, false).await?;
        // Without these it could not be sent the catalog, which is what says where the others are.
        if let Ok(member) = self.member() {
            member.ground.peers.set_addresses(members);
        }
        tracing::info!(%cluster_id, node = %node_id, "joined");
        Ok(())
    }

    /// The secret that calls must carry.
    pub fn token(&self) -> Token {
        self.shared.token.clone()
    }

    /// Whether requests should be sent here.
    ///
    /// # Errors
    /// Why not.
    pub fn check_ready(&self) -> Result<(), NotReady> {
        self.member()?.check_ready()
    }

    /// Answers what is on its way, makes everything durable and ends the threads. Blocks.
    pub fn shutdown(&self) {
        if let Some(member) = self.any_member() {
            member.shutdown();
        }
    }

    async fn start_blocking(&self, membership: Membership, found: bool) -> Result<(), Error> {
        let node = self.clone();
        let started = tokio::task::spawn_blocking(move || node.start(membership, found)).await;
        started.map_err(internal)?.map_err(internal)
    }

    fn start(&self, membership: Membership, found: bool) -> Result<(), OpenError> {
        let Shared { settings, token, data_dir, progress, runtime, .. } = &*self.shared;
        // The member spawns tasks, and the calling thread may be none of the runtime's.
        let _within = runtime.enter();
        let data_dir = Arc::clone(data_dir);
        let started = Member::start(settings, token.clone(), data_dir, membership, found, progress);
        // It is the member's from here on, or nobody's.
        progress.receive(None);
        // Only now: whoever finds a member may use every part of it.
        *self.shared.state.write() = State::Member(Arc::new(started?));
        Ok(())
    }
}

impl PeerHandler for Node {
    type Member = Member;
    type Reception = Reception;

    fn member(&self) -> Option<Arc<Member>> {
        Self::member(self).ok()
    }

    fn reception(&self) -> Option<Arc<Reception>> {
        match Self::member(self) {
            Ok(member) => Some(Arc::clone(&member.ground.reception)),
            // Opening may take minutes, and those who start meanwhile must hear what is known here.
            Err(NotReady::Starting { .. }) => self.shared.progress.reception(),
            Err(_) => None,
        }
    }
}

fn founder(cluster_id: Uuid) -> Membership {
    Membership { cluster_id, node_id: FOUNDER, has_meta: false }
}
