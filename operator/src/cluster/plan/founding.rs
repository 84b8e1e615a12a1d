//! Whether there is a database, and when one is founded: once, and only on disks of which each
//! has said that it is empty.

use std::collections::BTreeSet;

use super::{Refusal, Step};
use crate::cluster::observed::{Observed, Pod, Set};
use crate::cluster::validate::ValidatedCluster;
use crate::database::Disk;

/// How the founding stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Founding {
    /// The database is founded; the UUID where a disk told it.
    Done(Option<String>),
    /// Something is waited for.
    Waiting(String),
    /// It must not go on: a person has to look.
    Stuck(Refusal),
}

/// Whether there is a database, as the disks say. Status is a copy that may be lost.
pub(super) fn founding(observed: &Observed) -> Founding {
    let ids = database_ids(observed);
    if ids.len() > 1 {
        // Neither is adopted: no disk says which of them is wanted.
        return Founding::Stuck(two_databases(&ids));
    }
    // One member is enough: a disk that is silent may belong to its database.
    if let Some(id) = ids.first() {
        return Founding::Done(Some((*id).to_owned()));
    }
    let Some(set) = &observed.set else { return Founding::Waiting("the pods are made".into()) };
    let unknown = unknown_disks(set, observed);
    match (unknown.is_empty(), observed.founded) {
        // Founding anew would hide the loss behind an empty database.
        (true, true) => Founding::Stuck(volumes_lost()),
        (true, false) => Founding::Waiting("the database is founded on ordinal 0".into()),
        // It answers when it has its volume.
        (false, true) => Founding::Done(None),
        (false, false) => Founding::Waiting(format!(
            "all disks are asked before a database is founded: {}",
            unknown.join("; ")
        )),
    }
}

/// The step that founds the database: every disk that there should be is there and empty, and
/// there was never a database.
pub(super) fn steps(cluster: &ValidatedCluster, observed: &Observed) -> Option<Step> {
    let set = observed.set.as_ref()?;
    let may_found = !observed.founded
        // Scaled to 0 by hand, a set has no disk that is unknown, and no ordinal 0 either.
        && set.replicas > 0
        && database_ids(observed).is_empty()
        && unknown_disks(set, observed).is_empty();
    // The UUID of the object: an operator that is killed here founds the same one again.
    may_found.then_some(Step::Bootstrap(cluster.uid))
}

/// UUIDs of the databases that disks belong to; more than one is a mistake of somebody's.
fn database_ids(observed: &Observed) -> BTreeSet<&str> {
    observed.pods.values().filter_map(|pod| pod.disk.database()).collect()
}

fn unknown_disks(set: &Set, observed: &Observed) -> Vec<String> {
    (0..set.replicas)
        .filter_map(|ordinal| unknown_disk(ordinal, observed.pods.get(&ordinal)))
        .collect()
}

/// Why it is not known what is on a disk.
fn unknown_disk(ordinal: i32, pod: Option<&Pod>) -> Option<String> {
    match pod.map(|pod| &pod.disk) {
        None => Some(format!("pod {ordinal} is not there")),
        Some(Disk::Unreachable(why)) => Some(format!("pod {ordinal}: {why}")),
        Some(Disk::Empty | Disk::Member { .. }) => None,
    }
}

fn two_databases(ids: &BTreeSet<&str>) -> Refusal {
    let ids: Vec<&str> = ids.iter().copied().collect();
    Refusal {
        reason: "TwoDatabases",
        message: format!(
            "the volumes belong to different databases ({}): nothing is changed; delete the \
             claims of the one that is not wanted, or give them back their names",
            ids.join(", ")
        ),
    }
}

fn volumes_lost() -> Refusal {
    Refusal {
        reason: "VolumesLost",
        message: "the database was founded, and now the disks of all its nodes are empty: its \
                  data is gone. Nothing is changed; bring the volumes back, or delete this \
                  object and make it again"
            .into(),
    }
}
