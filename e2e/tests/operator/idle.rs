//! Nothing is written when nothing happens.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vane_testbed::proc::{cpu_seconds, resident_bytes};

use crate::process::Operator;
use crate::snapshot::Snapshot;
use crate::world::{World, cluster, named};

const NAMESPACE: &str = "idle";
/// Nodes of each cluster: most are small, so that this runs on a small machine.
const NODES: [i32; 10] = [3, 3, 1, 1, 1, 1, 1, 1, 1, 1];
/// How long nothing may be written: longer than the operator leaves anything alone.
/// `IDLE_SECONDS` sets another time.
const IDLE: Duration = Duration::from_secs(35);
/// Stretches of that length, of which one must be without a write: clusters that were just
/// made have something to say, and so have nodes that a busy machine gave no time.
const STRETCHES: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn at_rest_no_object_but_leases_is_written() {
    let world = World::with_kubelet().await;
    world.namespace(NAMESPACE).await;
    for (number, nodes) in (0..).zip(NODES) {
        let name = format!("c{number}");
        world.apply(NAMESPACE, &named(&name, cluster(nodes))).await;
        world.apply(NAMESPACE, &named(&name, collection(&name, nodes))).await;
    }
    for number in 0..NODES.len() {
        for kind in ["vc", "col"] {
            world
                .wait_condition(NAMESPACE, &format!("{kind}/c{number}"), "Ready", ("True", "Ready"))
                .await;
        }
    }
    let idle = std::env::var("IDLE_SECONDS").map_or(IDLE, |seconds| {
        Duration::from_secs(seconds.parse().expect("IDLE_SECONDS is a number"))
    });
    let mut changes = Vec::new();
    let mut before = Snapshot::take(&world.api).await;
    for stretch in 0..STRETCHES {
        // The first shows whether the operator came to rest: no need for a long one.
        let length = if stretch == 0 { IDLE } else { idle };
        let (began, start) = (Instant::now(), Work::of(&world.operator).await);
        tokio::time::sleep(length).await;
        let now = Snapshot::take(&world.api).await;
        changes = before.changes(&now);
        let work = Work::of(&world.operator).await.since(&start);
        println!(
            "{} of {} objects changed in {:?}: {work}",
            changes.len(),
            before.len(),
            began.elapsed()
        );
        if changes.is_empty() && length >= idle {
            break;
        }
        println!("{}", changes.join("\n"));
        before = now;
    }
    assert!(changes.is_empty(), "{} objects changed:\n{}", changes.len(), changes.join("\n"));
    let pods = usize::try_from(NODES.iter().sum::<i32>()).unwrap();
    for (kind, count) in
        [("VectorCluster.", 10), ("Collection.", 10), ("ShardPlacement.", 20), ("Pod.", pods)]
    {
        assert_eq!(before.count(kind), count, "{kind}");
    }
}

fn collection(cluster: &str, nodes: i32) -> Value {
    json!({
        "apiVersion": "vanedb.io/v1alpha1", "kind": "Collection", "metadata": {},
        "spec": {
            "clusterRef": {"name": cluster}, "shards": 2, "replicationFactor": nodes,
            "vectors": [{"size": 4, "distance": "Dot"}],
        },
    })
}

/// What an operator's process did since it started.
struct Work {
    passes: f64,
    cpu_seconds: f64,
    memory_bytes: u64,
}

impl Work {
    async fn of(operator: &Operator) -> Self {
        let mut passes = 0.0;
        for kind in ["VectorCluster", "Collection"] {
            let metric = format!("vane_operator_reconciliations_total{{kind=\"{kind}\"}}");
            passes += operator.metric(&metric).await.unwrap();
        }
        let id = operator.id();
        Self { passes, cpu_seconds: cpu_seconds(id), memory_bytes: resident_bytes(id) }
    }

    fn since(&self, start: &Self) -> String {
        let (passes, seconds) = (self.passes - start.passes, self.cpu_seconds - start.cpu_seconds);
        let kib = self.memory_bytes / 1024;
        format!("{passes} passes, {seconds:.2} s of processor time, {kib} KiB of memory")
    }
}
