//! The servers that are asked over REST: a node of ours, which is started here.

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

/// Starts a node.
pub(super) fn start(_args: &Args, place: &Place) -> Result<Servers, Error> {
    let node = place.alone()?;
    let all = vec![ours(&node)];
    Ok(Servers { node, all })
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
