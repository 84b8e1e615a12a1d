//! Machine m1 is gone with the volume of demo-1, which was node 2.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use uuid::Uuid;
use vane_crds::VectorCluster;
use vane_proto::admin::{Group, Node, Safety, Shard};

use super::*;
use crate::cluster::observed::Set;
use crate::cluster::plan::{Plan, plan};
use crate::cluster::validate::validate;
use crate::cluster::volumes;
use crate::database::{Database, Disk, Machine, PodState};

const AUTOMATIC: &str = "Automatic";

fn cluster(mode: &str, nodes: i32) -> ValidatedCluster {
    let member = |ordinal: i32| {
        let name = names::pod("demo", ordinal);
        json!({"name": name, "nodeId": ordinal + 1, "alive": true, "metaVoter": true,
               "volume": format!("claim-{ordinal}")})
    };
    let members: Vec<Value> = (0..nodes).map(member).collect();
    let object: VectorCluster = serde_json::from_value(json!({
        "apiVersion": "vanedb.io/v1alpha1", "kind": "VectorCluster",
        "metadata": {"name": "demo", "namespace": "data", "uid": Uuid::nil()},
        "spec": {"nodes": nodes, "version": "1",
                 "storage": {"size": "10Gi", "recovery": {"mode": mode, "afterMinutes": 30}}},
        "status": {"members": members},
    }))
    .unwrap();
    validate(&object).unwrap()
}

/// A cluster that does what the steps say, and keeps what is said in status.
struct Sim {
    cluster: ValidatedCluster,
    observed: Observed,
}

impl Sim {
    fn new(mode: &str, nodes: i32) -> Self {
        let node = |ordinal: i32| Node {
            id: u64::from(ordinal.unsigned_abs()) + 1,
            name: names::pod("demo", ordinal),
            alive: true,
            ..Node::default()
        };
        let known: Vec<Node> = (0..nodes).map(node).collect();
        let verdict =
            |node: &Node| Safety { without: vec![node.id], ok: true, ..Safety::default() };
        let group = Some(Group { leader_node: 1, ..Group::default() });
        let database = Database {
            safety: known.iter().map(verdict).collect(),
            nodes: known,
            shards: vec![Shard { collection: "docs".into(), group, ..Shard::default() }],
            confirmed: Some(1),
            ..Database::default()
        };
        let pod = |ordinal: i32| {
            let node_id = u64::from(ordinal.unsigned_abs()) + 1;
            let disk = Disk::Member { cluster_id: "a".into(), node_id };
            let (name, state) = (names::pod("demo", ordinal), PodState::default());
            (ordinal, Pod { name, ready: true, zone: None, disk, state })
        };
        let claim =
            |ordinal: i32| (ordinal, Claim { uid: format!("claim-{ordinal}"), ..Claim::default() });
        let observed = Observed {
            set: Some(Set { replicas: nodes, owned: true, ..Set::default() }),
            pods: (0..nodes).map(pod).collect(),
            claims: (0..nodes).map(claim).collect(),
            founded: true,
            database: Some(database),
            now: "2026-01-01T00:00:00Z".parse().unwrap(),
            ..Observed::default()
        };
        let mut sim = Self { cluster: cluster(mode, nodes), observed };
        (0..nodes).for_each(|ordinal| sim.machine(ordinal, Outlook::Stays));
        sim
    }

    /// One in which demo-1 is stranded.
    fn stranded(mode: &str) -> Self {
        let mut sim = Self::new(mode, 3);
        sim.lose(1);
        sim
    }

    fn machine(&mut self, ordinal: i32, outlook: Outlook) {
        let machine = Machine { name: format!("m{ordinal}"), zone: None, outlook };
        self.pod(ordinal).state.machine = Some(machine);
    }

    fn lose(&mut self, ordinal: i32) {
        let gone = "is not there any more".to_owned();
        self.machine(ordinal, Outlook::Gone(gone.clone()));
        let pod = self.pod(ordinal);
        (pod.ready, pod.disk) = (false, Disk::Unreachable(String::new()));
        pod.state.uid = format!("pod-{ordinal}");
        let machine = format!("m{ordinal}");
        let local = Local { machine, gone: Some(gone), is_proven: true };
        self.observed.local.insert(ordinal, local);
        self.node(ordinal).alive = false;
    }

    fn pod(&mut self, ordinal: i32) -> &mut Pod {
        self.observed.pods.get_mut(&ordinal).unwrap()
    }

    fn database(&mut self) -> &mut Database {
        self.observed.database.as_mut().unwrap()
    }

    fn node(&mut self, ordinal: i32) -> &mut Node {
        &mut self.database().nodes[usize::try_from(ordinal).unwrap()]
    }

    fn later(&mut self, minutes: i64) {
        self.observed.now += jiff::SignedDuration::from_mins(minutes);
    }

    /// A pass, whose steps are not carried out: status is written. Its step.
    fn pass(&mut self) -> Option<&'static str> {
        let Plan { steps, stranded, .. } = plan(&self.cluster, &self.observed);
        self.cluster.status.stranded = stranded.into_iter().map(|it| it.status).collect();
        steps.first().map(Step::reason)
    }

    fn waits_for(&self) -> &str {
        &self.cluster.status.stranded[0].waits_for
    }
}

#[test]
fn a_volume_is_given_up_once_its_machine_was_gone_for_long() {
    let mut sim = Sim::stranded(AUTOMATIC);
    assert_eq!(sim.pass(), None, "it is gone since now");
    assert!(sim.waits_for().contains("2026-01-01T00:30:00Z"), "{}", sim.waits_for());
    sim.later(29);
    assert_eq!(sim.pass(), None);
    sim.later(1);
    assert_eq!(sim.pass(), Some("GivingVolumeUp"));
    let step = plan(&sim.cluster, &sim.observed).steps[0].clone();
    let expected = Step::DeleteClaim {
        claim: "data-demo-1".into(),
        uid: "claim-1".into(),
        machine: "m1".into(),
    };
    assert_eq!(step, expected);
    // Its pod has it still, or Kubernetes took that away and it is gone.
    sim.observed.claims.get_mut(&1).unwrap().going = true;
    assert_eq!(sim.pass(), Some("ForcingPod"));
    assert_eq!(sim.cluster.status.stranded.len(), 1);
    let mut gone = Sim { cluster: sim.cluster.clone(), observed: sim.observed.clone() };
    gone.observed.claims.remove(&1);
    gone.observed.local.remove(&1);
    gone.pod(1).state.machine = None;
    assert_eq!(gone.pass(), Some("ForcingPod"));
    // The pod is made again, with another claim.
    sim.observed.pods.remove(&1);
    assert_eq!(sim.pass(), None);
    assert_eq!(sim.cluster.status.stranded.len(), 1);
    let mut pod = gone.pod(1).clone();
    pod.state.uid = "new".into();
    sim.observed.pods.insert(1, pod);
    sim.observed.local.remove(&1);
    sim.observed.claims.insert(1, Claim { uid: "new".into(), ..Claim::default() });
    assert_eq!(sim.pass(), None);
    assert!(sim.cluster.status.stranded.is_empty());
    // Nobody else is given up before it is a node again and the old one is forgotten.
    sim.lose(2);
    sim.pass();
    sim.later(60);
    assert_eq!(sim.pass(), None);
    assert!(sim.waits_for().contains("demo-1 is not ready"), "{}", sim.waits_for());
    sim.pod(1).ready = true;
    let new = Node { id: 4, name: "demo-1".into(), alive: true, ..Node::default() };
    sim.database().nodes.push(new);
    assert_eq!(sim.pass(), Some("Leaving"), "a claim that is another one is a word");
    assert!(sim.waits_for().contains("on its way out first"), "{}", sim.waits_for());
}

#[test]
fn without_leave_it_is_only_told() {
    let mut sim = Sim::stranded("Manual");
    sim.pass();
    sim.later(600);
    assert_eq!(sim.pass(), None);
    let plan = plan(&sim.cluster, &sim.observed);
    let finding = volumes::healthy(&sim.cluster, &sim.observed, &plan).unwrap();
    assert_eq!((finding.holds, finding.reason), (false, "MachineGone"));
    assert!(finding.message.contains("kubectl -n data delete pvc data-demo-1 --wait=false"));
}

#[test]
fn what_is_switched_off_or_comes_back_stops_it() {
    let due = || {
        let mut sim = Sim::stranded(AUTOMATIC);
        sim.pass();
        sim.later(30);
        assert_eq!(sim.pass(), Some("GivingVolumeUp"));
        sim
    };
    let mut sim = due();
    sim.cluster.spec.storage.recovery.mode = RecoveryMode::Manual;
    assert_eq!(sim.pass(), None);
    let mut sim = due();
    sim.cluster.spec.paused = true;
    assert_eq!(sim.pass(), None);
    let mut sim = due();
    sim.observed.local.get_mut(&1).unwrap().gone = None;
    assert_eq!(sim.pass(), None);
    assert!(sim.cluster.status.stranded.is_empty(), "it begins anew when it goes again");
    // The node is back although its machine is not seen, also after the claim was deleted.
    let mut sim = due();
    sim.observed.claims.get_mut(&1).unwrap().going = true;
    sim.node(1).alive = true;
    assert_eq!(sim.pass(), None);
    sim.pod(1).ready = true;
    assert_eq!(sim.pass(), None);
    assert!(sim.cluster.status.stranded.is_empty());
}

#[test]
fn nothing_is_given_up_that_may_be_needed_or_is_not_known() {
    type Change = fn(&mut Sim);
    let cases: [(Change, &str); 8] = [
        (|sim| sim.database().shards[0].group = None, "shard 0 of docs has no majority"),
        (|sim| sim.database().safety[1].ok = false, "caught up without it"),
        (|sim| sim.database().safety[1].pauses = 1, "caught up without it"),
        (|sim| sim.database().confirmed = None, "a majority of the database"),
        (|sim| sim.node(1).alive = true, "node 2 is heard of still"),
        (|sim| sim.observed.local.get_mut(&1).unwrap().is_proven = false, "may not read volumes"),
        (|sim| sim.cluster.status.members.clear(), "not known whether node 2 ran"),
        (|sim| sim.pod(2).ready = false, "demo-2 is not ready"),
    ];
    for (change, why) in cases {
        let mut sim = Sim::stranded(AUTOMATIC);
        sim.pass();
        sim.later(60);
        change(&mut sim);
        assert_eq!(sim.pass(), None, "{why}");
        assert!(sim.waits_for().contains(why), "{why}: {}", sim.waits_for());
    }
}

#[test]
fn the_time_counts_for_which_every_shard_had_a_majority() {
    let mut sim = Sim::stranded(AUTOMATIC);
    sim.pass();
    sim.later(20);
    let group = sim.database().shards[0].group.take();
    sim.pass();
    sim.database().shards[0].group = group;
    sim.later(20);
    assert_eq!(sim.pass(), None);
    // What is not known for a moment takes nothing away.
    sim.later(20);
    sim.database().confirmed = None;
    sim.pass();
    sim.database().confirmed = Some(2);
    sim.later(10);
    assert_eq!(sim.pass(), Some("GivingVolumeUp"));
}

#[test]
fn two_that_are_gone_are_made_anew_one_after_the_other() {
    let mut sim = Sim::new(AUTOMATIC, 5);
    sim.lose(1);
    sim.lose(3);
    sim.pass();
    sim.later(30);
    assert_eq!(sim.pass(), Some("GivingVolumeUp"));
    assert!(sim.cluster.status.stranded[1].waits_for.contains("another pod"));
    sim.observed.claims.get_mut(&1).unwrap().going = true;
    let steps = plan(&sim.cluster, &sim.observed).steps;
    assert_eq!(steps, [Step::ForcePod { pod: "demo-1".into(), uid: "pod-1".into() }]);
}

#[test]
fn a_machine_that_is_not_ready_is_told_after_a_while() {
    let mut sim = Sim::new(AUTOMATIC, 3);
    sim.pod(1).ready = false;
    let mut told = |seconds| {
        sim.machine(1, Outlook::Unready(Duration::from_secs(seconds)));
        let plan = plan(&sim.cluster, &sim.observed);
        assert!(plan.steps.is_empty() && plan.stranded.is_empty());
        volumes::healthy(&sim.cluster, &sim.observed, &plan).unwrap()
    };
    assert!(told(299).holds);
    let finding = told(300);
    assert_eq!(finding.reason, "MachineNotReady");
    assert!(finding.message.contains("kubectl taint node m1 node.kubernetes.io/out-of-service"));
}
