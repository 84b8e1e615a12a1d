//! A node behind a listener that answers what the tests expect.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use uuid::Uuid;
use vane_raft::{Conf, Envelope};
use vane_shard::{
    Drawn, FacetHit, Frequencies, Info, Outlook, Page, PartExplained, Record, Scored, Scroll,
    Search,
};
use vane_storage::Space;
use vane_types::{Error, GroupId, LogIndex, NodeId, PeerId, PointId, Subject, Vector};

use crate::reads::{
    Basis, Count, Explain, Facet, Fetch, FrequenciesOf, Hold, InfoOf, JobsOf, MembersOf, Ordered,
    Resolve, Retrieve, Sample, VectorOf,
};
use crate::{
    Answered, Caller, Freshness, HeldHits, Introduction, JoinReply, JoinRequest, LeaderRequest,
    Life, NodeReport, NotDone, NotRead, NotTaken, Outcome, PROTOCOL, PeerHandler, PeerMember,
    PeerReception, Peers, Proposal, Read, Replica, ReportRequest, Stale, Start, Token, peer_server,
};

/// The cluster that the fake belongs to.
pub(super) const CLUSTER: Uuid = Uuid::from_u128(0xC1);
/// The fake's number.
pub(super) const FAKE: NodeId = NodeId(2);
/// Its secret.
pub(super) const SECRET: &str = "s3cret";
/// Index that every read names.
pub(super) const INDEX: LogIndex = LogIndex(5);
/// The latest start of node 1 that the fake knows at first.
pub(super) const LATEST: u64 = 5;
/// Replicas of a proposal that the fake never answers.
pub(super) const FOR_EVER: u32 = 9;

/// What the fake was told, and where its files are.
pub(super) struct Shared {
    dir: TempDir,
    /// Files that its replica has.
    pub(super) own: TempDir,
    space: Space,
    /// The latest start of node 1 that it knows.
    pub(super) latest: AtomicU64,
    pub(super) stepped: Mutex<Vec<Envelope>>,
}

/// A node; a member or not.
#[derive(Clone)]
pub(super) struct Fake {
    is_member: bool,
    is_opening: bool,
    pub(super) shared: Arc<Shared>,
}

impl Fake {
    pub(super) fn new(is_member: bool) -> Self {
        let dir = TempDir::new().unwrap();
        let space = Space::new(dir.path(), 0, 0).unwrap();
        let (own, stepped) = (TempDir::new().unwrap(), Mutex::default());
        let (is_opening, latest) = (false, AtomicU64::new(LATEST));
        let shared = Shared { dir, own, space, latest, stepped };
        Self { is_member, is_opening, shared: Arc::new(shared) }
    }

    /// One of the cluster that opens what it has.
    pub(super) fn opening() -> Self {
        Self { is_opening: true, ..Self::new(false) }
    }

    /// Serves it, until the test's runtime ends.
    pub(super) async fn listen(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = peer_server(self.clone(), Token::new(SECRET).unwrap());
        let server = Server::builder().add_service(service);
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        address
    }

    pub(super) fn incoming(&self) -> PathBuf {
        self.shared.dir.path().join("incoming")
    }

    pub(super) fn root(&self) -> &Path {
        self.shared.dir.path()
    }
}

/// A start of node 1.
pub(super) fn life(start: u64) -> Life {
    Life { node: NodeId(1), disk: CLUSTER, start: Start { number: start, boot: 1 } }
}

/// Connections of a node of this cluster that knows the fake.
pub(super) fn peers_of(secret: &str, cluster: Option<Uuid>, fake: SocketAddr) -> Peers {
    peers_in(LATEST, secret, cluster, fake)
}

/// The same in some start of it.
pub(super) fn peers_in(start: u64, secret: &str, cluster: Option<Uuid>, fake: SocketAddr) -> Peers {
    let caller = cluster.map(|cluster| Caller { cluster, life: life(start) });
    let peers = Peers::new(Token::new(secret).unwrap(), caller, None);
    peers.set_addresses(HashMap::from([(FAKE, fake.to_string())]));
    peers
}

impl PeerHandler for Fake {
    type Member = Self;
    type Reception = Self;

    fn member(&self) -> Option<Arc<Self>> {
        self.is_member.then(|| Arc::new(self.clone()))
    }

    fn reception(&self) -> Option<Arc<Self>> {
        (self.is_member || self.is_opening).then(|| Arc::new(self.clone()))
    }
}

impl PeerReception for Fake {
    fn node_id(&self) -> NodeId {
        FAKE
    }

    fn cluster_id(&self) -> Uuid {
        CLUSTER
    }

    async fn introduce(&self, new: Introduction) -> Result<Introduction, Error> {
        if new.life.start.number < LATEST {
            return Err(Error::conflict("a later start is known").nothing_changed());
        }
        Ok(Introduction { address: "of the fake".into(), ..new })
    }
}

impl PeerMember for Fake {
    fn node_id(&self) -> NodeId {
        FAKE
    }

    fn cluster_id(&self) -> Uuid {
        CLUSTER
    }

    fn check_caller(&self, caller: &Life) -> Result<(), NotTaken> {
        let Life { node, start, .. } = *caller;
        let known = self.shared.latest.load(Ordering::Relaxed);
        match start.number {
            start if start == known => Ok(()),
            start if start < known => Err(Stale::Older { node, start, known }.into()),
            _ => Err(NotTaken::NotIntroduced(node)),
        }
    }

    async fn propose(&self, proposal: Proposal, _deadline: Instant) -> Outcome {
        if proposal.replicas == FOR_EVER {
            tokio::time::sleep(Duration::from_secs(3600)).await;
        }
        Outcome::Applied(LogIndex(proposal.command.len() as u64))
    }

    async fn read<R: Read>(
        &self,
        group: GroupId,
        read: R,
        _freshness: Freshness,
        deadline: Instant,
    ) -> Answered<R::Answer> {
        if group == GroupId::META {
            return Err(NotRead::NotLeader(Some(NodeId(3))));
        }
        let answer = read.answer(self, deadline).await?;
        Ok((answer, INDEX))
    }

    async fn report(&self, request: ReportRequest) -> NodeReport {
        let replicas = if request == ReportRequest::AllLed { 1 } else { 0 };
        NodeReport { node: FAKE, protocol: PROTOCOL, replicas, ..NodeReport::default() }
    }

    async fn ask_leader(
        &self,
        group: GroupId,
        request: LeaderRequest,
        _deadline: Instant,
    ) -> Result<(), NotDone> {
        match request {
            LeaderRequest::Transfer(to) if to.node() == FAKE => Ok(()),
            LeaderRequest::Transfer(to) => {
                Err(NotDone::NotLeader { group, leader: Some(to.node()) })
            }
            LeaderRequest::Change(change) if change.removed.is_empty() => Ok(()),
            LeaderRequest::Change(_) => Err(NotDone::Refused("nobody goes".into())),
        }
    }

    async fn admit(&self, request: JoinRequest) -> Result<JoinReply, Error> {
        if request.name.is_empty() {
            return Err(Error::conflict("it has no name").nothing_changed());
        }
        let members = HashMap::from([(FAKE, request.address)]);
        Ok(JoinReply { cluster_id: CLUSTER, node_id: NodeId(4), members })
    }

    fn step(&self, messages: Vec<Envelope>) {
        self.shared.stepped.lock().extend(messages);
    }

    fn incoming_dir(&self, _announcement: &Envelope) -> Option<PathBuf> {
        Some(self.incoming())
    }

    fn own_file(&self, _group: GroupId, name: &str) -> Option<PathBuf> {
        Some(self.shared.own.path().join(name))
    }

    fn snapshots_dir(&self) -> PathBuf {
        self.root().to_owned()
    }

    fn space(&self) -> &Space {
        &self.shared.space
    }
}

impl Replica for Fake {
    async fn search(&self, _search: Search, _deadline: Instant) -> Result<Vec<Scored>, Error> {
        Ok(Vec::new())
    }

    async fn explain(&self, _: Explain, _: Instant) -> Result<Vec<PartExplained>, Error> {
        Ok(Vec::new())
    }

    async fn hold(&self, hold: Hold, _deadline: Instant) -> Result<HeldHits, Error> {
        Ok(HeldHits { token: hold.0.limit as u64, hits: vec![(PointId::num(1), 0.5)] })
    }

    async fn fetch(&self, _fetch: Fetch, _deadline: Instant) -> Result<Vec<Record>, Error> {
        Err(Error::unavailable("the view was let go"))
    }

    async fn retrieve(&self, read: Retrieve, _deadline: Instant) -> Result<Vec<Record>, Error> {
        let ids = read.ids.into_iter();
        Ok(ids
            .map(|id| Record {
                id,
                version: LogIndex(1),
                payload: None,
                vectors: None,
                order_value: None,
            })
            .collect())
    }

    async fn scroll(&self, _scroll: Scroll, _deadline: Instant) -> Result<Page, Error> {
        Ok(Page { records: Vec::new(), next: Some(PointId::num(8)) })
    }

    async fn ordered(&self, _: Ordered, _: Instant) -> Result<Vec<Record>, Error> {
        Ok(Vec::new())
    }

    async fn sample(&self, _: Sample, _: Instant) -> Result<Vec<Drawn>, Error> {
        Ok(Vec::new())
    }

    async fn facet(&self, _: Facet, _: Instant) -> Result<Vec<FacetHit>, Error> {
        Ok(Vec::new())
    }

    async fn count(&self, _count: Count, _deadline: Instant) -> Result<usize, Error> {
        Ok(42)
    }

    async fn vector_of(&self, read: VectorOf, _deadline: Instant) -> Result<Vector, Error> {
        let subject = Subject::Shard { collection: read.using, ordinal: 3 };
        Err(Error::not_found("has no such point").about(subject))
    }

    async fn frequencies(
        &self,
        read: FrequenciesOf,
        _deadline: Instant,
    ) -> Result<Frequencies, Error> {
        Ok(Frequencies { points: 9, with: read.indices.iter().map(|_| 3).collect() })
    }

    async fn resolve(&self, _resolve: Resolve, _deadline: Instant) -> Result<Vec<PointId>, Error> {
        Ok(vec![PointId::num(1), PointId::uuid(CLUSTER)])
    }

    async fn shard_info(&self, _info: InfoOf, _deadline: Instant) -> Result<Info, Error> {
        Ok(Info { points: 12, ..Info::default() })
    }

    async fn jobs(&self, _jobs: JobsOf, _deadline: Instant) -> Result<Outlook, Error> {
        Ok(Outlook::default())
    }

    async fn basis(&self, _basis: Basis, _deadline: Instant) -> Result<LogIndex, Error> {
        Ok(LogIndex(77))
    }

    async fn members(&self, _members: MembersOf, _deadline: Instant) -> Result<Conf, Error> {
        Ok(Conf::of_voters(vec![PeerId(5)]))
    }
}
