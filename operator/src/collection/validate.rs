//! Whether the database can have what a Collection asks for. Pure.

use vane_crds::Collection;
use vane_crds::collection::CollectionSpec;
use vane_proto::admin;

use super::body;
use super::observed::{Cluster, Observed};
use super::plan::name;

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

/// Whether it can be made, or completed, as things stand.
pub fn validate(collection: &Collection, observed: &Observed) -> Verdict {
    let (spec, name) = (&collection.spec, name(collection));
    if let Some(older) = &observed.taken_by {
        let message = format!(
            "Collection {older}, which is older, has {name} already; this one changes nothing"
        );
        return Verdict::Refused("Taken", message);
    }
    let nodes = match &observed.cluster {
        Cluster::Absent => {
            let message =
                format!("there is no VectorCluster {} in this namespace", spec.cluster_ref.name);
            return Verdict::Waiting("ClusterNotFound", message);
        }
        Cluster::Silent(why) => return Verdict::Waiting("ClusterNotReady", why.clone()),
        Cluster::There(nodes) => *nodes,
    };
    match (&observed.found, &observed.awaited) {
        (Some(found), _) => {
            let message = |it| {
                format!(
                    "the database has a collection {name} of another shape: {it}; nothing was changed"
                )
            };
            difference(spec, found)
                .map_or(Verdict::Accepted, |it| Verdict::Refused("ShapeDiffers", message(it)))
        }
        // An application deleted it: its points are gone, and an empty one would hide that.
        (None, _) if observed.was_there => Verdict::Refused(
            "Deleted",
            format!(
                "collection {name} was deleted in the database; to have it again, delete this object and make it anew"
            ),
        ),
        (None, Some(awaited)) => Verdict::Waiting(
            "NodesJoining",
            format!("its copies are to be spread over all nodes, and {awaited}"),
        ),
        (None, None) if spec.replication_factor > nodes => {
            let factor = spec.replication_factor;
            Verdict::Refused(
                "TooFewNodes",
                format!("{factor} copies need as many nodes, the cluster has {nodes}"),
            )
        }
        (None, None) => Verdict::Accepted,
    }
}

/// What a collection that is there has otherwise than declared, and cannot change.
pub(super) fn difference(spec: &CollectionSpec, found: &admin::Collection) -> Option<String> {
    body::difference(spec, &serde_json::from_str(&found.config).unwrap_or_default())
}
