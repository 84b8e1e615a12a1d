//! The way to a database: its pods and their token in Kubernetes, its admin interface at one pod,
//! and what nodes answer there. Decides nothing, and changes nothing by itself.

mod ask;
mod channels;
mod disk;
pub(crate) mod machines;
mod overview;
mod pod_state;
pub(crate) mod pods;
pub(crate) mod token;

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::NamespaceResourceScope;
use kube::api::{Api, ListParams};
use kube::runtime::reflector::Store;
use kube::{Client, Resource};
use tonic::metadata::AsciiMetadataValue;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};
use vane_proto::admin::admin_client::AdminClient;

pub(crate) use self::ask::{Member, ask};
pub use self::channels::Channels;
pub use self::disk::{Disk, disks};
pub use self::machines::{Machine, Outlook};
pub use self::overview::Database;
use self::overview::overview;
pub(crate) use self::overview::{catch_up, most_copies};
pub use self::pod_state::PodState;
pub(crate) use self::pod_state::{Lack, pod_state};
pub use self::token::NoToken;
use crate::copies::{self, Copies, Recent};
use crate::names;

/// A list of all shards of a large cluster is some megabytes.
const REPLY_BYTES_MAX: usize = 64 << 20;

/// A cluster's part of Kubernetes.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) client: &'a Client,
    /// Name of the VectorCluster.
    pub(crate) cluster: &'a str,
    pub(crate) namespace: &'a str,
    /// Copies to look at in place of Kubernetes, where they will do.
    pub(crate) copies: Option<&'a Copies>,
    /// What was read by name; believed only beside copies.
    pub(crate) recent: &'a Recent,
    /// Connections to nodes.
    pub(crate) channels: &'a Channels,
    /// Keys of taints by which machines say that they are about to be drained.
    pub(crate) drain_taints: &'a BTreeSet<String>,
}

impl Scope<'_> {
    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), self.namespace)
    }

    /// The copy of an object; `None` where Kubernetes has to be asked.
    pub(crate) fn copy_of<K>(&self, kind: fn(&Copies) -> &Store<K>, name: &str) -> Option<Arc<K>>
    where
        K: Resource<DynamicType = ()> + Clone + 'static,
    {
        copies::one(kind(self.copies?), self.namespace, name)
    }

    /// Copies of what was made for the cluster; `None` where Kubernetes has to be asked.
    pub(crate) fn copies_of<K>(&self, kind: fn(&Copies) -> &Store<K>) -> Option<Vec<Arc<K>>>
    where
        K: Resource<DynamicType = ()> + Clone + 'static,
    {
        Some(copies::of_cluster(kind(self.copies?), self.namespace, self.cluster))
    }

    /// Selects the pods and volumes of the cluster.
    pub(crate) fn selected(&self) -> ListParams {
        ListParams::default().labels(&names::selector(self.cluster))
    }
}

/// A client of one node.
pub type Admin = AdminClient<InterceptedService<Channel, Token>>;

/// The secret that every call carries.
#[derive(Clone)]
pub struct Token(AsciiMetadataValue);

impl Interceptor for Token {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// Why there is no client of a node.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The Secret holds what no header can carry.
    #[error(
        "the token in the Secret has characters that a header cannot have; \
         put printable ASCII there"
    )]
    Token,
    /// The address of a pod is not one.
    #[error("{0:?} is no address")]
    Address(String),
}

/// A client of the node at `address` (host:port), over the connection that there is to it. It
/// connects with its first call.
///
/// # Errors
///
/// The token or the address cannot be used; nobody was asked.
pub fn admin(channels: &Channels, address: &str, token: &str) -> Result<Admin, Error> {
    let mut value: AsciiMetadataValue =
        format!("Bearer {token}").parse().map_err(|_| Error::Token)?;
    // Kept out of what is logged about requests.
    value.set_sensitive(true);
    let service = InterceptedService::new(channels.channel(address)?, Token(value));
    Ok(AdminClient::new(service).max_decoding_message_size(REPLY_BYTES_MAX))
}
