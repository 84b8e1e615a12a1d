//! The changes that a plan may ask for, and their words.

use uuid::Uuid;

/// A change to make. Each can be repeated without harm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make the token of the nodes.
    MakeToken,
    /// Make the StatefulSet, with so many pods.
    CreateSet(i32),
    /// Give the StatefulSet so many pods, more than it has.
    ScaleOut(i32),
    /// Found the database on the disk of ordinal 0.
    Bootstrap(Uuid),
    /// Tell the database where a node stands.
    SetZone {
        /// The node, by the database's number.
        node: u64,
        /// Its pod.
        pod: String,
        /// Its zone.
        zone: String,
    },
}

impl Step {
    /// A word for a condition's reason and an event.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::MakeToken => "MakingToken",
            Self::CreateSet(_) => "CreatingPods",
            Self::ScaleOut(_) => "ScalingOut",
            Self::Bootstrap(_) => "Founding",
            Self::SetZone { .. } => "SettingZones",
        }
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::MakeToken => write!(f, "make the token of the nodes"),
            Self::CreateSet(replicas) => write!(f, "make a StatefulSet of {replicas} pods"),
            Self::ScaleOut(replicas) => write!(f, "scale out to {replicas} nodes"),
            Self::Bootstrap(id) => write!(f, "found database {id} on ordinal 0"),
            Self::SetZone { pod, zone, .. } => {
                write!(f, "tell the database that {pod} stands in zone {zone}")
            }
        }
    }
}
