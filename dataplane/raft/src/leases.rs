//! Leases: a leader's word in advance. As long as a follower has one the leader has nothing
//! applied that the follower's log lacks, so the follower answers reads without a question: it has
//! all that was acknowledged once it has applied what its log has. Pure: whoever calls says what
//! time it is. See docs/decisions/0057.

use std::time::{Duration, Instant};

use vane_types::planted::{self, Fault};
use vane_types::{LogIndex, PeerId, Term};

/// How long a follower goes by its leader's word, at most, whatever a leader says.
const HELD_MAX: Duration = Duration::from_secs(1);

/// Times of leases.
#[derive(Debug, Clone)]
pub struct LeaseTimes {
    /// How long a follower goes by a lease, from when it asked.
    pub held: Duration,
    /// How long the leader waits for one that has a lease and does not answer, from when it said
    /// so: longer, since no two clocks go alike.
    pub kept: Duration,
    /// Time without a command after which a leader lends: while there are many, each would wait
    /// for the slowest member.
    pub still: Duration,
}

impl Default for LeaseTimes {
    fn default() -> Self {
        Self {
            held: Duration::from_millis(100),
            kept: Duration::from_millis(150),
            still: Duration::from_millis(300),
        }
    }
}

/// What a leader says with a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grant {
    /// What the follower must have applied, at least.
    pub(crate) index: LogIndex,
    /// For how long, from when it asked.
    pub(crate) held: Duration,
}

/// What a leader has lent.
#[derive(Debug, Default)]
pub(crate) struct Lent {
    /// Everything up to it may be applied, and acknowledged, by now.
    released: LogIndex,
    /// When that was said last.
    released_at: Option<Instant>,
    /// Until when a member may go by a lease.
    until: Vec<(PeerId, Instant)>,
    /// Until when one may go by a lease of an earlier leader.
    inherited_until: Option<Instant>,
}

impl Lent {
    /// Begins to lead, with everything up to `released` applied or about to be. `others` may have
    /// leases of an earlier leader.
    pub(crate) fn begin(
        &mut self,
        released: LogIndex,
        others: impl Iterator<Item = PeerId>,
        (now, times): (Instant, &LeaseTimes),
    ) {
        let until = now + times.kept;
        *self = Self {
            released,
            released_at: Some(now),
            until: others.map(|peer| (peer, until)).collect(),
            inherited_until: Some(until),
        };
    }

    /// A peer is a member from now on: an earlier leader may have known it before.
    pub(crate) fn join(&mut self, peer: PeerId) {
        let is_known = self.until.iter().any(|(known, _)| *known == peer);
        self.until.extend(self.inherited_until.filter(|_| !is_known).map(|until| (peer, until)));
    }

    /// A follower asks: it gets a lease, unless there were commands a moment ago.
    pub(crate) fn lend(
        &mut self,
        peer: PeerId,
        (now, times): (Instant, &LeaseTimes),
    ) -> Option<Grant> {
        let released_at = self.released_at?;
        if now.saturating_duration_since(released_at) < times.still {
            return None;
        }
        let until = now + times.kept;
        match self.until.iter_mut().find(|(known, _)| *known == peer) {
            Some(lease) => lease.1 = lease.1.max(until),
            None => self.until.push((peer, until)),
        }
        Some(Grant { index: self.released, held: times.held })
    }

    /// Up to which of the committed entries may be applied: what all have that have a lease.
    /// `matched` says what a member has on disk as it said in this term.
    pub(crate) fn release(
        &mut self,
        committed: LogIndex,
        now: Instant,
        matched: impl Fn(PeerId) -> LogIndex,
    ) -> LogIndex {
        self.until.retain(|(_, until)| *until > now);
        self.inherited_until = self.inherited_until.filter(|until| *until > now);
        let everyone = self.until.iter().map(|(peer, _)| matched(*peer));
        let limit = everyone.fold(committed, LogIndex::min);
        let limit = if planted::is(Fault::LeaseUnkept) { committed } else { limit };
        if limit > self.released {
            (self.released, self.released_at) = (limit, Some(now));
        }
        self.released
    }
}

/// The lease that a follower has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lease {
    pub(crate) leader: PeerId,
    pub(crate) term: Term,
    index: LogIndex,
    from: Instant,
    held: Duration,
}

impl Lease {
    /// A leader's answer to what was asked then.
    pub(crate) fn new((leader, term): (PeerId, Term), grant: Grant, asked_at: Instant) -> Self {
        let Grant { index, held } = grant;
        Self { leader, term, index, from: asked_at, held: held.min(HELD_MAX) }
    }

    /// Whether the follower may go by it.
    pub(crate) fn holds(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.from) < self.held
    }

    /// Whether it is time to ask for the next one.
    pub(crate) fn ends_soon(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.from) >= self.held / 2
    }

    /// What must be applied for a read, where the log ends at `logged`.
    pub(crate) fn needs(&self, logged: LogIndex) -> LogIndex {
        if planted::is(Fault::LeaseUnread) { self.index } else { self.index.max(logged) }
    }
}

#[cfg(test)]
mod tests;
