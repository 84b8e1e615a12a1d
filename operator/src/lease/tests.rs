use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::{Method, Request, Response};
use jiff::SignedDuration;
use kube::client::Body;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::*;

/// An API server with one Lease, and the requests it had.
#[derive(Clone, Default)]
struct Server {
    lease: Arc<Mutex<Option<Value>>>,
    requests: Arc<AtomicUsize>,
}

impl Server {
    fn holding(spec: &Value) -> Self {
        let server = Self::default();
        server.put(spec);
        server
    }

    /// As another operator, or a person, writes it.
    fn put(&self, spec: &Value) {
        let metadata = json!({"name": "test", "namespace": "default", "resourceVersion": "1"});
        *self.lease.lock() = Some(json!({"metadata": metadata, "spec": spec}));
    }

    fn spec(&self) -> Value {
        self.lease.lock().as_ref().map(|lease| lease["spec"].clone()).unwrap_or_default()
    }

    fn election(&self, times: Times) -> Election {
        let server = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let server = server.clone();
            async move { Ok::<_, Infallible>(server.answer(request).await) }
        });
        Election {
            times,
            ..Election::new(Client::new(service, "default"), "default", "test", "ours")
        }
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let method = request.method().clone();
        let body = request.into_body().collect_bytes().await.expect("it is in memory");
        if method != Method::GET {
            *self.lease.lock() = Some(serde_json::from_slice(&body).expect("a Lease is JSON"));
        }
        let found = self.lease.lock().clone();
        let status = if found.is_some() { 200 } else { 404 };
        let absent =
            || json!({"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404});
        let answer = found.unwrap_or_else(absent).to_string();
        Response::builder().status(status).body(answer.into_bytes().into()).expect("it is plain")
    }
}

const QUICK: Times =
    Times { deadline: Duration::from_millis(500), retry: Duration::from_millis(20) };
/// A test that hangs has failed.
const HANGS: Duration = Duration::from_secs(30);

fn held_by(holder: &str, renewed: Timestamp) -> Value {
    json!({"holderIdentity": holder, "leaseDurationSeconds": 1, "renewTime": MicroTime(renewed)})
}

fn hours_from_now(hours: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_hours(hours)
}

#[tokio::test]
async fn a_holder_whose_lease_was_taken_looks_once_and_ends() {
    let server = Server::default();
    let election = server.election(Times { deadline: HANGS * 2, ..QUICK });
    let won = election.win().await;
    assert_eq!(server.spec()["holderIdentity"], "ours");
    let theirs = held_by("theirs", Timestamp::now());
    server.put(&theirs);
    let before = server.requests.load(Ordering::Relaxed);
    timeout(HANGS, election.hold(won)).await.expect("it ends");
    assert_eq!(server.requests.load(Ordering::Relaxed), before + 1);
    election.release().await;
    assert_eq!(server.spec(), theirs, "what is not ours is not given back");
}

#[tokio::test]
async fn a_holder_that_gets_no_answer_ends_before_its_lease_does() {
    let service = tower::service_fn(|_: Request<Body>| {
        std::future::pending::<Result<Response<Body>, Infallible>>()
    });
    let new = Election::new(Client::new(service, "default"), "default", "test", "ours");
    let election = Election { times: Times { deadline: HANGS * 2, ..QUICK }, ..new };
    // Its time is up: one more attempt that hangs would outlast the Lease.
    let won =
        Instant::now().checked_sub(election.times.deadline).expect("the machine runs for a minute");
    timeout(HANGS, election.hold(won)).await.expect("it ends");
}

#[tokio::test]
async fn a_holder_goes_on_while_it_renews() {
    let server = Server::default();
    let election = server.election(QUICK);
    let won = election.win().await;
    let held = timeout(QUICK.deadline * 3, election.hold(won)).await;
    assert!(held.is_err(), "it stopped");
    assert_eq!(server.spec()["leaseTransitions"], 0);
}

#[tokio::test]
async fn a_dead_holder_whose_clock_was_ahead_is_followed() {
    let server = Server::holding(&held_by("theirs", hours_from_now(1)));
    let election = server.election(QUICK);
    timeout(HANGS, election.win()).await.expect("it is won");
    assert_eq!(server.spec()["holderIdentity"], "ours");
}

#[tokio::test]
async fn a_holder_whose_clock_is_behind_keeps_its_lease() {
    let server = Server::default();
    let election = server.election(QUICK);
    for second in 0..20 {
        server.put(&held_by("theirs", hours_from_now(-1) + SignedDuration::from_secs(second)));
        assert_eq!(election.attempt().await, Standing::Theirs);
        sleep(Duration::from_millis(100)).await;
    }
}

fn taken(current: Option<&LeaseSpec>, unchanged: u64) -> LeaseSpec {
    match claim(current, Duration::from_secs(unchanged), "ours", Timestamp::UNIX_EPOCH) {
        Claim::Take(spec) => *spec,
        Claim::Leave => panic!("it was left"),
    }
}

#[test]
fn a_lease_is_free_when_it_was_not_renewed_or_given_back() {
    let first = taken(None, 0);
    assert_eq!((first.lease_transitions, first.lease_duration_seconds), (Some(0), Some(15)));
    let renewed = taken(Some(&first), 14);
    assert_eq!(
        (renewed.acquire_time, renewed.lease_transitions),
        (first.acquire_time.clone(), Some(0))
    );
    let theirs = LeaseSpec { holder_identity: Some("theirs".into()), ..first };
    let left =
        |seconds| claim(Some(&theirs), Duration::from_secs(seconds), "ours", Timestamp::UNIX_EPOCH);
    assert_eq!((left(0), left(14)), (Claim::Leave, Claim::Leave));
    let second = taken(Some(&theirs), 15);
    assert_eq!(
        (second.holder_identity.as_deref(), second.lease_transitions),
        (Some("ours"), Some(1))
    );
    for nobody in [None, Some(String::new())] {
        let given_back = LeaseSpec { holder_identity: nobody, renew_time: None, ..theirs.clone() };
        assert_eq!(taken(Some(&given_back), 0).holder_identity.as_deref(), Some("ours"));
    }
}
