//! What an attempt does after each thing that can happen to it.

use proptest::prelude::*;

use super::*;

const GROUP: GroupId = GroupId(7);
const MEMBERS: [NodeId; 3] = [NodeId(1), NodeId(2), NodeId(3)];
const PATIENCE: Duration = Duration::from_secs(60);

/// An attempt with its router and its clock.
struct Request {
    router: Router,
    attempt: Attempt,
    now: Instant,
}

impl Request {
    fn new(purpose: Purpose) -> Self {
        let now = Instant::now();
        let attempt = Attempt::new(GROUP, purpose, now, now + PATIENCE);
        Self { router: Router::new(1), attempt, now }
    }

    fn target(&mut self) -> NodeId {
        self.attempt.target(&self.router, None, || MEMBERS.to_vec()).unwrap()
    }

    /// The same where this node's own replica names a leader.
    fn target_by(&mut self, watched: u64) -> u64 {
        let members = || MEMBERS.to_vec();
        self.attempt.target(&self.router, Some(NodeId(watched)), members).unwrap().0
    }

    fn proposed(&mut self, node: u64, outcome: Outcome) -> Next {
        self.attempt.proposed(&self.router, NodeId(node), outcome, self.now)
    }

    fn not_read(&mut self, node: u64, why: NotRead) -> Next {
        self.attempt.not_read(&self.router, NodeId(node), why, self.now)
    }

    /// Repeats an outcome, with the pauses between, until the request ends.
    fn until_it_ends(&mut self, outcome: impl Fn() -> Outcome) -> Failure {
        loop {
            let node = self.target();
            match self.proposed(node.0, outcome()) {
                Next::Ask => {}
                Next::Wait(pause) => self.now += pause,
                Next::Fail(failure) => return failure,
                other => panic!("it ended as {other:?}"),
            }
        }
    }
}

fn no_replica() -> Outcome {
    Outcome::NoReplica("nobody is there".into())
}

fn unknown() -> Outcome {
    Outcome::Unknown("the connection broke".into())
}

#[test]
fn members_are_asked_by_turns_until_a_leader_is_known() {
    let mut request = Request::new(Purpose::Read);
    assert_eq!([(); 5].map(|()| request.target().0), [1, 2, 3, 1, 2]);
    assert_eq!(request.not_read(2, NotRead::NotLeader(Some(NodeId(3)))), Next::Ask);
    assert_eq!(request.target(), NodeId(3));
    let watched = request.attempt.target(&request.router, Some(NodeId(2)), || MEMBERS.to_vec());
    assert_eq!(watched, Ok(NodeId(2)), "this node's own replica knows better than the last answer");
}

#[test]
fn a_leader_that_does_not_answer_is_forgotten() {
    let mut request = Request::new(Purpose::Write);
    request.router.set_leader(GROUP, Some(NodeId(3)));
    assert_eq!(request.target(), NodeId(3));
    assert_eq!(request.proposed(3, no_replica()), Next::Wait(PAUSE_MIN));
    assert_eq!(request.router.leader(GROUP), None);
}

#[test]
fn a_replica_that_does_not_hear_of_elections_any_more_misleads_once() {
    for why in [NotRead::NoReplica("it is gone".into()), NotRead::NotLeader(None)] {
        let mut request = Request::new(Purpose::Read);
        assert_eq!(request.target_by(4), 4);
        request.not_read(4, why);
        assert_eq!(request.target_by(4), 1);
        assert_eq!(request.not_read(1, NotRead::NotLeader(Some(NodeId(3)))), Next::Ask);
        assert_eq!(request.target_by(4), 3, "not the one that was named before");
        request.not_read(3, NotRead::NoReplica("it stopped".into()));
        assert_eq!(request.target_by(4), 2, "nobody misses its turn");
        // What is new is believed again.
        assert_eq!(request.target_by(5), 5);
    }
}

#[test]
fn two_that_name_each_other_are_not_asked_without_a_pause() {
    let mut request = Request::new(Purpose::Read);
    let mut waits = 0;
    for turn in 0..8 {
        let (asked, named) = if turn % 2 == 0 { (1, 2) } else { (2, 1) };
        request.target();
        let next = request.not_read(asked, NotRead::NotLeader(Some(NodeId(named))));
        waits += usize::from(next != Next::Ask);
    }
    assert_eq!(waits, 2);
}

#[test]
fn without_a_leader_it_gives_up_and_nothing_was_logged() {
    let mut request = Request::new(Purpose::Write);
    let began = request.now;
    assert_eq!(request.until_it_ends(no_replica), Failure::NoLeader("nobody is there".into()));
    let waited = request.now - began;
    assert!(waited >= LEADER_WAIT_MAX && waited <= LEADER_WAIT_MAX + PAUSE_MAX, "{waited:?}");
}

#[test]
fn what_may_be_logged_is_never_said_not_to_be() {
    let mut request = Request::new(Purpose::Write);
    request.target();
    assert!(matches!(request.proposed(1, unknown()), Next::Wait(_)));
    assert!(request.attempt.perhaps_logged.is_some());
    let why = Failure::Unknown("the connection broke".into());
    assert_eq!(request.until_it_ends(no_replica), why);
}

#[test]
fn a_full_leader_ends_a_write_unless_a_copy_may_be_on_its_way() {
    let full = || Outcome::Full("full".into());
    let mut request = Request::new(Purpose::Write);
    assert_eq!(request.proposed(1, full()), Next::Fail(Failure::Full("full".into())));
    let mut request = Request::new(Purpose::Write);
    request.proposed(1, unknown());
    assert!(matches!(request.proposed(1, full()), Next::Wait(_)));
}

#[test]
fn a_newer_basis_is_named_only_while_no_copy_may_be_logged() {
    let stale = || Outcome::StaleBasis(LogIndex(90));
    let mut request = Request::new(Purpose::Write);
    assert_eq!(request.proposed(1, stale()), Next::Rebase(LogIndex(90)));
    request.proposed(1, unknown());
    assert!(matches!(request.proposed(1, stale()), Next::Fail(Failure::Unknown(_))));
}

#[test]
fn a_second_refusal_says_nothing_about_the_first_where_the_command_has_no_name() {
    let refused = || Outcome::Refused(Refusal::Invalid("no".into()));
    let refusal = Next::Fail(Failure::Refused(Refusal::Invalid("no".into())));
    let (named, unnamed) =
        (Purpose::MetaWrite { is_named: true }, Purpose::MetaWrite { is_named: false });
    for purpose in [Purpose::Write, named, unnamed] {
        assert_eq!(Request::new(purpose).proposed(1, refused()), refusal);
    }
    let mut request = Request::new(unnamed);
    request.proposed(1, unknown());
    assert!(matches!(request.proposed(2, refused()), Next::Fail(Failure::Unknown(_))));
    // A group knows its requests by name: the second answer is that of the first.
    for purpose in [Purpose::Write, named] {
        let mut request = Request::new(purpose);
        request.proposed(1, unknown());
        assert_eq!(request.proposed(2, refused()), refusal);
    }
}

#[test]
fn a_group_without_members_is_gone() {
    let mut attempt = Request::new(Purpose::Read).attempt;
    let target = attempt.target(&Router::new(1), None, Vec::new);
    assert_eq!(target, Err(Failure::NoSuchGroup));
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    let node = prop::option::of(0_u64..4).prop_map(|node| node.map(NodeId));
    prop_oneof![
        node.prop_map(Outcome::NotLeader),
        Just(no_replica()),
        Just(unknown()),
        Just(Outcome::Full("full".into())),
        Just(Outcome::NoSpace("no space".into())),
        (0_u64..9).prop_map(|index| Outcome::StaleBasis(LogIndex(index))),
    ]
}

proptest! {
    /// Whatever happens, in whatever order: a request ends in time, and one that may be in a
    /// log never ends with a failure that says it is in none.
    #[test]
    fn every_request_ends_and_tells_the_truth(
        outcomes in prop::collection::vec(outcomes(), 1..60),
        meta in prop::option::of(any::<bool>()),
    ) {
        let meta = meta.map(|is_named| Purpose::MetaWrite { is_named });
        let mut request = Request::new(meta.unwrap_or(Purpose::Write));
        let began = request.now;
        let mut may_be_logged = false;
        for outcome in outcomes {
            let node = request.target();
            may_be_logged |= matches!(outcome, Outcome::Unknown(_));
            match request.proposed(node.0, outcome) {
                Next::Wait(pause) => request.now += pause,
                Next::Fail(failure) => {
                    let is_unknown = matches!(failure, Failure::Unknown(_));
                    prop_assert_eq!(is_unknown, may_be_logged, "{:?}", failure);
                    break;
                }
                Next::Rebase(_) => prop_assert!(!may_be_logged),
                Next::Ask | Next::Applied(_) => {}
            }
            prop_assert!(request.now - began <= LEADER_WAIT_MAX + PAUSE_MAX);
        }
    }
}
