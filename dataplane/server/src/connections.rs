//! Connections: how many there may be, and which of them go when there are too many.
//!
//! Each takes a file descriptor, and the storage below must never find that clients have
//! taken them all. Nor may clients that say nothing keep out those that do: an idle connection
//! ends after a while, and at once when its place is needed.

mod activity;

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use parking_lot::Mutex;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_stream::Stream;

pub(crate) use activity::{Activity, count};

/// Connections at a time; more wait in the system's queue until one ends.
const CONNECTIONS_MAX: usize = 4096;
/// Time without a request after which a connection ends. Pools of clients keep theirs for less
/// (5 s to a minute), so that they seldom meet one that has just ended.
const IDLE_MAX: Duration = Duration::from_secs(120);
/// Time without a request after which a connection may have to make room.
const IDLE_MIN: Duration = Duration::from_secs(1);
/// Time between looks for connections that have been idle for too long.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Time between looks for one that can make room.
const ROOM_EVERY: Duration = Duration::from_millis(50);

/// Open connections by number.
type Open = Mutex<HashMap<u64, Activity>>;

/// Accepts a bounded number of connections at a time, all listeners of a process together.
pub(crate) struct Connections {
    listener: TcpListener,
    permits: Arc<Semaphore>,
    open: Arc<Open>,
    /// Connections so far, through all listeners.
    accepted: Arc<AtomicU64>,
}

impl Connections {
    /// Raises the limit of open files as far as the system allows, and takes at most half
    /// of them for the connections of all listeners.
    pub(crate) fn of<const N: usize>(listeners: [TcpListener; N]) -> [Self; N] {
        let max = raise_open_files()
            .map_or(CONNECTIONS_MAX, |files| (files / 2).clamp(1, CONNECTIONS_MAX));
        tracing::debug!(max, "connections are bounded");
        let open = Arc::new(Open::default());
        // It ends with the listeners, which hold the other references.
        tokio::spawn(end_idle(Arc::downgrade(&open)));
        let (permits, accepted) = (Arc::new(Semaphore::new(max)), Arc::new(AtomicU64::new(0)));
        listeners.map(|listener| Self {
            listener,
            permits: Arc::clone(&permits),
            open: Arc::clone(&open),
            accepted: Arc::clone(&accepted),
        })
    }

    /// Those of all listeners that have asked for nothing.
    pub(crate) fn unused(&self) -> Unused {
        Unused(Arc::clone(&self.open))
    }

    /// The connections as they come.
    pub(crate) fn into_stream(self) -> impl Stream<Item = io::Result<Connection>> {
        futures_util::stream::unfold(self, async |mut this| {
            let (connection, _address) = Listener::accept(&mut this).await;
            Some((Ok(connection), this))
        })
    }

    /// The right to one more connection. Where there is none left, the connection that has been
    /// idle for longest makes room.
    async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        loop {
            let permit = Arc::clone(&self.permits).acquire_owned();
            match tokio::time::timeout(ROOM_EVERY, permit).await {
                Ok(permit) => return permit.ok(),
                Err(_) => end_longest_idle(&self.open),
            }
        }
    }
}

/// Those of a process that have asked for nothing, however long ago they came.
pub(crate) struct Unused(Arc<Open>);

impl Unused {
    /// Ends them, and those that still come, until it is dropped: a listener that stops would
    /// wait for them to ask for something.
    pub(crate) async fn end(self) -> Infallible {
        loop {
            self.0.lock().values().filter(|it| it.is_unused()).for_each(Activity::end);
            tokio::time::sleep(ROOM_EVERY).await;
        }
    }
}

/// Ends connections that have been idle for too long, while there is a listener.
async fn end_idle(open: std::sync::Weak<Open>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Some(open) = open.upgrade() else { return };
        for activity in open.lock().values().filter(|activity| activity.idle_for() > IDLE_MAX) {
            activity.end();
        }
    }
}

fn end_longest_idle(open: &Open) {
    let open = open.lock();
    let longest = open.values().max_by_key(|activity| activity.idle_for());
    if let Some(activity) = longest.filter(|activity| activity.idle_for() > IDLE_MIN) {
        tracing::debug!("an idle connection makes room for another");
        activity.end();
    }
}

/// The limit of open files afterwards; `None` when there is none.
fn raise_open_files() -> Option<usize> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // The soft limit is often a thousand, far below what the system would grant.
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let limit = if raised.is_ok() { maximum } else { current };
    limit.map(|files| usize::try_from(files).unwrap_or(usize::MAX))
}

impl Listener for Connections {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        // Before accepting: what waits in the system's queue takes no descriptor.
        let permit = self.permit().await;
        let (stream, address) = Listener::accept(&mut self.listener).await;
        // Small answers must not wait for the acknowledgement of those before them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "failed to set TCP_NODELAY");
        }
        let number = self.accepted.fetch_add(1, Ordering::Relaxed);
        let activity = Activity::new();
        self.open.lock().insert(number, activity.clone());
        let place = Place { number, open: Arc::clone(&self.open), _permit: permit };
        (Connection { stream, activity, _place: place }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// The place of a connection among those that are open, given back when it ends.
struct Place {
    number: u64,
    open: Arc<Open>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.open.lock().remove(&self.number);
    }
}

/// A connection, counted while it lives.
pub(crate) struct Connection {
    stream: TcpStream,
    activity: Activity,
    _place: Place,
}

impl Connected<IncomingStream<'_, Connections>> for Activity {
    fn connect_info(stream: IncomingStream<'_, Connections>) -> Self {
        stream.io().activity.clone()
    }
}

impl tonic::transport::server::Connected for Connection {
    type ConnectInfo = Activity;

    fn connect_info(&self) -> Activity {
        self.activity.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Before it is asked: who ends the connection wakes the task that waits for bytes here.
        if self.activity.is_ended(cx) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.activity.wrote(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.activity.wrote(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
