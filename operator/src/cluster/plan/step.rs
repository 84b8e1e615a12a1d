//! The changes that a plan may ask for, and their words.

use derive_more::Display;
use uuid::Uuid;

/// A change to make. Each can be repeated without harm.
#[derive(Debug, Display, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make the token of the nodes.
    #[display("make the token of the nodes")]
    MakeToken,
    /// Make the StatefulSet, with so many pods.
    #[display("make a StatefulSet of {_0} pods")]
    CreateSet(i32),
    /// Take over the StatefulSet that a deleted cluster of this name left behind.
    #[display("take over the StatefulSet that a deleted cluster left behind")]
    TakeSet,
    /// Give the StatefulSet so many pods, more than it has.
    #[display("scale out to {_0} nodes")]
    ScaleOut(i32),
    /// Found the database on the disk of ordinal 0.
    #[display("found database {_0} on ordinal 0")]
    Bootstrap(Uuid),
    /// Tell the database where a node stands.
    #[display("tell the database that {pod} stands in zone {zone}")]
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
            Self::TakeSet => "TakingPodsOver",
            Self::ScaleOut(_) => "ScalingOut",
            Self::Bootstrap(_) => "Founding",
            Self::SetZone { .. } => "SettingZones",
        }
    }
}
