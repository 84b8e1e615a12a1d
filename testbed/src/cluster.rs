//! A cluster: its nodes, the links between them, and what one waits for.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::admin::Admin;
use crate::error::Error;
use crate::links::{Links, PEER_PORT, RELAY_PORT, ip};
use crate::node::{Node, Plan, TOKEN};
use crate::wait::wait_until;

/// Time for a cluster to be there.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// How a cluster is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// The node binary.
    pub binary: PathBuf,
    /// Folder for data directories (`node-<i>`) and logs.
    pub dir: PathBuf,
    /// Number of nodes.
    pub nodes: usize,
    /// Settings of all nodes, as the environment has them but for `VANE_`.
    pub settings: Vec<(String, String)>,
    /// Put relays between the nodes, whose links can be cut.
    pub relayed: bool,
}

/// A local cluster. Dropping it kills its nodes.
pub struct Cluster {
    nodes: Vec<Node>,
    links: Option<Links>,
}

impl Cluster {
    /// Starts the nodes, founds the cluster on the first where the disks are empty, and
    /// waits until all are ready.
    ///
    /// # Errors
    ///
    /// An address is taken, a node ended or is not ready in time. Nodes that were started are
    /// killed.
    pub fn start(options: &Options) -> Result<Self, Error> {
        let links = if options.relayed { Some(Links::start(options.nodes)?) } else { None };
        // Through the relays where there are any: calls beside them could not be cut.
        let port = if options.relayed { RELAY_PORT } else { PEER_PORT };
        let seeds: Vec<String> =
            (1..=options.nodes).map(|number| format!("{}:{port}", ip(number))).collect();
        let plan = Plan {
            binary: options.binary.clone(),
            token: TOKEN.to_owned(),
            seeds: seeds.join(","),
            settings: options.settings.clone(),
            relayed: options.relayed,
        };
        let dir = |number: usize| options.dir.join(format!("node-{number}"));
        let nodes = (1..=options.nodes)
            .map(|number| Node::new(number, dir(number), plan.clone()))
            .collect();
        // Before they are started: dropping it after an error kills those that run.
        let mut cluster = Self { nodes, links };
        // Disks of an earlier run have their cluster already, which cannot be founded twice.
        let empty = !dir(1).join("VANE").exists();
        for node in &mut cluster.nodes {
            node.start()?;
        }
        if empty {
            cluster.admin(1)?.bootstrap()?;
        }
        cluster.wait_ready()?;
        Ok(cluster)
    }

    /// Its nodes, running or not.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Node `number`, from 1.
    pub fn node(&mut self, number: usize) -> &mut Node {
        &mut self.nodes[number - 1]
    }

    /// SIGTERM to all nodes at once; waits until they have ended in order.
    ///
    /// # Errors
    ///
    /// A node did not end in time, and was killed.
    pub fn stop(&mut self) -> Result<(), Error> {
        std::thread::scope(|scope| {
            let stops: Vec<_> =
                self.nodes.iter_mut().map(|node| scope.spawn(|| node.stop())).collect();
            stops.into_iter().try_for_each(|stop| stop.join().expect("stopping does not panic"))
        })
    }

    /// The links between its nodes.
    ///
    /// # Panics
    ///
    /// The cluster was started without relays.
    pub fn links(&self) -> &Links {
        self.links.as_ref().expect("the cluster was started with relays")
    }

    /// The admin interface of node `number`.
    ///
    /// # Errors
    ///
    /// The system gives no runtime.
    pub fn admin(&self, number: usize) -> Result<Admin, Error> {
        Admin::new(&self.nodes[number - 1].admin_address(), TOKEN)
    }

    /// Waits until every running node is ready and the meta group has the votes it should.
    ///
    /// # Errors
    ///
    /// They are not in time; the ends of their logs are written to standard error.
    pub fn wait_ready(&self) -> Result<(), Error> {
        let up: Vec<&Node> = self.nodes.iter().filter(|node| node.is_up()).collect();
        wait_until("all nodes to be ready", START_TIMEOUT, || {
            up.iter().all(|node| node.rest().is_ready()).then_some(())
        })
        .and_then(|()| {
            let Some(first) = up.first() else { return Ok(()) };
            Admin::new(&first.admin_address(), TOKEN)?.wait_voters(self.nodes.len())
        })
        .inspect_err(|_| {
            up.iter().for_each(|node| eprintln!("--- node {}\n{}", node.number(), node.log_tail()))
        })
    }

    /// Waits until every replica of a collection answers its leader and trails it by at most
    /// so many entries.
    ///
    /// # Errors
    ///
    /// No node is up, or a replica is not there in time.
    pub fn wait_caught_up(&self, collection: &str, lag_max: u64) -> Result<(), Error> {
        self.any_admin()?.wait_caught_up(collection, lag_max)
    }

    /// The admin interface of a node that is up.
    ///
    /// # Errors
    ///
    /// No node is up.
    pub fn any_admin(&self) -> Result<Admin, Error> {
        let up = self
            .nodes
            .iter()
            .find(|node| node.is_up())
            .ok_or_else(|| Error::request("cluster", "no node is up"))?;
        Admin::new(&up.admin_address(), TOKEN)
    }

    /// Place of the node (from 1) that the cluster knows by this id.
    ///
    /// # Errors
    ///
    /// No node is up, or the cluster does not know the id.
    pub fn number_of(&self, node_id: u64) -> Result<usize, Error> {
        let name = self.any_admin()?.name_of(node_id)?;
        let number = name.strip_prefix("node-").and_then(|number| number.parse().ok());
        number.ok_or_else(|| Error::request(name, "it is no node of this local cluster"))
    }

    /// Folder of one node's data.
    pub fn data_dir(&self, number: usize) -> &Path {
        self.nodes[number - 1].data_dir()
    }
}
