//! Connections to the other nodes, and where those are.

mod call;

use std::collections::{BTreeSet, HashMap};
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use parking_lot::RwLock;
use thiserror::Error;
use tokio::net::TcpSocket;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint, Error as TransportError};
use tonic::{Request, Status};
use vane_proto::peer::peer_client::PeerClient;
use vane_types::{NodeId, innermost};

use crate::auth::{Caller, Token, put_caller, put_receiver};
use crate::{MESSAGE_BYTES_MAX, version};

/// Time to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Silence after which a connection is probed, and time to answer: what is behind a cut
/// link or stopped is given up after both.
const PROBE_AFTER: Duration = Duration::from_millis(700);
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);
/// HTTP/2 windows: a large command must not wait for a round trip per 64 KB.
const WINDOW_BYTES: u32 = 4 << 20;
/// The same for a snapshot's connection, on which nobody waits for an answer: its receiver may
/// be syncing a large file.
const SNAPSHOT_PROBE_AFTER: Duration = Duration::from_secs(5);
const SNAPSHOT_PROBE_TIMEOUT: Duration = Duration::from_secs(20);

/// Puts the token, the protocol, who calls and who is meant on every call.
#[derive(Clone)]
pub struct Credentials {
    token: Token,
    /// `None` while the node is to join a cluster.
    caller: Option<Caller>,
    /// `None` where whoever answers at an address is asked.
    receiver: Option<NodeId>,
}

impl Interceptor for Credentials {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let metadata = request.metadata_mut();
        self.token.put(metadata);
        version::put(metadata);
        if let Some(caller) = &self.caller {
            put_caller(metadata, caller);
        }
        if let Some(receiver) = self.receiver {
            put_receiver(metadata, receiver);
        }
        Ok(request)
    }
}

/// A connection to one node.
pub(crate) type Client = PeerClient<InterceptedService<Channel, Credentials>>;

/// Why there is no connection to a node.
#[derive(Debug, Error)]
pub(crate) enum ConnectError {
    /// It is no member as far as this node knows.
    #[error("the address of node {0} is unknown")]
    UnknownAddress(NodeId),
    /// Its address is no host:port.
    #[error("{0}")]
    BadAddress(#[source] TransportError),
    /// Nobody answers there.
    #[error("{}", innermost(.0))]
    Unreachable(#[source] TransportError),
}

/// Where the other nodes are, and connections to those that were called.
pub struct Peers {
    credentials: Credentials,
    /// Address to dial from, where the node listens on one of several.
    local: Option<IpAddr>,
    addresses: RwLock<HashMap<NodeId, String>>,
    channels: RwLock<HashMap<(NodeId, Purpose), (String, Channel)>>,
}

/// What a connection is for. Snapshots have one of their own: bytes of files that wait for a
/// disk must not hold up Raft's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Purpose {
    Calls,
    Snapshots,
}

impl Peers {
    /// Knows nobody yet. Without a caller it can only join a cluster.
    pub fn new(token: Token, caller: Option<Caller>, local: Option<IpAddr>) -> Self {
        let credentials = Credentials { token, caller, receiver: None };
        Self { credentials, local, addresses: RwLock::default(), channels: RwLock::default() }
    }

    /// Where nodes are from now on. Connections to other addresses are let go.
    pub fn set_addresses(&self, addresses: HashMap<NodeId, String>) {
        // Often the same as before, and then no connection is given up.
        if *self.addresses.read() == addresses {
            return;
        }
        self.channels
            .write()
            .retain(|(node, _), (address, _)| addresses.get(node) == Some(address));
        *self.addresses.write() = addresses;
    }

    /// The nodes whose address is known.
    pub fn nodes(&self) -> BTreeSet<NodeId> {
        self.addresses.read().keys().copied().collect()
    }

    /// A connection to a member. Made when it is first used, so that it is an error only where
    /// there is no address.
    pub(crate) fn client(&self, node: NodeId) -> Result<Client, ConnectError> {
        self.client_for(node, Purpose::Calls)
    }

    /// A connection to a member for nothing but snapshots.
    pub(crate) fn snapshot_client(&self, node: NodeId) -> Result<Client, ConnectError> {
        self.client_for(node, Purpose::Snapshots)
    }

    fn client_for(&self, node: NodeId, purpose: Purpose) -> Result<Client, ConnectError> {
        let address = self.addresses.read().get(&node).cloned();
        let address = address.ok_or(ConnectError::UnknownAddress(node))?;
        if let Some(channel) = self.known_channel((node, purpose), &address) {
            return Ok(self.client_of(channel, Some(node)));
        }
        let mut endpoint = self.endpoint(&address)?;
        if purpose == Purpose::Snapshots {
            endpoint = endpoint
                .http2_keep_alive_interval(SNAPSHOT_PROBE_AFTER)
                .keep_alive_timeout(SNAPSHOT_PROBE_TIMEOUT)
                .keep_alive_while_idle(false);
        }
        let channel = endpoint.connect_lazy();
        // Two callers may both make one: the later is kept, and both work.
        self.channels.write().insert((node, purpose), (address, channel.clone()));
        Ok(self.client_of(channel, Some(node)))
    }

    /// Whether whoever is at a member's address refuses connections: nobody listens there, and the
    /// machine is there to say so. No answer, or an address that is not known, is no refusal.
    pub(crate) async fn refuses(&self, node: NodeId) -> bool {
        let Some(address) = self.addresses.read().get(&node).cloned() else { return false };
        let Ok(places) = tokio::net::lookup_host(&address).await else { return false };
        let mut refused = false;
        for place in places {
            let connected = tokio::time::timeout(CONNECT_TIMEOUT, self.connect(place)).await;
            match connected {
                Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => refused = true,
                _ => return false,
            }
        }
        refused
    }

    async fn connect(&self, place: SocketAddr) -> std::io::Result<()> {
        let socket = if place.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        if let Some(local) = self.local {
            socket.bind(SocketAddr::new(local, 0))?;
        }
        socket.connect(place).await.map(drop)
    }

    fn known_channel(&self, key: (NodeId, Purpose), address: &str) -> Option<Channel> {
        let channels = self.channels.read();
        let (known, channel) = channels.get(&key)?;
        // Behind an old address there may be another node by now.
        (known == address).then(|| channel.clone())
    }

    /// A connection to whoever listens at an address.
    async fn client_at(&self, address: &str) -> Result<Client, ConnectError> {
        // At once, unlike to members: who joins must know whether anybody is there.
        let channel = self.endpoint(address)?.connect().await.map_err(ConnectError::Unreachable)?;
        Ok(self.client_of(channel, None))
    }

    fn client_of(&self, channel: Channel, receiver: Option<NodeId>) -> Client {
        PeerClient::with_interceptor(channel, Credentials { receiver, ..self.credentials.clone() })
            // Both ways: large commands go out, many records come in.
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX)
    }

    fn endpoint(&self, address: &str) -> Result<Endpoint, ConnectError> {
        let endpoint =
            Endpoint::from_shared(format!("http://{address}")).map_err(ConnectError::BadAddress)?;
        Ok(endpoint
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(PROBE_AFTER)
            .keep_alive_timeout(PROBE_TIMEOUT)
            // Also without calls on their way: a cut link is noticed before the next one.
            .keep_alive_while_idle(true)
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .tcp_nodelay(true)
            .local_address(self.local))
    }
}
