//! How far the snapshots are that this node sends, and how often sending one failed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
use vane_types::text::shorten;
use vane_types::{GroupId, PeerId, Policy};

use super::throttle::Throttle;

/// Time over which a rate is measured, about.
const RATE_OVER: Duration = Duration::from_secs(5);

/// Pause after a snapshot that could not be sent, doubled with each that follows: what is refused
/// is refused again.
const PAUSE_MIN: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(15);
/// Time after which a failure is forgotten: nobody asked for that snapshot again.
const FAILURE_KEPT: Duration = Duration::from_secs(600);
/// Bytes of the words that a failure is told in.
const WHY_BYTES_MAX: usize = 500;

/// What a transfer is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TransferPhase {
    /// Its files are read for their checksums, or it waits for others.
    #[default]
    Preparing,
    /// Bytes travel.
    Copying,
    /// All have travelled; the receiver syncs them and looks whether they are whole.
    Verifying,
}

/// How far a snapshot is on its way to a replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferReport {
    /// Group that it is of.
    pub group: GroupId,
    /// Replica that gets it.
    pub to: PeerId,
    /// What it is at.
    pub phase: TransferPhase,
    /// Bytes of its files in all; 0 while that is not known.
    pub bytes_total: u64,
    /// Bytes that the receiver has, those of earlier attempts too.
    pub bytes_done: u64,
    /// Bytes a second, lately.
    pub bytes_per_second: u64,
    /// Attempts that failed one after the other, from this node.
    pub attempts: u32,
    /// What the last of them met; empty without one.
    pub failure: String,
}

impl TransferReport {
    /// Whether the last attempt failed and the next has not come as far as its bytes.
    pub fn has_failed(&self) -> bool {
        self.attempts > 0 && self.phase == TransferPhase::Preparing
    }

    /// Time until all bytes have travelled; `None` where nothing says.
    pub fn left(&self) -> Option<Duration> {
        let left = self.bytes_total.checked_sub(self.bytes_done)?;
        let seconds = left.checked_div(self.bytes_per_second)?;
        (self.phase == TransferPhase::Copying).then(|| Duration::from_secs(seconds))
    }
}

/// A group, and its replica that gets a snapshot.
type Receiver = (GroupId, PeerId);

/// Those that are under way, those that failed and are to be tried again, and how fast they may
/// be.
pub struct Transfers {
    known: Mutex<Known>,
    pub(super) throttle: Throttle,
}

impl Default for Transfers {
    fn default() -> Self {
        let throttle = Throttle::new(Policy::default().bytes_per_second);
        Self { known: Mutex::default(), throttle }
    }
}

#[derive(Default)]
struct Known {
    running: BTreeMap<Receiver, Arc<Running>>,
    failed: BTreeMap<Receiver, Failed>,
}

/// Attempts that failed one after the other.
struct Failed {
    attempts: u32,
    why: String,
    at: Instant,
}

impl Transfers {
    /// Lets all of them together send so many bytes a second from now on.
    pub fn limit(&self, bytes_per_second: u64) {
        self.throttle.limit(bytes_per_second);
    }

    /// All of them.
    pub fn report(&self) -> Vec<TransferReport> {
        let known = self.known.lock();
        let failed = known.failed.iter().filter(|(_, failed)| failed.at.elapsed() < FAILURE_KEPT);
        let mut all: BTreeMap<Receiver, TransferReport> = known
            .running
            .iter()
            .map(|(receiver, running)| (*receiver, running.report(*receiver)))
            .collect();
        for (receiver, failed) in failed {
            // Between two attempts nothing runs.
            let waiting = || Running::default().report(*receiver);
            let report = all.entry(*receiver).or_insert_with(waiting);
            report.attempts = failed.attempts;
            report.failure.clone_from(&failed.why);
        }
        all.into_values().collect()
    }

    pub(super) fn begin(self: &Arc<Self>, group: GroupId, to: PeerId) -> Guard {
        let running = Arc::<Running>::default();
        self.known.lock().running.insert((group, to), Arc::clone(&running));
        Guard { transfers: Arc::clone(self), key: (group, to), running }
    }

    /// Takes note of how an attempt ended: `why` it failed. How long to wait before Raft hears of a
    /// failure and tries again; nothing after a success.
    pub(crate) fn ended(&self, receiver: Receiver, why: Option<String>) -> Option<Duration> {
        let mut known = self.known.lock();
        let Some(mut why) = why else {
            known.failed.remove(&receiver);
            return None;
        };
        // Of replicas that are gone nobody says that they are.
        known.failed.retain(|_, failed| failed.at.elapsed() < FAILURE_KEPT);
        shorten(&mut why, WHY_BYTES_MAX);
        let before = known.failed.get(&receiver).map_or(0, |failed| failed.attempts);
        let attempts = before.saturating_add(1);
        known.failed.insert(receiver, Failed { attempts, why, at: Instant::now() });
        Some((PAUSE_MIN * 2_u32.pow(before.min(16))).min(PAUSE_MAX))
    }
}

/// While it lives the transfer is reported.
pub(super) struct Guard {
    transfers: Arc<Transfers>,
    key: (GroupId, PeerId),
    running: Arc<Running>,
}

impl std::ops::Deref for Guard {
    type Target = Arc<Running>;

    fn deref(&self) -> &Arc<Running> {
        &self.running
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let all = &mut self.transfers.known.lock().running;
        // The same replica may be sent another already.
        if all.get(&self.key).is_some_and(|running| Arc::ptr_eq(running, &self.running)) {
            all.remove(&self.key);
        }
    }
}

/// One transfer.
#[derive(Default)]
pub(super) struct Running(Mutex<State>);

struct State {
    phase: TransferPhase,
    total: u64,
    /// Bytes that the receiver had before.
    had: u64,
    travelled: u64,
    /// When something last went on.
    moved: Instant,
    /// Where the rate is measured from.
    since: (Instant, u64),
    rate: u64,
}

impl Default for State {
    fn default() -> Self {
        let (moved, phase) = (Instant::now(), TransferPhase::default());
        Self { phase, total: 0, had: 0, travelled: 0, moved, since: (moved, 0), rate: 0 }
    }
}

impl State {
    fn sent(&mut self, bytes: u64, now: Instant) {
        self.travelled += bytes;
        self.moved = now;
        let (since, before) = self.since;
        let took = now - since;
        self.rate = ((self.travelled - before) as f64 / took.as_secs_f64().max(0.001)) as u64;
        if took > RATE_OVER {
            self.since = (now, self.travelled);
        }
    }

    fn report(&self, (group, to): Receiver) -> TransferReport {
        TransferReport {
            group,
            to,
            phase: self.phase,
            bytes_total: self.total,
            bytes_done: self.had + self.travelled,
            bytes_per_second: self.rate,
            attempts: 0,
            failure: String::new(),
        }
    }
}

impl Running {
    pub(super) fn copying(&self, total: u64, had: u64) {
        let phase = TransferPhase::Copying;
        *self.0.lock() = State { phase, total, had, ..State::default() };
    }

    pub(super) fn sent(&self, bytes: u64) {
        self.0.lock().sent(bytes, Instant::now());
    }

    pub(super) fn verifying(&self) {
        let mut state = self.0.lock();
        (state.phase, state.moved) = (TransferPhase::Verifying, Instant::now());
    }

    pub(super) fn travelled(&self) -> u64 {
        self.0.lock().travelled
    }

    /// Comes back once nothing went on for so long.
    pub(super) async fn stalled(&self, after: Duration) {
        loop {
            let until = self.0.lock().moved + after;
            if Instant::now() >= until {
                return;
            }
            tokio::time::sleep_until(until).await;
        }
    }

    fn report(&self, receiver: Receiver) -> TransferReport {
        self.0.lock().report(receiver)
    }
}

#[cfg(test)]
mod tests {
    use vane_types::NodeId;

    use super::*;

    const GROUP: GroupId = GroupId(7);

    fn to() -> PeerId {
        PeerId::new(NodeId(2), 1)
    }

    #[test]
    fn a_transfer_is_seen_from_its_beginning_to_its_end() {
        let transfers = Arc::<Transfers>::default();
        let running = transfers.begin(GROUP, to());
        assert_eq!(transfers.report()[0].phase, TransferPhase::Preparing);
        running.copying(10_000, 2_000);
        running.sent(1_000);
        let report = transfers.report().pop().unwrap();
        assert_eq!((report.bytes_total, report.bytes_done), (10_000, 3_000));
        running.verifying();
        assert_eq!(transfers.report()[0].left(), None);
        // Another attempt begins before the first one has quite ended.
        let next = transfers.begin(GROUP, to());
        drop(running);
        assert_eq!(transfers.report().len(), 1);
        drop(next);
        assert!(transfers.report().is_empty());
    }

    #[test]
    fn failures_are_counted_and_told_until_one_succeeds() {
        let transfers = Arc::<Transfers>::default();
        let receiver = (GROUP, to());
        let fail = |why: &str| transfers.ended(receiver, Some(why.to_owned())).unwrap();
        let pauses = [fail("no room"), fail("no room"), fail(&"x".repeat(10_000))];
        assert_eq!(pauses, [PAUSE_MIN, PAUSE_MIN * 2, PAUSE_MIN * 4]);
        let report = transfers.report().pop().unwrap();
        assert!(report.has_failed() && report.failure.len() <= WHY_BYTES_MAX, "{report:?}");
        assert_eq!((report.attempts, report.to), (3, to()));
        let running = transfers.begin(GROUP, to());
        running.copying(10, 0);
        let report = transfers.report().pop().unwrap();
        assert_eq!((report.attempts, report.has_failed()), (3, false), "it is tried again");
        drop(running);
        for _ in 0..50 {
            fail("still");
        }
        assert_eq!(fail("still"), PAUSE_MAX);
        assert_eq!(transfers.ended(receiver, None), None);
        assert!(transfers.report().is_empty());
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let (second, phase) = (Duration::from_secs(1), TransferPhase::Copying);
        let mut state = State { phase, total: 110_000, had: 10_000, ..State::default() };
        let began = state.moved;
        for at in 1..=12 {
            state.sent(if at <= 6 { 9_000 } else { 1_000 }, began + second * at);
        }
        let report = state.report((GROUP, to()));
        assert_eq!((report.bytes_done, report.bytes_per_second), (70_000, 1_000));
        assert_eq!(report.left(), Some(second * 40));
        assert_eq!(state.moved, began + second * 12, "from then on it may stall");
    }
}
