//! The changes that a plan may ask for, and their words.

use std::collections::BTreeMap;

use derive_more::Display;
use uuid::Uuid;
use vane_crds::cluster::FailedUpdate;
use vane_proto::admin;

use crate::cluster::observed::Leaver;

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
    /// Tell the database how to move copies and leaders by itself: what is to change of that.
    #[display("tell the database how to move copies and leaders")]
    SetPolicy(admin::Policy),
    /// Keep a recipe: the one that pods are made from now, or the spec's.
    #[display("keep recipe {_0}")]
    KeepRecipe(String),
    /// Make the settings of a recipe that is kept.
    #[display("make the settings of recipe {_0}")]
    MakeSettings(String),
    /// Have pods made from a recipe that is kept. Those that there are stay as they are.
    #[display("make pods from recipe {_0} from now on")]
    ChangeTemplate(String),
    /// Delete a pod that serves nobody; it comes back under its name with the recipe of now.
    #[display("delete pod {pod}")]
    DeletePod {
        /// The pod.
        pod: String,
        /// UUID of this very pod.
        uid: String,
    },
    /// Evict a pod, so that it comes back with the recipe of now.
    #[display("evict pod {pod}")]
    EvictPod {
        /// The pod.
        pod: String,
        /// UUID of this very pod.
        uid: String,
    },
    /// Have a node lead nothing until it is started again.
    #[display("have {pod} hand over what it leads")]
    HandOver {
        /// The node, by the database's number.
        node: u64,
        /// Pod of the node.
        pod: String,
        /// For how long at most.
        seconds: u32,
    },
    /// Let a node lead again that is not to go after all.
    #[display("let {pod} lead again")]
    LetLead {
        /// The node, by the database's number.
        node: u64,
        /// Pod of the node.
        pod: String,
    },
    /// Delete the claim of a pod whose machine is gone, with its volume.
    #[display("give up volume {claim}, which was on machine {machine}")]
    DeleteClaim {
        /// The claim.
        claim: String,
        /// UUID of this very claim.
        uid: String,
        /// The machine that is gone.
        machine: String,
    },
    /// Delete a pod of a machine that is gone, without waiting for a word from there.
    #[display("delete pod {pod}, whose machine is gone")]
    ForcePod {
        /// The pod.
        pod: String,
        /// UUID of this very pod.
        uid: String,
    },
    /// Have the feature level wait for this operator.
    #[display("have the feature level wait until it is raised")]
    HoldLevel,
    /// Give the nodes settings that they take while they run, these and no others.
    #[display("give the nodes settings that they take while they run: {}", listed(_0))]
    SetSettings(BTreeMap<String, String>),
    /// Raise the feature level to what all nodes speak.
    #[display("raise the feature level to {_0}")]
    RaiseLevel(u32),
    /// Go back to the recipe that all pods were ready with last, and remember what failed.
    #[display("give up recipe {}, with which {} failed, for {good}", failed.recipe, failed.pod)]
    GiveUp {
        /// What failed.
        failed: FailedUpdate,
        /// The recipe to go back to.
        good: String,
    },
    /// Remember that all pods are ready with a recipe.
    #[display("note that all pods are ready with recipe {_0}")]
    NoteGood(String),
    /// Forget what failed: the spec asks for something else.
    #[display("forget the roll-out that failed")]
    ForgetFailure,
    /// Note on the StatefulSet which node is taken away.
    #[display("note that {} is to go", _0.pod)]
    NoteLeaving(Leaver),
    /// Tell the database that a node is to go: it gets no copies, and another has its vote.
    #[display("tell the database that {pod} (node {node}) is to go")]
    Leave {
        /// The node, by the database's number.
        node: u64,
        /// Pod of the node.
        pod: String,
    },
    /// Have the copies of a node moved to others.
    #[display("have the copies of {pod} (node {node}) moved to other nodes")]
    MoveCopies {
        /// The node, by the database's number.
        node: u64,
        /// Pod of the node.
        pod: String,
        /// The node that takes them where it can; 0 where any does.
        successor: u64,
    },
    /// Note on a claim that its disk is no member's any more.
    #[display("note that volume {claim} was node {node}'s")]
    RetireVolume {
        /// The claim.
        claim: String,
        /// The node, by the database's number.
        node: u64,
    },
    /// Have the database forget a node that nothing needs.
    #[display("have the database forget {pod} (node {node})")]
    RemoveNode {
        /// The node, by the database's number.
        node: u64,
        /// Pod of the node.
        pod: String,
        /// UUID of its disk.
        disk: String,
    },
    /// Give the StatefulSet so many pods, one fewer than it has.
    #[display("scale in to {_0} nodes")]
    ScaleIn(i32),
    /// Take back that a volume is no member's any more.
    #[display("note that volume {claim} is in use")]
    KeepVolume {
        /// The claim.
        claim: String,
    },
    /// Have a claim ask for another size.
    #[display("have volume {claim} become {size}")]
    ResizeVolume {
        /// The claim.
        claim: String,
        /// How large its volume is to be.
        size: String,
    },
    /// Tell the database that a node stays after all.
    #[display("tell the database that {pod} (node {node}) stays")]
    Stay {
        /// The node, by the database's number.
        node: u64,
        /// Pod of the node.
        pod: String,
    },
    /// Forget that a node was to go.
    #[display("forget that a node was to go")]
    ForgetLeaving,
    /// Delete a recipe that nothing is made from, with its settings.
    #[display("delete recipe {_0}, which nothing is made from")]
    DropRecipe(String),
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
            Self::SetPolicy(_) => "SettingPolicy",
            Self::KeepRecipe(_) => "KeepingRecipe",
            Self::MakeSettings(_) => "MakingSettings",
            Self::ChangeTemplate(_) => "ChangingTemplate",
            Self::DeletePod { .. } => "DeletingPod",
            Self::EvictPod { .. } => "EvictingPod",
            Self::DeleteClaim { .. } => "GivingVolumeUp",
            Self::ForcePod { .. } => "ForcingPod",
            Self::HandOver { .. } => "HandingOver",
            Self::LetLead { .. } => "LettingLead",
            Self::HoldLevel => "HoldingLevel",
            Self::SetSettings(_) => "SettingSettings",
            Self::RaiseLevel(_) => "RaisingLevel",
            Self::GiveUp { .. } => "GivingUp",
            Self::NoteGood(_) => "NotingGood",
            Self::ForgetFailure => "ForgettingFailure",
            Self::NoteLeaving(_) => "NotingLeaving",
            Self::Leave { .. } => "Leaving",
            Self::MoveCopies { .. } => "MovingCopies",
            Self::RetireVolume { .. } => "RetiringVolume",
            Self::RemoveNode { .. } => "RemovingNode",
            Self::ScaleIn(_) => "ScalingIn",
            Self::KeepVolume { .. } => "KeepingVolume",
            Self::ResizeVolume { .. } => "ResizingVolume",
            Self::Stay { .. } => "Staying",
            Self::ForgetLeaving => "ForgettingLeaving",
            Self::DropRecipe(_) => "DroppingRecipe",
        }
    }
}

fn listed(settings: &BTreeMap<String, String>) -> String {
    if settings.is_empty() {
        return "none".into();
    }
    let each = settings.iter().map(|(name, value)| format!("{name}={value}"));
    each.collect::<Vec<_>>().join(", ")
}
