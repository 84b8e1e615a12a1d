//! A replica's part in leases, for threads that answer questions and reads beside the one that
//! owns the groups.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use parking_lot::Mutex;
use vane_types::{LogIndex, PeerId, Term};

use crate::clock::Clock;
use crate::leases::{Grant, Lease, LeaseTimes, Lent};

/// What leases go by.
#[derive(Debug, Clone)]
pub(crate) struct LeaseTerms {
    pub(crate) clock: Clock,
    pub(crate) times: LeaseTimes,
    /// Every node of the cluster knows what a lease is.
    pub(crate) may_lend: Arc<AtomicBool>,
}

/// What a replica has lent as a leader, and what it has borrowed as a follower.
#[derive(Debug, Default)]
pub(crate) struct Lending {
    terms: OnceLock<LeaseTerms>,
    lent: Mutex<Lent>,
    lease: Mutex<Option<Lease>>,
    /// Where the replica's log ends, or will once what is being written is.
    logged: AtomicU64,
}

impl Lending {
    /// What leases go by; the log ends at `logged`.
    pub(crate) fn begin(&self, terms: LeaseTerms, logged: LogIndex) {
        // Once: a replica that is opened anew has another watch.
        self.terms.get_or_init(|| terms);
        self.note_logged(logged);
    }

    fn terms(&self) -> Option<(Instant, &LeaseTimes)> {
        self.terms.get().map(|terms| (terms.clock.now(), &terms.times))
    }

    /// The time by the replica's clock; `None` before it is taken up.
    pub(crate) fn now(&self) -> Option<Instant> {
        self.terms().map(|(now, _)| now)
    }

    /// To be called before anything is acknowledged up to there.
    pub(crate) fn note_logged(&self, logged: LogIndex) {
        self.logged.store(logged.0, Ordering::SeqCst);
    }

    /// Where the log ends. Asked for after the lease was looked at.
    pub(crate) fn logged(&self) -> LogIndex {
        LogIndex(self.logged.load(Ordering::SeqCst))
    }

    /// The replica begins to lead: see [`Lent::begin`].
    pub(crate) fn lead(&self, released: LogIndex, others: impl Iterator<Item = PeerId>) {
        if let Some(terms) = self.terms() {
            self.lent.lock().begin(released, others, terms);
        }
    }

    /// Members that the leader hears of.
    pub(crate) fn join(&self, peers: &[PeerId]) {
        let mut lent = self.lent.lock();
        peers.iter().for_each(|peer| lent.join(*peer));
    }

    /// How far the leader may apply: see [`Lent::release`].
    pub(crate) fn release(
        &self,
        committed: LogIndex,
        matched: impl Fn(PeerId) -> LogIndex,
    ) -> LogIndex {
        let Some(now) = self.now() else { return committed };
        self.lent.lock().release(committed, now, matched)
    }

    /// A lease for a follower that asks, if the leader lends.
    pub(crate) fn lend(&self, peer: PeerId) -> Option<Grant> {
        let LeaseTerms { clock, times, may_lend } = self.terms.get()?;
        if !may_lend.load(Ordering::Acquire) {
            return None;
        }
        // Under the lock the time is read, or a lease could end before one that was given later.
        let mut lent = self.lent.lock();
        lent.lend(peer, (clock.now(), times))
    }

    /// The replica has borrowed.
    pub(crate) fn borrow(&self, lease: Lease) {
        *self.lease.lock() = Some(lease);
    }

    /// The lease of this leader in this term, as long as it holds; and the time.
    pub(crate) fn lease(&self, leader: PeerId, term: Term) -> Option<(Lease, Instant)> {
        let lease = (*self.lease.lock()).filter(|it| (it.leader, it.term) == (leader, term))?;
        let now = self.now()?;
        lease.holds(now).then_some((lease, now))
    }
}
