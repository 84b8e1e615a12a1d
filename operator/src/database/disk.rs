//! Whose disk a node has, as the node itself says. A database is founded by these answers, so
//! what is not known is never taken for empty.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use vane_proto::admin;

use super::{Admin, Channels};

/// Time for the answer, which a node has at hand from its start on.
const ANSWER_MAX: Duration = Duration::from_secs(3);

/// What a pod's disk said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disk {
    /// Nothing is on it.
    Empty,
    /// It belongs to a database.
    Member {
        /// UUID of the database, as the disk has it.
        cluster_id: String,
        /// Number of the node that the disk is.
        node_id: u64,
    },
    /// The node did not answer; why.
    Unreachable(String),
}

impl Disk {
    /// UUID of the database that it belongs to, if it belongs to one.
    pub fn database(&self) -> Option<&str> {
        match self {
            Self::Member { cluster_id, .. } => Some(cluster_id),
            Self::Empty | Self::Unreachable(_) => None,
        }
    }
}

/// Asks the nodes at these addresses, by ordinal, whose disks they have. Without a token
/// nobody can be asked.
pub async fn disks(
    channels: &Channels,
    token: Option<&str>,
    addresses: &BTreeMap<i32, String>,
) -> BTreeMap<i32, Disk> {
    let Some(token) = token else { return BTreeMap::new() };
    let asked = addresses.iter().map(|(ordinal, address)| async move {
        (*ordinal, disk_at(channels, address, token).await)
    });
    // All at once: silent nodes cost one timeout together.
    join_all(asked).await.into_iter().collect()
}

async fn disk_at(channels: &Channels, address: &str, token: &str) -> Disk {
    match super::admin(channels, address, token) {
        Ok(admin) => disk(admin).await,
        Err(error) => Disk::Unreachable(error.to_string()),
    }
}

async fn disk(mut admin: Admin) -> Disk {
    let asking = admin.get_disk(admin::GetDiskRequest {});
    let disk = match tokio::time::timeout(ANSWER_MAX, asking).await {
        Ok(Ok(disk)) => disk.into_inner(),
        Ok(Err(status)) => {
            return Disk::Unreachable(format!("it does not answer ({})", status.message()));
        }
        Err(_) => return Disk::Unreachable("it does not answer in time".into()),
    };
    match disk.state() {
        admin::disk::State::Empty => Disk::Empty,
        admin::disk::State::Member => {
            Disk::Member { cluster_id: disk.cluster_id, node_id: disk.node_id }
        }
        // Not empty: a database must not be founded over what a later version wrote.
        admin::disk::State::Unspecified => {
            Disk::Unreachable("its disk is of a later version".into())
        }
    }
}
