//! Telling the others which start of this disk speaks, and hearing the same of them: at once
//! after the start, and again now and then, so that an older copy of a disk is noticed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use vane_catalog::meta_peer;
use vane_discovery::{parse_seeds, resolve};
use vane_raft::StateMachine;
use vane_transport::{Asking, Introduction};
use vane_types::{Error, ErrorKind, NodeId};

use crate::reception::Reception;

/// Time between looks at the seeds, while some member does not answer where it should be.
const SEEDS_EVERY: Duration = Duration::from_secs(2);

/// Introduces this node.
pub(crate) struct Introducing {
    pub(crate) reception: Arc<Reception>,
    /// Where other members may be found.
    pub(crate) seeds: Vec<String>,
    /// Addresses that are this node's own.
    pub(crate) own: Vec<std::net::SocketAddr>,
}

/// How the introductions went so far.
struct Progress {
    asking: Asking,
    looked_at_seeds: Instant,
}

impl Introducing {
    /// Goes on until the node ends.
    pub(crate) async fn run(self) {
        let now = Instant::now();
        let mut progress = Progress { asking: Asking::begin(now), looked_at_seeds: now };
        if self.decides_alone() {
            // Its disk may be from before the others joined: no member that it knows could say so.
            // Bounded: a seed that hangs must not keep it silent.
            let _answered =
                tokio::time::timeout(Asking::TIMEOUT, self.ask_seeds(&mut progress)).await;
        }
        loop {
            self.round(&mut progress).await;
            if progress.looked_at_seeds.elapsed() >= SEEDS_EVERY {
                self.ask_seeds(&mut progress).await;
            }
            tokio::time::sleep(Asking::PAUSE).await;
        }
    }

    /// Whether this node has a majority of the meta group by itself, as far as its disk knows.
    fn decides_alone(&self) -> bool {
        self.reception.catalog.conf().voters == [meta_peer(self.reception.me)]
    }

    /// Tells those who are due. Answers count as they come: a node that hangs must not keep this
    /// one silent.
    async fn round(&self, progress: &mut Progress) {
        self.open_gate(progress);
        let (mut asked, now) = (JoinSet::new(), Instant::now());
        for node in self.others().into_iter().filter(|node| progress.asking.is_due(*node, now)) {
            let (peers, own) =
                (Arc::clone(&self.reception.peers), self.reception.gate.own().clone());
            asked.spawn(async move { (node, peers.introduce(node, own, Asking::TIMEOUT).await) });
        }
        let mut looks = tokio::time::interval(Asking::PAUSE);
        while !asked.is_empty() {
            tokio::select! {
                answered = asked.join_next() => {
                    let Some(Ok((node, answer))) = answered else { continue };
                    self.take(progress, node, answer).await;
                }
                _ = looks.tick() => {}
            }
            self.open_gate(progress);
        }
    }

    /// The members whose address is known, but for this one.
    fn others(&self) -> BTreeSet<NodeId> {
        let mut others = self.reception.peers.nodes();
        others.remove(&self.reception.me);
        others
    }

    async fn take(
        &self,
        progress: &mut Progress,
        node: NodeId,
        answer: Result<Introduction, Error>,
    ) {
        let met = match answer {
            // One that is stale itself is told so when it introduces itself, and its word does
            // not count: it has forgotten what this one may have to be told.
            Ok(theirs) => self.reception.meet(theirs).await.inspect_err(|error| {
                tracing::debug!(%error, %node, "did not get to know a node");
            }),
            Err(error) if error.kind == ErrorKind::Conflict => {
                return self.fall_silent(format!("node {node}"), error).await;
            }
            Err(error) => Err(error),
        };
        progress.asking.note(node, met.is_ok(), Instant::now());
    }

    async fn fall_silent(&self, by: String, why: Error) {
        let gate = Arc::clone(&self.reception.gate);
        let refuse = move || gate.refuse(&by, &why.detail);
        // A failure leaves it silent: nobody takes its messages.
        let _done = tokio::task::spawn_blocking(refuse).await;
    }

    fn open_gate(&self, progress: &Progress) {
        if self.reception.gate.speaks() {
            return;
        }
        let members = self.reception.catalog.read(|state| state.nodes.keys().copied().collect());
        let voters =
            self.reception.catalog.conf().voters.into_iter().map(|peer| peer.node()).collect();
        if progress.asking.may_speak(self.reception.me, &members, &voters, Instant::now()) {
            self.reception.gate.speak();
        }
    }

    /// Asks at the seeds who is there, where a member does not answer at its address: all may have
    /// moved at once. And asks those who introduced themselves and are unknown here: to them this
    /// disk may be from before they joined.
    async fn ask_seeds(&self, progress: &mut Progress) {
        let all_there = self.others().iter().all(|node| progress.asking.is_taken_by(*node));
        let has_others = !self.others().is_empty();
        progress.looked_at_seeds = Instant::now();
        let mut addresses =
            self.reception.catalog.read(|state| self.reception.gate.strangers(state));
        if !(all_there && has_others)
            && let Ok(seeds) = parse_seeds(&self.seeds)
        {
            let found = resolve(&seeds, &self.own).await.addresses.into_iter();
            addresses.extend(found.map(|seed| seed.to_string()));
        }
        let mut asked = JoinSet::new();
        for address in addresses {
            let (peers, own) =
                (Arc::clone(&self.reception.peers), self.reception.gate.own().clone());
            asked.spawn(async move {
                let answer = peers.introduce_at(&address, own, Asking::TIMEOUT).await;
                (address, answer)
            });
        }
        while let Some(Ok((address, answer))) = asked.join_next().await {
            match answer {
                // A seed that is this node itself, by a name that it does not know as its own.
                Ok(theirs) if theirs.life.node == self.reception.me => {}
                Ok(theirs) => self.take(progress, theirs.life.node, Ok(theirs)).await,
                Err(error) if error.kind == ErrorKind::Conflict => {
                    self.fall_silent(format!("the node at {address}"), error).await;
                }
                Err(_) => {}
            }
        }
    }
}
