//! The changes that a plan may ask for, and their words.

use std::fmt;

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
        /// Pod of the node.
        pod: String,
        /// Zone of the pod's machine.
        zone: String,
    },
}

impl Step {
    /// A word for a condition's reason, an event and a failpoint.
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

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
