//! What the other nodes call: checks who calls, reads the request, hands it to the node and
//! sends what that answers.

mod handler;

use std::sync::Arc;
use std::time::Instant;

use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;
use vane_proto::peer;
use vane_proto::peer::peer_server::{Peer, PeerServer};
use vane_raft::Envelope;
use vane_types::text::{HEADER_BYTES_MAX, shorten};
use vane_types::{Error, GroupId, NodeId};

pub use handler::{PeerHandler, PeerMember, PeerReception};

use crate::auth::{Token, cluster_of, life_of, not_the_receiver, receiver_of};
use crate::lives::Life;
use crate::reads::{
    Basis, Count, Explain, Facet, Fetch, FrequenciesOf, Hold, InfoOf, JobsOf, MembersOf, Ordered,
    Resolve, Retrieve, Sample, Scroll, Search, VectorOf,
};
use crate::wire::{self, Header, Unreadable, Wire};
use crate::{
    Introduction, JoinRequest, LeaderRequest, MESSAGE_BYTES_MAX, Read, ReportRequest,
    take_snapshot, version,
};

/// What a call answers.
type Answer<T> = Result<Response<T>, Status>;

/// The service. Before the node is a member it refuses every call.
#[derive(Debug, Clone)]
pub struct PeerService<H>(H, take_snapshot::Stages);

/// Checks every call before its message is read: the token, and the protocol that the caller
/// speaks.
#[derive(Clone)]
pub struct CallCheck(Token);

impl Interceptor for CallCheck {
    fn call(&mut self, request: Request<()>) -> Result<Request<()>, Status> {
        // The secret first: a stranger learns nothing about this node.
        let request = self.0.check(request)?;
        version::check(request.metadata())?;
        Ok(request)
    }
}

/// The service as a listener takes it, with room for the largest message.
pub fn peer_server<H: PeerHandler>(
    handler: H,
    token: Token,
) -> InterceptedService<PeerServer<PeerService<H>>, CallCheck> {
    let server = PeerServer::new(PeerService(handler, take_snapshot::Stages::default()))
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    InterceptedService::new(server, CallCheck(token))
}

impl<H: PeerHandler> PeerService<H> {
    fn member(&self) -> Result<Arc<H::Member>, Status> {
        self.0.member().ok_or_else(no_member)
    }

    /// The member, if it is meant, and the caller is a start of a member that it was introduced
    /// to.
    fn member_for<T>(&self, request: &Request<T>) -> Result<Arc<H::Member>, Status> {
        let member = self.member()?;
        check_meant(request, member.node_id(), member.cluster_id())?;
        check_caller(&*member, life_of(request.metadata()).as_ref())?;
        Ok(member)
    }

    /// Answers a read of any kind.
    async fn read<R: Read>(&self, request: Request<R::Request>) -> Answer<R::Reply> {
        let member = self.member_for(&request)?;
        let request = request.into_inner();
        let header = wire::header_from_wire(R::header(&request)).map_err(unreadable)?;
        let Header { group, freshness, deadline } = header;
        // Before the member is asked: what cannot be read costs it nothing.
        let read = R::from_wire(request).map_err(unreadable)?;
        let answered = member.read(group, read, freshness, deadline).await;
        Ok(Response::new(R::reply_to_wire(answered)))
    }

    /// Asks the member what is for a leader and no command.
    async fn ask_leader<T>(
        &self,
        request: Request<T>,
        read: fn(T) -> (GroupId, LeaderRequest, Instant),
    ) -> Answer<peer::LeaderReply> {
        let member = self.member_for(&request)?;
        let (group, asked, deadline) = read(request.into_inner());
        let done = member.ask_leader(group, asked, deadline).await;
        Ok(Response::new(wire::leader_request::done_to_wire(done)))
    }
}

fn no_member() -> Status {
    // Not for good: it may be a member in a moment.
    Status::unavailable(
        "this node belongs to no cluster yet, waiting to join one or to be bootstrapped; or it \
         opens what it has, or its disk was refused",
    )
}

/// Whether node `me` of a cluster is meant, by a caller of the same.
fn check_meant<T>(request: &Request<T>, me: NodeId, own: Uuid) -> Result<(), Status> {
    // Two clusters may share a network, and even a secret.
    match cluster_of(request.metadata()) {
        Some(cluster) if cluster == own => {}
        other => {
            return Err(Status::failed_precondition(format!(
                "this node belongs to cluster {own}, the caller to {}; nothing was changed",
                other.map_or_else(|| "none".to_owned(), |cluster| cluster.to_string())
            )));
        }
    }
    receiver_of(request.metadata()).map_or(Ok(()), |receiver| check_receiver(me, receiver))
}

fn unreadable(error: Unreadable) -> Status {
    let mut text = error.to_string();
    shorten(&mut text, HEADER_BYTES_MAX);
    Status::invalid_argument(text)
}

/// Messages of a batch that the node takes. Whether its disk is full is asked once, and only where
/// something brings entries: questions of readers are many, and bring none.
fn unpack(
    envelopes: Vec<peer::Envelope>,
    is_full: impl FnOnce() -> bool,
) -> Result<Vec<Envelope>, Unreadable> {
    let messages = envelopes.into_iter().map(Envelope::from_message);
    // An error ends the call: the sender connects anew, and Raft sends again.
    let mut messages = messages.collect::<Result<Vec<Envelope>, _>>()?;
    // Without room for the entries this replica is as good as away; a failed write would end the
    // process.
    if messages.iter().any(Envelope::has_entries) && is_full() {
        messages.retain(|message| !message.has_entries());
    }
    Ok(messages)
}

#[tonic::async_trait]
impl<H: PeerHandler> Peer for PeerService<H> {
    async fn raft(&self, request: Request<Streaming<peer::RaftBatch>>) -> Answer<peer::Done> {
        let member = self.member_for(&request)?;
        let caller = life_of(request.metadata());
        let mut batches = request.into_inner();
        while let Some(batch) = batches.message().await? {
            // In each batch too: a later start may have been introduced since the stream began.
            check_caller(&*member, caller.as_ref())?;
            // In each batch: the call itself names no receiver.
            check_receiver(member.node_id(), batch.to_node)?;
            // For each batch: room comes and goes.
            let is_full = || member.space().is_exhausted();
            member.step(unpack(batch.envelopes, is_full).map_err(unreadable)?);
        }
        Ok(Response::new(peer::Done {}))
    }

    async fn snapshot(
        &self,
        request: Request<Streaming<peer::SnapshotPart>>,
    ) -> Answer<peer::Done> {
        let member = self.member_for(&request)?;
        take_snapshot::take(&*member, &self.1, request.into_inner()).await?;
        Ok(Response::new(peer::Done {}))
    }

    async fn offer_snapshot(
        &self,
        request: Request<peer::SnapshotHeader>,
    ) -> Answer<peer::SnapshotOffered> {
        let member = self.member_for(&request)?;
        let offered = take_snapshot::offer(&*member, &self.1, request.into_inner()).await?;
        Ok(Response::new(offered))
    }

    async fn join(&self, request: Request<peer::JoinRequest>) -> Answer<peer::JoinReply> {
        // Not `member_for`: who asks to join belongs to no cluster yet.
        let member = self.member()?;
        let admitted = match JoinRequest::from_message(request.into_inner()) {
            Ok(request) => member.admit(request).await,
            // As an answer, like every other reason not to admit a disk.
            Err(error) => Err(Error::bad_input(error.to_string())),
        };
        Ok(Response::new(wire::join::admitted_to_wire(admitted)))
    }

    async fn introduce(
        &self,
        request: Request<peer::Introduction>,
    ) -> Answer<peer::IntroduceReply> {
        // Not `member_for`: this is what makes a caller known.
        let reception = self.0.reception().ok_or_else(no_member)?;
        check_meant(&request, reception.node_id(), reception.cluster_id())?;
        let introduced = match Introduction::from_message(request.into_inner()) {
            Ok(new) => reception.introduce(new).await,
            Err(error) => Err(Error::bad_input(error.to_string())),
        };
        Ok(Response::new(wire::introduction::answer_to_wire(introduced)))
    }

    async fn propose(&self, request: Request<peer::ProposeRequest>) -> Answer<peer::ProposeReply> {
        let member = self.member_for(&request)?;
        let (proposal, deadline) = wire::proposal::proposal_from_wire(request.into_inner());
        let outcome = member.propose(proposal, deadline).await;
        Ok(Response::new(wire::proposal::outcome_to_wire(outcome)))
    }

    async fn report(&self, request: Request<peer::ReportRequest>) -> Answer<peer::ReportReply> {
        let member = self.member_for(&request)?;
        let asked = ReportRequest::from_message(request.into_inner()).map_err(unreadable)?;
        Ok(Response::new(member.report(asked).await.into_message()))
    }

    async fn transfer_leader(
        &self,
        request: Request<peer::TransferLeaderRequest>,
    ) -> Answer<peer::LeaderReply> {
        self.ask_leader(request, wire::leader_request::transfer_from_wire).await
    }

    async fn change_members(
        &self,
        request: Request<peer::ChangeMembersRequest>,
    ) -> Answer<peer::LeaderReply> {
        self.ask_leader(request, wire::leader_request::change_from_wire).await
    }

    async fn search(&self, request: Request<peer::SearchRequest>) -> Answer<peer::SearchReply> {
        self.read::<Search>(request).await
    }

    async fn explain(&self, request: Request<peer::ExplainRequest>) -> Answer<peer::ExplainReply> {
        self.read::<Explain>(request).await
    }

    async fn hold(&self, request: Request<peer::HoldRequest>) -> Answer<peer::HoldReply> {
        self.read::<Hold>(request).await
    }

    async fn fetch(&self, request: Request<peer::FetchRequest>) -> Answer<peer::FetchReply> {
        self.read::<Fetch>(request).await
    }

    async fn retrieve(
        &self,
        request: Request<peer::RetrieveRequest>,
    ) -> Answer<peer::RetrieveReply> {
        self.read::<Retrieve>(request).await
    }

    async fn scroll(&self, request: Request<peer::ScrollRequest>) -> Answer<peer::ScrollReply> {
        self.read::<Scroll>(request).await
    }

    async fn count(&self, request: Request<peer::CountRequest>) -> Answer<peer::CountReply> {
        self.read::<Count>(request).await
    }

    async fn frequencies(
        &self,
        request: Request<peer::FrequenciesRequest>,
    ) -> Answer<peer::FrequenciesReply> {
        self.read::<FrequenciesOf>(request).await
    }

    async fn ordered(&self, request: Request<peer::OrderedRequest>) -> Answer<peer::OrderedReply> {
        self.read::<Ordered>(request).await
    }

    async fn sample(&self, request: Request<peer::SampleRequest>) -> Answer<peer::SampleReply> {
        self.read::<Sample>(request).await
    }

    async fn facet(&self, request: Request<peer::FacetRequest>) -> Answer<peer::FacetReply> {
        self.read::<Facet>(request).await
    }

    async fn vector_of(
        &self,
        request: Request<peer::VectorOfRequest>,
    ) -> Answer<peer::VectorOfReply> {
        self.read::<VectorOf>(request).await
    }

    async fn resolve(&self, request: Request<peer::ResolveRequest>) -> Answer<peer::ResolveReply> {
        self.read::<Resolve>(request).await
    }

    async fn shard_info(
        &self,
        request: Request<peer::ShardInfoRequest>,
    ) -> Answer<peer::ShardInfoReply> {
        self.read::<InfoOf>(request).await
    }

    async fn jobs(&self, request: Request<peer::JobsRequest>) -> Answer<peer::JobsReply> {
        self.read::<JobsOf>(request).await
    }

    async fn basis(&self, request: Request<peer::BasisRequest>) -> Answer<peer::BasisReply> {
        self.read::<Basis>(request).await
    }

    async fn members(&self, request: Request<peer::MembersRequest>) -> Answer<peer::MembersReply> {
        self.read::<MembersOf>(request).await
    }
}

/// A node whose address another one has taken over must not take what is meant for that one.
pub(crate) fn check_receiver(me: NodeId, to_node: u64) -> Result<(), Status> {
    if to_node == me.0 {
        return Ok(());
    }
    Err(not_the_receiver(format!("this is node {me}, not node {to_node}")))
}

/// A start that is not the latest of its disk must not be heard: it has forgotten what that one
/// voted for and acknowledged.
fn check_caller<M: PeerMember>(member: &M, caller: Option<&Life>) -> Result<(), Status> {
    let taken = match caller {
        Some(life) => member.check_caller(life).map_err(|why| why.to_string()),
        None => Err("the caller does not say which node it is".to_owned()),
    };
    taken.map_err(|why| Status::failed_precondition(format!("{why}; nothing was changed")))
}
