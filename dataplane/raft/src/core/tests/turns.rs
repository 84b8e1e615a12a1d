//! Committed entries that wait for their state machines, and whose turn it is.

use super::*;

const SHARDS: [GroupId; 3] = [GroupId(4), GroupId(5), GroupId(6)];
const COMMAND_BYTES: usize = 300;

/// A node that is the only member of its groups, and whose state machines apply nothing unless
/// they are told to.
struct Alone {
    log: Arc<MemoryLog>,
    core: Core,
    handed_out: Vec<Committed>,
}

impl Alone {
    fn new(bounds: Bounds) -> Self {
        let log = Arc::new(MemoryLog::default());
        let mut core = Core::new(log.clone(), Config { bounds, ..Config::default() });
        for group in SHARDS.into_iter().chain([GroupId::META]) {
            let state = GroupLog::founding(peer(1));
            log.groups.lock().insert(group, (state, BTreeMap::new()));
            let (applied, conf) = (state.last_index, Conf::founding(&[peer(1)]));
            let watch = Arc::default();
            core.add(Start { group, log: state, applied, conf, campaign: false, watch }).unwrap();
        }
        let mut alone = Self { log, core, handed_out: Vec::new() };
        alone.rounds();
        // Of the election, one empty entry for each group.
        for committed in std::mem::take(&mut alone.handed_out) {
            alone.apply(&committed);
        }
        alone.rounds();
        alone
    }

    fn rounds(&mut self) {
        while self.core.is_dirty() {
            let out = self.core.ready();
            self.log.append(&out.appends, out.sync).unwrap();
            self.handed_out.extend(self.core.persisted().unwrap().committed);
        }
    }

    fn propose(&mut self, group: GroupId, commands: usize) {
        for _ in 0..commands {
            self.core.propose(group, vec![0; COMMAND_BYTES], unheard());
        }
        self.rounds();
    }

    fn apply(&mut self, committed: &Committed) {
        let last = committed.entries.last().unwrap().0.index;
        self.core.applied(committed.group, committed.peer, last, committed.bytes);
    }

    /// Bytes that were handed out since the last look, by group.
    fn handed_out(&mut self) -> BTreeMap<GroupId, usize> {
        let mut bytes = BTreeMap::new();
        for committed in &self.handed_out {
            *bytes.entry(committed.group).or_default() += committed.bytes;
        }
        bytes
    }
}

#[test]
fn a_group_with_much_to_apply_leaves_room_for_the_others() {
    let bounds =
        Bounds { apply_bytes_max: 4_000, apply_group_bytes_max: 1_500, ..Bounds::default() };
    let mut node = Alone::new(bounds);
    node.propose(SHARDS[0], 40);
    node.propose(SHARDS[1], 1);
    assert_eq!(node.handed_out().len(), 2, "its part is not all that there is");
    // Now all of the room is taken, and what the cluster agrees on does not wait for it.
    node.propose(SHARDS[1], 40);
    node.propose(SHARDS[2], 40);
    node.propose(GroupId::META, 1);
    let handed_out = node.handed_out();
    assert!(handed_out.contains_key(&GroupId::META));
    assert!(handed_out.values().sum::<usize>() < 4_000 + 4 * 2 * COMMAND_BYTES, "{handed_out:?}");
}

#[test]
fn groups_take_turns_until_all_is_applied() {
    let bounds = Bounds { apply_bytes_max: 500, apply_group_bytes_max: 400, ..Bounds::default() };
    let mut node = Alone::new(bounds);
    for group in SHARDS {
        node.propose(group, 10);
    }
    let mut order = Vec::new();
    while !node.handed_out.is_empty() {
        let committed = node.handed_out.remove(0);
        order.extend(committed.entries.iter().map(|_| committed.group));
        node.apply(&committed);
        node.rounds();
    }
    assert_eq!(order.len(), 3 * 10, "nothing is left behind");
    let last_of_first = order.iter().rposition(|group| *group == SHARDS[0]).unwrap();
    let before = order[..last_of_first].iter().filter(|group| **group == SHARDS[2]).count();
    assert!(before > 5, "the last group does not wait until the first is done: {order:?}");
}
