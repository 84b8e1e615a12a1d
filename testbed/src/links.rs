//! Links between nodes that can be cut: a relay before each node's peer port, which knows
//! the caller by the address that it calls from.
//!
//! A cut link carries nothing and tells nobody, as a network does: connections stay, bytes
//! wait, new connections are accepted and stay silent.

use std::collections::HashSet;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::error::Error;
use crate::wait::pause;

/// Port of the relays; the nodes' own is one less.
pub(crate) const RELAY_PORT: u16 = 7336;
/// Peer port of the nodes.
pub(crate) const PEER_PORT: u16 = 7335;
/// Bytes carried at a time.
const CHUNK_BYTES: usize = 64 << 10;
/// Time between looks at whether a link is cut or the relay ends.
const LOOK: Duration = Duration::from_millis(5);

/// Address of node `i`, counted from 1.
pub(crate) fn ip(node: usize) -> Ipv4Addr {
    Ipv4Addr::new(
        127,
        0,
        0,
        10 + u8::try_from(node).expect("a local cluster has fewer than 200 nodes"),
    )
}

/// The links of one cluster. Dropping them ends the relays.
pub struct Links {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Directions that carry nothing: from, to.
    cut: Mutex<HashSet<(IpAddr, IpAddr)>>,
    ended: AtomicBool,
}

impl Links {
    /// Starts a relay before each of so many nodes.
    ///
    /// # Errors
    ///
    /// An address cannot be listened on; relays that were started go on until this process ends.
    pub fn start(nodes: usize) -> Result<Self, Error> {
        let shared = Arc::<Shared>::default();
        for node in 1..=nodes {
            let address = SocketAddr::from((ip(node), RELAY_PORT));
            let failed = |source| Error::System { what: format!("listen on {address}"), source };
            let listener = TcpListener::bind(address).map_err(failed)?;
            // Nothing else would wake the thread that accepts when the relays end.
            listener.set_nonblocking(true).map_err(failed)?;
            let relay = Relay { to: ip(node).into(), shared: Arc::clone(&shared) };
            std::thread::spawn(move || relay.listen(&listener));
        }
        Ok(Self { shared })
    }

    /// Cuts the links between two sets of nodes, both ways.
    pub fn split(&self, a: &[usize], b: &[usize]) {
        for (x, y) in a.iter().flat_map(|x| b.iter().map(move |y| (*x, *y))) {
            self.cut(x, y);
            self.cut(y, x);
        }
    }

    /// Lets nothing pass from one node to another; the way back stays.
    pub fn cut(&self, from: usize, to: usize) {
        self.shared.cut.lock().insert((ip(from).into(), ip(to).into()));
    }

    /// Mends all links.
    pub fn heal(&self) {
        self.shared.cut.lock().clear();
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Release);
    }
}

/// The relay before one node.
struct Relay {
    to: IpAddr,
    shared: Arc<Shared>,
}

impl Relay {
    fn listen(&self, listener: &TcpListener) {
        while !self.shared.ended.load(Ordering::Acquire) {
            match listener.accept() {
                Ok((stream, caller)) => self.accept(stream, caller.ip()),
                Err(_) => pause(LOOK),
            }
        }
    }

    fn accept(&self, caller: TcpStream, from: IpAddr) {
        let (to, shared) = (self.to, Arc::clone(&self.shared));
        std::thread::spawn(move || {
            // Nothing passes a cut link, not even the opening of a connection.
            while shared.is_cut(from, to) {
                pause(LOOK);
            }
            let Ok(node) = TcpStream::connect((to, PEER_PORT)) else {
                drop(caller.shutdown(Shutdown::Both));
                return;
            };
            let (Ok(caller_too), Ok(node_too)) = (caller.try_clone(), node.try_clone()) else {
                return;
            };
            let there = Arc::clone(&shared);
            // A thread for each way: one may wait while the other has something to carry.
            std::thread::spawn(move || carry(caller_too, node_too, &there, (from, to)));
            carry(node, caller, &shared, (to, from));
        });
    }
}

impl Shared {
    /// Also once the relays end: threads that wait should go on and end.
    fn is_cut(&self, from: IpAddr, to: IpAddr) -> bool {
        !self.ended.load(Ordering::Acquire) && self.cut.lock().contains(&(from, to))
    }
}

/// Carries bytes one way until either end is closed or the relay ends.
fn carry(mut from: TcpStream, mut to: TcpStream, shared: &Shared, way: (IpAddr, IpAddr)) {
    drop(from.set_nodelay(true));
    drop(to.set_nodelay(true));
    // So that the end of the relays is noticed on a connection that is silent.
    drop(from.set_read_timeout(Some(Duration::from_millis(100))));
    let mut buffer = vec![0; CHUNK_BYTES];
    while !shared.ended.load(Ordering::Acquire) {
        let read = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                continue;
            }
            Err(_) => break,
        };
        // Held back and not dropped: TCP would bring the bytes once the link is mended.
        while shared.is_cut(way.0, way.1) {
            pause(LOOK);
        }
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    drop(to.shutdown(Shutdown::Both));
    drop(from.shutdown(Shutdown::Both));
}
