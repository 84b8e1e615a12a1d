//! Writers that go on while something happens to the cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use vane_testbed::{Answer, Cluster, Rest, pause, wait_until};

use crate::world::{HEAL, upsert_into};

/// Pause of a writer after a failure.
const RETRY_PAUSE: Duration = Duration::from_millis(5);

/// How writers go about it.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    /// Threads.
    pub(crate) writers: usize,
    /// Id of the first point.
    pub(crate) first: u64,
    /// Id of the last point, if it comes to that.
    pub(crate) last: u64,
    /// Where they go.
    pub(crate) collection: &'static str,
    /// Each writer stays with one node, whatever that does; else they go through all by turns.
    pub(crate) pinned: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self { writers: 3, first: 1, last: u64::MAX, collection: "c", pinned: false }
    }
}

/// Writers that insert points of increasing ids.
pub(crate) struct Load {
    shared: Arc<Shared>,
    writers: Vec<std::thread::JoinHandle<()>>,
}

struct Shared {
    plan: Plan,
    written: Mutex<Written>,
    next: AtomicU64,
    ended: AtomicBool,
}

/// What became of the writes.
#[derive(Default, Clone)]
pub(crate) struct Written {
    /// By id: when, and through which node.
    pub(crate) acknowledged: BTreeMap<u64, (Instant, usize)>,
    /// Ids of which was answered that nothing was changed.
    pub(crate) unchanged: BTreeSet<u64>,
    /// What was answered instead, and how often: by node and status the last answer.
    pub(crate) refused: BTreeMap<(usize, u16), (Answer, usize)>,
    /// When each acknowledged write began, and how long it took.
    pub(crate) took: Vec<(Instant, Duration)>,
    /// No id from here on was sent.
    pub(crate) next: u64,
}

impl Load {
    pub(crate) fn start(cluster: &Cluster, plan: Plan) -> Self {
        let (next, written) = (AtomicU64::new(plan.first), Mutex::default());
        let shared = Arc::new(Shared { plan, written, next, ended: AtomicBool::new(false) });
        let writer = |turn: usize| {
            let nodes: Vec<Rest> = cluster
                .nodes()
                .iter()
                .map(|node| Rest::with_timeout(node.rest().url(), HEAL))
                .collect();
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || shared.write(&nodes, turn))
        };
        let writers = (0..plan.writers).map(writer).collect();
        Self { shared, writers }
    }

    pub(crate) fn acknowledged(&self) -> usize {
        self.shared.written.lock().acknowledged.len()
    }

    /// Waits until so many more are acknowledged.
    pub(crate) fn wait_for(&self, more: usize) {
        let wanted = self.acknowledged() + more;
        wait_until("writes to go on", HEAL, || (self.acknowledged() >= wanted).then_some(()))
            .unwrap();
    }

    /// Waits until so many are acknowledged through each of these nodes from now on.
    pub(crate) fn wait_for_through(&self, nodes: &[usize], more: usize) {
        let since = Instant::now();
        for node in nodes {
            let went_on = || {
                let written = self.shared.written.lock();
                let news = written
                    .acknowledged
                    .values()
                    .filter(|(at, through)| *at > since && through == node);
                (news.count() >= more).then_some(())
            };
            wait_until(&format!("writes to go on through node {node}"), HEAL, went_on).unwrap();
        }
    }

    /// What was refused so far.
    pub(crate) fn refused(&self) -> BTreeMap<(usize, u16), (Answer, usize)> {
        self.shared.written.lock().refused.clone()
    }

    /// The longest time without an acknowledgement, of those that ended after `since`.
    pub(crate) fn longest_gap(&self, since: Instant) -> Duration {
        self.gaps(since).first().map(|(_, gap)| *gap).unwrap_or_default()
    }

    /// Times without an acknowledgement that ended after `since`, the longest first: when each
    /// began, and how long it was.
    pub(crate) fn gaps(&self, since: Instant) -> Vec<(Instant, Duration)> {
        let mut times: Vec<Instant> =
            self.shared.written.lock().acknowledged.values().map(|(at, _)| *at).collect();
        times.sort_unstable();
        let pairs = times.windows(2).filter(|pair| pair[1] > since);
        let mut gaps: Vec<_> = pairs.map(|pair| (pair[0], pair[1] - pair[0])).collect();
        gaps.sort_unstable_by_key(|(_, gap)| std::cmp::Reverse(*gap));
        gaps
    }

    /// Has the writers end after the write that they are at.
    pub(crate) fn stop(&self) {
        self.shared.ended.store(true, Ordering::Relaxed);
    }

    /// Ends the writers.
    pub(crate) fn end(self) -> Written {
        self.stop();
        self.wait()
    }

    /// Waits for the writers to have sent everything.
    pub(crate) fn wait(mut self) -> Written {
        self.writers.drain(..).for_each(|writer| writer.join().unwrap());
        let mut written = std::mem::take(&mut *self.shared.written.lock());
        written.next = self.shared.next.load(Ordering::Relaxed);
        written
    }
}

impl Drop for Load {
    /// After a test that failed nobody must write to the next one's nodes.
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn write(&self, nodes: &[Rest], first_turn: usize) {
        let mut turn = first_turn;
        while !self.ended.load(Ordering::Relaxed) {
            let id = self.next.fetch_add(1, Ordering::Relaxed);
            if id > self.plan.last {
                return;
            }
            if !self.plan.pinned {
                turn += 1;
            }
            let at = turn % nodes.len();
            let began = Instant::now();
            match upsert_into(&nodes[at], self.plan.collection, id) {
                Ok(answer) if answer.is_ok() => {
                    let mut written = self.written.lock();
                    written.took.push((began, began.elapsed()));
                    written.acknowledged.insert(id, (Instant::now(), at + 1));
                    continue;
                }
                Ok(answer) => {
                    let mut written = self.written.lock();
                    if answer.body["status"]["error"]
                        .as_str()
                        .is_some_and(|text| text.contains("nothing was changed"))
                    {
                        written.unchanged.insert(id);
                    }
                    let count = written.refused.get(&(at + 1, answer.status)).map_or(0, |it| it.1);
                    written.refused.insert((at + 1, answer.status), (answer, count + 1));
                }
                // The node is gone or silent: the outcome is unknown.
                Err(_) => {}
            }
            pause(RETRY_PAUSE);
        }
    }
}

impl Written {
    /// Says of everything that was answered instead of an acknowledgement that it is one of
    /// these statuses.
    pub(crate) fn refused_only_with(&self, statuses: &[u16]) {
        for ((node, status), (answer, count)) in &self.refused {
            println!("node {node} answered {status} {count} times, at last {}", answer.body);
            assert!(statuses.contains(status), "node {node}: {status} {}", answer.body);
        }
    }

    /// How long writes took that began in a time: of a hundred the longest but one, and the
    /// longest of all.
    pub(crate) fn slowest(&self, from: Instant, until: Instant) -> (Duration, Duration) {
        let began = self.took.iter().filter(|(began, _)| (from..until).contains(began));
        let mut took: Vec<Duration> = began.map(|(_, took)| *took).collect();
        took.sort_unstable();
        let at = |place: usize| took.get(place).copied().unwrap_or_default();
        (at(took.len() * 99 / 100), at(took.len().saturating_sub(1)))
    }

    /// Counts ids that were seen as acknowledged: what a read has shown must stay.
    pub(crate) fn seen(&mut self, ids: impl IntoIterator<Item = u64>) {
        for id in ids {
            self.acknowledged.entry(id).or_insert((Instant::now(), 0));
        }
    }

    /// Adds a later load.
    pub(crate) fn add(&mut self, later: Self) {
        self.acknowledged.extend(later.acknowledged);
        self.unchanged.extend(later.unchanged);
        self.refused.extend(later.refused);
        self.next = later.next;
    }
}
