//! How this node's votes stand, as the leaders of their groups see them.
//!
//! A replica itself cannot tell: all it knows to be committed is what it was sent. One that was
//! away for an hour, or that waits for a snapshot, finds itself in order a second after its
//! start. So its leader is asked: after a start, when it changes, and now and then.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::task::JoinSet;
use vane_raft::{CAUGHT_UP_ENTRIES, GroupStatus};
use vane_transport::{Peers, ReportRequest};
use vane_types::{GroupId, LogIndex, NodeId, PeerId};

use crate::replicas::{Replica, Replicas};

/// Time between questions about replicas that are not confirmed.
const INTERVAL: Duration = Duration::from_secs(1);
/// Time for an answer.
const TIMEOUT: Duration = Duration::from_millis(1500);
/// So many intervals pass until those that are confirmed are asked about again.
const ALL_EVERY: u64 = 10;
/// Groups in one question.
const GROUPS_MAX: usize = 1000;
/// Entries that a voter here may trail, once it was caught up, before the node is not ready.
const LAG_MAX: u64 = 10_000;
/// Time after the start from which on a group without a leader is nobody's reason to wait: its
/// majority is lost, and the node's other shards are as good as any.
const UNLED_MAX: Duration = Duration::from_secs(30);

/// How a voter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stand {
    /// It has what was acknowledged, but for what is on its way.
    CaughtUp,
    /// It trails by so many entries.
    Behind(u64),
    /// Nobody has said yet.
    Unconfirmed,
}

/// What was last heard about a voter.
#[derive(Debug, Clone, Copy)]
struct Seen {
    /// What its leader has that it had not applied.
    behind: u64,
    /// Whether it was close to its leader once since the start.
    caught_up: bool,
}

impl Seen {
    /// Of a replica that was made since the start. Were it to wait for its leader's word, each new
    /// collection would take all its nodes out of service for a moment.
    const MADE_SINCE: Self = Self { behind: 0, caught_up: true };

    /// After another answer.
    fn next(before: Option<Self>, behind: u64) -> Self {
        // Easy to lose would mean that a burst of writes takes a node out of service; easy to get
        // would mean that one gets in which is far behind. So the bounds differ.
        let bound =
            if before.is_some_and(|seen| seen.caught_up) { LAG_MAX } else { CAUGHT_UP_ENTRIES };
        Self { behind, caught_up: behind <= bound }
    }
}

/// What is known of all voters.
#[derive(Default)]
struct Known {
    seen: BTreeMap<GroupId, Seen>,
    /// Groups whose leaders are to be asked.
    due: BTreeSet<GroupId>,
}

impl Known {
    /// Takes what a leader answered, which is asked again while its follower has to catch up.
    fn note(&mut self, group: GroupId, seen: Seen) {
        self.seen.insert(group, seen);
        if seen.caught_up {
            self.due.remove(&group);
        }
    }

    /// By node that leads them, the groups to ask about. A group falls out that `leader` says
    /// nothing of: there is nobody to ask, and whoever leads next has it asked.
    fn questions(
        &mut self,
        leader: impl Fn(GroupId) -> Option<NodeId>,
    ) -> BTreeMap<NodeId, Vec<GroupId>> {
        let mut questions: BTreeMap<NodeId, Vec<GroupId>> = BTreeMap::new();
        self.due.retain(|group| {
            let Some(leader) = leader(*group) else { return false };
            let of_leader = questions.entry(leader).or_default();
            if of_leader.len() < GROUPS_MAX {
                of_leader.push(*group);
            }
            true
        });
        questions
    }
}

/// What the leaders said about this node's voters.
pub(crate) struct Standing {
    me: NodeId,
    replicas: Arc<Replicas>,
    peers: Arc<Peers>,
    started: Instant,
    /// Replicas that the start found on the disk. Any other was made since, and began with its
    /// group or got its vote from a leader that knew it to be caught up.
    found: BTreeSet<(GroupId, PeerId)>,
    known: Mutex<Known>,
}

impl Standing {
    /// Begins with the replicas that are open now, which the start found on the disk.
    pub(crate) fn new(me: NodeId, replicas: Arc<Replicas>, peers: Arc<Peers>) -> Self {
        let open = replicas.all().into_iter();
        let found = open.map(|(group, replica)| (group, replica.peer)).collect();
        Self { me, replicas, peers, started: Instant::now(), found, known: Mutex::default() }
    }

    /// How the voter of a group here stands.
    pub(crate) fn of(&self, group: GroupId, replica: &Replica) -> Stand {
        let seen = self.before(group, replica.peer);
        let watch = &replica.watch;
        let leads = watch.leader().is_some_and(|leader| leader.node() == self.me);
        stand(seen, leads, watch.leader(), watch.lag(), self.started.elapsed())
    }

    /// What is known of a voter so far.
    fn before(&self, group: GroupId, peer: PeerId) -> Option<Seen> {
        let seen = self.known.lock().seen.get(&group).copied();
        seen.or_else(|| (!self.found.contains(&(group, peer))).then_some(Seen::MADE_SINCE))
    }

    /// Asks until the node ends.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut round = 0u64;
        loop {
            ticks.tick().await;
            let mut asked = JoinSet::new();
            for (leader, groups) in self.due(round.is_multiple_of(ALL_EVERY)) {
                let standing = Arc::clone(&self);
                asked.spawn(async move { standing.ask(leader, groups).await });
            }
            while asked.join_next().await.is_some() {}
            round += 1;
        }
    }

    /// By node that leads them, the groups to ask about; with `all` those too that have been asked
    /// about, but for the quiet ones, in which all members have the same.
    fn due(&self, all: bool) -> BTreeMap<NodeId, Vec<GroupId>> {
        let mut known = self.known.lock();
        // Whoever leads next, and the same one after a silence, may have much that is not here.
        known.due.extend(self.replicas.take_led_anew());
        if all {
            let open = self.replicas.all();
            // They come in the order of their groups.
            let is_open =
                |group: &GroupId| open.binary_search_by_key(group, |(open, _)| *open).is_ok();
            known.seen.retain(|group, _| is_open(group));
            let is_to_ask = |(group, replica): &(GroupId, Replica)| {
                let is_settled = replica.watch.is_quiet() && known.seen.contains_key(group);
                (!is_settled && self.leader(replica).is_some()).then_some(*group)
            };
            let due: Vec<GroupId> = open.iter().filter_map(is_to_ask).collect();
            known.due.extend(due);
        }
        known.questions(|group| self.leader(&self.replicas.get(group)?.ok()?))
    }

    /// The other node that leads a replica's group.
    fn leader(&self, replica: &Replica) -> Option<NodeId> {
        replica.watch.leader().map(PeerId::node).filter(|node| *node != self.me)
    }

    async fn ask(&self, leader: NodeId, groups: Vec<GroupId>) {
        let answer = self.peers.report(leader, ReportRequest::Groups(groups), TIMEOUT).await;
        // Asked again a second later; until then what was known stays known.
        let Ok(report) = answer else { return };
        for (group, report) in report.groups {
            let Some(Ok(replica)) = self.replicas.get(group) else { continue };
            let behind = trails(&report.status, replica.peer, replica.shard.applied());
            let next = Seen::next(self.before(group, replica.peer), behind);
            self.known.lock().note(group, next);
        }
    }
}

/// Entries that a leader has committed and that a voter has not applied, or that its leader does
/// not know to be on its disk.
fn trails(leader: &GroupStatus, voter: PeerId, applied: LogIndex) -> u64 {
    let Some(peer) = leader.peer(voter) else { return leader.committed.saturating_since(applied) };
    // Whether it answered lately is not asked: a silent one that lacks nothing is as good as any.
    let behind = leader.committed.saturating_since(applied.min(peer.matched));
    // What is matched is from before the snapshot that is on its way.
    if peer.snapshot { behind.max(LAG_MAX + 1) } else { behind }
}

fn stand(
    seen: Option<Seen>,
    leads: bool,
    leader: Option<PeerId>,
    lag: u64,
    running: Duration,
) -> Stand {
    // Its own word, where that is bad already.
    if lag > LAG_MAX {
        return Stand::Behind(lag);
    }
    if leads {
        return Stand::CaughtUp;
    }
    match seen {
        Some(seen) if seen.caught_up => Stand::CaughtUp,
        Some(seen) => Stand::Behind(seen.behind),
        None if leader.is_none() && running > UNLED_MAX => Stand::CaughtUp,
        None => Stand::Unconfirmed,
    }
}
