//! The servers that are asked over REST: a node of ours, which is started here, and a peer, which
//! runs already.

use vane_testbed::Node;

use super::Args;
use super::place::Place;
use crate::contender::{Plan, Server};
use crate::dataset::Dataset;
use crate::error::Error;

/// Servers, and the node among them that ends with them.
pub(super) struct Servers {
    node: Node,
    all: Vec<Server>,
}

/// Starts a node, beside the peer if there is one.
pub(super) fn start(args: &Args, place: &Place) -> Result<Servers, Error> {
    let peer = peer(args)?;
    let node = place.alone()?;
    let all = [ours(&node)].into_iter().chain(peer).collect();
    Ok(Servers { node, all })
}

/// The server that is held against ours, if one is named.
pub(super) fn peer(args: &Args) -> Result<Option<Server>, Error> {
    let peer = args.peer.as_ref().map(|url| Server::peer(url, args.peer_dir.clone()));
    peer.transpose()
}

/// A node of ours as a server.
pub(super) fn ours(node: &Node) -> Server {
    let dir = Some(node.data_dir().to_owned());
    Server::new("Vane", node.rest().url(), node.process_id(), dir)
}

impl Servers {
    /// All of them, ours first.
    pub(super) fn all(&self) -> &[Server] {
        &self.all
    }

    /// Loads each, one after another: they share the cores.
    pub(super) fn load(&self, data: &Dataset, plan: &Plan<'_>) -> Result<(), Error> {
        self.all.iter().try_for_each(|server| server.load(data, plan).map(drop))
    }

    /// Ends the node.
    pub(super) fn stop(mut self) -> Result<(), Error> {
        Ok(self.node.stop()?)
    }
}
