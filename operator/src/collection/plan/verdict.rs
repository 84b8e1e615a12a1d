//! Whether the database can have what a Collection asks for, as things stand.

use vane_proto::admin;

use crate::collection::body;
use crate::collection::observed::{Cluster, Observed};
use crate::collection::validate::ValidatedCollection;
use crate::collection::vectors::are_changing;

/// Reason of an object that goes once its database answers.
pub(super) const WAITING: &str = "WaitingForDatabase";

/// Whether the spec can be carried out, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is there, or will be.
    Accepted,
    /// Nothing is done; a word and a sentence.
    Refused(&'static str, String),
    /// It waits for something; a word and a sentence.
    Waiting(&'static str, String),
    /// The object goes; a word and a sentence.
    Leaving(&'static str, String),
}

impl Verdict {
    /// Whether it may be another one soon, without a change of the object.
    pub fn waits(&self) -> bool {
        matches!(self, Self::Waiting(..) | Self::Leaving(WAITING, _))
    }
}

/// Whether the collection can be made, or completed. Of an object that stays.
pub(super) fn verdict(collection: &ValidatedCollection, observed: &Observed) -> Verdict {
    let name = &collection.name;
    if let Some(older) = &observed.taken_by {
        let message = format!(
            "Collection {older}, which is older, has {name} already; this one changes nothing"
        );
        return Verdict::Refused("Taken", message);
    }
    match &observed.cluster {
        Cluster::Absent => {
            let cluster = &collection.spec.cluster_ref.name;
            let message = format!("there is no VectorCluster {cluster} in this namespace");
            Verdict::Waiting("ClusterNotFound", message)
        }
        Cluster::Silent(why) => Verdict::Waiting("ClusterNotReady", why.clone()),
        Cluster::There(nodes) => match &observed.found {
            Some(found) => of_found(collection, observed, found),
            None => of_missing(collection, observed, *nodes),
        },
    }
}

/// One that is there is taken over where it has the declared shape, whoever made it.
fn of_found(
    collection: &ValidatedCollection,
    observed: &Observed,
    found: &admin::Collection,
) -> Verdict {
    let Some(difference) = difference(collection, observed, found) else {
        let are_changing = are_changing(&collection.vectors(found).all);
        if found.vectors_revision.is_none() && are_changing {
            let message = "vectors are to be added or removed, and the node that was asked is of a \
                           version that cannot do that: bring all nodes to this operator's version";
            return Verdict::Waiting("NodesTooOld", message.into());
        }
        return Verdict::Accepted;
    };
    let message = format!(
        "the database has a collection {} of another shape: {difference}; nothing was changed",
        collection.name
    );
    Verdict::Refused("ShapeDiffers", message)
}

fn of_missing(collection: &ValidatedCollection, observed: &Observed, nodes: i32) -> Verdict {
    if observed.was_there {
        // An application deleted it: its points are gone, and an empty one would hide that.
        let message = format!(
            "collection {} was deleted in the database; to have it again, delete this object and \
             make it anew",
            collection.name
        );
        return Verdict::Refused("Deleted", message);
    }
    // Before nodes are counted: those that are awaited are among those that are too few.
    if let Some(awaited) = &observed.awaited {
        let message = format!("its copies are to be spread over all nodes, and {awaited}");
        return Verdict::Waiting("NodesJoining", message);
    }
    let copies = collection.spec.replication_factor;
    if copies > nodes {
        let message = format!("{copies} copies need as many nodes, the cluster has {nodes}");
        return Verdict::Refused("TooFewNodes", message);
    }
    Verdict::Accepted
}

/// What a collection that is there has otherwise than declared, and cannot change.
pub(super) fn difference(
    collection: &ValidatedCollection,
    observed: &Observed,
    found: &admin::Collection,
) -> Option<String> {
    let is_own = observed.was_there || found.idempotency_key == collection.key;
    body::difference(&collection.spec, &body::config(found))
        .or_else(|| collection.vectors(found).difference(is_own))
}
