//! Sees pods come and go, and gives each name a task of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::watcher::{self, Event};
use kube::{Api, ResourceExt};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use vane_up::addresses::address;

use super::seat::Seat;
use super::{Shared, machines, tend};

/// Pause after the API server did not answer.
const RETRY_PAUSE: Duration = Duration::from_millis(500);
/// Pods at a time; more than that is a mistake.
const PODS_MAX: usize = 1000;
/// Label with the name of the VectorCluster.
const CLUSTER_LABEL: &str = "vanedb.io/cluster";

type Key = (String, String);
type Seen = Option<Arc<Pod>>;

/// Watches until it is dropped.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut pods =
        Pods { shared: Arc::clone(&shared), known: BTreeMap::new(), tasks: JoinSet::new() };
    let api: Api<Pod> = match &shared.options.namespace {
        Some(namespace) => Api::namespaced(shared.client.clone(), namespace),
        None => Api::all(shared.client.clone()),
    };
    let mut labels = "app.kubernetes.io/name=vane".to_owned();
    if let Some(cluster) = &shared.options.cluster {
        labels.push_str(&format!(",{CLUSTER_LABEL}={cluster}"));
    }
    let mut events = watcher::watcher(api, watcher::Config::default().labels(&labels)).boxed();
    let mut renew = interval(machines::RENEW_PAUSE);
    // Signs of life that were missed need not be made up for.
    renew.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut listed = BTreeSet::new();
    loop {
        tokio::select! {
            event = events.next() => match event {
                Some(Ok(event)) => pods.see(event, &mut listed),
                Some(Err(error)) => {
                    tracing::warn!(%error, "the watch of pods broke; it is started again");
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
                None => return,
            },
            _ = renew.tick() => {
                let lost = shared.lost.lock().clone();
                if let Err(error) = machines::renew(&shared.client, &lost).await {
                    tracing::warn!(error = error.to_string(), "the nodes give no sign of life");
                }
            }
        }
    }
}

struct Pods {
    shared: Arc<Shared>,
    known: BTreeMap<Key, watch::Sender<Seen>>,
    tasks: JoinSet<()>,
}

impl Pods {
    fn see(&mut self, event: Event<Pod>, listed: &mut BTreeSet<Key>) {
        match event {
            Event::Init => listed.clear(),
            Event::InitApply(pod) => {
                listed.insert(key(&pod));
                self.is(pod);
            }
            Event::InitDone => {
                // What went while nobody watched.
                for (_, pod) in self.known.iter().filter(|(key, _)| !listed.contains(key)) {
                    pod.send_replace(None);
                }
            }
            Event::Apply(pod) => self.is(pod),
            Event::Delete(pod) => {
                if let Some(pod) = self.known.get(&key(&pod)) {
                    pod.send_replace(None);
                }
            }
        }
    }

    fn is(&mut self, pod: Pod) {
        let key = key(&pod);
        // The task that tends this name goes on with the new pod.
        if let Some(known) = self.known.get(&key) {
            known.send_replace(Some(Arc::new(pod)));
            return;
        }
        let Some(seat) = self.seat(&key, &pod).filter(|_| self.known.len() < PODS_MAX) else {
            tracing::error!(pod = key.1, "there is no address left for this pod; it is not run");
            return;
        };
        let (sender, receiver) = watch::channel(Some(Arc::new(pod)));
        self.known.insert(key, sender);
        self.tasks.spawn(tend::run(Arc::clone(&self.shared), seat, receiver));
    }

    fn seat(&self, key: &Key, pod: &Pod) -> Option<Arc<Seat>> {
        let (namespace, name) = key;
        let cluster = pod.labels().get(CLUSTER_LABEL).cloned().unwrap_or_default();
        // A pod of no set has no ordinal, and so no address of its own.
        let ordinal = name.rsplit_once('-')?.1.parse().ok()?;
        let address = address(self.shared.blocks.lock().of(namespace, &cluster)?, ordinal)?;
        let dir = self.shared.options.dir.join(namespace);
        let seat = Arc::new(Seat::new(name.clone(), address, dir));
        self.shared.seats.lock().insert(key.clone(), Arc::clone(&seat));
        Some(seat)
    }
}

fn key(pod: &Pod) -> Key {
    (pod.namespace().unwrap_or_default(), pod.name_any())
}
