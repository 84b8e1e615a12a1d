//! Whose disk a node has, as the node itself says.

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

/// Asks the nodes at these addresses, by ordinal, whose disks they have. Without a token
/// nobody can be asked.
pub async fn disks(token: Option<&str>, addresses: &BTreeMap<i32, String>) -> BTreeMap<i32, Disk> {
    let Some(token) = token else { return BTreeMap::new() };
    let ask = |(ordinal, address): (&i32, &String)| {
        let (ordinal, asked) = (*ordinal, super::admin(address, token));
        async move {
            let disk = match asked {
                Ok(admin) => disk(admin).await,
                Err(error) => Disk::Unreachable(error.to_string()),
            };
            (ordinal, disk)
        }
    };
    join_all(addresses.iter().map(ask)).await.into_iter().collect()
}

async fn disk(mut admin: Admin) -> Disk {
    match admin.get_disk(admin::GetDiskRequest {}).await.map(tonic::Response::into_inner) {
        Err(status) => Disk::Unreachable(format!("it does not answer ({})", status.message())),
        Ok(disk) => match disk.state() {
            admin::disk::State::Empty => Disk::Empty,
            admin::disk::State::Member => Disk::Member { cluster_id: disk.cluster_id },
            admin::disk::State::Unspecified => {
                Disk::Unreachable("its disk is of a later version".into())
            }
        },
    }
}
