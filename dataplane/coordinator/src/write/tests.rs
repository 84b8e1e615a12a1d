//! Writes whose routes are stale, and what is said of writes that fail in part.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use vane_catalog::{Catalog, Create, FeatureLevel, Logged, MetaCommand, NodeEntry};
use vane_commands::{Bounds, Command, Selection, Targets, Write};
use vane_raft::{Conf, Entry, INITIAL_INDEX, StateMachine};
use vane_storage::{MemoryKv, ShardStore};
use vane_transport::{Answered, Freshness, NotRead, Outcome, Proposal, Read};
use vane_types::{
    CollectionConfig, GroupId, HnswConfig, KeyRange, NodeId, OptimizerConfig, Payload, PeerId,
    RangeEpoch, ShardRange, Term,
};

use super::*;
use crate::attempt::LEADER_WAIT_MAX;

const ME: NodeId = NodeId(1);

/// One node with all replicas, which answers proposals as it was told to. Its time passes only
/// while somebody waits.
struct Told {
    began: Instant,
    waited: Mutex<Duration>,
    /// What it has applied of every group, now and once it waits for the catalog.
    applied: Mutex<LogIndex>,
    hears_of: LogIndex,
    /// The last of them is answered for ever.
    answers: Mutex<VecDeque<Outcome>>,
    proposed: Mutex<Vec<Proposal>>,
}

impl Shards for Arc<Told> {
    fn me(&self) -> NodeId {
        ME
    }

    fn now(&self) -> Instant {
        self.began + *self.waited.lock()
    }

    async fn sleep(&self, time: Duration) {
        *self.waited.lock() += time;
    }

    async fn offload<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        Ok(work())
    }

    fn watched_leader(&self, _: GroupId) -> Option<NodeId> {
        Some(ME)
    }

    fn is_close(&self, _: GroupId) -> bool {
        false
    }

    fn applied_here(&self, _: GroupId) -> Option<LogIndex> {
        Some(*self.applied.lock())
    }

    fn is_alive(&self, _: NodeId) -> bool {
        true
    }

    fn resident_percent(&self) -> Option<u64> {
        None
    }

    fn check_room(&self) -> Result<(), Error> {
        Ok(())
    }

    async fn read<R: Read>(
        &self,
        _: NodeId,
        _: GroupId,
        _: R,
        _: Freshness,
        _: Instant,
    ) -> Answered<R::Answer> {
        Err(NotRead::NoReplica("nothing is read here".into()))
    }

    async fn propose(&self, _: NodeId, proposal: Proposal, _: Instant) -> Outcome {
        self.proposed.lock().push(proposal);
        let mut answers = self.answers.lock();
        let next = answers.pop_front().unwrap();
        if answers.is_empty() {
            answers.push_back(next.clone());
        }
        next
    }

    async fn catalog_at(&self, index: LogIndex, _: Instant) -> Result<(), Error> {
        *self.applied.lock() = self.hears_of;
        if self.hears_of < index {
            return Err(Error { changed: Changed::Done, ..Error::timeout("it is late") });
        }
        Ok(())
    }
}

/// A catalog at a level, with a collection `c` of two shards: groups 1 and 2.
fn catalog(level: FeatureLevel) -> Catalog {
    let store = ShardStore::new(MemoryKv::default(), GroupId::META, "meta".into());
    let founder = NodeEntry {
        disk_id: Default::default(),
        name: "n".into(),
        address: "a:1".into(),
        rest_address: "a:2".into(),
        version: "1".into(),
        start: 1,
        level,
    };
    let conf = Conf::founding(&[PeerId::new(ME, 1)]);
    Catalog::create(&store, Default::default(), INITIAL_INDEX, &conf, Some(founder)).unwrap();
    let catalog = Catalog::open(store).unwrap();
    let create = MetaCommand::Create(Create {
        name: "c".into(),
        config: CollectionConfig {
            vectors: Default::default(),
            hnsw: HnswConfig::default(),
            optimizer: OptimizerConfig::default(),
            payload_schema: Default::default(),
            metadata: Payload::new(),
            ..CollectionConfig::default()
        },
        replication_factor: 1,
        write_consistency_factor: 1,
        placement: vec![vec![ME]; 2],
        key: String::new(),
    });
    let (index, data) = (INITIAL_INDEX.next(), create.encode_stored());
    catalog.apply(&Entry { index, term: Term(1), data, conf: None }).unwrap().unwrap();
    catalog
}

/// Runs what never has to wait for another thread.
fn run<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    loop {
        if let Poll::Ready(answer) = work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return answer;
        }
    }
}

/// A coordinator whose node has a catalog at a level, and answers proposals so.
fn coordinator(
    level: FeatureLevel,
    answers: &[Outcome],
) -> (Arc<Coordinator<Arc<Told>>>, Arc<Told>) {
    heard((INITIAL_INDEX, INITIAL_INDEX), level, answers)
}

/// The same with what the node has applied, now and once it waits for the catalog.
fn heard(
    (applied, hears_of): (LogIndex, LogIndex),
    level: FeatureLevel,
    answers: &[Outcome],
) -> (Arc<Coordinator<Arc<Told>>>, Arc<Told>) {
    let told = Arc::new(Told {
        began: Instant::now(),
        waited: Mutex::default(),
        applied: Mutex::new(applied),
        hears_of,
        answers: Mutex::new(answers.iter().cloned().collect()),
        proposed: Mutex::default(),
    });
    (Arc::new(Coordinator::new(told.clone(), Arc::new(catalog(level)), 1)), told)
}

/// Deletes a point of the second shard, and gives what was proposed for it.
fn delete(level: FeatureLevel, answers: &[Outcome]) -> (Result<LogIndex, Error>, Arc<Told>) {
    let (coordinator, told) = coordinator(level, answers);
    let collection = coordinator.known_collection("c").unwrap();
    let upper = KeyRange::equal_part(1, 2);
    let id = (0..).map(PointId::num).find(|id| upper.contains(id.routing_hash())).unwrap();
    let deadline = told.now() + Duration::from_secs(60);
    let options = RequestOptions::new(deadline);
    (run(collection.write(Write::Delete(Selection::Ids(vec![id])), options)), told)
}

#[test]
fn a_command_says_what_it_was_routed_by_once_all_members_can_read_that() {
    let range = ShardRange { keys: KeyRange::equal_part(1, 2), epoch: RangeEpoch::FIRST };
    for level in (1..=FeatureLevel::SPOKEN.0).map(FeatureLevel) {
        let (written, told) = delete(level, &[Outcome::Applied(LogIndex(9))]);
        assert_eq!(written.unwrap(), LogIndex(9));
        let proposed = told.proposed.lock();
        assert_eq!(proposed.iter().map(|it| it.group).collect::<Vec<_>>(), [GroupId(2)]);
        let logged = Command::decode_stored(&proposed[0].command).unwrap();
        assert_eq!(logged.routed_by, (level >= FeatureLevel::ROUTED).then_some(range));
    }
}

#[test]
fn a_stale_route_is_looked_up_again_and_the_command_sent_under_another_name() {
    let stale = Outcome::Refused(Refusal::StaleRoute);
    let answers = [stale.clone(), stale, Outcome::Applied(LogIndex(9))];
    let (written, told) = delete(FeatureLevel::SPOKEN, &answers);
    assert_eq!(written.unwrap(), LogIndex(9));
    let proposed = told.proposed.lock();
    let logged: Vec<_> =
        proposed.iter().map(|it| Command::decode_stored(&it.command).unwrap()).collect();
    let mut names: Vec<u64> = logged.iter().map(|it| it.request.unwrap().sequence).collect();
    names.dedup();
    assert_eq!(names.len(), 3, "under one name they would be copies of each other");
    assert!(logged.iter().all(|it| it.change == logged[0].change));
    assert!(*told.waited.lock() > Duration::ZERO);
}

#[test]
fn a_route_that_stays_stale_is_given_up_with_nothing_changed() {
    let (written, told) = delete(FeatureLevel::SPOKEN, &[Outcome::Refused(Refusal::StaleRoute)]);
    let error = written.unwrap_err();
    assert_eq!((error.kind, &error.changed), (ErrorKind::Unavailable, &Changed::Nothing));
    assert!(!error.may_have_changed());
    assert!(*told.waited.lock() <= LEADER_WAIT_MAX);
    assert!(told.proposed.lock().len() < 100);
}

/// Sets a payload of ten points, and gives what was proposed for it.
fn set_payload(level: FeatureLevel, answers: &[Outcome]) -> (Result<LogIndex, Error>, Arc<Told>) {
    let (coordinator, told) = coordinator(level, answers);
    let collection = coordinator.known_collection("c").unwrap();
    let upper = KeyRange::equal_part(1, 2);
    let ids = (0..).map(PointId::num).filter(|id| upper.contains(id.routing_hash()));
    let points = Selection::Ids(ids.take(10).collect());
    let deadline = told.now() + Duration::from_secs(60);
    let options = RequestOptions::new(deadline);
    let payload = [("a".to_owned(), 1.into())].into_iter().collect();
    (run(collection.write(Write::SetPayload { points, payload, key: None }, options)), told)
}

#[test]
fn what_is_too_much_for_one_entry_is_logged_in_several() {
    let too_much = Outcome::Refused(Refusal::TooMuch);
    let answers = [too_much.clone(), too_much.clone(), Outcome::Applied(LogIndex(9))];
    let (written, told) = set_payload(FeatureLevel::SPOKEN, &answers);
    assert_eq!(written.unwrap(), LogIndex(9));
    let proposed = told.proposed.lock();
    let logged = proposed.iter().map(|it| Command::decode_stored(&it.command).unwrap());
    let points: Vec<usize> = logged.map(|it| it.change.keys().count()).collect();
    assert_eq!(points, [10, 5, 2, 3, 2, 3], "what was refused is not tried again");
    // Refused for ever, as by a shard with a defect: it ends all the same.
    let (written, told) = set_payload(FeatureLevel::SPOKEN, &[too_much]);
    assert_eq!(written.unwrap_err().kind, ErrorKind::BadInput);
    assert_eq!(told.proposed.lock().len(), 4);
}

#[test]
fn a_command_says_what_it_may_come_to_once_all_members_can_read_that() {
    for level in (1..=FeatureLevel::SPOKEN.0).map(FeatureLevel) {
        let (written, told) = set_payload(level, &[Outcome::Applied(LogIndex(9))]);
        assert_eq!(written.unwrap(), LogIndex(9));
        let logged = Command::decode_stored(&told.proposed.lock()[0].command).unwrap();
        assert_eq!(logged.bounds, (level >= FeatureLevel::PROVEN).then_some(Bounds::OWN));
    }
}

#[test]
fn what_could_not_be_read_again_is_not_logged() {
    let (coordinator, told) = coordinator(FeatureLevel::SPOKEN, &[Outcome::Applied(LogIndex(9))]);
    let targets = Targets { ids: vec![vec![1, 2, 3]], ..Targets::default() };
    let mut command = ShardCommand {
        group: GroupId(1),
        command: Command::new(vane_commands::Change::Delete(targets)),
        range: None,
        replicas: 0,
        grows: false,
    };
    let deadline = told.now() + Duration::from_secs(60);
    let Err(Failure::Failed(error)) = run(coordinator.propose_once(&mut command, deadline)) else {
        panic!("it was proposed");
    };
    assert_eq!((error.kind, error.changed), (ErrorKind::Internal, Changed::Nothing));
    assert!(told.proposed.lock().is_empty());
}

#[test]
fn a_failure_behind_an_applied_command_does_not_say_that_nothing_was_changed() {
    let full = Outcome::Full("the log is full".into());
    for (answers, kind, may_have_changed) in [
        (vec![full.clone()], ErrorKind::Overloaded, false),
        (vec![Outcome::Applied(LogIndex(9)), full], ErrorKind::Timeout, true),
    ] {
        let (coordinator, told) = coordinator(FeatureLevel::SPOKEN, &answers);
        let collection = coordinator.known_collection("c").unwrap();
        // As of a filter that matches more points than one entry of the log may name.
        let entry = || Command::new(vane_commands::Change::Delete(Default::default()));
        let deadline = told.now() + Duration::from_secs(60);
        let options = RequestOptions::new(deadline);
        let entries = Box::new([entry(), entry()].into_iter());
        let applied = run(collection.apply(1, entries, false, &options));
        let error = applied.unwrap_err();
        assert_eq!((error.kind, error.may_have_changed()), (kind, may_have_changed), "{error:?}");
    }
}

#[test]
fn a_name_that_this_node_has_not_heard_of_is_not_denied_while_the_leader_is_not_reached() {
    let (coordinator, told) = coordinator(FeatureLevel::SPOKEN, &[]);
    let deadline = told.now() + Duration::from_secs(60);
    assert!(run(coordinator.collection("c", deadline)).is_ok());
    assert_eq!(*told.waited.lock(), Duration::ZERO, "a known name costs no question");
    let unknown = run(coordinator.collection("d", deadline)).map(drop);
    assert_eq!(unknown.unwrap_err().kind, ErrorKind::Unavailable);
}

/// Has a zone set, and gives what was proposed for it.
fn set_zone(level: FeatureLevel, answers: &[Outcome]) -> (Result<LogIndex, Error>, Vec<Proposal>) {
    set_zone_of(coordinator(level, answers))
}

fn set_zone_of(
    (coordinator, told): (Arc<Coordinator<Arc<Told>>>, Arc<Told>),
) -> (Result<LogIndex, Error>, Vec<Proposal>) {
    let command = MetaCommand::SetZone { node: ME, zone: None };
    let changed = run(coordinator.propose_meta(command, told.now() + Duration::from_secs(60)));
    let proposed = std::mem::take(&mut *told.proposed.lock());
    (changed, proposed)
}

#[test]
fn a_change_of_the_catalog_has_one_name_in_all_of_its_copies() {
    let lost = Outcome::Unknown("the connection broke".into());
    let answers = [lost.clone(), lost, Outcome::Applied(LogIndex(9))];
    for level in (1..=FeatureLevel::SPOKEN.0).map(FeatureLevel) {
        let (changed, proposed) = set_zone(level, &answers);
        assert_eq!(changed.unwrap(), LogIndex(9));
        assert_eq!(proposed.len(), 3);
        assert!(proposed.iter().all(|it| *it == proposed[0]), "byte for byte");
        let request = Logged::decode_stored(&proposed[0].command).unwrap().request;
        let basis = (level >= FeatureLevel::PROVEN).then_some(INITIAL_INDEX);
        assert_eq!(request.map(|request| LogIndex(request.basis)), basis);
        assert_eq!(proposed[0].basis, basis);
    }
}

#[test]
fn a_change_of_the_catalog_names_a_newer_basis_while_no_copy_may_be_logged() {
    let (stale, lost) =
        (Outcome::StaleBasis(LogIndex(90_000)), Outcome::Unknown("the connection broke".into()));
    let (changed, proposed) =
        set_zone(FeatureLevel::SPOKEN, &[stale.clone(), Outcome::Applied(LogIndex(90_009))]);
    changed.unwrap();
    let logged: Vec<_> =
        proposed.iter().map(|it| Logged::decode_stored(&it.command).unwrap()).collect();
    let [first, second] = [0, 1].map(|at: usize| logged[at].request.unwrap());
    assert_eq!((first.session, first.sequence), (second.session, second.sequence));
    assert_eq!((first.basis, second.basis), (INITIAL_INDEX.0, 90_000));
    assert_eq!(proposed[1].basis, Some(LogIndex(90_000)));
    let (changed, proposed) = set_zone(FeatureLevel::SPOKEN, &[lost, stale]);
    assert!(changed.unwrap_err().may_have_changed());
    assert_eq!(proposed.len(), 2);
}

#[test]
fn a_node_that_has_just_joined_changes_nothing_before_it_knows_the_level() {
    let (zero, answers) = (LogIndex::ZERO, [Outcome::Applied(LogIndex(9))]);
    let (changed, proposed) =
        set_zone_of(heard((zero, INITIAL_INDEX), FeatureLevel::SPOKEN, &answers));
    changed.unwrap();
    let request = Logged::decode_stored(&proposed[0].command).unwrap().request;
    assert_eq!(request.map(|request| request.basis), Some(INITIAL_INDEX.0));
    let (changed, proposed) = set_zone_of(heard((zero, zero), FeatureLevel::SPOKEN, &answers));
    let error = changed.unwrap_err();
    assert_eq!((error.kind, error.may_have_changed()), (ErrorKind::Unavailable, false));
    assert_eq!(proposed, []);
}

fn failed_shards(failed: &[usize], shards: usize) -> FailedShards {
    FailedShards { collection: "c".into(), failed: failed.to_vec(), shards }
}

#[test]
fn half_a_write_never_says_that_nothing_was_changed() {
    let full = Error::overloaded("full").nothing_changed();
    let part = of_several(full.clone(), failed_shards(&[1], 2));
    assert!(part.may_have_changed());
    assert_eq!(part.kind, ErrorKind::Timeout, "the outcome as a whole is not what it was");
    let whole = of_several(full, failed_shards(&[0, 1], 2));
    assert!(!whole.may_have_changed());
    assert_eq!(whole.kind, ErrorKind::Overloaded);
}

#[test]
fn where_one_shard_may_be_changed_the_failure_does_not_say_that_none_is() {
    let no_leader = Error::unavailable("no leader").nothing_changed();
    let open = Error::unknown_outcome("lost on the way");
    for both in [[&no_leader, &open], [&open, &no_leader]] {
        let failure =
            both.into_iter().cloned().fold(None, |known, error| Some(worse(known, error)));
        assert_eq!(failure, Some(open.clone()));
    }
    let refused = Error::not_found("no point 7");
    assert_eq!(worse(Some(refused.clone()), no_leader), refused);
}

#[test]
fn a_refused_request_stays_refused_where_a_part_was_applied() {
    let refused = of_several(Error::not_found("no point 7"), failed_shards(&[0], 2));
    assert_eq!(refused.kind, ErrorKind::NotFound);
    assert!(refused.may_have_changed());
}
