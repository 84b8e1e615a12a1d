//! Raft's messages to the other nodes: one stream to each, with a bounded queue before it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use vane_proto::peer::RaftBatch;
use vane_raft::{Callback, Engine, Envelope, Transfer, Transport};
use vane_types::NodeId;

use crate::peers::Peers;
use crate::send_snapshot::{Sending, Transfers};
use crate::wire::Wire;

/// Messages that may wait for one node; more are dropped, Raft sends again.
const QUEUED_MESSAGES_MAX: usize = 16_384;
/// The same in bytes.
const QUEUED_BYTES_MAX: usize = 64 << 20;
/// Bytes of messages that go into one batch.
const BATCH_BYTES: usize = 512 << 10;
/// Batches between the queue and the connection.
const BATCHES_ON_THE_WAY: usize = 4;
/// Pauses between attempts to connect.
const RETRY_PAUSE_MIN: Duration = Duration::from_millis(50);
const RETRY_PAUSE_MAX: Duration = Duration::from_millis(800);
/// Time between attempts to connect to a node whose process ended, and attempts at most: after
/// those the election timeout has passed, too.
const REFUSAL_PAUSE: Duration = Duration::from_millis(20);
const REFUSALS_MAX: usize = 50;
/// Attempts that may succeed before the first is refused: of a process that is killed, the
/// connections may end some milliseconds before the listener does.
const ACCEPTED_MAX: usize = 2;

/// The streams to all nodes.
pub struct Links {
    me: NodeId,
    peers: Arc<Peers>,
    runtime: Handle,
    links: Mutex<HashMap<NodeId, Arc<Link>>>,
    /// Told of nodes that do not answer. Set later, because the engine is made with the links.
    engine: Arc<OnceLock<Weak<Engine>>>,
    snapshots: Arc<Sending>,
    transfers: Arc<Transfers>,
}

/// What waits for one node.
#[derive(Default)]
struct Link {
    queue: Mutex<Queue>,
    filled: Notify,
}

#[derive(Default)]
struct Queue {
    messages: VecDeque<Envelope>,
    bytes: usize,
}

impl Links {
    /// Streams from node `me`, each opened with the first message for its node and run by
    /// `runtime`.
    /// `transfers` shows how far snapshots are.
    pub fn new(me: NodeId, peers: Arc<Peers>, runtime: Handle, transfers: Arc<Transfers>) -> Self {
        let snapshots = Arc::new(Sending::new(me, Arc::clone(&peers), Arc::clone(&transfers)));
        let (links, engine) = (Mutex::default(), Arc::default());
        Self { me, peers, runtime, links, engine, snapshots, transfers }
    }

    /// Whom to tell of nodes that do not answer. Only the first call counts.
    pub fn set_engine(&self, engine: &Arc<Engine>) {
        // Who made both calls it, once.
        let _already = self.engine.set(Arc::downgrade(engine));
    }

    fn link(&self, to: NodeId) -> Arc<Link> {
        let mut links = self.links.lock();
        let link = links.entry(to).or_insert_with(|| {
            let link = Arc::<Link>::default();
            let sender = Sender {
                me: self.me,
                to,
                // Weak: the task must not keep alive what it ends with.
                link: Arc::downgrade(&link),
                peers: Arc::clone(&self.peers),
                engine: Arc::clone(&self.engine),
            };
            // One task for each node as long as the links live: it connects anew by itself.
            self.runtime.spawn(sender.run());
            link
        });
        Arc::clone(link)
    }
}

impl Transport for Links {
    fn send(&self, messages: Vec<Envelope>) {
        // By node first, so that each queue is locked once.
        let mut by_node: HashMap<NodeId, Vec<Envelope>> = HashMap::new();
        for message in messages {
            by_node.entry(message.to().node()).or_default().push(message);
        }
        for (to, messages) in by_node {
            let link = self.link(to);
            {
                let mut queue = link.queue.lock();
                for message in messages {
                    let bytes = message.len();
                    if queue.messages.len() >= QUEUED_MESSAGES_MAX
                        || queue.bytes + bytes > QUEUED_BYTES_MAX
                    {
                        // With all that follow: Raft sends again what is missing.
                        break;
                    }
                    queue.bytes += bytes;
                    queue.messages.push_back(message);
                }
            }
            // Outside of the lock, which the task that is woken takes.
            link.filled.notify_one();
        }
    }

    fn send_snapshot(&self, transfer: Transfer, done: Callback<bool>) {
        let (snapshots, transfers) = (Arc::clone(&self.snapshots), Arc::clone(&self.transfers));
        self.runtime.spawn(async move {
            let (group, to) = (transfer.announcement.group, transfer.announcement.to());
            let sent = snapshots.send(transfer).await;
            match &sent {
                Ok(bytes) => tracing::info!(%group, %to, bytes, "sent a snapshot"),
                Err(error) => tracing::warn!(
                    %group, %to, %error,
                    "failed to send a snapshot; Raft asks for it again"
                ),
            }
            let why = sent.as_ref().err().map(ToString::to_string);
            if let Some(pause) = transfers.ended((group, to), why) {
                tokio::time::sleep(pause).await;
            }
            // Also after a failure: until it hears of the outcome, Raft sends the member nothing.
            done(sent.is_ok());
        });
    }
}

/// The task that empties one queue. It ends when the link is gone.
struct Sender {
    me: NodeId,
    to: NodeId,
    link: Weak<Link>,
    peers: Arc<Peers>,
    engine: Arc<OnceLock<Weak<Engine>>>,
}

impl Sender {
    async fn run(self) {
        let mut pause = RETRY_PAUSE_MIN;
        // A process was there, and did not refuse yet: its end means something to those it led.
        let mut is_known = false;
        loop {
            let ended = self.stream().await;
            is_known |= matches!(ended, Ended::AfterSending);
            match ended {
                Ended::Gone => return,
                // What worked may work again at once; what did not is tried ever more rarely.
                Ended::AfterSending => pause = RETRY_PAUSE_MIN,
                Ended::Unreachable => pause = (pause * 2).min(RETRY_PAUSE_MAX),
            }
            let Some(link) = self.link.upgrade() else { return };
            // Old messages are of no use to Raft: it sends what is needed then.
            *link.queue.lock() = Queue::default();
            // Raft then asks where the node is, instead of sending ahead.
            if let Some(engine) = self.engine() {
                engine.unreachable(self.to);
            }
            drop(link);
            if is_known {
                is_known = !self.watch_refusals().await;
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Tells the engine as long as the node's address refuses connections: the process that this
    /// one was connected to has ended. What is only silent refuses nothing. Says whether it
    /// refused.
    async fn watch_refusals(&self) -> bool {
        let mut refused = false;
        for attempt in 0..REFUSALS_MAX {
            // Before the attempt: whoever is heard of after it is another process.
            let Some(heard) = self.engine().map(|engine| engine.contacts().of(self.to)) else {
                break;
            };
            if self.peers.refuses(self.to).await {
                let Some(engine) = self.engine() else { break };
                engine.refused(self.to, heard);
                refused = true;
            } else if refused || attempt == ACCEPTED_MAX {
                break;
            }
            tokio::time::sleep(REFUSAL_PAUSE).await;
        }
        refused
    }

    fn engine(&self) -> Option<Arc<Engine>> {
        self.engine.get().and_then(Weak::upgrade)
    }

    /// One connection, to its end.
    async fn stream(&self) -> Ended {
        let Ok(mut client) = self.peers.client(self.to) else { return Ended::Unreachable };
        let (send, receive) = mpsc::channel(BATCHES_ON_THE_WAY);
        // One call for the life of a connection: batches need no answers.
        let call = client.raft(ReceiverStream::new(receive));
        tokio::pin!(call);
        let mut sent = false;
        loop {
            let Some(link) = self.link.upgrade() else { return Ended::Gone };
            let batch = link.take();
            if batch.is_empty() {
                // The call ends when the other side goes, also while nothing is to be sent.
                tokio::select! {
                    () = link.filled.notified() => {}
                    _ended = &mut call => return Ended::of_call(sent),
                }
                continue;
            }
            // Before the wait: this task must end with the link.
            drop(link);
            let batch = self.pack(batch);
            // Not the channel alone: from a connection that broke nobody takes anything.
            tokio::select! {
                queued = send.send(batch) => match queued {
                    Ok(()) => sent = true,
                    // The call has ended as well, and this is only seen first.
                    Err(_) => return Ended::of_call(sent),
                },
                _ended = &mut call => return Ended::of_call(sent),
            }
        }
    }

    fn pack(&self, messages: Vec<Envelope>) -> RaftBatch {
        let envelopes = messages.into_message();
        // With the receiver's number: its address may be another node's by now.
        RaftBatch { from_node: self.me.0, to_node: self.to.0, envelopes }
    }
}

/// How a connection ended.
enum Ended {
    /// The link is gone: nothing will ever be sent to the node again.
    Gone,
    /// It worked for a while.
    AfterSending,
    /// Nothing was ever sent on it.
    Unreachable,
}

impl Ended {
    /// The call ended, before anything was sent or after.
    fn of_call(sent: bool) -> Self {
        if sent { Self::AfterSending } else { Self::Unreachable }
    }
}

impl Link {
    /// What goes into the next batch.
    fn take(&self) -> Vec<Envelope> {
        let mut queue = self.queue.lock();
        let (mut batch, mut bytes) = (Vec::new(), 0);
        // At least one message, however large it is.
        while bytes < BATCH_BYTES {
            let Some(message) = queue.messages.pop_front() else { break };
            bytes += message.len();
            batch.push(message);
        }
        queue.bytes = queue.bytes.saturating_sub(bytes);
        batch
    }
}
