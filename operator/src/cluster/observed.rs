//! What is known of a cluster when its next step is planned: what Kubernetes has, and what
//! the database answers. Facts only; nothing here is decided.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use vane_crds::Quantity;
use vane_crds::cluster::{FailedUpdate, Retention};
use vane_proto::admin;

use super::standing::{Child, Standing};
use super::validate::ValidatedCluster;
use crate::database::{Database, Disk, NoToken, PodState};
use crate::names;

/// A pod of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// Name of the pod, by which the database knows the node.
    pub name: String,
    /// Whether the pod is ready.
    pub ready: bool,
    /// Zone of the machine that the pod runs on, where the machine names one.
    pub zone: Option<String>,
    /// What the pod's disk said of itself.
    pub disk: Disk,
    /// What Kubernetes says of it besides.
    pub state: PodState,
}

/// What the StatefulSet's pods are, and what was noted of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Set {
    /// Pods that the StatefulSet should have.
    pub replicas: i32,
    /// Recipe that pods are made from now; `None` of what is no StatefulSet and has no recipes.
    pub recipe: Option<String>,
    /// What an operator from before recipes noted of the spec that it made the pods from.
    pub before_recipes: Option<String>,
    /// It goes with the cluster. One that a deleted cluster left behind belongs to nobody.
    pub owned: bool,
    /// Size of the volumes, as it was when the StatefulSet was made.
    pub size: Option<String>,
    /// What becomes of the volumes, as it was when the StatefulSet was made.
    pub retention: Option<Retention>,
    /// Of the settings that nodes take while they run, those that pods are made with now.
    pub live: BTreeMap<String, String>,
    /// Whether the nodes take them: all of them know how.
    pub changes_live: bool,
    /// Recipe that all pods were ready with last.
    pub good: Option<String>,
    /// The roll-out that was given up.
    pub failed: Option<FailedUpdate>,
    /// The node that the operator is taking away.
    pub leaving: Option<Leaver>,
}

/// A node that is being taken away, as it was noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaver {
    /// Its pod.
    pub pod: String,
    /// The database's number for it.
    pub node: u64,
}

impl Leaver {
    /// As it is noted.
    pub(crate) fn noted(&self) -> String {
        format!("{}/{}", self.pod, self.node)
    }

    /// What was noted; `None` where somebody wrote over it.
    pub(crate) fn of_note(note: &str) -> Option<Self> {
        let (pod, node) = note.rsplit_once('/')?;
        Some(Self { pod: pod.to_owned(), node: node.parse().ok()? })
    }
}

/// A claim of the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claim {
    /// UUID of this very claim.
    pub uid: String,
    /// The node that its disk was, where it is no member's any more.
    pub retired: Option<String>,
    /// How large its volume is to be.
    pub asked: Option<Quantity>,
    /// How large its volume is, where there is one.
    pub has: Option<Quantity>,
    /// Why it does not grow, as Kubernetes says.
    pub trouble: Option<String>,
    /// It grew, and its pod sees it once it is made anew.
    pub needs_restart: bool,
    /// It is being deleted: it goes with the pod that has it.
    pub going: bool,
}

/// A volume that can be reached from one machine alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Local {
    /// The machine.
    pub machine: String,
    /// By what that is known to be gone, where it is; in words.
    pub gone: Option<String>,
    /// The volume itself says where it is. Otherwise it is only known where it was first made.
    pub is_proven: bool,
}

/// Facts about a cluster, all of one pass.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// Why there is no token, where there is none.
    pub no_token: Option<NoToken>,
    /// What stands under the names of what a cluster is made of.
    pub children: Vec<Child>,
    /// The StatefulSet, if there is one that is the cluster's.
    pub set: Option<Set>,
    /// Recipes that are kept, by name.
    pub kept: BTreeSet<String>,
    /// Recipes whose settings are there.
    pub settings: BTreeSet<String>,
    /// Highest ordinal of a claim that is there, from before or of now, and not retired.
    pub highest_claim: Option<i32>,
    /// Claims that are there, by ordinal.
    pub claims: BTreeMap<i32, Claim>,
    /// Volumes that are local to a machine, by ordinal; looked for only where a pod has no machine
    /// or one that is gone.
    pub local: BTreeMap<i32, Local>,
    /// Pods that people pinned copies to, each with the ShardPlacement; looked for only where nodes
    /// are to go.
    pub pins: BTreeMap<String, String>,
    /// Pods that are there, by ordinal.
    pub pods: BTreeMap<i32, Pod>,
    /// Whether the database was founded, as status remembers it.
    pub founded: bool,
    /// The database, where a node of it answers.
    pub database: Option<Database>,
    /// For how long nodes have been seen to only follow, by the database's numbers.
    pub following: BTreeMap<u64, Duration>,
    /// Why this cluster may not begin to take pods away that run well, where other clusters' are.
    pub no_turn: Option<String>,
    /// When this was seen.
    pub now: Timestamp,
}

impl Observed {
    /// What stands under the name of an object, by its kind and name, where it was looked for.
    pub(crate) fn child(&self, object: &str) -> Option<&Child> {
        self.children.iter().find(|child| child.object == object)
    }

    /// Whose an object is, by its kind and name; nobody's where it was not looked for.
    pub(crate) fn standing_of(&self, object: &str) -> &Standing {
        self.child(object).map_or(&Standing::Free, |child| &child.standing)
    }

    /// Whether what is known of the database is known by the word of a majority of it.
    pub(crate) fn is_confirmed(&self) -> bool {
        self.database.as_ref().is_some_and(|database| database.confirmed.is_some())
    }

    /// Whether a node of the database answers, and none with the word of a majority.
    pub(crate) fn is_one_word(&self) -> bool {
        self.database.as_ref().is_some_and(|database| database.confirmed.is_none())
    }

    /// UUID of the claim that a node's disk is on: by its own word now, or as it was before.
    pub(crate) fn claim_of(
        &self,
        cluster: &ValidatedCluster,
        node: &admin::Node,
    ) -> Option<String> {
        let ordinal = names::pod_ordinal(&cluster.name, &node.name);
        let pod = ordinal.and_then(|ordinal| self.pods.get(&ordinal));
        // Of a pod that is being made again the claim may be another one already.
        let is_there = pod.is_some_and(
            |pod| matches!(&pod.disk, Disk::Member { node_id, .. } if *node_id == node.id),
        );
        let now = ordinal.and_then(|ordinal| self.claims.get(&ordinal)).filter(|_| is_there);
        let mut before = cluster.status.members.iter();
        let before = before.find(|member| u64::try_from(member.node_id) == Ok(node.id));
        let before = before.and_then(|member| member.volume.clone());
        now.map(|claim| claim.uid.clone()).or(before)
    }

    /// Pods that are ready.
    pub(crate) fn ready_pods(&self) -> usize {
        self.pods.values().filter(|pod| pod.ready).count()
    }
}
