//! An entry that one group's state machine cannot read, and the groups beside it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Instant;

use crossbeam_channel::unbounded;
use parking_lot::Mutex;
use vane_types::{GroupId, NodeId, PeerId, Term};

use super::super::apply_queues::ApplyFeed;
use super::*;
use crate::error::{ApplyError, StoreError};
use crate::machine::{Answer, Conf, Entry, Exported, StateMachine};
use crate::ticket::Ticket;

/// A command that no version of these tests can read.
const UNREADABLE: &[u8] = b"?";

/// Keeps the commands that it was given.
#[derive(Default)]
struct Commands(Mutex<Vec<Vec<u8>>>);

impl StateMachine for Commands {
    fn applied(&self) -> LogIndex {
        LogIndex(self.0.lock().len() as u64)
    }

    fn conf(&self) -> Conf {
        Conf::default()
    }

    fn apply(&self, entry: &Entry) -> Result<Answer, ApplyError> {
        if entry.data == UNREADABLE {
            return Err(ApplyError::Unreadable("it is odd".into()));
        }
        self.0.lock().push(entry.data.clone());
        Ok(Ok(()))
    }

    fn snapshot(&self, _: &Path) -> Result<Exported, StoreError> {
        Err(StoreError("no snapshot is made here".into()))
    }

    fn install(&self, _: &Path) -> Result<(), ApplyError> {
        Err(StoreError("no snapshot is installed here".into()).into())
    }
}

/// What became of each proposal, in order of their answers.
type Answers = Arc<Mutex<Vec<(GroupId, LogIndex, Result<Applied, ProposeError>)>>>;

/// Commands of a group from `first` on, each with somebody who waits for it.
fn committed(group: GroupId, first: u64, commands: &[&[u8]], answers: &Answers) -> Work {
    let waiting = Arc::<AtomicUsize>::default();
    let entry = |(index, command): (u64, &&[u8])| {
        let (index, answers) = (LogIndex(index), Arc::clone(answers));
        let done = Box::new(move |outcome| answers.lock().push((group, index, outcome)));
        let mut ticket = Ticket::new(1, Arc::clone(&waiting), done);
        ticket.set_logged(group, Arc::default());
        (Entry { index, term: Term(1), data: command.to_vec(), conf: None }, Some(ticket))
    };
    let entries: Vec<_> = (first..).zip(commands).map(entry).collect();
    let bytes = entries.len();
    Work::Apply(Committed { group, peer: PeerId::new(NodeId(1), 1), entries, bytes })
}

#[test]
fn a_group_that_cannot_read_an_entry_stands_still_and_the_others_go_on() {
    let (odd, well) = (GroupId(4), GroupId(5));
    let (machines, inbox) = (Arc::<Machines>::default(), Arc::<Inbox>::default());
    let peer = PeerId::new(NodeId(1), 1);
    let state: Vec<Arc<Commands>> = [odd, well]
        .map(|group| {
            let commands = Arc::<Commands>::default();
            machines.insert(group, peer, commands.clone());
            commands
        })
        .into();
    let (answers, queues) = (Answers::default(), Arc::<ApplyQueues>::default());
    let feed = ApplyFeed::new(Arc::clone(&queues));
    for some in [
        committed(odd, 1, &[b"a", UNREADABLE, b"b"], &answers),
        committed(well, 1, &[b"c"], &answers),
        committed(odd, 4, &[b"d"], &answers),
        committed(well, 2, &[b"e", b"f"], &answers),
    ] {
        feed.put(some);
    }
    drop(feed);
    let (machines, inbox_of) = (Arc::clone(&machines), Arc::clone(&inbox));
    Applier { queues, machines, inbox: inbox_of, job: unbounded().0 }.run(Lane::Shards);
    assert_eq!(*state[0].0.lock(), [b"a"], "nothing behind what it could not read");
    assert_eq!(*state[1].0.lock(), [b"c", b"e", b"f"]);
    let mut answers: Vec<_> = std::mem::take(&mut *answers.lock());
    answers.sort_by_key(|(group, index, _)| (*group, *index));
    let applied = |index| Ok(Applied { index: LogIndex(index), answer: Ok(()) });
    let unknown = || Err(ProposeError::Unknown(odd));
    let expected = [
        (odd, LogIndex(1), applied(1)),
        (odd, LogIndex(2), unknown()),
        (odd, LogIndex(3), unknown()),
        (odd, LogIndex(4), unknown()),
        (well, LogIndex(1), applied(1)),
        (well, LogIndex(2), applied(2)),
        (well, LogIndex(3), applied(3)),
    ];
    assert_eq!(answers, expected);
    let taken = inbox.take(Instant::now(), true).unwrap();
    assert!(
        matches!(taken.inputs.iter().collect::<Vec<_>>()[..],
            [Input::Quarantined { group, peer: told }] if (*group, *told) == (odd, peer)),
        "the raft thread lets the one replica go"
    );
    assert_eq!(taken.applied[&(odd, peer)], (LogIndex(1), 4), "their room is free again");
    assert_eq!(taken.applied[&(well, peer)], (LogIndex(3), 3));
}

/// Takes an entry only once it is let through.
struct Gated(crossbeam_channel::Receiver<()>, Commands);

impl StateMachine for Gated {
    fn applied(&self) -> LogIndex {
        self.1.applied()
    }

    fn conf(&self) -> Conf {
        Conf::default()
    }

    fn apply(&self, entry: &Entry) -> Result<Answer, ApplyError> {
        // An error where the gate is gone: then everything passes.
        let _open = self.0.recv();
        self.1.apply(entry)
    }

    fn snapshot(&self, dir: &Path) -> Result<Exported, StoreError> {
        self.1.snapshot(dir)
    }

    fn install(&self, dir: &Path) -> Result<(), ApplyError> {
        self.1.install(dir)
    }
}

/// Waits for an answer of each of so many commands.
fn answered(answers: &Answers, groups: &[GroupId]) {
    let is_there = |group: &GroupId| answers.lock().iter().any(|(of, ..)| of == group);
    while !groups.iter().all(is_there) {
        std::thread::yield_now();
    }
}

#[test]
fn an_entry_that_takes_long_holds_up_neither_other_shards_nor_the_meta_group() {
    let (slow, well, peer) = (GroupId(4), GroupId(5), PeerId::new(NodeId(1), 1));
    let (machines, inbox) = (Arc::<Machines>::default(), Arc::<Inbox>::default());
    let (open, gate) = unbounded();
    let state = Arc::new(Gated(gate, Commands::default()));
    machines.insert(slow, peer, state.clone());
    for group in [well, GroupId::META] {
        machines.insert(group, peer, Arc::<Commands>::default());
    }
    let (answers, queues) = (Answers::default(), Arc::<ApplyQueues>::default());
    let feed = ApplyFeed::new(Arc::clone(&queues));
    // Two turns of the slow group, and both workers free to take one.
    feed.put(committed(slow, 1, &[b"a"], &answers));
    feed.put(committed(slow, 2, &[b"b"], &answers));
    let threads: Vec<_> = [Lane::Meta, Lane::Shards, Lane::Shards]
        .map(|lane| {
            let (queues, machines) = (Arc::clone(&queues), Arc::clone(&machines));
            let applier =
                Applier { queues, machines, inbox: Arc::clone(&inbox), job: unbounded().0 };
            std::thread::spawn(move || applier.run(lane))
        })
        .into();
    feed.put(committed(well, 1, &[b"c"], &answers));
    feed.put(committed(GroupId::META, 1, &[b"d"], &answers));
    answered(&answers, &[well, GroupId::META]);
    assert_eq!(state.applied(), LogIndex::ZERO, "it still stands before its first entry");
    drop((open, feed));
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(*state.1.0.lock(), [b"a", b"b"], "in the order of the log");
}
