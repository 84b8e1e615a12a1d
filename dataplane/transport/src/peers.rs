//! Connections to the other nodes.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use parking_lot::RwLock;
use tonic::metadata::MetadataValue;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use uuid::Uuid;
use vane_proto::peer::peer_client::PeerClient;

use super::MESSAGE_BYTES_MAX;
use super::auth::{CLUSTER, Token};

/// Time to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Silence after which a connection is probed, and time to answer: what is behind a cut
/// link or stopped is given up after both.
const PROBE_AFTER: Duration = Duration::from_millis(700);
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);
/// HTTP/2 windows: a large command must not wait for a round trip per 64 KB.
const WINDOW_BYTES: u32 = 4 << 20;

/// Puts the token and the cluster on every call.
#[derive(Clone)]
pub(crate) struct Credentials {
    token: Token,
    cluster: Option<Uuid>,
}

impl Interceptor for Credentials {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        self.token.put(request.metadata_mut());
        if let Some(cluster) = self.cluster {
            let value = MetadataValue::try_from(cluster.to_string()).expect("a UUID is ASCII");
            request.metadata_mut().insert(CLUSTER, value);
        }
        Ok(request)
    }
}

pub(crate) type Client = PeerClient<InterceptedService<Channel, Credentials>>;

/// Where the other nodes are, and connections to those that were called.
pub(crate) struct Peers {
    credentials: Credentials,
    /// Address to dial from, where the node listens on one of several.
    local: Option<IpAddr>,
    addresses: RwLock<HashMap<u64, String>>,
    channels: RwLock<HashMap<u64, (String, Channel)>>,
}

impl Peers {
    pub(crate) fn new(token: Token, cluster: Option<Uuid>, local: Option<IpAddr>) -> Self {
        let credentials = Credentials { token, cluster };
        Self { credentials, local, addresses: RwLock::default(), channels: RwLock::default() }
    }

    /// Where nodes are from now on.
    pub(crate) fn set_addresses(&self, addresses: HashMap<u64, String>) {
        if *self.addresses.read() == addresses {
            return;
        }
        self.channels.write().retain(|node, (address, _)| addresses.get(node) == Some(address));
        *self.addresses.write() = addresses;
    }

    /// A client of a member; an error says why there is none.
    pub(crate) fn client(&self, node: u64) -> Result<Client, String> {
        let address = self
            .addresses
            .read()
            .get(&node)
            .cloned()
            .ok_or_else(|| format!("the address of node {node} is unknown"))?;
        let known = self
            .channels
            .read()
            .get(&node)
            .filter(|(it, _)| *it == address)
            .map(|(_, it)| it.clone());
        let channel = match known {
            Some(channel) => channel,
            None => {
                let channel = self.endpoint(&address)?.connect_lazy();
                self.channels.write().insert(node, (address, channel.clone()));
                channel
            }
        };
        Ok(self.of_channel(channel))
    }

    /// A client of whoever listens at an address.
    pub(crate) async fn client_at(&self, address: &str) -> Result<Client, String> {
        let channel = self
            .endpoint(address)?
            .connect()
            .await
            .map_err(|e| format!("{address}: {}", innermost(&e)))?;
        Ok(self.of_channel(channel))
    }

    fn of_channel(&self, channel: Channel) -> Client {
        PeerClient::with_interceptor(channel, self.credentials.clone())
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX)
    }

    fn endpoint(&self, address: &str) -> Result<Endpoint, String> {
        let endpoint = Endpoint::from_shared(format!("http://{address}"))
            .map_err(|e| format!("{address}: {e}"))?;
        Ok(endpoint
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(PROBE_AFTER)
            .keep_alive_timeout(PROBE_TIMEOUT)
            .keep_alive_while_idle(true)
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .tcp_nodelay(true)
            .local_address(self.local))
    }
}

/// The innermost reason of an error: the outer ones only say that there is one.
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
