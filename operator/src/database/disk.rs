//! Whose disk a node has, as the node itself says. A database is founded by these answers, so
//! what is not known is never taken for empty.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use vane_proto::admin;

use super::Admin;

/// What a pod's disk said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disk {
    /// Nothing is on it.
    Empty,
    /// It belongs to a database.
    Member {
        /// UUID of the database, as the disk has it.
        cluster_id: String,
    },
    /// The node did not answer; why.
    Unreachable(String),
}

impl Disk {
    /// Whether it belongs to a database.
    pub fn is_member(&self) -> bool {
        matches!(self, Self::Member { .. })
    }
}

/// Asks the nodes at these addresses, by ordinal, whose disks they have. Without a token
/// nobody can be asked.
pub async fn disks(token: Option<&str>, addresses: &BTreeMap<i32, String>) -> BTreeMap<i32, Disk> {
    let Some(token) = token else { return BTreeMap::new() };
    let asked = addresses
        .iter()
        .map(|(ordinal, address)| async move { (*ordinal, disk_at(address, token).await) });
    // All at once: silent nodes cost one timeout together.
    join_all(asked).await.into_iter().collect()
}

async fn disk_at(address: &str, token: &str) -> Disk {
    match super::admin(address, token) {
        Ok(admin) => disk(admin).await,
        Err(error) => Disk::Unreachable(error.to_string()),
    }
}

async fn disk(mut admin: Admin) -> Disk {
    let disk = match admin.get_disk(admin::GetDiskRequest {}).await {
        Ok(disk) => disk.into_inner(),
        Err(status) => {
            return Disk::Unreachable(format!("it does not answer ({})", status.message()));
        }
    };
    match disk.state() {
        admin::disk::State::Empty => Disk::Empty,
        admin::disk::State::Member => Disk::Member { cluster_id: disk.cluster_id },
        // Not empty: a database must not be founded over what a later version wrote.
        admin::disk::State::Unspecified => {
            Disk::Unreachable("its disk is of a later version".into())
        }
    }
}
