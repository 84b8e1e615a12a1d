//! Commands of many groups through an in-memory log.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc;

use parking_lot::Mutex;
use vane_types::{GroupId, LogIndex, Refusal};

use super::{Config, Node};
use crate::{Answer, Append, Applied, Entry, GroupLog, LogStore, ProposeError, StateMachine, StoreError};

const GROUP: GroupId = GroupId(7);
const CONFIG: Config = Config { pending_bytes_max: 1 << 20 };

#[derive(Default)]
struct Memory(Mutex<BTreeMap<GroupId, (GroupLog, Vec<Entry>)>>);

impl LogStore for Memory {
    fn group(&self, group: GroupId) -> Result<GroupLog, StoreError> {
        Ok(self.0.lock().get(&group).map(|it| it.0).unwrap_or_default())
    }

    fn append(&self, appends: &[Append]) -> Result<(), StoreError> {
        let mut groups = self.0.lock();
        for append in appends {
            let (log, entries) = groups.entry(append.group).or_default();
            *log = append.log;
            entries.extend(append.entries.iter().cloned());
        }
        Ok(())
    }

    fn replay(
        &self,
        group: GroupId,
        from: LogIndex,
        visit: &mut dyn FnMut(Entry) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let entries = self.0.lock().get(&group).map(|it| it.1.clone()).unwrap_or_default();
        entries.into_iter().filter(|it| it.index >= from).try_for_each(visit)
    }

    fn truncate(&self, group: GroupId, through: LogIndex) -> Result<(), StoreError> {
        let mut groups = self.0.lock();
        let (log, entries) = groups.entry(group).or_default();
        log.truncated_index = through;
        entries.retain(|it| it.index > through);
        Ok(())
    }

    fn remove(&self, group: GroupId) -> Result<(), StoreError> {
        self.0.lock().remove(&group);
        Ok(())
    }
}

/// Remembers what it applied; refuses commands that begin with `!`.
#[derive(Default)]
struct Machine(Mutex<Vec<Entry>>, LogIndex);

impl Machine {
    fn seen(&self) -> Vec<(LogIndex, Vec<u8>)> {
        self.0.lock().iter().map(|it| (it.index, it.data.clone())).collect()
    }
}

impl StateMachine for Machine {
    fn applied(&self) -> LogIndex {
        self.0.lock().last().map_or(self.1, |it| it.index)
    }

    fn apply(&self, entry: &Entry) -> Result<Answer, StoreError> {
        self.0.lock().push(entry.clone());
        Ok(if entry.data.starts_with(b"!") { Err(Refusal::Invalid("no".into())) } else { Ok(()) })
    }
}

fn propose(node: &Node, group: GroupId, data: &[u8]) -> mpsc::Receiver<Result<Applied, ProposeError>> {
    let (send, receive) = mpsc::channel();
    let on_applied = Box::new(move |outcome| drop(send.send(outcome)));
    node.propose(group, data.to_vec(), on_applied).unwrap();
    receive
}

#[test]
fn commands_are_applied_in_log_order_and_refusals_count() {
    let node = Node::start(Arc::<Memory>::default(), CONFIG).unwrap();
    let (a, b) = (Arc::<Machine>::default(), Arc::<Machine>::default());
    node.register(GROUP, Arc::clone(&a) as _).unwrap();
    node.register(GroupId(8), Arc::clone(&b) as _).unwrap();
    let data = |n: u64| if n.is_multiple_of(5) { format!("!{n}") } else { n.to_string() };
    let answers: Vec<_> = (1..=500).map(|n| propose(&node, GROUP, data(n).as_bytes())).collect();
    let other = propose(&node, GroupId(8), b"x");
    for (answer, n) in answers.into_iter().zip(1..) {
        let applied = answer.recv().unwrap().unwrap();
        assert_eq!((applied.index, applied.answer.is_err()), (n, n % 5 == 0));
    }
    assert_eq!(other.recv().unwrap().unwrap().index, 1);
    assert_eq!(a.seen(), (1..=500).map(|n| (n, data(n).into_bytes())).collect::<Vec<_>>());
}

#[test]
fn a_restart_replays_exactly_what_the_state_lacks() {
    let store = Arc::<Memory>::default();
    let node = Node::start(Arc::clone(&store) as _, CONFIG).unwrap();
    node.register(GROUP, Arc::<Machine>::default()).unwrap();
    for n in 1..=9_u8 {
        propose(&node, GROUP, &[n]).recv().unwrap().unwrap();
    }
    node.truncate(GROUP, 4).unwrap();
    drop(node);
    let node = Node::start(store, CONFIG).unwrap();
    let behind = Arc::new(Machine(Mutex::default(), 6));
    node.register(GROUP, Arc::clone(&behind) as _).unwrap();
    assert_eq!(behind.seen(), [(7, vec![7]), (8, vec![8]), (9, vec![9])]);
    assert_eq!(propose(&node, GROUP, b"x").recv().unwrap().unwrap().index, 10);
    let hole = node.register(GROUP, Arc::new(Machine(Mutex::default(), 3)));
    assert!(hole.unwrap_err().to_string().contains("incomplete"), "entry 4 is gone from log and state");
    let ahead = node.register(GROUP, Arc::new(Machine(Mutex::default(), 99)));
    assert!(ahead.unwrap_err().to_string().contains("lost entries"));
}

#[test]
fn what_is_not_taken_is_said_and_not_logged() {
    let store = Arc::<Memory>::default();
    let node = Node::start(Arc::clone(&store) as _, Config { pending_bytes_max: 10 }).unwrap();
    let machine = Arc::<Machine>::default();
    let blocked = machine.0.lock();
    assert!(matches!(node.propose(GROUP, vec![], Box::new(|_| {})), Err(ProposeError::NoSuchGroup(_))));
    drop(blocked);
    node.register(GROUP, Arc::clone(&machine) as _).unwrap();
    let blocked = machine.0.lock();
    // Larger than the limit, but alone: it goes.
    let (send, large) = mpsc::channel();
    node.propose(GROUP, vec![0; 50], Box::new(move |it| drop(send.send(it)))).unwrap();
    let refused = node.propose(GROUP, vec![1], Box::new(|_| {}));
    assert_eq!(refused, Err(ProposeError::Full { waiting: 51, limit: 10 }));
    drop(blocked);
    large.recv().unwrap().unwrap();
    node.stop();
    assert_eq!(node.propose(GROUP, vec![1], Box::new(|_| {})), Err(ProposeError::Stopping));
    assert_eq!(machine.seen().len(), 1);
}

#[test]
fn a_command_of_a_group_that_went_away_frees_its_place() {
    let node = Node::start(Arc::<Memory>::default(), Config { pending_bytes_max: 10 }).unwrap();
    let (busy, gone) = (Arc::<Machine>::default(), GroupId(8));
    node.register(GROUP, Arc::clone(&busy) as _).unwrap();
    node.register(gone, Arc::<Machine>::default()).unwrap();
    let (first, lost) = {
        // The log thread waits for this lock, so the second command is still on its way.
        let known = node.groups.read().get(&GROUP).cloned().unwrap();
        let _held = known.log.lock();
        let first = propose(&node, GROUP, b"x");
        let lost = propose(&node, gone, b"12345");
        node.groups.write().remove(&gone);
        (first, lost)
    };
    first.recv().unwrap().unwrap();
    // Either it was taken before the group went, or it is answered and counts no more.
    drop(lost.recv().unwrap());
    for _ in 0..5 {
        propose(&node, GROUP, b"1234567890").recv().unwrap().unwrap();
    }
    assert_eq!(node.pending_bytes.load(std::sync::atomic::Ordering::Acquire), 0);
}
