//! How the nodes of local clusters are, for people and for scripts.

use std::fmt;
use std::path::{Path, PathBuf};

use futures_util::future::join_all;
use serde::Serialize;
use vane_operator::names::{self, PEER_PORT, REST_PORT};

use crate::addresses::address;
use crate::error::Error;
use crate::pod::Readiness;
use crate::probe::is_ready;
use crate::state::{self, Running, State};

/// A node, as `vane status` has it: a line of its table, or an object of its JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Its cluster.
    pub cluster: String,
    /// Its name, that of its pod.
    pub name: String,
    /// Its number in the cluster, from 0.
    pub ordinal: i32,
    /// Where its REST API is.
    pub url: String,
    /// Where its admin interface is: `--endpoint` of `vanectl`.
    pub admin: String,
    /// File with the secret of the admin interface: `--token-file` of `vanectl`.
    pub token_file: PathBuf,
    /// File with what it said.
    pub log: PathBuf,
    /// Id of its process; none while it is down.
    pub pid: Option<u32>,
    /// Whether it takes requests.
    pub ready: bool,
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}  ", self.name, self.url)?;
        match (self.pid, self.ready) {
            (None, _) => write!(f, "down"),
            (Some(id), true) => write!(f, "ready (process {id})"),
            (Some(id), false) => write!(f, "not ready (process {id})"),
        }
    }
}

/// The nodes of a cluster, or of all there are, by cluster and ordinal.
///
/// # Errors
///
/// There is no cluster of that name.
pub async fn status(base: &Path, name: Option<&str>) -> Result<Vec<Node>, Error> {
    let states =
        if name.is_none() && state::none(base) { Vec::new() } else { state::known(base, name)? };
    let nodes = states.iter().flat_map(|state| {
        (0..state.replicas.unwrap_or_default()).map(move |ordinal| (state, ordinal))
    });
    Ok(join_all(nodes.map(|(state, ordinal)| node(base, state, ordinal)))
        .await
        .into_iter()
        .flatten()
        .collect())
}

async fn node(base: &Path, state: &State, ordinal: i32) -> Option<Node> {
    let address = address(state.block, ordinal)?;
    let (name, folder) = (names::pod(&state.name, ordinal), base.join(&state.name));
    let port = u16::try_from(REST_PORT).expect("ports fit into 16 bits");
    let readiness = Readiness { port, path: "/readyz".into(), failures: 1 };
    let pid = state
        .processes
        .get(&ordinal)
        .filter(|process: &&Running| process.is_there())
        .map(|process| process.id);
    Some(Node {
        cluster: state.name.clone(),
        ordinal,
        url: format!("http://{address}:{port}"),
        admin: format!("{address}:{PEER_PORT}"),
        token_file: folder.join(&name).join("token").join("token"),
        log: folder.join(format!("{name}.log")),
        // Another process may listen there.
        ready: pid.is_some() && is_ready(address, &readiness).await,
        pid,
        name,
    })
}
