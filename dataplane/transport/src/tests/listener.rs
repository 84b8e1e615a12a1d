//! The service behind a listener: who is let in, what each call answers, and what a failed
//! call tells.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use prost::encoding::encode_varint;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request};
use uuid::Uuid;
use vane_proto::peer;
use vane_proto::peer::peer_client::PeerClient;
use vane_raft::{Envelope, MemberChange};
use vane_shard::{Search, SearchParams, Want};
use vane_types::{Error, ErrorKind, GroupId, LogIndex, NodeId, PeerId, PointId, Subject, Vector};

use super::fake::{CLUSTER, FAKE, FOR_EVER, Fake, INDEX, LATEST, SECRET, life, peers_in, peers_of};
use crate::reads::{
    Basis, Count, Explain, Fetch, Hold, InfoOf, Resolve, Retrieve, Scroll, VectorOf,
};
use crate::{
    Answered, Freshness, Introduction, JoinRequest, LeaderRequest, NotDone, NotRead, Outcome,
    PROTOCOL, Peers, Proposal, Read, ReportRequest, Token,
};

const SHARD: GroupId = GroupId(1);

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

async fn read<R: Read>(peers: &Peers, read: R) -> Answered<R::Answer> {
    peers.read(FAKE, SHARD, read, Freshness::Leader, soon()).await
}

fn proposal(replicas: u32) -> Proposal {
    let command = vec![0; 3];
    Proposal { group: SHARD, command, replicas, basis: None, grows: false }
}

fn join_request(name: &str) -> JoinRequest {
    JoinRequest {
        disk_id: Uuid::from_u128(1),
        name: name.into(),
        address: "a:1".into(),
        rest_address: "a:2".into(),
        version: "0".into(),
        protocol: PROTOCOL,
        feature_level: 2,
    }
}

fn search() -> Search {
    Search {
        using: String::new(),
        sought: Vector::from(vec![1.0]).into(),
        filter: None,
        params: SearchParams::default(),
        score_threshold: None,
        limit: 6,
        exclude: Vec::new(),
        want: Want::default(),
    }
}

/// A message to the fake's replica.
pub(super) fn envelope() -> Envelope {
    let to = PeerId::new(FAKE, 1);
    let mut message = vec![2 << 3];
    encode_varint(to.0, &mut message);
    let envelope = Envelope::decode(SHARD, &message).unwrap();
    assert_eq!(envelope.to(), to, "field 2 of a message is whom it is for");
    envelope
}

pub(super) fn wire_envelope() -> peer::Envelope {
    peer::Envelope { group: SHARD.0, message: envelope().encode() }
}

fn batch_for(to_node: u64) -> peer::RaftBatch {
    peer::RaftBatch { from_node: 1, to_node, envelopes: vec![wire_envelope()] }
}

#[tokio::test]
async fn each_read_gets_the_answer_of_its_kind() {
    let peers = peers_of(SECRET, Some(CLUSTER), Fake::new(true).listen().await);
    assert!(read(&peers, search()).await.unwrap().0.is_empty());
    let (held, index) = read(&peers, Hold(search())).await.unwrap();
    assert_eq!((held.token, held.hits, index), (6, vec![(PointId::num(1), 0.5)], INDEX));
    assert_eq!(read(&peers, Explain(search())).await, Ok((Vec::new(), INDEX)));
    assert_eq!(read(&peers, Count { filter: None }).await, Ok((42, INDEX)));
    assert_eq!(read(&peers, Basis).await, Ok((LogIndex(77), INDEX)));
    assert_eq!(read(&peers, InfoOf).await.unwrap().0.points, 12);
    let ids = vec![PointId::num(1), PointId::uuid(CLUSTER)];
    let filter = vane_filter::Filter::default();
    assert_eq!(read(&peers, Resolve { filter }).await, Ok((ids.clone(), INDEX)));
    let retrieve = Retrieve { ids: ids.clone(), want: Want::default() };
    let records = read(&peers, retrieve).await.unwrap().0;
    assert_eq!(records.into_iter().map(|record| record.id).collect::<Vec<_>>(), ids);
    let page = read(&peers, Scroll::default()).await.unwrap().0;
    assert_eq!(page.next, Some(PointId::num(8)));
}

#[tokio::test]
async fn failures_keep_their_kind_and_subject() {
    let peers = peers_of(SECRET, Some(CLUSTER), Fake::new(true).listen().await);
    let missing = VectorOf { id: PointId::num(1), using: "papers".into() };
    let subject = Subject::Shard { collection: "papers".into(), ordinal: 3 };
    let expected = Error::not_found("has no such point").about(subject);
    assert_eq!(read(&peers, missing).await, Err(NotRead::Failed(expected)));
    let fetch = Fetch { token: 1, places: vec![0], want: Want::default() };
    let Err(NotRead::Failed(error)) = read(&peers, fetch).await else { panic!("it answered") };
    assert_eq!(error.kind, ErrorKind::Unavailable);
    let elsewhere = peers.read(FAKE, GroupId::META, Basis, Freshness::Leader, soon()).await;
    assert_eq!(elsewhere, Err(NotRead::NotLeader(Some(NodeId(3)))));
}

#[tokio::test]
async fn what_is_no_read_is_answered_too() {
    let peers = peers_of(SECRET, Some(CLUSTER), Fake::new(true).listen().await);
    assert_eq!(peers.propose(FAKE, proposal(0), soon()).await, Outcome::Applied(LogIndex(3)));
    let second = Duration::from_secs(5);
    let report = peers.report(FAKE, ReportRequest::AllLed, second).await.unwrap();
    assert_eq!((report.node, report.replicas, report.protocol), (FAKE, 1, PROTOCOL));
    let ask = async |request| peers.ask_leader(FAKE, SHARD, request, soon()).await;
    assert_eq!(ask(LeaderRequest::Transfer(PeerId::new(FAKE, 1))).await, Ok(()));
    let to = PeerId::new(NodeId(8), 1);
    let not_done = NotDone::NotLeader { group: SHARD, leader: Some(NodeId(8)) };
    assert_eq!(ask(LeaderRequest::Transfer(to)).await, Err(not_done));
    let change = MemberChange { removed: vec![to], ..MemberChange::default() };
    let refused = Err(NotDone::Refused("nobody goes".into()));
    assert_eq!(ask(LeaderRequest::Change(change)).await, refused);
}

#[tokio::test]
async fn a_disk_joins_through_an_address() {
    let address = Fake::new(true).listen().await.to_string();
    let joining = Peers::new(Token::new(SECRET).unwrap(), None, None);
    let time = Duration::from_secs(5);
    let reply = joining.join(&address, join_request("n"), time).await.unwrap();
    assert_eq!((reply.cluster_id, reply.node_id), (CLUSTER, NodeId(4)));
    let error = joining.join(&address, join_request(""), time).await.unwrap_err();
    assert_eq!(error, Error::conflict("it has no name").nothing_changed());
    let waiting = Fake::new(false).listen().await.to_string();
    let error = joining.join(&waiting, join_request("n"), time).await.unwrap_err();
    assert!(error.detail.contains("belongs to no cluster yet"), "{error}");
}

#[tokio::test]
async fn strangers_are_refused_and_know_that_nothing_was_changed() {
    let address = Fake::new(true).listen().await;
    let waiting = Fake::new(false).listen().await;
    let strangers = [
        (peers_of("other", Some(CLUSTER), address), "no valid token"),
        (peers_of(SECRET, Some(Uuid::from_u128(0xC2)), address), "belongs to cluster"),
        (peers_of(SECRET, None, address), "the caller to none"),
    ];
    for (peers, expected) in strangers {
        let outcome = peers.propose(FAKE, proposal(0), soon()).await;
        let Outcome::NoReplica(why) = outcome else { panic!("{outcome:?}") };
        assert!(why.contains(expected), "{why}");
        let Err(NotRead::NoReplica(why)) = read(&peers, Basis).await else { panic!("answered") };
        assert!(why.contains(expected), "{why}");
    }
    let peers = peers_of(SECRET, Some(CLUSTER), waiting);
    let Err(NotRead::NoReplica(why)) = read(&peers, Basis).await else { panic!("it answered") };
    assert!(why.contains("belongs to no cluster yet"), "{why}");
}

#[tokio::test]
async fn only_the_start_that_was_introduced_is_heard() {
    let address = Fake::new(true).listen().await;
    for (start, expected) in
        [(LATEST - 1, "start 5 is known"), (LATEST + 1, "has not introduced its start")]
    {
        let peers = peers_in(start, SECRET, Some(CLUSTER), address);
        let Err(NotRead::NoReplica(why)) = read(&peers, Basis).await else { panic!("answered") };
        assert!(why.contains(expected), "{why}");
        let outcome = peers.propose(FAKE, proposal(0), soon()).await;
        assert!(matches!(outcome, Outcome::NoReplica(_)), "{outcome:?}");
        let mut client = peers.client(FAKE).unwrap();
        let status = client.raft(tokio_stream::iter([batch_for(FAKE.0)])).await.unwrap_err();
        assert!(status.message().contains(expected), "{status}");
    }
}

/// Its stream may be older than the word of who knows better.
#[tokio::test]
async fn a_stream_ends_once_a_later_start_of_its_sender_is_known() {
    let fake = Fake::new(true);
    let peers = peers_of(SECRET, Some(CLUSTER), fake.listen().await);
    let (send, receive) = mpsc::channel(1);
    let mut client = peers.client(FAKE).unwrap();
    let call = tokio::spawn(async move { client.raft(ReceiverStream::new(receive)).await });
    send.send(batch_for(FAKE.0)).await.unwrap();
    while fake.shared.stepped.lock().is_empty() {
        tokio::task::yield_now().await;
    }
    fake.shared.latest.store(LATEST + 1, Ordering::Relaxed);
    send.send(batch_for(FAKE.0)).await.unwrap();
    let status = call.await.unwrap().unwrap_err();
    assert!(status.message().contains("start 6 is known"), "{status}");
    assert_eq!(fake.shared.stepped.lock().len(), 1);
}

/// A version without identities.
#[tokio::test]
async fn who_does_not_say_which_start_it_is_changes_nothing() {
    let fake = Fake::new(true);
    let address = fake.listen().await;
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{address}")).unwrap();
    let mut client = PeerClient::new(channel.connect().await.unwrap());
    let mut request = Request::new(tokio_stream::iter([batch_for(FAKE.0)]));
    let metadata = request.metadata_mut();
    Token::new(SECRET).unwrap().put(metadata);
    crate::version::put(metadata);
    metadata.insert("vane-cluster", CLUSTER.to_string().parse().unwrap());
    let status = client.raft(request).await.unwrap_err();
    assert!(status.message().contains("does not say which node it is; nothing was changed"));
    assert!(fake.shared.stepped.lock().is_empty());
}

#[tokio::test]
async fn nodes_introduce_themselves_to_each_other() {
    let address = Fake::new(true).listen().await;
    let own = |start| Introduction {
        life: life(start),
        address: "a:1".into(),
        before: vec![life(1).start, life(2).start],
    };
    let time = Duration::from_secs(5);
    let new = peers_in(LATEST + 1, SECRET, Some(CLUSTER), address);
    let answer = new.introduce(FAKE, own(LATEST + 1), time).await.unwrap();
    assert_eq!(answer, Introduction { address: "of the fake".into(), ..own(LATEST + 1) });
    let answer = new.introduce_at(&address.to_string(), own(LATEST + 1), time).await;
    assert!(answer.is_ok(), "{answer:?}");
    let old = peers_in(LATEST - 1, SECRET, Some(CLUSTER), address);
    let error = old.introduce(FAKE, own(LATEST - 1), time).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
}

#[tokio::test]
async fn a_node_that_opens_what_it_has_takes_introductions_and_nothing_else() {
    let address = Fake::opening().listen().await;
    let time = Duration::from_secs(5);
    for (start, expected) in [(LATEST - 1, Err(ErrorKind::Conflict)), (LATEST + 1, Ok(()))] {
        let own = Introduction { life: life(start), address: "a:1".into(), before: Vec::new() };
        let peers = peers_in(start, SECRET, Some(CLUSTER), address);
        let answer = peers.introduce(FAKE, own, time).await;
        assert_eq!(answer.map(drop).map_err(|error| error.kind), expected);
    }
    let peers = peers_of(SECRET, Some(CLUSTER), address);
    let error = peers.report(FAKE, ReportRequest::NodeOnly, time).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn who_answers_at_anothers_address_says_so() {
    let address = Fake::new(true).listen().await;
    let peers = peers_of(SECRET, Some(CLUSTER), address);
    let ghost = NodeId(9);
    peers.set_addresses([(ghost, address.to_string())].into());
    let time = Duration::from_secs(5);
    let error = peers.report(ghost, ReportRequest::NodeOnly, time).await.unwrap_err();
    assert_eq!(
        (error.kind, error.detail),
        (ErrorKind::Conflict, "this is node 2, not node 9".into())
    );
    let read = peers.read(ghost, SHARD, Basis, Freshness::Leader, soon()).await;
    assert!(matches!(read, Err(NotRead::NoReplica(_))), "{read:?}");
}

#[tokio::test]
async fn a_caller_of_another_protocol_is_told_both() {
    let address = Fake::new(true).listen().await;
    let mut client = PeerClient::connect(format!("http://{address}")).await.unwrap();
    for (named, expected) in [(None, "the caller protocol 1;"), (Some("3"), "protocol 3;")] {
        let mut request = Request::new(peer::ReportRequest::default());
        let metadata = request.metadata_mut();
        metadata.insert("authorization", format!("Bearer {SECRET}").parse().unwrap());
        metadata.insert("vane-cluster", CLUSTER.to_string().parse().unwrap());
        if let Some(protocol) = named {
            metadata.insert("vane-protocol", protocol.parse().unwrap());
        }
        let status = client.report(request).await.unwrap_err();
        assert_eq!(status.code(), Code::FailedPrecondition);
        let own = format!("this node speaks protocol {PROTOCOL}");
        assert!(status.message().contains(&own), "{status}");
        assert!(status.message().contains(expected), "{status}");
    }
}

#[tokio::test]
async fn only_what_surely_did_not_arrive_is_no_replica() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let peers = peers_of(SECRET, Some(CLUSTER), nobody);
    let outcome = peers.propose(FAKE, proposal(0), soon()).await;
    assert!(matches!(outcome, Outcome::NoReplica(_)), "{outcome:?}");
    let outcome = peers.propose(NodeId(99), proposal(0), soon()).await;
    assert_eq!(outcome, Outcome::NoReplica("the address of node 99 is unknown".into()));
    let peers = peers_of(SECRET, Some(CLUSTER), Fake::new(true).listen().await);
    let deadline = Instant::now() + Duration::from_millis(200);
    let outcome = peers.propose(FAKE, proposal(FOR_EVER), deadline).await;
    assert_eq!(outcome, Outcome::Unknown("node 2 did not answer within the time limit".into()));
}

#[tokio::test]
async fn messages_for_another_node_are_not_taken() {
    let fake = Fake::new(true);
    let peers = peers_of(SECRET, Some(CLUSTER), fake.listen().await);
    let mut client = peers.client(FAKE).unwrap();
    client.raft(tokio_stream::iter([batch_for(FAKE.0)])).await.unwrap();
    assert_eq!(fake.shared.stepped.lock().drain(..).collect::<Vec<_>>(), [envelope()]);
    let status = client.raft(tokio_stream::iter([batch_for(7)])).await.unwrap_err();
    assert_eq!(status.message(), "this is node 2, not node 7");
    assert!(fake.shared.stepped.lock().is_empty());
}
