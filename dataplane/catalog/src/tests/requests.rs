//! Copies of changes: made once, answered alike, and refused once nobody knows any more.

use proptest::prelude::*;
use vane_raft::{Answer, Entry, INITIAL_INDEX, StateMachine};
use vane_storage::{MemoryKv, ShardStore};
use vane_types::command::DEDUPE_WINDOW;
use vane_types::{LogIndex, Refusal, Term};

use super::*;
use crate::state::requests::REFUSAL_BYTES_MAX;

/// A catalog on a disk that loses what is not synced, with one member.
struct Replica {
    kv: MemoryKv,
    catalog: Catalog,
}

fn store(kv: &MemoryKv) -> ShardStore {
    ShardStore::new(kv.clone(), GroupId::META, "meta".into())
}

impl Replica {
    fn new() -> Self {
        let (kv, conf) = (MemoryKv::default(), Conf::founding(&[peer(1, 1)]));
        let founder = NodeEntry { level: FeatureLevel::SPOKEN, ..node(1) };
        Catalog::create(&store(&kv), Uuid::nil(), INITIAL_INDEX, &conf, Some(founder)).unwrap();
        Self { catalog: Catalog::open(store(&kv)).unwrap(), kv }
    }

    /// What is left after the power failed.
    fn crash(&self) -> Self {
        let kv = self.kv.crash(0);
        Self { catalog: Catalog::open(store(&kv)).unwrap(), kv }
    }

    /// Another one that took this one's snapshot.
    fn sent(&self) -> Self {
        let (dir, other) = (tempfile::tempdir().unwrap(), Self::new());
        self.catalog.snapshot(dir.path()).unwrap();
        other.catalog.install(dir.path()).unwrap();
        other
    }

    fn log(&self, index: LogIndex, data: Vec<u8>) -> Answer {
        self.catalog.apply(&Entry { index, term: Term(1), data, conf: None }).unwrap()
    }

    /// Logs a copy of a request as the next entry.
    fn take(&self, request: RequestId, command: &MetaCommand) -> Answer {
        let logged = Logged { request: Some(request), command: command.clone() };
        self.log(self.catalog.applied().next(), self.catalog.encode(&logged).unwrap())
    }

    fn state(&self) -> State {
        self.catalog.read(Clone::clone)
    }
}

fn delete(name: &str) -> MetaCommand {
    MetaCommand::Delete { name: name.into(), key: String::new() }
}

const BASIS: u64 = INITIAL_INDEX.0;

#[test]
fn a_collection_that_was_deleted_does_not_come_back() {
    let replica = Replica::new();
    let (made, deleted) = (create("c", &[&[1]], ""), delete("c"));
    replica.take(request(1, BASIS), &made).unwrap();
    replica.take(request(2, BASIS), &deleted).unwrap();
    let before = replica.state();
    assert_eq!(replica.take(request(1, BASIS), &made), Ok(()), "as the first copy was answered");
    assert_eq!(replica.state(), before);
    // The same words of somebody else are no copy.
    replica.take(request(3, BASIS), &made).unwrap();
    assert!(replica.state().collections.contains_key("c"));
    assert_eq!(replica.take(request(2, BASIS), &deleted), Ok(()));
    assert!(replica.state().collections.contains_key("c"), "nor is the new one deleted");
}

#[test]
fn a_refusal_is_remembered() {
    let replica = Replica::new();
    let deleted = delete("c");
    let refused = replica.take(request(1, BASIS), &deleted).unwrap_err();
    replica.take(request(2, BASIS), &create("c", &[&[1]], "")).unwrap();
    // It would find what is there only since.
    assert_eq!(replica.take(request(1, BASIS), &deleted), Err(refused));
    assert!(replica.state().collections.contains_key("c"));
}

#[test]
fn a_restart_and_a_snapshot_keep_what_became_of_requests() {
    let replica = Replica::new();
    let (made, twice) = (create("c", &[&[1]], ""), create("c", &[&[1]], "k"));
    replica.take(request(1, BASIS), &made).unwrap();
    let refused = replica.take(request(2, BASIS), &twice).unwrap_err();
    replica.take(request(3, BASIS), &delete("c")).unwrap();
    for other in [replica.crash(), replica.sent(), replica.sent().crash(), replica.crash().sent()] {
        assert_eq!(other.state(), replica.state());
        assert_eq!(other.take(request(1, BASIS), &made), Ok(()));
        assert_eq!(other.take(request(2, BASIS), &twice), Err(refused.clone()));
        assert_eq!(other.state(), replica.state());
    }
}

#[test]
fn a_request_whose_first_copy_may_be_forgotten_is_refused_for_good() {
    let replica = Replica::new();
    let (made, deleted) = (create("c", &[&[1]], ""), delete("c"));
    replica.take(request(1, BASIS), &made).unwrap();
    replica.take(request(2, BASIS), &deleted).unwrap();
    let last = LogIndex(BASIS + DEDUPE_WINDOW);
    replica.log(LogIndex(last.0 - 1), Vec::new()).unwrap();
    assert_eq!(replica.take(request(1, BASIS), &made), Ok(()), "the last place of a copy");
    let before = replica.state();
    for _ in 0..2 {
        assert_eq!(replica.take(request(1, BASIS), &made), Err(Refusal::Expired));
        // Nor one that was never here: nobody could tell.
        assert_eq!(replica.take(request(9, BASIS), &made), Err(Refusal::Expired));
    }
    assert_eq!(replica.state(), before);
    replica.take(request(9, last.0), &made).unwrap();
    let state = replica.state();
    assert_eq!(state.requests.len(), 1, "the others are forgotten");
    assert_eq!(replica.crash().state(), state, "on disk too");
}

#[test]
fn what_is_remembered_is_bounded() {
    let mut state = State { next_group: 1, ..State::default() };
    for index in 1..=DEDUPE_WINDOW + 100 {
        let command = MetaCommand::SetLeaving { node: NodeId(1), leaving: true };
        let logged = Logged { request: Some(request(index, index - 1)), command };
        let (_, touched) = state.apply_logged(LogIndex(index), logged);
        assert!(touched.len() <= 2, "one comes, and at most one goes");
    }
    assert_eq!(state.requests.len() as u64, DEDUPE_WINDOW);
    // However long the names are that clients make up.
    let replica = Replica::new();
    for (sequence, name) in (1..).zip(["x".repeat(70_000), "\u{10ffff}".repeat(20_000)]) {
        let (asked, command) = (request(sequence, BASIS), delete(&name));
        let first = replica.take(asked, &command).unwrap_err().to_string();
        let Err(Refusal::NotFound(known)) = replica.take(asked, &command) else { panic!() };
        assert!(known.len() <= REFUSAL_BYTES_MAX && first.starts_with(&known), "{known}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Replicas that were started again or came by a snapshot at any entry agree with one that was
    /// not, whichever copies there are and however late they come.
    #[test]
    fn replicas_agree_on_every_copy(
        steps in prop::collection::vec((0_u64..6, 1_u64..DEDUPE_WINDOW / 2, 0_u8..4), 1..30),
    ) {
        let (replica, mut other) = (Replica::new(), Replica::new());
        let mut index = INITIAL_INDEX;
        for (sequence, pause, turn) in steps {
            index = index + pause;
            // As of the first copy, so that later ones come ever closer to the end of the window.
            let asked = request(sequence, BASIS + sequence * DEDUPE_WINDOW / 2);
            let zone = Some(index.to_string());
            let command = MetaCommand::SetZone { node: NodeId(1 + sequence % 2), zone };
            let data = Logged { request: Some(asked), command }.encode_stored();
            prop_assert_eq!(replica.log(index, data.clone()), other.log(index, data));
            prop_assert_eq!(replica.state(), other.state());
            match turn {
                0 => other = other.crash(),
                1 => other = other.sent(),
                2 => other = replica.sent(),
                _ => {}
            }
        }
    }
}
