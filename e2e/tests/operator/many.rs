//! Many clusters, and a part of them in an outage. The nodes are stood for; objects, operator and
//! API server are real.

mod nodes;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, Patch, PatchParams};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};
use vane_testbed::proc::{cpu_seconds, resident_bytes};
use vane_testbed::wait_until_async;

use self::nodes::{Node, address};
use crate::process::Operator;
use crate::world::{World, cluster, condition, named};

const NAMESPACE: &str = "many";
/// Clusters; `MANY_CLUSTERS` sets another number. A thousand take some minutes to be made.
const CLUSTERS: u64 = 40;
/// Of ten clusters so many hang in the outage.
const HANG_OF_TEN: usize = 3;
/// Objects that kubectl applies at once.
const AT_ONCE: usize = 200;
/// How long requests are counted at rest, and in the outage; `MANY_SECONDS` sets another time.
const COUNTED: u64 = 20;
/// Requests of a cluster in up to a minute at rest: a token and settings are read once in it, and
/// now and then all. It would be 84 if each pass asked for everything.
const AT_REST_MAX: f64 = 4.0;
/// The same for each cluster in an outage, all counted: status says it, and events.
const OUTAGE_MAX: f64 = 18.0;
/// An operator of a thousand clusters has no more than this, one of none 16 MiB.
const MEMORY_MAX: u64 = 64 << 20;
/// A healthy cluster is looked at this often, whatever the others do.
const LOOK_MAX: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn many_clusters_cost_little_and_those_that_hang_hold_up_none() {
    let clusters = usize::try_from(number("MANY_CLUSTERS", CLUSTERS)).unwrap();
    let counted = Duration::from_secs(number("MANY_SECONDS", COUNTED));
    let world = World::start().await;
    world.namespace(NAMESPACE).await;
    let mut started = Vec::new();
    for number in 0..clusters {
        started.push(Node::start(number, format!("{}-0", name(number))).await);
    }
    apply_all(&world, clusters).await;
    let client = world.api.client().await.unwrap();
    let began = Instant::now();
    wait_until_async("all clusters to be ready", Duration::from_secs(900), async || {
        run_pods(&client).await;
        let ready = ready(&world).await;
        Ok(if ready == clusters { Ok(()) } else { Err(format!("{ready} are")) })
    })
    .await
    .unwrap_or_else(|error| panic!("{error}\n{}", world.operator.log()));
    println!("{clusters} clusters were ready after {:?}", began.elapsed());

    // What was just made has something to say.
    tokio::time::sleep(counted).await;
    let rest = count(&world.operator, counted).await;
    println!("at rest: {rest}");
    assert!(rest.requests <= AT_REST_MAX * clusters as f64, "at rest: {rest}");
    assert!(rest.memory_bytes <= MEMORY_MAX, "at rest: {rest}");

    let hang = clusters * HANG_OF_TEN / 10;
    started[..hang].iter().for_each(|node| node.hang(true));
    let healthy = &started[hang..];
    for node in healthy {
        node.watch_silence();
    }
    let outage = count(&world.operator, counted).await;
    println!("while {hang} hang: {outage}");
    assert!(outage.requests <= OUTAGE_MAX * clusters as f64, "in the outage: {outage}");
    let longest = healthy.iter().map(Node::longest_silence).max().unwrap();
    println!("a healthy one was not looked at for {longest:?} at most");
    // Of the operator's own pauses, not of the machine's speed: they are a third of it.
    assert!(longest <= LOOK_MAX, "a healthy one was not looked at for {longest:?}");
    assert_eq!(ready(&world).await, clusters - hang, "the others are as they were");
}

/// The number in a variable of the environment.
fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |number| number.parse().unwrap())
}

fn name(number: usize) -> String {
    format!("c{number}")
}

async fn apply_all(world: &World, clusters: usize) {
    let objects: Vec<Value> =
        (0..clusters).map(|number| named(&name(number), cluster(1))).collect();
    for some in objects.chunks(AT_ONCE) {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": some});
        world.apply(NAMESPACE, &list).await;
    }
}

/// Gives each pod that has none an address, and says that it is ready.
async fn run_pods(client: &Client) {
    let pods: Api<Pod> = Api::namespaced(client.clone(), NAMESPACE);
    let found = pods.list(&ListParams::default()).await.unwrap();
    for pod in found.items {
        if pod.status.as_ref().is_some_and(|status| status.pod_ip.is_some()) {
            continue;
        }
        let pod = pod.name_any();
        let number = pod.strip_prefix('c').and_then(|rest| rest.strip_suffix("-0")).unwrap();
        let address = address(number.parse().unwrap()).to_string();
        let conditions = ["PodScheduled", "Ready"].map(|kind| {
            json!({"type": kind, "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"})
        });
        let status = json!({"status": {
            "phase": "Running", "podIP": address, "podIPs": [{"ip": address}],
            "conditions": conditions,
            "containerStatuses": [{
                "name": "vane", "image": "i", "imageID": "", "ready": true, "restartCount": 0,
                "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
            }],
        }});
        pods.patch_status(&pod, &PatchParams::default(), &Patch::Merge(&status)).await.unwrap();
    }
}

async fn ready(world: &World) -> usize {
    let clusters = world.list(NAMESPACE, "vc").await;
    clusters.iter().filter(|cluster| condition(cluster, "Ready")["status"] == "True").count()
}

/// What an operator did in a while.
struct Count {
    requests: f64,
    by_method: BTreeMap<&'static str, f64>,
    cpu_seconds: f64,
    memory_bytes: u64,
    took: Duration,
}

async fn count(operator: &Operator, counted: Duration) -> Count {
    let (began, cpu) = (Instant::now(), cpu_seconds(operator.id()));
    let before = requests(operator).await;
    tokio::time::sleep(counted).await;
    let mut by_method = requests(operator).await;
    by_method.iter_mut().for_each(|(method, number)| *number -= before[method]);
    Count {
        requests: by_method.values().sum(),
        by_method,
        cpu_seconds: cpu_seconds(operator.id()) - cpu,
        memory_bytes: resident_bytes(operator.id()),
        took: began.elapsed(),
    }
}

async fn requests(operator: &Operator) -> BTreeMap<&'static str, f64> {
    let mut requests = BTreeMap::new();
    for method in ["GET", "PATCH", "POST", "DELETE"] {
        let metric = format!("vane_operator_kube_requests_total{{method=\"{method}\"}}");
        requests.insert(method, operator.metric(&metric).await.unwrap_or_default());
    }
    requests
}

impl std::fmt::Display for Count {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { requests, by_method, cpu_seconds, memory_bytes, took } = self;
        let (seconds, mib) = (took.as_secs_f64(), memory_bytes >> 20);
        let rate = requests / seconds;
        write!(
            to,
            "{requests} requests ({rate:.1} a second: {by_method:?}) in {seconds:.0} s, \
             {cpu_seconds:.1} s of processor time, {mib} MiB"
        )
    }
}
