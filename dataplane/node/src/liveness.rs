//! What this node hears of the others: it asks each, once a second.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use tokio::task::JoinSet;
use vane_catalog::Catalog;
use vane_raft::Engine;
use vane_transport::{NodeReport, Peers, ReportRequest};
use vane_types::{Error, ErrorKind, GroupId, NodeId};

/// Time between questions.
const INTERVAL: Duration = Duration::from_secs(1);
/// Time for an answer.
const TIMEOUT: Duration = Duration::from_millis(1500);
/// Silence after which a node counts as away.
const AWAY_AFTER: Duration = Duration::from_secs(4);

/// A node as last heard of.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) at: Instant,
    /// `None` until it answered for the first time.
    pub(crate) report: Option<NodeReport>,
    /// Another node answers at its address: what that one says.
    pub(crate) displaced: Option<String>,
    /// Questions in vain since its last answer.
    pub(crate) failed: Option<Failed>,
}

/// Questions to a node in vain, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// How many.
    pub count: u64,
    /// What the last one met.
    pub why: String,
    /// When.
    pub at: Instant,
}

/// What was heard of the others, and of the meta group's leader.
pub(crate) struct Liveness {
    me: NodeId,
    engine: Arc<Engine>,
    catalog: Arc<Catalog>,
    peers: Arc<Peers>,
    heard: RwLock<BTreeMap<NodeId, Heard>>,
    /// When the meta group was last seen to have a leader.
    led_at: Mutex<Instant>,
    was_led: AtomicBool,
}

impl Liveness {
    pub(crate) fn new(
        me: NodeId,
        engine: Arc<Engine>,
        catalog: Arc<Catalog>,
        peers: Arc<Peers>,
    ) -> Self {
        let (heard, led_at) = (RwLock::default(), Mutex::new(Instant::now()));
        Self { me, engine, catalog, peers, heard, led_at, was_led: AtomicBool::new(false) }
    }

    /// Asks until the node ends.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(INTERVAL);
        // After a stall the questions that were missed would otherwise be asked in one burst.
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            // Looked at here too, so that the time counts from when the leader was lost.
            self.leaderless_for();
            self.ask_all().await;
        }
    }

    async fn ask_all(self: &Arc<Self>) {
        let members: Vec<NodeId> = self.catalog.read(|state| state.nodes.keys().copied().collect());
        {
            // In a block of its own: the lock is not held while answers are waited for.
            let mut heard = self.heard.write();
            heard.retain(|node, _| members.contains(node));
            // One that never answered counts from when it was first looked for.
            let never = Heard { at: Instant::now(), report: None, displaced: None, failed: None };
            for node in members.iter().filter(|node| **node != self.me) {
                heard.entry(*node).or_insert_with(|| never.clone());
            }
        }
        let mut asked = JoinSet::new();
        for node in members.into_iter().filter(|node| *node != self.me) {
            let liveness = Arc::clone(self);
            asked.spawn(async move {
                let answer = liveness.peers.report(node, ReportRequest::NodeOnly, TIMEOUT).await;
                liveness.note(node, answer);
            });
        }
        // Waited for, so that a node that hangs has one question open and not one more each second.
        while asked.join_next().await.is_some() {}
    }

    fn note(&self, node: NodeId, answer: Result<NodeReport, Error>) {
        let mut heard = self.heard.write();
        match answer {
            // By its number: an address may be another's by now.
            Ok(report) if report.node == node => {
                let (at, report) = (Instant::now(), Some(report));
                heard.insert(node, Heard { at, report, displaced: None, failed: None });
            }
            Ok(report) => displace(&mut heard, node, format!("this is node {}", report.node)),
            Err(error) if error.kind == ErrorKind::Conflict => {
                displace(&mut heard, node, error.detail);
            }
            // The node is away when its last answer has grown old, and not before: one lost
            // question is no alarm.
            Err(error) => fail(&mut heard, node, error.detail),
        }
    }

    /// Time for which a node was not heard of; none for one that was not asked yet.
    pub(crate) fn silent_for(&self, node: NodeId) -> Duration {
        let heard = self.heard.read();
        let silent = heard.get(&node).filter(|_| node != self.me);
        silent.map_or(Duration::ZERO, |heard| heard.at.elapsed())
    }

    /// A node as last heard of; this node hears nothing of itself.
    pub(crate) fn heard(&self, node: NodeId) -> Option<Heard> {
        self.heard.read().get(&node).cloned()
    }

    /// Whether a node answered lately, or was not asked yet. This node itself does.
    pub(crate) fn is_alive(&self, node: NodeId) -> bool {
        if node == self.me {
            return true;
        }
        let heard = self.heard.read();
        let is_there = |heard: &Heard| heard.displaced.is_none() && heard.at.elapsed() < AWAY_AFTER;
        heard.get(&node).is_none_or(is_there)
    }

    /// How long the meta group has had no leader, as far as this node saw.
    pub(crate) fn leaderless_for(&self) -> Duration {
        let mut led_at = self.led_at.lock();
        let leader = self.engine.watch(GroupId::META).and_then(|watch| watch.leader());
        if leader.is_some_and(|leader| self.leads_meta(leader.node())) {
            *led_at = Instant::now();
            self.was_led.store(true, Ordering::Relaxed);
        }
        led_at.elapsed()
    }

    /// Whether the meta group was seen to have a leader since the start.
    pub(crate) fn was_led(&self) -> bool {
        // Asked anew: on a node that is alone nobody may have looked yet.
        self.leaderless_for();
        self.was_led.load(Ordering::Relaxed)
    }

    /// Whether a node that this one takes for the meta group's leader leads it. A replica that
    /// has no vote never hears of a leader's end, so the leader's own word counts.
    fn leads_meta(&self, node: NodeId) -> bool {
        let said = |heard: &Heard| heard.report.as_ref().is_none_or(|report| report.leads_meta);
        node == self.me || self.is_alive(node) && self.heard.read().get(&node).is_none_or(said)
    }
}

fn displace(heard: &mut BTreeMap<NodeId, Heard>, node: NodeId, by: String) {
    // At once: what lives at its address now says that the node does not.
    if let Some(heard) = heard.get_mut(&node) {
        heard.displaced = Some(by.clone());
    }
    fail(heard, node, by);
}

fn fail(heard: &mut BTreeMap<NodeId, Heard>, node: NodeId, why: String) {
    let Some(heard) = heard.get_mut(&node) else { return };
    let count = heard.failed.as_ref().map_or(0, |failed| failed.count) + 1;
    heard.failed = Some(Failed { count, why, at: Instant::now() });
}
