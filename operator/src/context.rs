//! What every reconciliation shares.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use kube::core::DynamicObject;
use kube::runtime::events::{Recorder, Reporter};
use kube::runtime::reflector::ObjectRef;
use kube::{Client, Resource, ResourceExt};
use parking_lot::Mutex;

use crate::copies::{Copies, Recent};
use crate::database::{Channels, Scope};
use crate::failpoint::Failpoint;
use crate::metrics::Metrics;
use crate::names::MANAGER;
use crate::sightings::Sightings;
use crate::turns::Turns;

/// Longest pause after errors.
const RETRY_MAX: Duration = Duration::from_secs(300);
/// Pauses after errors: one second, doubled with each that follows. Jitter adds up to as much
/// again, so that those who failed together do not come back together.
const RETRY: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_secs(1))
    .with_max_delay(Duration::from_secs(RETRY_MAX.as_secs() / 2))
    .without_max_times()
    .with_jitter();

/// Times of writes that are remembered before old ones are looked for.
const WRITTEN_MAX: usize = 10_000;
/// Age at which they are forgotten.
const WRITTEN_KEPT: Duration = Duration::from_secs(300);

/// Kind, namespace and name.
type Key = (String, String, String);

/// Shared by all reconciliations of one process.
pub struct Context {
    /// Kubernetes.
    pub client: Client,
    /// Events. One for all, so that those that repeat are counted.
    pub recorder: Recorder,
    /// What is counted.
    pub metrics: Metrics,
    /// What was seen of databases in earlier passes.
    pub(crate) sightings: Sightings,
    /// What was read of Kubernetes by name.
    pub(crate) recent: Recent,
    /// Connections to nodes.
    pub(crate) channels: Channels,
    /// Which clusters may be rolled.
    pub(crate) turns: Turns,
    /// Keys of taints by which machines say that they are about to be drained.
    drain_taints: BTreeSet<String>,
    /// Where the process ends, in tests.
    pub failpoint: Failpoint,
    /// What watches have, by the namespace that they are of; `None` is all of them.
    copies: Mutex<HashMap<Option<String>, Arc<Copies>>>,
    /// Objects whose last pass failed, with the pauses that are left to them.
    failures: Mutex<HashMap<Key, ExponentialBackoff>>,
    /// When figures of a status were last written, for those of which only figures change.
    written: Mutex<HashMap<Key, Instant>>,
}

impl Context {
    /// A context of this process, which events name as `instance`.
    pub fn new(client: Client, instance: &str, metrics: Metrics, failpoint: Failpoint) -> Self {
        let reporter = Reporter { controller: MANAGER.into(), instance: Some(instance.into()) };
        Self {
            recorder: Recorder::new(client.clone(), reporter),
            client,
            metrics,
            failpoint,
            sightings: Sightings::default(),
            recent: Recent::default(),
            channels: Channels::default(),
            copies: Mutex::default(),
            turns: Turns::default(),
            drain_taints: BTreeSet::new(),
            failures: Mutex::default(),
            written: Mutex::default(),
        }
    }

    /// A cluster's part of Kubernetes.
    pub(crate) fn scope<'a>(
        &'a self,
        namespace: &'a str,
        cluster: &'a str,
        copies: Option<&'a Copies>,
    ) -> Scope<'a> {
        let Self { client, recent, channels, drain_taints, .. } = self;
        Scope { client, cluster, namespace, copies, recent, channels, drain_taints }
    }

    /// Takes what the watches of a namespace have, or of all.
    pub(crate) fn keep(&self, namespace: Option<&str>, copies: Arc<Copies>) {
        self.copies.lock().insert(namespace.map(str::to_owned), copies);
    }

    /// What watches have of a namespace, once they have all that is there.
    pub(crate) fn copies(&self, namespace: &str) -> Option<Arc<Copies>> {
        let all = self.copies.lock();
        let copies = all.get(&Some(namespace.to_owned())).or_else(|| all.get(&None))?;
        copies.is_filled().then(|| Arc::clone(copies))
    }

    /// The same with other turns of clusters to be rolled.
    #[must_use]
    pub fn with_turns(self, turns: Turns) -> Self {
        Self { turns, ..self }
    }

    /// The same with other taints by which machines say that they are about to be drained.
    #[must_use]
    pub fn with_drain_taints(self, keys: impl IntoIterator<Item = String>) -> Self {
        Self { drain_taints: keys.into_iter().collect(), ..self }
    }

    /// Whether this process works or stands by.
    pub fn leads(&self, leads: bool) {
        self.metrics.leads(leads);
    }

    /// An object was reconciled.
    pub(crate) fn succeeded<K: Resource<DynamicType = ()>>(&self, object: &K) {
        self.forget_failures(&key(object));
    }

    /// An object is gone: nothing of it waits.
    pub(crate) fn gone(&self, object: &ObjectRef<DynamicObject>) {
        let (kind, namespace) =
            (object.dyntype.kind.clone(), object.namespace.clone().unwrap_or_default());
        self.forget_failures(&(kind, namespace, object.name.clone()));
    }

    /// An object could not be reconciled; how long to leave it alone. One that fails again
    /// and again must not keep the others waiting.
    pub(crate) fn failed<K: Resource<DynamicType = ()>>(&self, object: &K) -> Duration {
        let key = key(object);
        let mut failures = self.failures.lock();
        let pauses = failures.entry(key.clone()).or_insert_with(|| RETRY.build());
        let pause = pauses.next().unwrap_or(RETRY_MAX);
        self.show_retrying(&key.0, &failures);
        pause
    }

    fn forget_failures(&self, key: &Key) {
        let mut failures = self.failures.lock();
        if failures.remove(key).is_some() {
            self.show_retrying(&key.0, &failures);
        }
    }

    fn show_retrying(&self, kind: &str, failures: &HashMap<Key, ExponentialBackoff>) {
        self.metrics.retrying(kind, failures.keys().filter(|key| key.0 == kind).count());
    }

    /// Whether a status of which only figures changed may be written again. Forgetting it at
    /// a restart costs one write for each.
    pub(crate) fn is_due<K: Resource<DynamicType = ()>>(
        &self,
        object: &K,
        pause: Duration,
    ) -> bool {
        self.written.lock().get(&key(object)).is_none_or(|wrote| wrote.elapsed() >= pause)
    }

    /// A status was written. What was written long ago is forgotten: objects come and go.
    pub(crate) fn wrote<K: Resource<DynamicType = ()>>(&self, object: &K) {
        let mut written = self.written.lock();
        if written.len() >= WRITTEN_MAX {
            written.retain(|_, wrote| wrote.elapsed() < WRITTEN_KEPT);
        }
        written.insert(key(object), Instant::now());
    }
}

fn key<K: Resource<DynamicType = ()>>(object: &K) -> Key {
    (K::kind(&()).into_owned(), object.namespace().unwrap_or_default(), object.name_any())
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::{ConfigMap, Secret};
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound() {
        let pauses: Vec<Duration> = RETRY.build().take(1000).collect();
        for (attempt, seconds) in [(0, 1), (3, 8), (999, RETRY_MAX.as_secs() / 2)] {
            let shortest = Duration::from_secs(seconds);
            assert!(pauses[attempt] >= shortest, "{attempt}: {pauses:?}");
            assert!(pauses[attempt] <= shortest * 2, "{attempt}: {pauses:?}");
        }
        assert!(pauses.iter().all(|pause| *pause <= RETRY_MAX), "{pauses:?}");
        assert_eq!(pauses.len(), 1000, "a failure is never given up");
    }

    #[tokio::test]
    async fn what_waits_after_a_failure_is_shown_until_it_succeeds_or_goes() {
        let nobody = tower::service_fn(|_: axum::http::Request<kube::client::Body>| {
            std::future::pending::<
                Result<axum::http::Response<kube::client::Body>, std::convert::Infallible>,
            >()
        });
        let client = Client::new(nobody, "default");
        let context = Context::new(client, "test", Metrics::default(), Failpoint::default());
        let shown = |context: &Context, kind: &str, objects: u32| {
            let line = format!("vane_operator_retrying{{kind=\"{kind}\"}} {objects}");
            context.metrics.text().lines().any(|shown| shown == line)
        };
        let named = |name: &str| {
            let metadata = ObjectMeta {
                name: Some(name.into()),
                namespace: Some("default".into()),
                ..ObjectMeta::default()
            };
            Secret { metadata, ..Secret::default() }
        };
        let (first, second) = (named("first"), named("second"));
        context.failed(&first);
        context.failed(&first);
        context.failed(&second);
        context.failed(&ConfigMap { metadata: first.metadata.clone(), ..ConfigMap::default() });
        assert!(shown(&context, "Secret", 2) && shown(&context, "ConfigMap", 1));
        context.succeeded(&first);
        assert!(shown(&context, "Secret", 1));
        context.gone(&ObjectRef::from_obj(&second).erase());
        assert!(shown(&context, "Secret", 0) && shown(&context, "ConfigMap", 1));
    }
}
