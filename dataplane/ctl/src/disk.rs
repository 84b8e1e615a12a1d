//! `vanectl disk` and `vanectl bootstrap`: what a node's disk belongs to.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;
use uuid::Uuid;
use vane_proto::admin::{Disk, disk::State};

use crate::error::Error;
use crate::exit::Exit;
use crate::output::{Console, View};
use crate::table::Table;

/// Time between attempts to reach a node that does not listen yet.
const UNREACHABLE_PAUSE: Duration = Duration::from_millis(200);

/// The marker of a disk, as JSON shows it.
#[derive(Debug, Serialize)]
struct DiskView {
    /// `empty`, `member` or `unknown`.
    state: &'static str,
    format: u32,
    /// `None` unless it is a member.
    cluster_id: Option<String>,
    node_id: Option<u64>,
    disk_id: Option<String>,
}

impl From<Disk> for DiskView {
    fn from(disk: Disk) -> Self {
        let state = match disk.state() {
            State::Empty => "empty",
            State::Member => "member",
            // A state of a later version is shown all the same: nothing is done about it here.
            State::Unspecified => "unknown",
        };
        Self {
            state,
            format: disk.format,
            // Messages have 0 and empty texts for what an empty disk lacks.
            node_id: (disk.node_id != 0).then_some(disk.node_id),
            cluster_id: Some(disk.cluster_id).filter(|id| !id.is_empty()),
            disk_id: Some(disk.disk_id).filter(|id| !id.is_empty()),
        }
    }
}

impl View for DiskView {
    fn table(&self) -> Table {
        let mut table = Table::new(&["STATE", "CLUSTER", "NODE", "DISK", "FORMAT"], &[]);
        table.row([
            self.state.into(),
            self.cluster_id.clone().unwrap_or_default(),
            self.node_id.map(|id| id.to_string()).unwrap_or_default(),
            self.disk_id.clone().unwrap_or_default(),
            self.format.to_string(),
        ]);
        table
    }
}

/// Shows the marker of one node's disk.
pub(crate) async fn show(console: &mut Console) -> Result<Exit, Error> {
    // It is about this node's disk: the answer of another would be a wrong one.
    console.client.check_single("disk")?;
    let disk = DiskView::from(console.client.disk().await?);
    console.output.show(&disk)?;
    Ok(Exit::Done)
}

/// Founds a cluster on one node. Never on the first of several that answers: run twice,
/// that could found two clusters.
///
/// # Errors
/// When several endpoints are given, or the node refuses, which changes nothing; a lost answer
/// leaves open whether the cluster was founded, and the same call may be made again.
pub(crate) async fn bootstrap(
    console: &mut Console,
    cluster_id: Option<Uuid>,
) -> Result<Exit, Error> {
    console.client.check_single("bootstrap")?;
    let cluster_id = cluster_id.map(|id| id.to_string()).unwrap_or_default();
    let disk = DiskView::from(bootstrap_once_it_listens(console, cluster_id).await?);
    let sentence = format!(
        "cluster/{} founded: this is its node {}",
        disk.cluster_id.as_deref().unwrap_or("-"),
        disk.node_id.unwrap_or_default()
    );
    console.output.confirm(&sentence, &disk)?;
    Ok(Exit::Done)
}

/// Founds the cluster once the node takes connections. A script that starts nodes and founds
/// the cluster is faster than the node; a refused connection changed nothing and is tried again.
async fn bootstrap_once_it_listens(
    console: &mut Console,
    cluster_id: String,
) -> Result<Disk, Error> {
    let Console { client, output } = console;
    let deadline = Instant::now() + client.timeout();
    let mut said = false;
    loop {
        match client.bootstrap(cluster_id.clone()).await {
            Err(error @ Error::Unreachable { .. }) if Instant::now() < deadline => {
                // Once: the pause is short and the reason stays the same.
                if !said {
                    output.note(&format!(
                        "{error}; the node may be starting: trying for {:?}",
                        client.timeout()
                    ));
                    said = true;
                }
                tokio::time::sleep(UNREACHABLE_PAUSE).await;
            }
            outcome => return outcome,
        }
    }
}
