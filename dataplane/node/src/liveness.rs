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
use vane_types::{GroupId, NodeId};

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
            let never = Heard { at: Instant::now(), report: None };
            for node in members.iter().filter(|node| **node != self.me) {
                heard.entry(*node).or_insert_with(|| never.clone());
            }
        }
        let mut asked = JoinSet::new();
        for node in members.into_iter().filter(|node| *node != self.me) {
            let liveness = Arc::clone(self);
            asked.spawn(async move {
                let answer = liveness.peers.report(node, ReportRequest::NodeOnly, TIMEOUT).await;
                // A failure is not noted: a node is away when its last answer has grown old, so
                // that one lost question is no alarm.
                if let Ok(report) = answer {
                    let heard = Heard { at: Instant::now(), report: Some(report) };
                    liveness.heard.write().insert(node, heard);
                }
            });
        }
        // Waited for, so that a node that hangs has one question open and not one more each second.
        while asked.join_next().await.is_some() {}
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
        heard.get(&node).is_none_or(|heard| heard.at.elapsed() < AWAY_AFTER)
    }

    /// How long the meta group has had no leader, as far as this node saw.
    pub(crate) fn leaderless_for(&self) -> Duration {
        let mut led_at = self.led_at.lock();
        if self.engine.watch(GroupId::META).is_some_and(|watch| watch.leader().is_some()) {
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
}
